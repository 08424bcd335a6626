"""Files of results, told by their suffix, written whole or not at all.

What a status means is a word in all of them, in the dataset's as in the table's: `ok`, `kink`, ...
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from causalopt.errors import ArgumentError, FileError
from causalopt.extras import need
from causalopt.saving.status_words import in_words

if TYPE_CHECKING:
    import pandas
    import xarray


class Saveable(Protocol):
    """What a file is made of."""

    @property
    def dataset(self) -> xarray.Dataset:
        """The result with labelled axes."""

    def to_pandas(self) -> pandas.DataFrame:
        """Return the result as one table."""

    def record(self) -> dict[str, Any]:
        """Return all of the result as JSON's types."""


@dataclasses.dataclass(frozen=True)
class FileFormat:
    """One kind of file.

    Attributes:
        packages: Packages of extras that write it.
        write: Writes a result to a new path.
    """

    packages: tuple[str, ...]
    write: Callable[[Saveable, Path], object]


# What other kinds of files are written by.
_INSTEAD = {
    **dict.fromkeys(
        (".png", ".pdf", ".svg"), "; a picture is written by .plot().savefig('{path}')"
    ),
    ".xlsx": "; a sheet is written by .to_pandas().to_excel('{path}')",
}


def save(result: Saveable, path: str | os.PathLike[str]) -> Path:
    """Write a result to a file of the kind that its suffix names, whole or not at all.

    Raises:
        FileError: The suffix is unknown, or the file cannot be written.
        MissingPackageError: What writes it is not installed.
    """
    target = check_target(path)
    folder = _beside(target)
    try:
        part = Path(folder) / f"part{target.suffix.lower()}"
        FORMATS[target.suffix.lower()].write(result, part)
        os.replace(part, target)
    except FileError:
        raise  # what the result is read from is damaged, and says so
    except OSError as error:
        if target.suffix.lower() == ".zarr" and target.exists():
            raise FileError(f"'{path}' was written meanwhile: name another store") from None
        raise FileError(f"cannot write '{target}': {error.strerror or error}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return target


def check_target(path: str | os.PathLike[str], suffixes: tuple[str, ...] | None = None) -> Path:
    """Return the path a result may be written to, checked before any work is done.

    Args:
        path: Where to.
        suffixes: The kinds allowed, of `FORMATS`; all when not given.

    Raises:
        FileError: Its suffix is unknown, its folder missing, or a store there already.
        MissingPackageError: What writes it is not installed.
    """
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"a file is named by a text or a path, found {path!r}")
    target = Path(path)
    known = tuple(FORMATS) if suffixes is None else suffixes
    kind = target.suffix.lower()
    if kind not in known:
        others = ", ".join(known[:-1])
        instead = _INSTEAD.get(kind, "") if suffixes is None else ""
        raise FileError(
            f"'{path}' must end in {f'{others} or ' if others else ''}{known[-1]}"
            f"{instead.format(path=os.fspath(path))}"
        )
    if not target.resolve().parent.is_dir():
        raise FileError(f"the folder '{target.parent}' does not exist: make it first")
    if kind == ".zarr" and target.exists():
        raise FileError(f"'{path}' is there already: remove it, or name another store")
    if target.is_dir():
        raise FileError(f"'{path}' is a folder: name a file")
    for package in FORMATS[kind].packages:
        need(package)
    return target


def _beside(target: Path) -> str:
    """Make a folder on the target's own disk, from where the whole file is moved."""
    try:
        return tempfile.mkdtemp(dir=target.resolve().parent, prefix=f".{target.name}.")
    except OSError as error:
        raise FileError(f"cannot write '{target}': {error.strerror or error}") from None


def _csv(result: Saveable, path: Path) -> None:
    frame = result.to_pandas()
    frame.to_csv(path, index=frame.index.name is not None or frame.index.nlevels > 1)


def _parquet(result: Saveable, path: Path) -> None:
    result.to_pandas().to_parquet(path, engine="pyarrow")


def _json(result: Saveable, path: Path) -> None:
    text = json.dumps(result.record(), allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _netcdf(result: Saveable, path: Path) -> None:
    dataset = in_words(result.dataset)
    packed = {
        name: {"dtype": "S1", "zlib": True}
        for name, found in dataset.data_vars.items()
        if found.dtype.kind in "OU" and found.size
    }
    dataset.to_netcdf(path, engine="h5netcdf", encoding=packed)


def _zarr(result: Saveable, path: Path) -> None:
    dataset = in_words(result.dataset)
    # Zarr 3 specifies texts of any length, and none of fixed ones.
    texts = {n: v.astype(object) for n, v in dataset.variables.items() if v.dtype.kind == "U"}
    dataset.assign({n: v for n, v in texts.items() if n in dataset.data_vars}).assign_coords(
        {n: v for n, v in texts.items() if n in dataset.coords}
    ).to_zarr(path, mode="w", consolidated=False)


FORMATS = {
    ".csv": FileFormat(("pandas",), _csv),
    ".json": FileFormat((), _json),
    ".nc": FileFormat(("xarray", "h5netcdf"), _netcdf),
    ".parquet": FileFormat(("pandas", "pyarrow"), _parquet),
    ".zarr": FileFormat(("xarray", "zarr"), _zarr),
}
