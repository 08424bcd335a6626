"""What is kept on disk, such as compiled code: keyed by all that decides it, bounded, checked.

An object is written to a file of its own and moved into place, so that two processes never see half
of one. Its checksum is verified before it is used: a damaged file is removed and compiled again,
never executed. Only a folder that belongs to the user and that nobody else can write is trusted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import stat
from pathlib import Path

from causalopt.folders import user_cache

LARGEST_TOTAL = 64 << 20
VARIABLE = "CAUSALOPT_CACHE"
_MAGIC = b"causalopt object 1\n"
_SUFFIX = ".object"


@dataclasses.dataclass(frozen=True)
class ObjectStore:
    """A folder of compiled objects; None keeps nothing.

    Example:
        >>> ObjectStore(None).find("key") is None
        True
    """

    folder: Path | None
    largest: int = LARGEST_TOTAL

    @classmethod
    def default(cls) -> ObjectStore:
        """Return the store of this user: `CAUSALOPT_CACHE` names its folder, empty for none."""
        named = os.environ.get(VARIABLE)
        if named is not None:
            return cls(Path(named) if named else None)
        return cls(user_cache("objects"))

    def beside(self, name: str) -> ObjectStore:
        """Return the store of other things kept in a folder in this one."""
        folder = None if self.folder is None else self.folder / name
        return ObjectStore(folder, self.largest // 64)

    def find(self, key: str) -> bytes | None:
        """Return the object kept under a key, None when there is none that is whole."""
        return self.find_named(name_of(key))

    def find_named(self, name: str) -> bytes | None:
        """Return the object whose key has this name, None when there is none that is whole."""
        file = None if self.folder is None else self.folder / (name + _SUFFIX)
        if file is None or not self._is_trusted():
            return None
        try:
            content = file.read_bytes()
        except OSError:
            return None
        head, image = content[: len(_MAGIC) + 32], content[len(_MAGIC) + 32 :]
        if head != _MAGIC + hashlib.sha256(name.encode() + image).digest():
            with contextlib.suppress(OSError):
                file.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(file)
        return image

    def keep(self, key: str, image: bytes) -> bool:
        """Keep an object; a folder that cannot be written keeps nothing and says so."""
        file = self._file(key)
        if file is None:
            return False
        import tempfile  # with what it imports as long as a kept model is to be read

        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._is_trusted():
                return False
            digest = hashlib.sha256(name_of(key).encode() + image).digest()
            handle, temporary = tempfile.mkstemp(dir=file.parent, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(_MAGIC + digest + image)
                os.replace(temporary, file)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError:
            return False
        self._bound(file)
        return True

    def clear(self) -> int:
        """Remove every kept object and return how many there were."""
        removed = 0
        for _, _, file in self._listed():
            with contextlib.suppress(OSError):
                file.unlink()
                removed += 1
        return removed

    def size(self) -> tuple[int, int]:
        """Return how many objects are kept and their bytes."""
        listed = self._listed()
        return len(listed), sum(size for _, size, _ in listed)

    def _file(self, key: str) -> Path | None:
        return None if self.folder is None else self.folder / (name_of(key) + _SUFFIX)

    def _is_trusted(self) -> bool:
        if self.folder is None or not hasattr(os, "getuid"):
            return self.folder is not None
        try:
            found = self.folder.stat()
        except OSError:
            return False
        others = stat.S_IWGRP | stat.S_IWOTH
        return found.st_uid == os.getuid() and not found.st_mode & others

    def _listed(self) -> list[tuple[float, int, Path]]:
        if self.folder is None or not self.folder.is_dir():
            return []
        found = []
        for file in [*self.folder.iterdir(), *self.folder.glob("*/*")]:
            if file.suffix not in {_SUFFIX, ".part"}:
                continue
            with contextlib.suppress(OSError):
                status = file.stat()
                found.append((status.st_mtime, status.st_size, file))
        return sorted(found)

    def _bound(self, newest: Path) -> None:
        listed = self._listed()
        total = sum(size for _, size, _ in listed)
        for _, size, file in listed:
            if total <= self.largest:
                return
            if file != newest:
                with contextlib.suppress(OSError):
                    file.unlink()
                total -= size


def name_of(key: str) -> str:
    """Return what the file of a key is called."""
    return hashlib.sha256(key.encode()).hexdigest()
