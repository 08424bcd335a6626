"""The store of findings, addressed by what they were computed from.

A key is a digest of the piece's name, all of the package's source below this command, the post's
own source, the shipped models, and the versions that could change a number or a picture. Whatever
changes gives another key; nothing stored is ever out of date.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from causalopt.errors import FileError, QuestionError
from causalopt.model.files import shipped, write_whole
from causalopt.posts.sheet import Findings

if TYPE_CHECKING:
    from collections.abc import Iterable

PACKAGE = Path(__file__).resolve().parent.parent
# What every piece is written with; the other posts and the page itself are not part of its key.
TOOLS = (
    "check.py",
    "sheet.py",
    "charts.py",
    "post.py",
    "systems.py",
    "thermostat_tables.py",
    "pit.py",
    "knowledge_sheet.py",
    "knowledge_charts.py",
)
PACKAGES = ("numpy", "scipy", "sympy", "matplotlib", "llvmlite", "opt-einsum")


def cache_folder() -> Path:
    """Return where findings are kept: `$XDG_CACHE_HOME/causalopt`, else under `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "causalopt" / "reproduce"


def key_of(piece: str, sources: Iterable[Path]) -> str:
    """Return the key of a piece's findings.

    Args:
        piece: post/piece.
        sources: The files its post is written in.

    Example:
        >>> key_of("a/b", []) == key_of("a/b", []) != key_of("a/c", [])
        True
    """
    digest = hashlib.sha256(f"{piece}\n{_ground()}\n".encode())
    for file in sources:
        digest.update(file.read_bytes())
    return digest.hexdigest()


@functools.cache
def _ground() -> str:
    """Return the digest of everything that all pieces stand on."""
    digest = hashlib.sha256(f"{platform.python_version()} {platform.machine()}".encode())
    for name in PACKAGES:
        digest.update(f"{name} {version(name)}\n".encode())
    mine = PACKAGE / "posts"
    above = {mine, PACKAGE / "commands"}
    code = [file for file in sorted(PACKAGE.rglob("*.py")) if not above & set(file.parents)]
    for file in [*code, *(mine / name for name in TOOLS), *shipped().values()]:
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def stored(folder: Path, key: str) -> Findings | None:
    """Return the findings kept under a key, None if there are none that can be read."""
    try:
        return Findings.from_dict(json.loads((folder / f"{key}.json").read_text()))
    except (OSError, ValueError, QuestionError):
        return None


def store(folder: Path, key: str, findings: Findings) -> bool:
    """Keep findings under a key; return whether they could be kept.

    A folder that cannot be written costs the next run its time and nothing else.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(findings.to_dict(), allow_nan=False, ensure_ascii=False)
        write_whole(folder / f"{key}.json", text.encode())
    except (OSError, FileError):
        return False
    return True
