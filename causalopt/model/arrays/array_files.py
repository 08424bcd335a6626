"""Arrays from files: npz and npy, without pickle, with messages that name the file and what it has.

A text `weights.npz#W1` names one array of a file; a file with a single array needs no name. `#W1`
names an array that goes with the model in memory.
"""

from __future__ import annotations

import hashlib
import math
import zipfile
import zlib
from collections.abc import Mapping
from typing import IO, Any, BinaryIO

import numpy as np

from causalopt.errors import FileError, suggestion
from causalopt.model.array_source import ArraySource
from causalopt.model.arrays.array_template import Floats
from causalopt.model.declaration import Variable

MAX_NUMBERS = 1 << 28


def load_array(text: str, source: ArraySource | None = None) -> Floats:
    """Return the array that a text names, in floats.

    Args:
        text: A file and a name in it, such as `net.npz#W1`, or `#W1` for an array in memory.
        source: Where files and arrays are.

    Raises:
        FileError: The file or the array is missing, damaged, no numbers, or not finite.
    """
    path, _, name = text.partition("#")
    source = source or ArraySource()
    if not path.strip():
        return checked(_in_memory(name.strip(), source), f"'{text}'")
    file = source.file(path.strip())
    try:
        with open(file, "rb") as stream:
            values = _read(stream, path, name.strip())
    except FileError:
        raise
    except FileNotFoundError:
        raise FileError(f"there is no file '{path}': name an .npz or .npy file") from None
    except (OSError, ValueError, EOFError, MemoryError, zlib.error, zipfile.BadZipFile) as error:
        reason = "it holds Python objects" if "pickle" in str(error).lower() else "it is damaged"
        raise FileError(f"cannot read '{text}' as .npz or .npy: {reason}") from None
    return checked(values, f"'{text}'")


def _read(stream: BinaryIO, path: str, name: str) -> np.ndarray:
    """Return the array of a file, its size looked at before its numbers are."""
    if stream.read(4) != b"PK\x03\x04":
        stream.seek(0)
        _check_header(stream, path)
        stream.seek(0)
        found: np.ndarray = np.load(stream, allow_pickle=False)
        return found
    stream.seek(0)
    with zipfile.ZipFile(stream) as archive:
        names = [member.removesuffix(".npy") for member in archive.namelist()]
        member = _member(names, path, name)
        with archive.open(f"{member}.npy") as head:
            _check_header(head, path)
        with archive.open(f"{member}.npy") as body:
            inner: np.ndarray = np.lib.format.read_array(body, allow_pickle=False)
            return inner


def _check_header(stream: IO[bytes], path: str) -> None:
    """Refuse an array that is too large, by what its file says of it."""
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        return  # numpy reads it, or says why not
    shape, _, _ = read(stream)
    if math.prod(shape) > MAX_NUMBERS:
        raise FileError(
            f"'{path}' has an array of {math.prod(shape):,} numbers, the limit is {MAX_NUMBERS:,}"
        )


def _in_memory(name: str, source: ArraySource) -> np.ndarray:
    if name not in source.arrays:
        hint = suggestion(name, source.arrays) if source.arrays else ""
        raise FileError(
            f"'#{name}' is an array in memory, and none of that name goes with the model{hint}: "
            "name its file, as in 'net.npz#W1'"
        )
    return source.arrays[name]


def _member(names: list[str], path: str, name: str) -> str:
    if not name and len(names) == 1:
        return names[0]
    if not name:
        raise FileError(
            f"'{path}' has more than one array: say which by # ({', '.join(sorted(names))})"
        )
    if name not in names:
        raise FileError(f"'{path}' has no array '{name}'{suggestion(name, names)}")
    return name


def names_in(path: str) -> list[str]:
    """Return the names of the arrays in an .npz file.

    Raises:
        FileError: It is missing, or no .npz file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except FileNotFoundError:
        raise FileError(f"there is no file '{path}': name an .npz file") from None
    except (OSError, zipfile.BadZipFile):
        raise FileError(f"cannot read '{path}' as .npz: it is damaged") from None


def checked(values: np.ndarray, what: str) -> Floats:
    """Return numbers as floats.

    Raises:
        FileError: They are no real numbers, not all finite, or too many.
    """
    if values.dtype.kind not in "biuf":
        raise FileError(f"{what} has values of type {values.dtype}: real numbers are expected")
    if values.size > MAX_NUMBERS:
        raise FileError(f"{what} has {values.size:,} numbers, the limit is {MAX_NUMBERS:,}")
    floats = np.ascontiguousarray(values, dtype=float)
    if not np.isfinite(floats).all():
        place = np.argwhere(~np.isfinite(floats))[0].tolist()
        raise FileError(f"{what} is {floats[tuple(place)]} at {place}: finite numbers are expected")
    return floats


def fingerprint(values: np.ndarray) -> str:
    """Return a hash of an array's shape and numbers."""
    floats = np.ascontiguousarray(values, dtype=float)
    return hashlib.sha256(repr(floats.shape).encode() + floats.tobytes()).hexdigest()[:16]


def hashes(variables: Mapping[str, Variable], source: ArraySource) -> dict[str, Any]:
    """Return what decides the numbers of a declaration's arrays: shapes, and hashes of files."""
    found: dict[str, Any] = {}
    for name, variable in variables.items():
        files = {
            key: fingerprint(load_array(text, source))
            for key in ("values", "data")
            if (text := getattr(variable, key)) is not None
        }
        if variable.shape is not None or files:
            found[name] = {"shape": variable.shape, **files}
    return found
