"""A store as labelled arrays, opened lazily; what is damaged is said when it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray
from zarr.storage import LocalStore

from causalopt.errors import FileError
from causalopt.results import labelled
from causalopt.sweeps.store_layout import BLOCK, has_checksum
from causalopt.sweeps.sweep_store import SweepStore

if TYPE_CHECKING:
    from zarr.core.buffer import Buffer

_INDEXED = 10_000_000  # values of an axis that are read to be looked up by; of more, places are


class _CheckedFiles(LocalStore):
    """The files of a store, read as zarr reads them, where damage has a message of its own.

    zarr fills a file that is gone with NaN, which is right only where its task is missing, and
    says of a damaged one neither which it is nor what to do.

    Args:
        store: The store of a sweep.
    """

    def __init__(self, store: SweepStore) -> None:
        super().__init__(store.root, read_only=True)
        self._layout, self._marks = store.layout, store.marks
        self._numbers = {name for name, _ in store.layout.variables}
        self._texts = {store.layout.books["variable"], store.layout.books["word"]}
        for dim, axis in zip(store.layout.dims, store.identity["axes"], strict=True):
            if any(isinstance(values, list) for values in axis["values"].values()):
                self._texts.add(dim)

    async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Buffer | None:
        """Return what a file holds, None where it is not there and need not be."""
        found = await super().get(key, prototype, byte_range)
        name, _, place = key.partition("/c/")
        if not place or byte_range is not None or name in self._texts:
            return found
        is_whole = found is not None and has_checksum(memoryview(found.to_bytes()))
        if name not in self._numbers:
            if found is not None and not is_whole:
                raise FileError(f"'{self.root / key}' is damaged: begin another store")
            return found
        task = int(np.ravel_multi_index([*map(int, place.split("/"))], self._layout.grid))
        if is_whole:
            return found
        if self._marks[task]:
            raise self._layout.damaged(self.root, key, task // BLOCK)
        return None


@labelled.register
def store_dataset(store: SweepStore) -> xarray.Dataset:
    """Return a store's arrays, which are read when they are used; where nothing is yet, NaN.

    Variables: what the measure finds, `status` (-1 where a point is missing), and along `task`:
    `done`, `task_min`, `task_max` and `task_count`. Axes of more than ten million values are not
    read: there `isel` finds a point, and `sel` after `set_xindex`.

    Raises:
        FileError: A file is damaged, or not there though its task is done; also when it is read.
    """
    how: dict[str, Any] = {"chunks": None, "consolidated": True}
    if max(store.shape) > _INDEXED:
        how["create_default_indexes"] = False
    found: xarray.Dataset = xarray.open_zarr(_CheckedFiles(store), **how)
    return found
