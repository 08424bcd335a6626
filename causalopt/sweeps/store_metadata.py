"""The metadata of a store: what makes its folder a Zarr group that xarray opens, done or half done.

It is written once, when the store is made, and never again; so a store can be opened, and go on,
without a list of its files, however many there are.
"""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BytesCodec, Crc32cCodec

from causalopt.sweeps.store_folder import FORMAT
from causalopt.sweeps.store_layout import (
    BLOCK,
    FILLS,
    MISSING,
    STATUS,
    StorablePlan,
    StoreLayout,
    encode,
)
from causalopt.sweeps.store_lock import METADATA
from causalopt.sweeps.sweep_axes import AxisValues

_LONGEST = 1 << 20  # values in one chunk of a coordinate


@dataclasses.dataclass(frozen=True)
class _Array:
    """One array of the group, as zarr describes it."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    dtype: str
    attrs: Mapping[str, Any]


def store_files(plan: StorablePlan, layout: StoreLayout) -> Iterator[tuple[str, bytes | bytearray]]:
    """Return the files of a new store and what each holds; the root's `zarr.json` comes last.

    Args:
        plan: The sweep.
        layout: Its layout.
    """
    files: dict[str, Any] = {}
    with warnings.catch_warnings():
        # zarr warns that other programs may not know consolidated metadata or texts yet
        warnings.simplefilter("ignore")
        group = zarr.create_group(
            zarr.storage.MemoryStore(store_dict=files),
            zarr_format=3,
            attributes=_attributes(plan, layout),
        )
        for name, array in _arrays(plan, layout).items():
            group.create_array(
                name,
                shape=array.shape,
                chunks=array.chunk,
                dtype=array.dtype,
                fill_value=FILLS[array.dtype],
                serializer=BytesCodec(endian="little") if array.dtype[1:] == "8" else BytesCodec(),
                compressors=[Crc32cCodec()],
                filters=None,
                dimension_names=array.dims,
                attributes=dict(array.attrs),
            )
        coordinates = _coordinates(plan, layout)
        for name, coordinate in coordinates.items():
            coordinate.make(group, name)
        zarr.consolidate_metadata(group.store)
    root = files.pop(METADATA)
    for name, content in files.items():
        yield name, content.to_bytes()
    for name, coordinate in coordinates.items():
        yield from coordinate.chunks(name)
    yield METADATA, root.to_bytes()


def _attributes(plan: StorablePlan, layout: StoreLayout) -> dict[str, Any]:
    """Return what the dataset says of itself: for people, then whole for programs."""
    model, measure = dict(plan.identity["model"]), dict(plan.identity["measure"])
    settings = {name: value for name, value in measure.items() if name != "name"}
    return {
        "model": model["name"],
        "model_hash": model["hash"],
        "measure": measure["name"],
        **{name: str(value) for name, value in settings.items() if value not in (None, {}, [])},
        **plan.identity["versions"],
        "drawn": layout.drawn,
        "causalopt_store": FORMAT,
        "identity": json.dumps(plan.identity, allow_nan=False, ensure_ascii=False),
        "layout": layout.to_text(),
    }


def _arrays(plan: StorablePlan, layout: StoreLayout) -> dict[str, _Array]:
    found = {}
    for variable in plan.variables:
        attrs: dict[str, Any] = dict(variable.attrs)
        if variable.name == STATUS:
            attrs |= flags(layout.statuses)
        found[variable.name] = _Array(
            layout.dims, layout.shape, layout.chunk, variable.dtype, attrs
        )
    for book, text in _BOOK_TEXTS.items():
        dtype, row = layout.book_row(book)
        dims: tuple[str, ...] = (layout.books["task"],)
        dims += (layout.books["word" if book == "task_count" else "variable"],) * len(row)
        attrs = {"long_name": text}
        if book == "done":
            attrs |= {"flag_values": [0, 1], "flag_meanings": "missing done"}
        found[layout.books[book]] = _Array(
            dims, (layout.task_count, *row), (BLOCK, *row), dtype, attrs
        )
    return found


_BOOK_TEXTS = {
    "done": "whether a task's numbers are all there",
    "task_min": "the least number of a task, unresolved points left out",
    "task_max": "the greatest number of a task, unresolved points left out",
    "task_count": "how many points of a task have a status",
}


def flags(statuses: Sequence[str]) -> dict[str, Any]:
    """Return the attributes that say which number is which word, as the CF conventions have them.

    Example:
        >>> flags(["ok", "kink"])
        {'flag_values': [-1, 0, 1], 'flag_meanings': 'missing ok kink'}
    """
    meanings = " ".join(word.replace(" ", "_") for word in ("missing", *statuses))
    return {"flag_values": list(range(MISSING, len(statuses))), "flag_meanings": meanings}


def _coordinates(plan: StorablePlan, layout: StoreLayout) -> dict[str, _Coordinate]:
    """Return the plan's coordinates, and the names along the axes of the books."""
    found = {}
    for book, words in (("variable", layout.floats), ("word", layout.statuses)):
        name = layout.books[book]
        found[name] = _Coordinate(name, np.array(words, dtype=object), {})
    for name, (dims, values, attrs) in plan.coords.items():
        (dim,) = (dims,) if isinstance(dims, str) else dims
        found[name] = _Coordinate(dim, values, dict(attrs))
    return found


@dataclasses.dataclass(frozen=True)
class _Coordinate:
    """Values along one dimension, some of which are read at a time."""

    dim: str
    values: AxisValues
    attrs: dict[str, Any]

    @property
    def dtype(self) -> str:
        """What it is kept as: `f8`, `i8`, or `str`."""
        kind = self.values[:1].dtype.kind
        return {"O": "str", "U": "str", "T": "str", "f": "f8"}.get(kind, "i8")

    @property
    def chunk(self) -> int:
        """How many values a chunk has; texts are few, and in one."""
        return len(self.values) if self.dtype == "str" else min(len(self.values), _LONGEST)

    def make(self, group: zarr.Group, name: str) -> None:
        """Make the coordinate's array; texts are written by zarr, numbers are not."""
        texts = self.dtype == "str"
        array = group.create_array(
            name,
            shape=(len(self.values),),
            chunks=(self.chunk,),
            dtype=str if texts else self.dtype,
            fill_value="" if texts else FILLS[self.dtype],
            serializer="auto" if texts else BytesCodec(endian="little"),
            compressors=None if texts else [Crc32cCodec()],
            filters=None,
            dimension_names=(self.dim,),
            attributes=self.attrs,
        )
        if texts:
            array[:] = np.asarray(self.values[:], dtype=object)

    def chunks(self, name: str) -> Iterator[tuple[str, bytes | bytearray]]:
        """Yield the files of its numbers."""
        if self.dtype == "str":
            return
        for place, first in enumerate(range(0, len(self.values), self.chunk)):
            part = np.asarray(self.values[first : first + self.chunk])
            yield f"{name}/c/{place}", encode(part, self.dtype, (self.chunk,))
