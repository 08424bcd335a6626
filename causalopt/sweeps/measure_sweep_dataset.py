"""A sweep of any measure as labelled arrays."""

from __future__ import annotations

import numpy as np
import xarray

from causalopt.results import labelled
from causalopt.sweeps.measure_sweep import MeasureSweep


@labelled.register
def measure_sweep_dataset(sweep: MeasureSweep) -> xarray.Dataset:
    """Return a sweep as a dataset with one dimension per axis; its status is a word."""
    plan = sweep.plan
    arrays = {**sweep.columns, "status": sweep.status}
    return xarray.Dataset(
        data_vars={
            one.name: (plan.dims, arrays[one.name], dict(one.attrs)) for one in plan.variables
        },
        coords={
            label: (dims, np.asarray(values[:]), attrs)
            for label, (dims, values, attrs) in plan.coords.items()
        },
        attrs=sweep.provenance,
    )
