"""The preview of a sweep: few of its own points, both ends of each axis, told before the whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import causalopt
from causalopt.cli import main
from causalopt.errors import FileError, QuestionError
from causalopt.sweeps.coarse_preview import coarse_places, preview_sweep, preview_text
from causalopt.sweeps.measure_sweep import MeasureSweep
from causalopt.sweeps.measures.op_measure import OpMeasure
from causalopt.sweeps.sweep_plan import SweepPlan, plan_sweep

KS, DS = np.linspace(0.01, 0.99, 1401), np.linspace(20.0, 30.0, 1001)


def plan(grid: Any, steps: int = 2, **question: Any) -> SweepPlan:
    return plan_sweep(causalopt.load("thermostat"), grid, OpMeasure(steps=steps, **question))


def test_a_preview_has_points_of_the_sweep_itself() -> None:
    whole = plan({"k": KS, "d": DS})
    coarse = preview_sweep(whole)
    assert coarse is not None
    assert coarse.shape == (33, 33)
    for axis, values in zip(coarse.axes.values(), (KS, DS), strict=True):
        assert set(axis) <= set(values)
        assert (axis[0], axis[-1]) == (values[0], values[-1])
    # Two steps of the thermostat: Comp is 1 - k.
    expected = np.broadcast_to(-np.log1p(-coarse.axes["k"])[:, None], (33, 33))
    np.testing.assert_allclose(coarse.op, expected, rtol=1e-10)
    assert preview_text(coarse, whole.shape) == (
        "a preview: 33 of 1,401 values of k, 33 of 1,001 values of d"
    )


def test_words_are_kept_seeds_are_five_and_a_design_is_thinned() -> None:
    held = ["T", "T[t<=0]", "T[1]"]
    words = preview_sweep(plan({"hold": held, "k": KS}))
    assert words is not None
    assert words.shape == (3, 33)
    assert words.axes["hold"].tolist() == held
    seeded = preview_sweep(plan({"seed": range(40), "k": KS[:9]}))
    assert seeded is not None
    assert seeded.axes["seed"].tolist() == [0, 10, 20, 29, 39]
    rng = np.random.default_rng(1)
    points = causalopt.Design({"k": rng.random(5000), "d": rng.random(5000)})
    design = preview_sweep(plan(points))
    assert design is not None
    assert design.shape == (1089,)
    assert preview_text(design, [5000]) == "a preview: 1,089 of 5,000 points"


def test_the_costlier_a_point_the_fewer_of_them() -> None:
    grid = {"k": KS, "d": DS, "T[0]": DS}
    counts = [np.prod([len(own) for own in coarse_places(plan(grid, n))]) for n in (10, 10**6)]
    assert counts[0] == 33**3
    budget = plan(grid, 10**6).measure.task_points(causalopt.load("thermostat")) / 2
    assert counts[1] <= max(budget, 27)
    assert min(len(own) for own in coarse_places(plan(grid, 10**6))) >= 3


def test_a_sweep_that_is_its_own_preview_has_none() -> None:
    assert preview_sweep(plan({"k": KS[:33], "d": DS[:5]})) is None


def told_of(grid: Any, **options: Any) -> tuple[list[MeasureSweep], Any]:
    told: list[MeasureSweep] = []
    found = causalopt.sweep(causalopt.load("thermostat"), grid, preview=told.append, **options)
    return told, found


def test_a_long_sweep_tells_its_preview_first_and_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid, small = {"k": KS[::20], "d": DS[::20]}, {"k": KS[:3]}
    assert told_of(grid, steps=2)[0] == []  # the whole is there within a second
    monkeypatch.setattr(OpMeasure, "task_points", lambda *_: 500)
    plain = causalopt.sweep(causalopt.load("thermostat"), grid, steps=2)
    told, found = told_of(grid, steps=2)
    assert isinstance(found, causalopt.Sweep)
    assert found.op.tobytes() == plain.op.tobytes()
    (coarse,) = told
    assert 9 <= coarse.plan.count <= 250
    assert told_of(small, steps=2)[0] == []

    def stop(_: object) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        causalopt.sweep(
            causalopt.load("thermostat"), grid, steps=2, out=tmp_path / "x.zarr", preview=stop
        )
    assert causalopt.open_sweep(tmp_path / "x.zarr").done == 0
    told, store = told_of(grid, steps=2, out=tmp_path / "x.zarr", resume=True)
    assert len(told) == 1
    assert store.complete
    told, _ = told_of(grid, steps=2, out=tmp_path / "x.zarr", resume=True)
    assert told == []  # the store has more than a preview
    with pytest.raises(FileError):  # refused before anything is computed
        told_of(grid, steps=2, out=tmp_path / "x.zarr")


def test_progress_counts_the_sweep_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpMeasure, "task_points", lambda *_: 500)
    how: list[tuple[float, float, str]] = []
    grid = {"hold": ["T", "T[1]"], "k": KS}
    told_of(grid, steps=2, progress=lambda *one: how.append(one))
    assert {total for _, total, _ in how} == {2802}
    done = [at for at, _, _ in how]
    assert done == sorted(done)
    assert done[-1] == 2802


def test_an_ensemble_has_no_preview() -> None:
    with pytest.raises(QuestionError, match="which has no 'preview'"):
        causalopt.sweep(
            causalopt.load("thermostat"), {"k": KS[:3]}, seeds=3, preview=lambda _: None
        )


def test_the_command_writes_a_coarse_picture_first_and_the_whole_in_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpMeasure, "task_points", lambda *_: 500)
    picture = tmp_path / "x.svg"
    written: list[str] = []
    from causalopt.commands import options

    own = options.write_figure

    def write(figure: Any, path: Path) -> None:
        written.append(figure.get_suptitle())
        own(figure, path)

    monkeypatch.setattr(options, "write_figure", write)
    words = ["sweep", "thermostat", "--grid", "k=0.1:0.9:60", "--grid", "d=20:30:70"]
    words += ["--at", "2", "--out", str(tmp_path / "x.zarr"), "--plot", str(picture)]
    assert main(words) == 0
    told = capsys.readouterr().err
    assert len(written) == 2
    line = written[0].splitlines()[-1]
    assert re.fullmatch(r"a preview: \d+ of 60 values of k, \d+ of 70 values of d", line)
    assert "preview" not in written[1]
    assert "a preview" not in picture.read_text()
    assert f"wrote {picture}, {line}\n  op from 0.105361 to 2.30259 nats\n  ok: " in told
