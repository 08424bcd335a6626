"""NetCDF files of results, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from causalopt.errors import FileError
from causalopt.extras import need

if TYPE_CHECKING:
    import xarray


def write_netcdf(dataset: xarray.Dataset, path: str | os.PathLike[str]) -> None:
    """Write a dataset to a NetCDF 4 file, whole or not at all.

    Raises:
        FileError: The file cannot be written.
        MissingPackageError: What writes it is not installed.
    """
    need("xarray")
    need("h5netcdf")
    target = Path(path)
    if target.is_dir() or not target.parent.is_dir():
        raise FileError(f"cannot write '{target}': its folder does not exist, or it is one")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
            part = Path(folder) / "part.nc"
            dataset.to_netcdf(part, engine="h5netcdf")
            os.replace(part, target)
    except OSError as error:
        raise FileError(f"cannot write '{target}': {error.strerror or error}") from None
