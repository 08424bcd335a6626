"""Statuses as words, where an array has their places among the words of its `flag_meanings`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray


def in_words(dataset: xarray.Dataset) -> xarray.Dataset:
    """Return a dataset whose flags, as the CF conventions have them, are read as their words."""
    words = {}
    for name, array in dataset.data_vars.items():
        if "flag_meanings" not in array.attrs:
            continue
        meanings = str(array.attrs["flag_meanings"]).split()
        of = dict(zip(np.ravel(array.attrs["flag_values"]).tolist(), meanings, strict=True))
        places = np.array([of.get(code, "") for code in range(-128, 128)], dtype=object)
        kept = {k: text for k, text in array.attrs.items() if not str(k).startswith("flag_")}
        words[name] = (array.dims, places[array.values.astype(np.int64) + 128], kept)
    return dataset.assign(words) if words else dataset
