"""Files that are whole once they have their name, and stay so when the machine loses power.

A file is written under a passing name, flushed to the disk, then renamed. Renaming is atomic, so a
process that is killed leaves the old file or the new one, and at worst a passing name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from causalopt.errors import FileError

GO_ON = "what is done stays, and --resume (resume=True) goes on"
PASSING = ".writing"  # the folder of passing names, in a store while a driver is at work on it
_MOST_AT_ONCE = 16
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_durably(root: Path, contents: Mapping[str, bytes | bytearray]) -> None:
    """Write files below a folder, each whole or not at all, and flush them to the disk.

    Their folders are made where they are missing. Files that were there are replaced.

    Args:
        root: A folder that has a folder `PASSING`.
        contents: Path below the root, parts parted by `/` -> what the file holds.

    Raises:
        OSError: One cannot be written: what has its name already stays, no passing name does.
    """
    passing: dict[str, Path] = {}
    try:
        for name, content in contents.items():
            passing[name] = root / PASSING / f"{name.replace('/', '.')}.{uuid.uuid4().hex}"
            _write(passing[name], content)
        _flush(passing.values())
        changed = set()
        for name in contents:
            changed |= _make_folders(root, name)
            os.replace(passing[name], root / name)
            del passing[name]
        flush_folders(changed)
    finally:
        for left in passing.values():
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)


def flush_folders(folders: Iterable[Path]) -> None:
    """Flush what folders list to the disk, the names of new files among it."""
    _flush(folders)


def write_new(path: Path, content: bytes | bytearray) -> None:
    """Write a new file and flush it to the disk; its folders are made where they are missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, content)
    _flush([path])


def refused(error: OSError, path: Path, next_step: str = "") -> FileError:
    """Return the error that says why a store cannot be written, and what to do next."""
    full = error.errno in _FULL
    why = "its disk is full: make room" if full else error.strerror or str(error)
    return FileError(f"cannot write '{path}': {why}" + f"; {next_step}" * bool(next_step))


def _write(path: Path, content: bytes | bytearray) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def _flush(paths: Iterable[Path]) -> None:
    """Flush files or folders to the disk, all at once: each alone would wait for a disk's turn."""
    waiting = list(paths)
    if len(waiting) == 1 or sys.platform == "emscripten":  # a browser has no threads
        for path in waiting:
            _flush_one(path)
        return
    with ThreadPoolExecutor(min(len(waiting), _MOST_AT_ONCE) or 1) as threads:
        list(threads.map(_flush_one, waiting))


def _flush_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_folders(root: Path, name: str) -> set[Path]:
    """Make the folders of a file below the root, never the root; return those that change."""
    folder = root.joinpath(*name.split("/")[:-1])
    changed = {folder}
    missing = []
    while folder != root and not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        changed.add(folder.parent)
    return changed
