"""A store as labelled arrays, opened lazily."""

from __future__ import annotations

from typing import Any

import xarray

from causalopt.results import labelled
from causalopt.sweeps.sweep_store import SweepStore

_INDEXED = 10_000_000  # values of an axis that are read to be looked up by; of more, places are


@labelled.register
def store_dataset(store: SweepStore) -> xarray.Dataset:
    """Return a store's arrays, which are read when they are used; where nothing is yet, NaN.

    Variables: what the measure finds, `status` (-1 where a point is missing), and along `task`:
    `done`, `task_min`, `task_max` and `task_count`. Axes of more than ten million values are not
    read: there `isel` finds a point, and `sel` after `set_xindex`.
    """
    how: dict[str, Any] = {"chunks": None, "consolidated": True}
    if max(store.shape) > _INDEXED:
        how["create_default_indexes"] = False
    found: xarray.Dataset = xarray.open_zarr(store.path, **how)
    return found
