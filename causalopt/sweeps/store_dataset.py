"""A store as labelled arrays, opened lazily."""

from __future__ import annotations

import xarray

from causalopt.results import labelled
from causalopt.sweeps.sweep_store import SweepStore


@labelled.register
def store_dataset(store: SweepStore) -> xarray.Dataset:
    """Return a store's arrays, which are read when they are used; where nothing is yet, NaN.

    Variables: what the measure finds, `status` (-1 where a point is missing), and along `task`:
    `done`, `task_min`, `task_max` and `task_count`.
    """
    found: xarray.Dataset = xarray.open_zarr(store.path, chunks=None, consolidated=True)
    return found
