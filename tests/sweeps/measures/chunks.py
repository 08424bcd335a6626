"""What every measure of sweeps keeps: a point's numbers do not depend on the points beside it."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt import Model
from causalopt.sweeps.swept_measure import Points, SweptMeasure

Columns = dict[str, NDArray[Any]]


def grid(axes: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the points of a grid, the last axis running fastest."""
    values = []
    for one in axes.values():
        is_text = any(isinstance(value, str) for value in one)
        values.append(np.array(one, dtype=object if is_text else None))
    found = np.meshgrid(*values, indexing="ij")
    return {name: column.ravel() for name, column in zip(axes, found, strict=True)}


def part(points: Points, places: Any) -> dict[str, NDArray[Any]]:
    """Return some of the points, in any order."""
    return {name: np.asarray(values)[places] for name, values in points.items()}


def assert_same(mine: Columns, other: Columns) -> None:
    """Assert that two results are equal to the last bit."""
    assert mine.keys() == other.keys()
    for name, values in mine.items():
        assert values.dtype == other[name].dtype
        assert values.tobytes() == other[name].tobytes(), name


def assert_of_its_shape(measure: SweptMeasure, model: Model, points: Points) -> Columns:
    """Assert what each measure promises, and return its answers at the points."""
    found = measure.evaluate(model, points)
    count = len(next(iter(points.values())))
    assert [one.name for one in measure.variables] == list(found)
    assert measure.variables[-1].name == "status"
    for one in measure.variables:
        assert found[one.name].shape == (count,)
        assert found[one.name].dtype == np.dtype(one.dtype)
        assert one.attrs["long_name"]
    assert measure.drawn in found
    assert measure.statuses[0] == "ok"
    assert len(measure.statuses) == len(measure.status_texts)
    assert set(found["status"]) <= set(range(len(measure.statuses)))
    json.dumps(measure.settings(), allow_nan=False)
    assert pickle.loads(pickle.dumps(measure)) == measure
    assert measure.resolved(model, points) == measure
    assert measure.task_points(model) >= 1
    # What a chunk is, in which order its points stand, and how many threads there are.
    turned = np.random.default_rng(count).permutation(count)
    again = pickle.loads(pickle.dumps(measure)).evaluate(model, part(points, turned), workers=2)
    assert_same({name: column[turned] for name, column in found.items()}, again)
    for k in range(count):
        alone = measure.evaluate(model, part(points, [k]), workers=1)
        assert_same({name: column[[k]] for name, column in found.items()}, alone)
    return found


def assert_as_alone(
    found: Columns,
    measure: SweptMeasure,
    points: Points,
    ask: Callable[[dict[str, Any]], tuple[Mapping[str, float], str]],
) -> None:
    """Assert that each point has what the plain function has there, to the last bit.

    Args:
        found: The measure's answers.
        measure: The measure.
        points: The points.
        ask: A point's values -> variables that are known, and the status.
    """
    count = len(next(iter(points.values())))
    for k in range(count):
        numbers, status = ask({name: points[name][k] for name in points})
        assert measure.statuses[found["status"][k]] == status
        for name in found.keys() - {"status"}:
            mine, own = float(found[name][k]), float(numbers.get(name, np.nan))
            assert np.float64(mine).tobytes() == np.float64(own).tobytes() or (
                np.isnan(mine) and np.isnan(own)
            ), (name, k, mine, own)
