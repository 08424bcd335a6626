"""Sweeps: the posts' integrals, agreement with runs, files and bad input."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import xarray

import causalopt
from causalopt import Model, Nudge, Set, load, run, sweep
from causalopt.cli import main
from causalopt.effects.sweeps import lane_doubts
from causalopt.effects.sweeps import number_sweep as sweeps
from causalopt.engine.batch_arrays import ArrayBatch
from causalopt.engine.machine.batch_code import MachineBatch
from causalopt.errors import FileError, QuestionError, UnknownNameError
from causalopt.saving.file_formats import check_target

GRID = np.linspace(5, 45, 401)


def saturating(**parameters: float) -> Model:
    return load("thermostat_saturating").replace(parameters=parameters)


@pytest.mark.parametrize(
    ("theta", "p", "expected"), [(1, 1, 19.9608), (0.5, 1, 19.9617), (1, 0.5, 9.9802)]
)
def test_power_of_the_saturating_thermostat_is_as_in_part_4(
    theta: float, p: float, expected: float
) -> None:
    found = sweep(saturating(theta=theta, p=p), {"R[0]": GRID}, at=500)
    assert found.power == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(("theta", "p"), [(1, 1), (0.5, 1), (1, 0.5), (3, 0.25)])
def test_the_integral_telescopes_to_twice_p_times_t_minus_dt(theta: float, p: float) -> None:
    found = sweep(saturating(theta=theta, p=p), {"R[0]": [5.0, 45.0]}, at=500)
    assert 40 - np.diff(found.values)[0] == pytest.approx(2 * p * (10 - 0.02), abs=1e-10)


def test_a_sweep_gives_at_each_point_what_a_run_gives() -> None:
    model = load("lorenz")
    found = sweep(model, {"rho": [0.8, 10, 28], "b[0]": [0.5, 1.25]}, steps=150)
    for j, rho in enumerate((0.8, 10, 28)):
        for k, b in enumerate((0.5, 1.25)):
            other = model.replace(parameters={"rho": rho}, initial={"b": b})
            own = run(other, steps=150)
            assert found.op[j, k] == own.op[-1]
            assert found.comp[j, k] == own.comp[-1]
            assert found.total[j, k] == own.total[-1]
            assert found.values[j, k] == own.W["b"][-1]
            assert found.status[j, k] == own.status[-1]


def test_a_finite_nudge_gives_what_a_finite_run_gives() -> None:
    model = load("lorenz")
    found = sweep(model, {"b[0]": [0.5, 1.25, 4]}, steps=120, delta=0.01)
    for k, b in enumerate((0.5, 1.25, 4)):
        own = run(model, given=[Set("b[0]", b)], steps=120, delta=0.01)
        assert found.op[k] == own.op[-1]
        assert found.status[k] == own.status[-1]


def test_parameters_and_initial_values_follow_the_parameters_they_are_computed_from() -> None:
    model = Model(
        name="m",
        parameters={"k": 0.5, "half": "k/2"},
        variables={
            "x": {"rule": "half*x[t-1] + y[t-1]", "initial": "1 + 2*k"},
            "y": {"rule": "0.1*x[t-1]", "initial": 0},
        },
    )
    asked = {"nudge": "x[0]", "hold": "y", "target": "x", "steps": 7}
    found = sweep(model, {"k": [0.25, 0.5, 0.75]}, **asked)
    for j, k in enumerate((0.25, 0.5, 0.75)):
        own = run(model.replace(parameters={"k": k}), **asked)
        assert found.values[j] == own.W["x"][-1]
        assert found.op[j] == own.op[-1]


def test_statuses_are_told_apart_point_by_point() -> None:
    model = Model(
        name="m",
        variables={
            "x": {"rule": "x[t-1]**2 + 0*y[t-1]", "initial": 1},
            "y": {"rule": "x[t-1]", "initial": 0},
        },
    )
    asked = {"nudge": "x[0]", "hold": "y", "target": "x", "steps": 12}
    found = sweep(model, {"x[0]": [0.999, 0.0, 3.0]}, **asked)
    assert found.status.tolist() == ["ok", "no_influence", "diverged"]
    assert found.failed == 1
    undefined = Model(name="m", variables={"x": {"rule": "sqrt(x[t-1] - 1)", "initial": 1}})
    points = sweep(undefined, {"x[0]": [0.5, 900.0]}, nudge="x[0]", hold="", target="x", steps=2)
    assert points.status.tolist() == ["nonfinite", "ok"]
    for j, x in enumerate((0.999, 0.0, 3.0)):
        own = run(model, given=[Set("x[0]", x)], **asked)
        assert found.status[j] == own.status[-1]


def test_results_do_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    brief = sweep(load("lorenz"), {"b[0]": np.linspace(-3, 3, 333)}, steps=60)
    assert brief.workers == 1
    monkeypatch.setattr("causalopt.effects.sweeps.point_lanes._WORTH", 0)
    grid = {"b[0]": np.linspace(-3, 3, 333), "rho": [20, 28]}
    one, two = (sweep(load("lorenz"), grid, steps=60, workers=k) for k in (1, 2))
    assert (one.workers, two.workers) == (1, 2)
    np.testing.assert_array_equal(one.op, two.op)
    np.testing.assert_array_equal(one.codes, two.codes)


def test_a_static_model_is_swept_over_its_nodes() -> None:
    model = Model(
        name="s",
        variables={"d": {"initial": 1}, "a": "-d/2 + d**2", "e": "d + a"},
        partition={"A": ["a"]},
        question={"nudge": "d", "target": "e"},
    )
    found = sweep(model, {"d": [0.0, 1.0, 2.0]})
    np.testing.assert_allclose(found.comp, [0.5, 2.5, 4.5])


def test_progress_counts_the_points() -> None:
    told: list[tuple[float, float, str]] = []
    sweep(
        load("thermostat"), {"R[0]": np.linspace(0, 1, 5000)}, steps=5,
        progress=lambda *how: told.append(how),
    )  # fmt: skip
    assert told == sorted(told)
    assert told[-1] == (5000, 5000, "sweeping")
    assert {total for _, total, _ in told} == {5000}


@pytest.mark.parametrize(
    ("grid", "options", "message"),
    [
        ({}, {}, "a sweep needs an axis"),
        ({"R[0]": []}, {}, "one or more values"),
        ({"R[0]": [[1.0]]}, {}, "one or more values"),
        ({"R[0]": [1.0, np.nan]}, {}, "finite numbers, found nan"),
        ({"R[0]": [1.0]}, {"hold": "R"}, "in the held set"),
        ({"R[0]": [1.0]}, {"delta": 0.0}, "other than 0"),
        ({"R[0]": [1.0]}, {"workers": 0}, "at least 1"),
        ({"R[0]": [1.0]}, {"at": 50, "steps": 9}, "between 0 and the last step"),
        ({"R[2000]": [1.0]}, {}, "follows its rule"),
    ],
)
def test_bad_questions_are_refused_by_name(
    grid: dict[str, object], options: dict[str, object], message: str
) -> None:
    with pytest.raises(QuestionError, match=message):
        sweep(load("thermostat"), grid, **options)  # type: ignore[arg-type]


def test_an_unknown_axis_gets_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'theta'"):
        sweep(load("thermostat_saturating"), {"thet": [1.0]})


@pytest.mark.parametrize("ending", ["nc", "zarr"])
def test_a_sweep_is_written_whole_and_reads_back(tmp_path: Path, ending: str) -> None:
    found = sweep(load("thermostat_saturating"), {"R[0]": GRID[::50], "p": [0.5, 1]}, at=100)
    path = found.save(tmp_path / f"sweep.{ending}")
    opened = (
        xarray.open_zarr(path, consolidated=False)
        if ending == "zarr"
        else (xarray.open_dataset(path, engine="h5netcdf"))
    )
    with opened as data:
        assert data["op"].dims == ("R_0", "p")
        np.testing.assert_array_equal(data["op"], found.op)
        assert data["status"].values.tolist() == found.status.tolist()
        assert data.attrs["nudge"] == "R[0]"
    assert [file.name for file in tmp_path.iterdir()] == [f"sweep.{ending}"]


@pytest.mark.parametrize("name", ["total", "op", "status", "comp", "direct", "value", "x_0"])
def test_a_swept_name_that_an_array_has_is_written_beside_it(name: str, tmp_path: Path) -> None:
    model = Model(
        name="m",
        parameters={name: 1},
        variables={"x": {"rule": f"{name}*x[t-1] + y[t-1]", "initial": 1}, "y": {"rule": "x[t]"}},
        question={"nudge": "x[0]", "hold": "y", "target": "x", "steps": 3},
    )
    found = sweep(model, {name: [1.0, 2.0, 3.0], "x[0]": [1.0, 2.0]})
    found.save(tmp_path / "m.zarr")
    with xarray.open_dataset(found.save(tmp_path / "m.nc"), engine="h5netcdf") as read:
        axes = {c.attrs["axis_name"]: c.values.tolist() for c in read.coords.values()}
        assert axes == {name: [1, 2, 3], "x[0]": [1, 2]}
        np.testing.assert_array_equal(read["total"], found.total)


def test_a_store_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    found = sweep(load("thermostat"), {"k": [0.1, 0.2]})
    found.save(tmp_path / "s.zarr")
    with pytest.raises(FileError, match="is there already"):
        found.save(tmp_path / "s.zarr")
    with pytest.raises(FileError, match=r"must end in \.csv, \.json, \.nc, \.parquet or \.zarr"):
        found.save(tmp_path / "s.xls")
    with pytest.raises(FileError, match="does not exist"):
        found.save(tmp_path / "missing" / "s.nc")


def test_the_command_prints_the_contracts_keys(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["sweep", "thermostat_saturating", "--grid", "R[0]=5:45:401", "--at", "500", "--json"]
    assert main(words) == 0
    data = json.loads(capsys.readouterr().out)
    assert set(data) == {
        "out",
        "shape",
        "computed",
        "skipped",
        "failed",
        "statuses",
        "left_out",
        "op_min",
        "op_max",
        "power",
    }
    assert (data["shape"], data["computed"], data["failed"]) == ([401], 401, 0)
    assert sum(data["statuses"].values()) == 401
    assert data["power"] == pytest.approx(19.9608, abs=5e-5)
    assert data["op_max"] == pytest.approx(10.29301363, abs=1e-8)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--grid", "R[0]=5:45"], "--grid takes NAME=LO:HI:COUNT, NAME=log:LO:HI:COUNT or"),
        (["--grid", "k=log:0:1:3"], "a log axis has LO and HI of one sign, neither of them 0"),
        (["--grid", "k=log:-1:1:3"], "a log axis has LO and HI of one sign, neither of them 0"),
        (["--grid", "k=1,,2"], "found 'k=1,,2'"),
        (["--grid", "k=1,inf"], "values are finite numbers"),
        (["--grid", "=1,2"], "found '=1,2'"),
        (["--grid", "k=1:2:1000000000"], "100,000,000 at most are kept in memory"),
        (["--grid", "k=1:2:20000", "--grid", "d=1:2:20000"], "the grid has 400,000,000 points"),
        (["--grid", "R[0]=5:45:0"], "COUNT must be at least 1"),
        (["--grid", "R[0]=1:2:3", "--grid", "R[0]=1:2:3"], "twice"),
        (["--grid", "R[0]=1:2:3", "--resume"], "--resume goes on with a store"),
        (["--grid", "R[0]=1:2:3", "--out", "x.txt"], ".csv, .json, .nc, .parquet or .zarr"),
        ([], "needs an axis"),
    ],
)
def test_the_command_refuses_bad_words_in_one_message(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "thermostat", *words, "--json"]) == 2
    assert message in json.loads(capsys.readouterr().out)["error"]["message"]


def test_axes_are_even_or_even_in_their_logarithm_or_listed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "k.nc"
    grids = ["k=log:1e-4:1:5", "d=20,25,3e1", "R[0]=1:2:3"]
    words = [word for grid in grids for word in ("--grid", grid)]
    assert main(["sweep", "thermostat", *words, "--steps", "5", "--out", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["shape"] == [5, 3, 3]
    with xarray.open_dataset(file) as found:
        np.testing.assert_allclose(found.k, [1e-4, 1e-3, 1e-2, 1e-1, 1], rtol=1e-14)
        assert (found.k.values[[0, -1]] == [1e-4, 1]).all()
        assert found.d.values.tolist() == [20, 25, 30]
        assert found["R_0"].values.tolist() == [1, 1.5, 2]
    assert main(["sweep", "thermostat", "--grid", "k=log:-1:-0.01:3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["shape"] == [3]


def test_sweep_is_public() -> None:
    assert causalopt.sweep is sweep


def test_what_overflows_and_what_is_undefined_are_told_apart_in_every_task() -> None:
    model = Model(
        name="m",
        parameters={"k": 1e200},
        partition={"A": ["x"]},
        variables={
            "x": {"rule": "k*x[t-1]*sqrt(x[t-1])", "initial": 1},
            "y": {"rule": "x[t-1] + y[t-1]", "initial": 0},
        },
        question={"nudge": "y[0]", "target": "y"},
    )
    starts = np.resize([-1.0, 1.0, 1e-300], 20_000)
    status = sweep(model, {"x[0]": starts}, steps=5).status
    for i, start in enumerate(starts[:3]):
        alone = run(model.replace(initial={"x": float(start)}), steps=5).status[-1]
        assert set(status[i::3]) == {alone}
    assert list(status[:3]) == ["nonfinite", "diverged", "ok"]


BRANCHING = {
    "thermostat_saturating": ("T", "R[0]", "R"),
    "clipped controller": ("c", "x[0]", "x"),
    "given controller": ("c", "x[0]", "x"),
    "clock": ("", "x[0]", "x"),
    "root": ("", "x[0]", "m"),
}


def branching(name: str) -> Model:
    if name == "thermostat_saturating":
        return load(name)
    rules = {
        "clipped controller": {"x": "1.2*x[t-1] - 0.7*c[t-1]", "c": "clip(x[t], -1, 1)"},
        "given controller": {"x": "0.9*x[t-1] - 0.1*c[t-1]", "c": "where(x[t-1] > 2.05, 1, 2)"},
        "clock": {"x": "where(x[t-1] < t, 0.5*x[t-1], 0.9*x[t-1])"},
        "root": {"x": "x[t-1]", "m": "sqrt(max(x[t-1] - 9, 0)) + x[t-1]"},
    }[name]
    variables = {v: {"rule": rule, "initial": 0.25} for v, rule in rules.items()}
    return Model(name="branching", variables=variables)


@pytest.mark.parametrize("name", BRANCHING)
@pytest.mark.parametrize("delta", [None, 0.125])
@pytest.mark.parametrize("steps", [0, 3, 20])
def test_every_point_of_a_sweep_has_the_status_and_comp_of_its_run(
    name: str, delta: float | None, steps: int
) -> None:
    model, (hold, nudge, target) = branching(name), BRANCHING[name]
    grid = np.array([0.3, 1.7, 2.0, 8.0, 10.0, 26.5, 31.0])
    given = [Set("c[2]", 7.0)] if name == "given controller" and steps > 2 else []
    asked = {"nudge": nudge, "hold": hold, "target": target, "steps": steps, "delta": delta}
    found = sweep(model, {nudge: grid}, given=given, **asked)
    for value, status, comp in zip(grid, found.status, found.comp, strict=True):
        own = run(model, given=[Set(nudge, float(value)), *given], **asked)
        assert status == own.status[-1], value
        np.testing.assert_allclose(comp, own.comp[-1], rtol=1e-9)


def test_a_point_does_not_depend_on_the_points_beside_it() -> None:
    model = branching("root")
    asked = {"nudge": "x[0]", "hold": "", "target": "m", "steps": 6}
    for beside in (8.0, 8.5, 10.0):
        found = sweep(model, {"x[0]": [8.0, beside]}, **asked)
        assert (found.status[0], found.total[0]) == ("ok", 1.0)


KINK_AT_1 = Model(
    name="kink",
    variables={"n": {"initial": 0}, "a": "-max(n - 1, 0)", "m": "n + a"},
    question={"nudge": "n", "hold": "a", "target": "m"},
)


def test_power_takes_the_upper_side_of_a_kink() -> None:
    """Comp is 1 below n = 1 and 0 from there on; the trapezoid sees 1, 0, 0."""
    found = sweep(KINK_AT_1, {"n": [0.0, 1.0, 2.0]})
    assert found.slopes.tolist() == [1.0, 0.0, 0.0]
    assert found.power == 1.5
    assert found.status.tolist() == ["ok", "kink", "perfect"]
    other = sweep(KINK_AT_1, {"n": [2.0, 1.0, 0.0]})
    assert other.slopes.tolist() == [0.0, 0.0, 1.0]
    assert other.power == -1.5


def test_power_is_the_integral_over_the_nudged_axis_alone() -> None:
    assert sweep(KINK_AT_1, {"n": [2.0, 3.0, 5.0]}).power == 3.0
    assert sweep(load("thermostat"), {"k": [0.1, 0.2]}, steps=5).power is None
    two = sweep(load("thermostat"), {"R[0]": [1.0, 2.0], "k": [0.1, 0.2]}, steps=5)
    assert two.power is None
    assert "power" not in two.to_dict()


def test_points_are_refused_past_the_number_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "LARGEST", 6)
    grid = {"R[0]": [1.0, 2.0, 3.0], "k": [0.1, 0.2]}
    assert sweep(load("thermostat"), grid, steps=2).shape == (3, 2)
    with pytest.raises(QuestionError, match="the grid has 8 points; 6 at most fit one sweep"):
        sweep(load("thermostat"), grid | {"R[0]": [1.0, 2.0, 3.0, 4.0]}, steps=2)


def test_the_command_refuses_more_points_than_it_may_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.import_module("causalopt.commands.sweep"), "MAX_POINTS", 6)
    words = ["sweep", "thermostat", "--json", "--grid", "R[0]=0:1:2", "--grid"]
    assert main([*words, "k=0:1:3"]) == 0
    capsys.readouterr()
    assert main([*words, "k=0:1:4"]) == 2
    message = json.loads(capsys.readouterr().out)["error"]["message"]
    assert "the grid has 8 points, and 6 at most are kept in memory" in message


COMPUTED = Model(
    name="m",
    parameters={"k": 0.5},
    variables={
        "x": {"rule": "x[t-1] + y[t-1]", "initial": "1/k"},
        "y": {"rule": "0.1*x[t-1]", "initial": 0},
    },
    question={"nudge": "y[0]", "hold": "", "target": "x", "steps": 3},
)


def test_computed_initial_values_give_way_to_what_is_set() -> None:
    assert sweep(COMPUTED, {"k": [0.5, 0.25]}, at=0).values.tolist() == [2.0, 4.0]
    found = sweep(COMPUTED, {"k": [0.5, 0.25], "x[0]": [7.0]}, at=0)
    assert found.values.tolist() == [[7.0], [7.0]]
    given = sweep(COMPUTED, {"k": [0.5, 0.25]}, at=0, given=[Set("x[0]", 9.0)])
    assert given.values.tolist() == [9.0, 9.0]


def test_interventions_come_on_top_of_the_swept_values() -> None:
    found = sweep(COMPUTED, {"x[0]": [5.0, 6.0]}, at=0, given=[Nudge("x[0]", 1.0)])
    assert found.values.tolist() == [6.0, 7.0]


@pytest.mark.parametrize(
    ("grid", "options", "message"),
    [
        ({"k": [0.5, 0.0]}, {}, "the initial value of 'x' is not finite at every point"),
        ({"x[1]": [1.0]}, {}, r"the axis 'x\[1\]' is a node that follows its rule"),
        ({"x[0]": [1.0], "x[ 0 ]": [2.0]}, {}, "two axes name the same node"),
        ({"k": [0.5]}, {"nudge": "y[3]", "at": 2, "steps": 3}, "after the measured step 2"),
        ({"k": [0.5]}, {"at": -1}, "at must lie between 0 and the last step 3, found -1"),
        ({"k": [0.5]}, {"delta": float("nan")}, "other than 0, found nan"),
    ],
)
def test_a_grid_that_cannot_be_swept_is_refused_by_name(
    grid: dict[str, list[float]], options: dict[str, object], message: str
) -> None:
    with pytest.raises(QuestionError, match=message):
        sweep(COMPUTED, grid, **options)  # type: ignore[arg-type]


def test_a_nudge_at_the_measured_step_is_measured() -> None:
    found = sweep(COMPUTED, {"k": [0.5]}, nudge="x[2]", at=2, steps=3)
    assert (found.total.tolist(), found.status.tolist()) == ([1.0], ["ok"])


def test_limits_through_whole_numbers_are_refused_and_finite_nudges_are_not() -> None:
    variables = {
        "n": {"rule": "floor(x[t-1])", "initial": 2, "kind": "integer"},
        "x": {"rule": "x[t-1] + n[t-1]", "initial": 0},
    }
    model = Model(name="m", variables=variables)
    asked = {"nudge": "n[0]", "hold": "", "target": "x", "steps": 3}
    with pytest.raises(QuestionError, match="'n' takes whole numbers"):
        sweep(model, {"x[0]": [0.0]}, **asked)  # type: ignore[arg-type]
    assert sweep(model, {"x[0]": [0.0]}, delta=1.0, **asked).total.tolist() == [2.0]  # type: ignore[arg-type]


def test_slopes_are_comp_to_the_bit_where_there_is_no_kink() -> None:
    variables = {"n": {"initial": 0}, "a": "n**2", "m": "n + sin(a)"}
    model = Model(name="m", variables=variables)
    found = sweep(model, {"n": GRID}, nudge="n", hold="a", target="m")
    assert found.slopes.tobytes() == found.comp.tobytes()


def test_every_failed_point_is_counted_and_op_ranges_over_the_others() -> None:
    model = Model(name="m", variables={"n": {"initial": 1}, "a": "sqrt(n)", "m": "n + a"})
    found = sweep(model, {"n": [-1.0, 1.0, 4.0]}, nudge="n", hold="a", target="m")
    assert (found.failed, found.to_dict()["failed"]) == (1, 1)
    data = found.to_dict()
    assert data["op_min"] == pytest.approx(-np.log(1.5))
    assert data["op_max"] == pytest.approx(-np.log(1.25))


def test_a_datasets_statuses_are_words() -> None:
    found = sweep(KINK_AT_1, {"n": [0.0, 1.0, 2.0]})
    assert found.dataset["status"].values.tolist() == ["ok", "kink", "perfect"]


def test_a_folder_is_no_file_to_write_to(tmp_path: Path) -> None:
    (tmp_path / "s.nc").mkdir()
    with pytest.raises(FileError, match="is a folder: name a file"):
        check_target(tmp_path / "s.nc")


@pytest.mark.parametrize("runner", [MachineBatch, ArrayBatch])
def test_a_sweep_sees_a_comparison_with_what_has_no_value(
    runner: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("point_lanes", "lane_doubts"):
        monkeypatch.setattr(f"causalopt.effects.sweeps.{module}.batch_runner", runner)
    model = Model(
        name="m",
        parameters={"p": 0.05},
        variables={
            "x": {"rule": "0.9*x[t-1] - p + a[t-1]", "initial": 1},
            "a": "0*x[t]",
            "y": {"rule": "0.5*y[t-1] + where(log(x[t-1]) > -3, x[t-1], 2*x[t-1])", "initial": 0},
        },
        question={"nudge": "x[0]", "hold": "a", "target": "y", "steps": 60},
    )
    # x goes to -10 p; its logarithm is none from where it passes 0.
    found = sweep(model, {"p": [-0.01, 0.0, 0.02, 0.1]})
    assert found.status.tolist() == ["ok", "ok", "nonfinite", "nonfinite"]
    assert found.undecided == 0


def test_a_power_without_end_is_printed_as_one() -> None:
    only = Model(
        name="m",
        variables={"n": 1, "a": "2*n", "m": "3*a"},
        question={"nudge": "n", "hold": "a", "target": "m"},
    )
    found = sweep(only, {"n": [0.0, 0.5, 1.0]})
    assert "power, the integral of 1 - Comp over n: -inf" in repr(found)
    data = found.to_dict()
    assert (data["power"], data["op_max"], data["statuses"]) == ("-inf", "-inf", {"only_path": 3})


# 3 a takes away all of .3 c n for n near 1, but for rounding, and fractions do not know c;
# elsewhere Comp is (.3 + 3)/.3 = 11.
CANCELS_AT_1 = Model(
    name="m",
    variables={
        "n": 1,
        "c": "sqrt(2)",
        "a": "where(abs(n - 1) < 0.1, -0.1*c*n, c*n)",
        "m": "0.3*c*n + 3*a",
    },
    question={"nudge": "n", "hold": "a", "target": "m"},
)


def test_unresolved_points_count_in_no_summary() -> None:
    found = sweep(CANCELS_AT_1, {"n": [0.0, 1.0, 3.0]})
    assert found.status.tolist() == ["ok", "unresolved", "ok"]
    data = found.to_dict()
    assert (data["statuses"], data["left_out"]) == ({"ok": 2, "unresolved": 1}, 1)
    assert [data["op_min"], data["op_max"]] == pytest.approx([-np.log(11)] * 2)
    assert data["power"] == pytest.approx((1 - 11) * 3)
    assert "unresolved points are left out of the figures above" in repr(found)


def test_there_is_no_power_up_to_an_end_that_is_unresolved() -> None:
    assert sweep(CANCELS_AT_1, {"n": [1.0, 2.0, 3.0]}).power is None
    alone = sweep(CANCELS_AT_1, {"n": [1.0, 1.05]})
    data = alone.to_dict()
    assert (data["power"], data["op_min"], data["op_max"]) == (None, None, None)
    assert "Op is known at no point" in repr(alone)


@pytest.mark.parametrize(
    ("rules", "status", "total"),
    [
        ({"a": "-0.3*n", "b": "0.1*n", "m": "3*b + a"}, "perfect", 0.0),
        ({"z": "1e17 + n", "a": "z - 1e17", "m": "n + a"}, "ok", 2.0),
    ],
)
def test_a_finite_nudge_in_a_sweep_is_held_against_rounding_as_in_a_run(
    rules: dict[str, str], status: str, total: float
) -> None:
    model = Model(
        name="m", variables={"n": 1, **rules}, question={"nudge": "n", "hold": "a", "target": "m"}
    )
    found = sweep(model, {"n": [1.0, 2.0, 3.0]}, delta=0.5)
    assert found.status.tolist() == [status] * 3
    assert found.total.tolist() == [total] * 3
    in_floats = sweep(model, {"n": [1.0, 2.0, 3.0]}, delta=0.5, estimate=False)
    assert in_floats.status.tolist() == ["ok"] * 3
    assert total not in in_floats.total.tolist()


def test_points_past_the_budget_keep_what_the_batch_says(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = {"n": 1, "z": "1e17 + n", "a": "z - 1e17", "m": "n + a"}
    model = Model(name="m", variables=rules, question={"nudge": "n", "hold": "a", "target": "m"})
    monkeypatch.setattr(lane_doubts, "BUDGET", 8 * 504)
    found = sweep(model, {"n": np.arange(1.0, 12.0)}, delta=0.5)
    assert found.undecided == 3
    assert found.total.tolist() == [2.0] * 8 + [1.0] * 3
