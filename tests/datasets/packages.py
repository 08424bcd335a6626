"""Package files of npm made by hand, as small as they can be, right and wrong."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import struct
import tarfile

from causalopt.datasets.image_package import ImagePackage

# Digit d has one image of 1 x 2 with the brightness 25 d and 255 - d; digit 3 has two.
BYTES = [(25 * d, 255 - d) for d in (0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9)]
LABELS = [0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9]


def contents() -> dict[str, bytes]:
    """Return path -> text; brightness with three decimals, as in the real package."""
    found = {"package/package.json": b'{"name": "fake"}'}
    for digit in range(10):
        pairs = [pair for pair, label in zip(BYTES, LABELS, strict=True) if label == digit]
        numbers = [round(byte / 255, 3) for pair in pairs for byte in pair]
        found[f"package/src/digits/{digit}.json"] = json.dumps({"data": numbers}).encode()
    return found


def archive(members: dict[str, bytes], *others: tarfile.TarInfo) -> bytes:
    """Return a tar file that gzip packed."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for other in others:
            tar.addfile(other)
    return gzip.compress(stream.getvalue(), mtime=0)


def images_sha256() -> str:
    """Return the digest of the images and labels: doubles, then 64-bit integers."""
    numbers = [byte / 255 for pair in BYTES for byte in pair]
    packed = struct.pack(f"<{len(numbers)}d", *numbers) + struct.pack(f"<{len(LABELS)}q", *LABELS)
    return hashlib.sha256(packed).hexdigest()


def package_of(content: bytes) -> ImagePackage:
    """Return the record of the package that a file's bytes are."""
    digest = hashlib.sha256(content).hexdigest()
    return ImagePackage("fake", "1.0.0", digest, images_sha256(), (1, 2))
