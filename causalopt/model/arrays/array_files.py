"""Arrays from files: npz and npy, without pickle, with messages that name the file and what it has.

A text `weights.npz#W1` names one array of a file; a file with a single array needs no name. `#W1`
names an array that goes with the model in memory.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from typing import Any

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
        found = np.load(file, allow_pickle=False)
    except FileNotFoundError:
        raise FileError(f"there is no file '{path}': name an .npz or .npy file") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        reason = "it holds Python objects" if "pickle" in str(error).lower() else "it is damaged"
        raise FileError(f"cannot read '{path}' as .npz or .npy: {reason}") from None
    try:
        values = found if isinstance(found, np.ndarray) else _member(found, path, name.strip())
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zipfile.error) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"cannot read '{name}' of '{path}': it is damaged") from None
    finally:
        if not isinstance(found, np.ndarray):
            found.close()
    return checked(values, f"'{text}'")


def _in_memory(name: str, source: ArraySource) -> np.ndarray:
    if name not in source.arrays:
        hint = suggestion(name, source.arrays) if source.arrays else ""
        raise FileError(
            f"'#{name}' is an array in memory, and none of that name goes with the model{hint}: "
            "name its file, as in 'net.npz#W1'"
        )
    return source.arrays[name]


def _member(found: np.lib.npyio.NpzFile, path: str, name: str) -> np.ndarray:
    names = list(found.files)
    if not name and len(names) == 1:
        name = names[0]
    if name not in names:
        said = f"'{name}'" if name else "more than one array and no name is given: say which by #"
        hint = suggestion(name, names) if name else f" ({', '.join(sorted(names))})"
        raise FileError(
            f"'{path}' has no array {said}{hint}" if name else f"'{path}' has {said}{hint}"
        )
    member: np.ndarray = found[name]
    return member


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
