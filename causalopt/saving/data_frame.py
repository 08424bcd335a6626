"""A dataset with labelled axes as one table of pandas: a row for each point of some axes."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from causalopt.errors import UnknownNameError, suggestion
from causalopt.extras import need

if TYPE_CHECKING:
    import pandas
    import xarray

MOST_COLUMNS = 1024  # of one variable, over axes that the rows have not
FEW = 16  # places of an axis of numbers that are columns


def data_frame(dataset: xarray.Dataset, of: str | None = None) -> pandas.DataFrame:
    """Return a dataset as a table.

    The rows are the points of one variable's axes. A variable with some of these axes is a column;
    one with all of them and further ones is a column for each further label, as in `W R`, where
    labels are texts, or at most 16 numbers. What has other axes, or more than 1024 columns of its
    own, is left out, and named in `attrs["left_out"]`.

    Args:
        dataset: The dataset.
        of: The variable whose axes the rows are; `status` when not given, else the first.

    Raises:
        UnknownNameError: The dataset has no such variable.
    """
    need("pandas")
    import pandas as pd

    rows = _row_axes(dataset, of)
    columns: dict[str, Any] = {}
    left_out = []
    for name in (*_beside(dataset, rows), *dataset.data_vars):
        found = _columns(dataset, str(name), rows)
        columns |= found
        left_out += [] if found else [str(name)]
    flat = {
        name: _broadcast(values, rows, dataset).to_numpy().reshape(-1)
        for name, values in columns.items()
    }
    index: Any = pd.RangeIndex(1) if not rows else None
    if rows:
        levels = [pd.Index(_labels(dataset, axis), name=axis) for axis in rows]
        index = levels[0] if len(rows) == 1 else pd.MultiIndex.from_product(levels, names=rows)
    frame = pd.DataFrame(flat, index=index, columns=list(flat))
    frame.attrs = {str(key): str(value) for key, value in dataset.attrs.items()}
    if left_out:
        frame.attrs["left_out"] = ", ".join(left_out)
    return frame


def _row_axes(dataset: xarray.Dataset, of: str | None) -> list[str]:
    names = [str(name) for name in dataset.data_vars]
    if of is None:
        of = "status" if "status" in names else names[0]
    elif of not in names:
        raise UnknownNameError(f"the result has no '{of}'{suggestion(of, names)}")
    return [str(axis) for axis in dataset[of].dims]


def _beside(dataset: xarray.Dataset, rows: list[str]) -> list[str]:
    """Return the coordinates that are no axes themselves and belong to rows."""
    return [
        str(name)
        for name, found in dataset.coords.items()
        if name not in dataset.dims and found.dims and set(found.dims) <= set(rows)
    ]


def _columns(dataset: xarray.Dataset, name: str, rows: list[str]) -> dict[str, xarray.DataArray]:
    found = dataset[name]
    further = [str(axis) for axis in found.dims if axis not in rows]
    if not further:
        return {name: found}
    labels = [_labels(dataset, axis) for axis in further]
    is_long = any(len(each) > FEW and not isinstance(each[0], str) for each in labels)
    is_other = not set(rows) <= set(found.dims) or not rows
    if is_other or is_long or math.prod(map(len, labels)) > MOST_COLUMNS:
        return {}
    head = [] if name == "value" else [name]
    return {
        " ".join([*head, *(str(labels[k][place]) for k, place in enumerate(places))]): found.isel(
            dict(zip(further, places, strict=True)), drop=True
        )
        for places in itertools.product(*(range(len(each)) for each in labels))
    }


def _broadcast(values: Any, rows: list[str], dataset: xarray.Dataset) -> Any:
    missing = {axis: dataset.sizes[axis] for axis in rows if axis not in values.dims}
    return values.expand_dims(missing).transpose(*rows) if missing else values.transpose(*rows)


def _labels(dataset: xarray.Dataset, axis: str) -> list[Any]:
    """Return an axis's labels; places where it has none."""
    if axis in dataset.coords:
        labels: list[Any] = dataset.coords[axis].to_numpy().tolist()
        return labels
    return list(range(dataset.sizes[axis]))
