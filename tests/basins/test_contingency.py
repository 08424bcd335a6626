"""Basin x region of Op: what is compressed into, and what by A."""

from __future__ import annotations

import math

import numpy as np
import pytest

from causalopt import Model, QuestionError, attraction_basins, basin_contingency, load, op_basins
from causalopt.basins.basin_contingency import FATES


def pulled(a: float, b: float) -> Model:
    """x -> a x - b x, where A = {u} carries b x: total (a - b)^t, direct a^t."""
    return Model(
        name="pulled",
        parameters={"a": a, "b": b},
        variables={
            "u": {"rule": "b*x[t-1]", "initial": 0},
            "x": {"rule": "a*x[t-1] - u[t]", "initial": 1},
        },
        partition={"A": ["u"], "B": ["x"]},
        question={"nudge": "x[0]", "hold": "A", "target": "x", "steps": 6},
    )


@pytest.mark.parametrize(
    ("a", "b", "fate", "row"),
    [
        (0.9, 0.5, "by A", "1"),  # it would shrink, and A makes it shrink faster
        (2.0, 1.5, "by A", "1"),  # it would grow, and A makes it shrink
        (0.5, 0.0, "without A", "1"),  # it shrinks, and A only watches
        (0.5, -0.3, "without A", "1"),  # it shrinks though A holds against it
        (2.0, 0.5, "A slows its growth", "escaped"),
        (2.0, -0.5, "not at all", "escaped"),
    ],
)
def test_what_happens_to_a_disturbance_follows_from_both_effects(
    a: float, b: float, fate: str, row: str
) -> None:
    model, over = pulled(a, b), {"x[0]": (-1.0, 1.3)}
    op = op_basins(model, over, counts=8, depth=1)
    # The starts near 0 stay in the grid for long where it grows.
    found = basin_contingency(op, attraction_basins(model, over, counts=8, depth=0), points=64)
    assert row in found.rows
    i = found.rows.index(row)
    assert found.fate[i].tolist() == [float(name == fate) for name in FATES]
    j = int(np.nanargmax(found.share[i]))
    assert found.total[i, j] == pytest.approx(6 * math.log(abs(a - b)))
    assert found.direct[i, j] == pytest.approx(6 * math.log(a))
    assert found.share[i, j] > 0.99
    assert fate in repr(found)


def test_shares_are_the_measures_that_each_side_found_alone() -> None:
    model = load("lorenz").replace(parameters={"rho": 10}, method="rk4", dt=0.02)
    over = {"a[0]": (-20, 20), "b[0]": (-25, 25)}
    op, attraction = op_basins(model, over, steps=40), attraction_basins(model, over)
    found = basin_contingency(op, attraction)
    assert found.share.sum() == pytest.approx(1)
    for i, basin in enumerate(attraction.attractors):
        assert found.share[i].sum() == pytest.approx(basin.measure / 2000, abs=0.005)
    for j, region in enumerate(op.regions[:4]):
        assert found.columns[j] == f"region {region.label}"
        assert found.share[:, j].sum() == pytest.approx(region.measure / 2000, abs=0.005)
    above = [j for j, name in enumerate(found.columns) if name.startswith(("region", "other"))]
    assert found.share[:, above].sum() == pytest.approx(op.measure / 2000, abs=0.005)
    assert ((found.low <= found.share + 1e-12) & (found.share <= found.high + 1e-12)).all()
    # (a, b) -> (-a, -b) takes the first basin into the second, and region 1 into region 2.
    assert found.share[0, 0] == pytest.approx(found.share[1, 1], abs=0.01)


def test_the_table_is_labelled() -> None:
    model, over = pulled(0.9, 0.5), {"x[0]": (-1.0, 1.3)}
    found = basin_contingency(
        op_basins(model, over, counts=8, depth=1),
        attraction_basins(model, over, counts=8, depth=0),
        points=16,
        replicas=4,
    )
    data = found.dataset
    assert float(data.fate.sel(basin="1", compressed="by A")) == 1.0
    told = found.to_dict()
    assert told["rows"] == ["1"]
    assert told["fates"] == list(FATES)
    assert told["points"] == 64


def test_what_is_of_different_models_or_boxes_is_told() -> None:
    over = {"x[0]": (-1.0, 1.3)}
    op = op_basins(pulled(0.9, 0.5), over, counts=8, depth=0)
    other = attraction_basins(pulled(0.9, 0.4), over, counts=8, depth=0)
    with pytest.raises(QuestionError, match="different models"):
        basin_contingency(op, other)
    other = attraction_basins(pulled(0.9, 0.5), {"x[0]": (-1.0, 1.0)}, counts=8, depth=0)
    with pytest.raises(QuestionError, match="different starting values"):
        basin_contingency(op, other)
    same = attraction_basins(pulled(0.9, 0.5), over, counts=8, depth=0)
    with pytest.raises(QuestionError, match="power of two"):
        basin_contingency(op, same, points=100)
