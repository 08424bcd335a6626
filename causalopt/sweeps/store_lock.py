"""The lock of a store: one driver at a time, held by the system and freed by it at any death.

It is an `flock` of the store's root `zarr.json`, so no file is left behind. A forked child gives
its copy up at once: else workers that outlive a killed driver would keep the lock.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
import weakref
from pathlib import Path
from typing import Self

from causalopt.errors import FileError

METADATA = "zarr.json"
_ATTEMPTS, _PAUSE = 25, 0.02  # a reader that looks for a driver holds the lock for a moment
_held: weakref.WeakSet[StoreLock] = weakref.WeakSet()


class StoreLock:
    """An exclusive lock of a store, held until it is released or the process ends.

    Args:
        handle: The open file that is locked.
    """

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle
        _held.add(self)

    @classmethod
    def take(cls, root: Path, *, attempts: int = _ATTEMPTS) -> Self:
        """Lock a store.

        Args:
            root: Its folder.
            attempts: How often it is tried: a reader may hold the lock for a moment.

        Raises:
            FileError: Another driver has it, it cannot be written, or its disk knows no locks.
        """
        try:
            handle = os.open(root / METADATA, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise FileError(f"cannot write '{root}': {error.strerror}") from None
        for attempt in range(attempts):
            if _lock(handle, root, shared=False):
                return cls(handle)
            if attempt + 1 < attempts:
                time.sleep(_PAUSE)
        os.close(handle)
        raise FileError(
            f"'{root}' is being computed by another process: wait until it ends, watch it by "
            f"`causalopt show {root} --watch`, or end that process first"
        )

    @classmethod
    def make(cls, folder: Path) -> Self:
        """Make an empty `zarr.json` in a new folder, and lock it.

        Raises:
            OSError: It cannot be made.
            FileError: The disk knows no locks.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        handle = os.open(folder / METADATA, flags, 0o666)
        if not _lock(handle, folder, shared=False):
            os.close(handle)
            raise FileError(f"'{folder}' is being made by another process")
        return cls(handle)

    def read(self) -> bytes:
        """Return what the locked file holds."""
        handle = self._open_handle()
        return os.pread(handle, os.fstat(handle).st_size, 0)

    def fill(self, content: bytes) -> None:
        """Write the locked file, which is empty, and flush it to the disk."""
        handle = self._open_handle()
        view = memoryview(content)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)

    @property
    def held(self) -> bool:
        """Whether it is held."""
        return self._handle is not None

    def release(self) -> None:
        """Give the lock up; once more does nothing."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _open_handle(self) -> int:
        if self._handle is None:
            raise ValueError("the lock is not held")
        return self._handle


def is_driven(root: Path) -> bool:
    """Whether a driver holds a store's lock just now."""
    try:
        handle = os.open(root / METADATA, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _lock(handle, root, shared=True)
    except FileError:
        return False  # a disk without locks has no driver: none can start there
    finally:
        os.close(handle)


def _lock(handle: int, root: Path, *, shared: bool) -> bool:
    """Lock an open file, or say that another process has it."""
    try:
        import fcntl  # not on Windows
    except ImportError:
        raise FileError("stores of sweeps are written on Linux and macOS") from None
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            return False
        raise FileError(
            f"the disk of '{root}' knows no locks ({error.strerror}), so nothing would keep two "
            "runs from the same store: mount it with locks (NFS: local_lock=none; Lustre: flock), "
            "or write to another disk"
        ) from None
    return True


def _give_up_in_child() -> None:
    for lock in list(_held):
        with contextlib.suppress(OSError):
            lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_give_up_in_child)
