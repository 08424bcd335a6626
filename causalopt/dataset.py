"""Results as labelled arrays, and their files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray

from causalopt.errors import FileError

if TYPE_CHECKING:
    from causalopt.runs import Run


def run_dataset(run: Run) -> xarray.Dataset:
    """Return a run as a dataset with axes `world`, `variable` and `t`.

    Variables: `value` [world, variable, t]; `total`, `direct`, `comp`, `op` (nats), `log_total`,
    `log_direct` and `status` [t].
    """
    worlds = {"W": run.W, "X": run.X, "Y": run.Y}
    present = {name: world for name, world in worlds.items() if world is not None}
    names = list(run.model.variables)
    values = np.array([[world[name] for name in names] for world in present.values()])
    nats = {"units": "nat"}
    return xarray.Dataset(
        data_vars={
            "value": (("world", "variable", "t"), values),
            "total": ("t", run.total, {"long_name": "derivative of m by n over all paths"}),
            "direct": ("t", run.direct, {"long_name": "over the paths that avoid A"}),
            "log_total": ("t", run.effect.total.log, nats),
            "log_direct": ("t", run.effect.direct.log, nats),
            "comp": ("t", run.comp, {"long_name": "total / direct"}),
            "op": ("t", run.op, {**nats, "long_name": "-ln |Comp|"}),
            "status": ("t", run.status.astype(object)),
        },
        coords={
            "t": ("t", run.t, {"long_name": "time", "units": "time units (step * dt)"}),
            "step": ("t", np.arange(run.steps + 1)),
            "world": list(present),
            "variable": names,
            "unit": ("variable", [run.model.variables[name].unit or "" for name in names]),
        },
        attrs=run.provenance,
    )


def write_netcdf(dataset: xarray.Dataset, path: str | os.PathLike[str]) -> None:
    """Write a dataset to a NetCDF 4 file, whole or not at all.

    Raises:
        FileError: The file cannot be written.
    """
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
