"""Adjoints of arrays: what is kept and what is run again give the same, and so do interventions."""

from __future__ import annotations

import numpy as np
import pytest

import causalopt
from causalopt.engine.arrays import array_backward
from causalopt.engine.arrays.array_backward import adjoint_of
from causalopt.engine.arrays.array_forward import ArraySeed, tangents_of
from causalopt.worlds.array_world import array_plan_for
from tests.effects.arrays.models_of_arrays import LATTICE, MEMORY, TRAINING


def both_ways(model, given, hold, source, target, steps, seed=0):
    """Return a Jacobian of the target by a source node, by tangents and by the adjoint."""
    node = model.node(source)
    plan, draw = array_plan_for(model, given, steps=steps, hold=model.selection(hold), seed=seed)
    shape = plan.template.by_name[node.variable].shape
    size = int(np.prod(shape))
    units = np.eye(size).reshape(size, *shape)
    forward = tangents_of(plan, ArraySeed(node.variable, node.t, units), target, (), draw)
    goal = plan.template.by_name[target].shape
    count = int(np.prod(goal))
    directions = np.eye(count).reshape(count, *goal)
    back = adjoint_of(plan, target, directions, [node.variable], draw)
    found = []
    for place, kind in enumerate(("total", "direct")):
        up = np.ldexp(getattr(forward, kind)[-1], int(forward.exponents[-1, place]))
        down = np.ldexp(
            getattr(back, kind)[node.variable][node.t], int(back.exponents[node.t, place])
        )
        found.append((up.reshape(size, count).T, down.reshape(count, size)))
    return found


CASES = [
    (TRAINING, (), "h[t<=4]", "W1[0]", "o", 12),
    (TRAINING, (causalopt.Set("h[3, hidden=1]", 0.5),), "W2", "b1[1]", "o", 12),
    (MEMORY, (causalopt.Set("h[5]", [0.1, 0.2, 0.3]),), "W[dim0=1]", "h[0]", "h", 20),
    (MEMORY, (causalopt.Set("h[5, unit=0]", 0.1),), "W[dim0=1]", "h[1]", "h", 20),
    (LATTICE, (causalopt.Nudge("x[3, site=2]", 0.5),), "c[site=0:3]", "x[2]", "x", 15),
]


@pytest.mark.parametrize("case", CASES)
def test_reverse_is_forward_under_interventions(case) -> None:
    for forward, backward in both_ways(*case):
        scale = np.abs(forward).max()
        assert scale > 0
        np.testing.assert_allclose(backward, forward, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("model", [MEMORY, TRAINING])
def test_a_run_that_is_not_kept_whole_gives_the_same(model, monkeypatch) -> None:
    target = "top" if model is MEMORY else "loss"
    plan, draw = array_plan_for(
        model, (), steps=37, hold=model.selection("W" if model is MEMORY else "W2")
    )
    whole = adjoint_of(plan, target, np.ones(1), ["h"], draw)
    monkeypatch.setattr(array_backward, "_KEPT_BYTES", 100)
    made, original = [], array_backward.rows

    def counted(*args, **options):
        for row in original(*args, **options):
            made.append(row)
            yield row

    monkeypatch.setattr(array_backward, "rows", counted)
    pieces = adjoint_of(plan, target, np.ones(1), ["h"], draw)
    for kind in ("total", "direct"):
        assert getattr(pieces, kind)["h"].tolist() == getattr(whole, kind)["h"].tolist()
    assert len(made) > 38 + 30  # the steps between those that are kept were run again


def test_the_measured_step_may_be_an_earlier_one() -> None:
    plan, draw = array_plan_for(MEMORY, (), steps=30, hold=MEMORY.selection("W"))
    early = adjoint_of(plan, "top", np.ones(1), ["h"], draw, at=12)
    short, _ = array_plan_for(MEMORY, (), steps=12, hold=MEMORY.selection("W"))
    alone = adjoint_of(short, "top", np.ones(1), ["h"], draw)
    assert early.total["h"].tolist() == alone.total["h"].tolist()
