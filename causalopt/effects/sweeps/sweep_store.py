"""Files and stores of sweeps, written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from causalopt.errors import FileError
from causalopt.extras import need
from causalopt.netcdf import write_netcdf

if TYPE_CHECKING:
    import xarray

FORMATS = (".nc", ".zarr")


def check_target(path: str | os.PathLike[str]) -> Path:
    """Return the path a sweep may be written to, checked before any work is done.

    Raises:
        FileError: Its ending is unknown, its folder missing, or a store there already.
        MissingPackageError: What writes it is not installed.
    """
    target = Path(path)
    if target.suffix.lower() not in FORMATS:
        raise FileError(f"'{path}' must end in {' or '.join(FORMATS)}")
    if not target.resolve().parent.is_dir():
        raise FileError(f"the folder '{target.parent}' does not exist: make it first")
    if target.suffix.lower() == ".zarr" and target.exists():
        raise FileError(f"'{path}' is there already: remove it, or name another store")
    if target.is_dir():
        raise FileError(f"'{path}' is a folder: name a file")
    need("xarray")
    need("zarr" if target.suffix.lower() == ".zarr" else "h5netcdf")
    return target


def write_sweep(dataset: xarray.Dataset, path: str | os.PathLike[str]) -> Path:
    """Write a sweep to a NetCDF file or a Zarr store, whole or not at all.

    Raises:
        FileError: It cannot be written, or the store is there already.
    """
    target = check_target(path)
    if target.suffix.lower() == ".nc":
        write_netcdf(dataset, target)
        return target
    folder = tempfile.mkdtemp(dir=target.resolve().parent, prefix=f".{target.name}.")
    try:
        dataset.to_zarr(Path(folder) / "store.zarr", mode="w", consolidated=False)
        os.replace(Path(folder) / "store.zarr", target)
    except OSError as error:
        if target.exists():
            raise FileError(f"'{path}' was written meanwhile: name another store") from None
        raise FileError(f"cannot write '{target}': {error.strerror or error}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return target
