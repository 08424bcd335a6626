"""The folder of a store: whether it can be made, made whole or not at all, and read again.

A new store grows under a passing name beside its place and is renamed when all its files are on the
disk. It is locked from its first moment on, so what a killed run left behind can be told from what
another is just making, and is removed.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from causalopt.errors import ArgumentError, FileError
from causalopt.sweeps.durable_files import PASSING, flush_folders, refused, write_new
from causalopt.sweeps.store_layout import StoreLayout
from causalopt.sweeps.store_lock import METADATA, StoreLock

FORMAT = 1
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)
_SPARE = 1 << 20  # bytes for metadata


def check_new(path: str | os.PathLike[str]) -> Path:
    """Return where a new store may be made, checked before any work is done.

    Raises:
        ArgumentError: It is not named by a text or a path.
        FileError: Something is there already, it does not end in .zarr, or its folder is missing
            or cannot be written.
    """
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"a store is named by a text or a path, found {path!r}")
    target = Path(path)
    if target.suffix.lower() != ".zarr":
        raise FileError(f"'{path}' must end in .zarr: a sweep is kept in a Zarr store")
    if os.path.lexists(target):
        raise FileError(_occupied(target))
    if not target.parent.is_dir():
        raise FileError(f"the folder '{target.parent}' does not exist: make it first")
    try:
        os.rmdir(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    except OSError as error:
        raise refused(error, target, "name a folder that can be written") from None
    return target


def check_room(target: Path, layout: StoreLayout, coordinates: int = 0) -> None:
    """Refuse a store that its disk has no room for.

    Args:
        target: Where it is to be.
        layout: Where its numbers lie.
        coordinates: How many values all of its coordinates have.

    Raises:
        FileError: It takes more bytes or files than are free.
    """
    size, files = layout.data_size
    size += 8 * coordinates
    free = os.statvfs(target.parent)
    room = free.f_bavail * free.f_frsize
    if size + _SPARE > room:
        raise FileError(
            f"cannot write '{target}': the sweep takes {_bytes_text(size)}, and its disk has "
            f"{_bytes_text(room)} free; ask for fewer points or name another disk"
        )
    if free.f_files and files > free.f_favail:  # some disks count no files
        raise FileError(
            f"cannot write '{target}': the sweep takes {files:,} files, and its disk has room for "
            f"{free.f_favail:,}; ask for larger chunks"
        )


def make_folder(target: Path, files: Iterable[tuple[str, bytes | bytearray]]) -> StoreLock:
    """Make a store's folder with its first files, whole or not at all; return its lock.

    Args:
        target: Where, as `check_new` returned it.
        files: Path below it -> what it holds; the root's `zarr.json` among them.

    Raises:
        FileError: Something is there by now, or it cannot be written.
    """
    remove_left_behind(target)
    part = target.parent / f".{target.name}.{uuid.uuid4().hex}.partial"
    lock: StoreLock | None = None
    try:
        part.mkdir()
        lock = StoreLock.make(part)
        for name, content in files:
            if name == METADATA:
                lock.fill(bytes(content))
            else:
                write_new(part / name, content)
        (part / PASSING).mkdir()
        flush_folders(Path(folder) for folder, _, _ in os.walk(part))
        part.rename(target)
        flush_folders([target.parent])
    except BaseException as error:
        if lock is not None:
            lock.release()
        shutil.rmtree(part, ignore_errors=True)
        if not isinstance(error, OSError) or isinstance(error, FileError):
            raise
        if error.errno in _TAKEN and os.path.lexists(target):
            raise FileError(_occupied(target)) from None
        raise refused(error, target, "name a folder that can be written") from None
    return lock


def remove_left_behind(target: Path) -> None:
    """Remove what runs left that were killed while they made this store."""
    for part in target.parent.glob(f".{glob.escape(target.name)}.*.partial"):
        try:
            lock = StoreLock.take(part, attempts=1)
        except FileError:
            if not (part / METADATA).exists():
                with contextlib.suppress(OSError):
                    part.rmdir()
            continue
        shutil.rmtree(part, ignore_errors=True)
        lock.release()


def open_passing(root: Path) -> None:
    """Make the folder of passing names, and empty it of what a killed run left there.

    Raises:
        FileError: The store cannot be written.
    """
    try:
        close_passing(root)
        (root / PASSING).mkdir(exist_ok=True)
    except OSError as error:
        raise refused(error, root) from None


def close_passing(root: Path) -> None:
    """Remove the folder of passing names; a worker that writes just then may make it fail once."""
    for _ in range(3):
        shutil.rmtree(root / PASSING, ignore_errors=True)
        if not (root / PASSING).exists():
            return


def read_metadata(path: str | os.PathLike[str]) -> bytes:
    """Return the root `zarr.json` of a store.

    Raises:
        ArgumentError: It is not named by a text or a path.
        FileError: There is none.
    """
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"a store is named by a text or a path, found {path!r}")
    root = Path(path)
    if not os.path.exists(root):  # false, too, where a name is too long or a link leads to itself
        raise FileError(f"there is no store '{path}'{_near(root)}")
    if not root.is_dir():
        raise FileError(f"'{path}' is a file: a store of a sweep is a folder ending in .zarr")
    try:
        return (root / METADATA).read_bytes()
    except FileNotFoundError:
        raise FileError(f"'{path}' is no store of a sweep: it has no {METADATA}") from None
    except OSError as error:
        raise FileError(f"cannot read '{path}': {error.strerror}") from None


def parse_metadata(
    content: bytes, path: str | os.PathLike[str]
) -> tuple[dict[str, Any], StoreLayout]:
    """Return the identity and the layout that a store's `zarr.json` tells.

    Raises:
        FileError: It is no store of a sweep, or of a later version.
    """
    no_store = f"'{path}' is no store of a sweep: `causalopt sweep MODEL --out NAME.zarr` makes one"
    try:
        attributes = json.loads(content)["attributes"]
        kind = attributes["causalopt_store"]
    except (ValueError, KeyError, TypeError):
        raise FileError(no_store) from None
    if kind != FORMAT:
        raise FileError(
            f"'{path}' is a store of format {kind}, and this version of causalopt reads {FORMAT}: "
            "use the version that wrote it"
        )
    try:
        identity = json.loads(attributes["identity"])
        layout = StoreLayout.from_text(attributes["layout"])
        _check_identity(identity, layout)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FileError(
            f"'{path}' is damaged: its {METADATA} does not say what it holds; name another store"
        ) from None
    return identity, layout


def _check_identity(identity: dict[str, Any], layout: StoreLayout) -> None:
    """Refuse an identity that is none, or of another grid than the layout's.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: It is.
    """
    counts = [axis["count"] for axis in identity["axes"]]
    of_axes = all(axis["values"].keys() for axis in identity["axes"])
    of_others = all(identity[key].keys() for key in ("model", "measure", "versions"))
    if not (of_axes and of_others and counts == list(layout.shape)):
        raise ValueError
    if identity["chunk"] != list(layout.chunk):
        raise ValueError


def _occupied(target: Path) -> str:
    """Return what to do about something that is where a new store was to be."""
    if not os.path.exists(target):
        return f"'{target}' is a link that leads to nothing: name another store, or mend the link"
    if not target.is_dir():
        return f"'{target}' is a file: name another store"
    try:
        parse_metadata((target / METADATA).read_bytes(), target)
    except (OSError, FileError):
        return f"'{target}' is there already and is no store of a sweep: name another"
    return f"'{target}' is there already: go on with it by --resume (resume=True), or name another"


def _near(root: Path) -> str:
    """Return a hint at stores in the same folder."""
    if os.path.islink(root):
        return ": it is a link that leads to nothing"
    if not os.path.isdir(root.parent):
        return f": there is no folder '{root.parent}'"
    others = sorted(_stores(root.parent))[:6]
    return f"; here are {', '.join(others)}" if others else ""


def _stores(folder: Path) -> Iterator[str]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        yield from (entry.name for entry in entries if entry.name.endswith(".zarr"))


def _bytes_text(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB", "TB", "PB", "EB"):
        if size < 1000 or unit == "EB":
            break
        size /= 1000
    return f"{size:.3g} {unit}"
