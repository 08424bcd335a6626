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
from numpy.typing import ArrayLike, NDArray
from zarr.codecs import BytesCodec, Crc32cCodec

from causalopt.sweeps.store_folder import FORMAT
from causalopt.sweeps.store_layout import BLOCK, MISSING, Plan, StoreLayout, encode
from causalopt.sweeps.store_lock import METADATA

_FILLS = {"f8": float("nan"), "i1": MISSING, "u1": 0, "i8": 0}
_LONGEST = 1 << 20  # values in one chunk of a coordinate


@dataclasses.dataclass(frozen=True)
class _Array:
    """One array of the group, as zarr describes it."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    dtype: str
    attrs: Mapping[str, Any]


def store_files(plan: Plan, layout: StoreLayout) -> Iterator[tuple[str, bytes]]:
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
                fill_value=_FILLS[array.dtype],
                serializer=BytesCodec(endian="little") if array.dtype[1:] == "8" else BytesCodec(),
                compressors=[Crc32cCodec()],
                filters=None,
                dimension_names=array.dims,
                attributes=dict(array.attrs),
            )
        coordinates = _coordinates(plan, layout)
        for name, (dims, values, attrs) in coordinates.items():
            _make_coordinate(group, name, dims, values, attrs)
        zarr.consolidate_metadata(group.store)
    root = files.pop(METADATA)
    for name, content in files.items():
        yield name, content.to_bytes()
    for name, (_, values, _) in coordinates.items():
        yield from _coordinate_chunks(name, values)
    yield METADATA, root.to_bytes()


def _attributes(plan: Plan, layout: StoreLayout) -> dict[str, Any]:
    return {
        "title": "a sweep by causalopt",
        "causalopt_store": FORMAT,
        "identity": json.dumps(plan.identity(), allow_nan=False, ensure_ascii=False),
        "layout": layout.to_text(),
    }


def _arrays(plan: Plan, layout: StoreLayout) -> dict[str, _Array]:
    found = {}
    for variable in plan.variables:
        attrs = dict(variable.attrs)
        if variable.dtype == "i1":
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


def _coordinates(
    plan: Plan, layout: StoreLayout
) -> dict[str, tuple[tuple[str, ...], NDArray[Any], dict[str, Any]]]:
    """Return the plan's coordinates, and the names along the axes of the books."""
    own: dict[str, tuple[Any, ArrayLike, Mapping[str, Any]]] = {
        layout.books["variable"]: (layout.books["variable"], list(layout.floats), {}),
        layout.books["word"]: (layout.books["word"], list(layout.statuses), {}),
    }
    found = {}
    for name, (dims, given, attrs) in {**plan.coords, **own}.items():
        values = np.asarray(given)
        if values.dtype.kind in "UO":
            values = values.astype(object)
        elif values.dtype.kind in "bui":
            values = values.astype("i8")
        else:
            values = values.astype("f8", copy=False)
        dims = (dims,) if isinstance(dims, str) else tuple(dims)
        found[name] = (dims, values, dict(attrs))
    return found


def _make_coordinate(
    group: zarr.Group, name: str, dims: tuple[str, ...], values: NDArray[Any], attrs: dict[str, Any]
) -> None:
    if values.dtype == object:
        array = group.create_array(
            name,
            shape=values.shape,
            chunks=values.shape,
            dtype=str,
            compressors=None,
            dimension_names=dims,
            attributes=attrs,
        )
        array[...] = values
        return
    group.create_array(
        name,
        shape=values.shape,
        chunks=_coordinate_chunk(values),
        dtype=values.dtype.str[1:],
        fill_value=_FILLS[values.dtype.str[1:]],
        serializer=BytesCodec(endian="little"),
        compressors=[Crc32cCodec()],
        filters=None,
        dimension_names=dims,
        attributes=attrs,
    )


def _coordinate_chunk(values: NDArray[Any]) -> tuple[int, ...]:
    return tuple(min(n, _LONGEST) for n in values.shape)


def _coordinate_chunks(name: str, values: NDArray[Any]) -> Iterator[tuple[str, bytes]]:
    """Return a coordinate's chunks; those of texts are with the metadata, by zarr's own hand."""
    if values.dtype == object:
        return
    chunk = _coordinate_chunk(values)
    for place in np.ndindex(*(-(-n // step) for n, step in zip(values.shape, chunk, strict=True))):
        part = values[tuple(slice(i * n, (i + 1) * n) for i, n in zip(place, chunk, strict=True))]
        yield "/".join([name, "c", *map(str, place)]), encode(part, values.dtype.str[1:], chunk)
