"""Sweeps as labelled arrays, and their files."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray

from causalopt.dataset import write_netcdf
from causalopt.errors import FileError
from causalopt.measures import NAMES
from causalopt.runs import node_text

if TYPE_CHECKING:
    from causalopt.sweeps import Sweep

FORMATS = (".nc", ".zarr")


def sweep_dataset(sweep: Sweep) -> xarray.Dataset:
    """Return a sweep as a dataset with one axis per swept value.

    Variables: `value` (of m in W), `total`, `direct`, `comp`, `op` (nats) and `status`, a code
    whose meanings stand in its attributes `flag_values` and `flag_meanings`.
    """
    names = [_label(name) for name in sweep.axes]
    flags = {
        "flag_values": np.arange(len(NAMES), dtype=np.int8),
        "flag_meanings": " ".join(NAMES),
    }
    return xarray.Dataset(
        data_vars={
            "value": (names, sweep.values, {"long_name": f"{sweep.asked.target} in W"}),
            "total": (names, sweep.total, {"long_name": "derivative of m by n over all paths"}),
            "direct": (names, sweep.direct, {"long_name": "over the paths that avoid A"}),
            "comp": (names, sweep.comp, {"long_name": "total / direct"}),
            "op": (names, sweep.op, {"units": "nat", "long_name": "-ln |Comp|"}),
            "status": (names, sweep.codes, flags),
        },
        coords={
            label: (label, values, {"axis_name": name})
            for label, (name, values) in zip(names, sweep.axes.items(), strict=True)
        },
        attrs=_provenance(sweep),
    )


def _label(axis: str) -> str:
    """Return an axis' name as files allow it: `R[0]` becomes `R_0`."""
    return axis.replace("[", "_").replace("]", "").replace(" ", "")


def _provenance(sweep: Sweep) -> dict[str, str]:
    power = sweep.power
    return {
        "model": sweep.model.name,
        "model_hash": sweep.model.fingerprint,
        "source": sweep.model.source,
        "nudge": node_text(sweep.model, sweep.asked.nudge),
        "hold": ", ".join(map(str, sweep.asked.hold)),
        "target": sweep.asked.target,
        "at": str(sweep.at),
        "delta": "limit" if sweep.delta is None else repr(sweep.delta),
        "power": "" if power is None else repr(power),
        "execution": f"llvm, {sweep.workers} threads",
        "causalopt": version("causalopt"),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def check_target(path: str | os.PathLike[str]) -> Path:
    """Return the path a sweep may be written to, checked before any work is done.

    Raises:
        FileError: Its ending is unknown, its folder missing, or a store there already.
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
