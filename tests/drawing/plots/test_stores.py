"""Pictures of stores and of sweeps of any measure: the same as those of their datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import causalopt
from causalopt.drawing.plots.of_sweep import plot_swept
from causalopt.errors import QuestionError
from causalopt.sweeps.measures.op_measure import OpMeasure
from causalopt.sweeps.sweep_plan import plan_sweep
from causalopt.sweeps.sweep_store import SweepStore
from tests.drawing.plots.test_swept_datasets import clashes, keys, mesh_of, titles

KS, DS = np.linspace(0.1, 0.9, 60), np.linspace(20.0, 30.0, 90)
GRID: dict[str, Any] = {"hold": ["T", "T[t<=0]", "T[1]"], "k": KS, "d": DS}


@pytest.fixture
def store(tmp_path: Path) -> SweepStore:
    """Return a store of Op of the thermostat after two steps, without its last task."""
    plan = plan_sweep(causalopt.load("thermostat"), GRID, OpMeasure(steps=2), chunk=1)
    made = SweepStore.create(tmp_path / "x.zarr", plan)
    for task in range(plan.task_count - 1):
        made.mark(task, made.write(task, plan.evaluate(task)))
    made.close()
    return causalopt.open_sweep(made.path)


def test_a_store_that_is_not_full_shows_what_is_there(store: SweepStore) -> None:
    figure = store.plot()
    assert titles(figure)[:3] == ["A = {T}", "A = {T[t<=0]}", "A = {T[1]}"]
    assert figure.get_suptitle().splitlines() == ["thermostat", "Op(A; R[0], R), at step 2"]
    whole = np.stack([mesh_of(axes) for axes in figure.axes[:3]])
    there = np.isfinite(whole)
    assert there[0].all()
    # T[1] alone carries the disturbance: holding T[0] changes nothing.
    op = -np.log1p(-KS)[:, None] + np.zeros(len(DS))
    np.testing.assert_allclose(whole[0], op, rtol=1e-10)
    np.testing.assert_allclose(whole[1][there[1]], 0.0, atol=1e-12)
    np.testing.assert_allclose(whole[2][there[2]], op[there[2]], rtol=1e-10)
    missing = 3 * 60 * 90 - sum(store.total.counts)
    assert missing > 0
    assert (~there).sum() == missing
    assert keys(figure)[-1] == f"missing ({missing:,})"
    assert clashes(figure) == []


def test_a_store_and_its_dataset_have_the_same_picture(store: SweepStore) -> None:
    for measure in ("op", "comp", "w"):
        one = store.plot(measure=measure, panels="hold=T")
        other = plot_swept(store.dataset, measure=measure, panels="hold=T")
        np.testing.assert_array_equal(mesh_of(one.axes[0]), mesh_of(other.axes[0]))
        assert one.get_suptitle() == other.get_suptitle()
    with pytest.raises(QuestionError, match="measure is one of op, comp, total, direct, w; 'x'"):
        store.plot(measure="x")


def test_a_store_shows_itself_in_a_notebook(store: SweepStore) -> None:
    html = store._repr_html_()
    assert "<svg" in html
    assert "Op(A; R[0], R), at step 2" in html
    assert "missing" in html
    assert "no picture" not in html
    assert "no table" not in html


def test_a_sweep_of_any_measure_has_its_panels_and_measures() -> None:
    found = causalopt.sweep(causalopt.load("thermostat"), GRID, steps=2)
    figure = found.plot(measure="comp")
    np.testing.assert_allclose(mesh_of(figure.axes[0]), 1.0 - KS[:, None] + np.zeros(90))
    assert figure.get_suptitle().splitlines()[-1] == "Op(A; R[0], R), at step 2"
    line = causalopt.sweep(
        causalopt.load("thermostat"), {"nudge": ["R[0]", "R[1]"], "k": KS}, steps=2
    ).plot()
    assert titles(line) == ["n = R[0]", "n = R[1]"]
    assert line.get_suptitle().splitlines()[-1] == "Op(T; n, R), at step 2"


@pytest.mark.parametrize(
    "grid",
    [
        {"hold": ["T", "T[1]"], "nudge": ["R[0]", "R[1]"], "k": KS[:5], "d": DS[:7]},
        {"seed": [3, 4], "k": KS[:9]},
        {"hold": ["T", "T[1]"]},
        {"points": causalopt.Design({"k": KS[:9], "d": DS[:9][::-1]})},
        {"k": KS[:4][::-1], "T[0]": [1.0], "points": causalopt.Design({"d": DS[:9]})},
    ],
)
def test_a_sweep_in_memory_and_its_dataset_have_the_same_picture(grid: dict[str, Any]) -> None:
    found = causalopt.sweep(causalopt.load("thermostat"), grid, steps=2)
    one, other = found.plot(), plot_swept(found.dataset)
    assert one.get_suptitle().splitlines()[1] == other.get_suptitle().splitlines()[1]
    assert titles(one) == titles(other)
    assert keys(one) == keys(other)
    for left, right in zip(one.axes, other.axes, strict=True):
        assert left.get_xlabel() == right.get_xlabel()
        assert left.get_ylabel() == right.get_ylabel()
        for a, b in zip(left.lines, right.lines, strict=True):
            np.testing.assert_array_equal(a.get_xydata(), b.get_xydata())
        for c, d in zip(left.collections, right.collections, strict=True):
            np.testing.assert_array_equal(c.get_array(), d.get_array())
            np.testing.assert_array_equal(c.get_offsets(), d.get_offsets())
