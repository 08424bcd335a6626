"""Lags in steps and in time, by numbers and parameters, and the histories they read."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from causalopt import Model, ModelError, QuestionError, run
from causalopt.cli import main
from causalopt.model.declaration import Method
from causalopt.model.histories import lags_in_steps
from causalopt.sweeps.sweeping import sweep
from causalopt.worlds.world import world

TAU = 0.5


def echo(rule: str, *, initial: Any = 0, dt: float | None = None, **parameters: Any) -> Model:
    """Return a model with one rule and a clock, s = t."""
    variables = {"s": {"rule": "t"}, "x": {"rule": rule, "initial": initial}}
    return Model(name="echo", variables=variables, parameters=parameters, dt=dt)


@pytest.mark.parametrize(
    ("rule", "dt", "parameters", "lag"),
    [
        ("s[t-3]", None, {}, 3),
        ("s[t-k]", None, {"k": 3}, 3),
        ("s[t - 2*k]", None, {"k": "half*2", "half": 1}, 4),
        ("s[time-3]", None, {}, 3),
        ("s[time - 0.3]", 0.1, {}, 3),
        ("s[time - tau]", 0.05, {"tau": "3/10"}, 6),
        ("s[t-0] - 3*(s[t] - s[time-1])", None, {}, 3),
        ("s[t-1200]", None, {}, 1200),
        ("s[time-tau]", 0.01, {"tau": 25}, 2500),
    ],
)
def test_a_lag_is_a_whole_number_of_steps(
    rule: str, dt: float | None, parameters: dict[str, Any], lag: int
) -> None:
    found = world(echo(rule, dt=dt, **parameters), steps=lag + 3)["x"]
    assert found[-3:].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("s[time - 0.25]", r"the lag is 2\.5 steps, and a rule reads whole steps: choose a dt"),
        ("s[t - k]", r"the lag is 1\.5 steps, and a rule reads whole steps"),
        ("s[t - s[t]]", "fixed before the run"),
        ("s[t - t]", "fixed before the run"),
        ("s[t - sin(1)]", "fixed before the run"),
        ("s[t + 1]", "cannot look into the future"),
        ("s[time + 1]", "cannot look into the future"),
        ("s[t - 2*(k - 2)]", "cannot look into the future"),
        ("s[t - 20000]", "the limit is 10000"),
        ("s[x] + s[t]", "the step must be t or t-k"),
    ],
)
def test_other_lags_are_refused(rule: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        echo(rule, dt=0.1, k=1.5)


def test_a_lag_in_time_keeps_its_time_when_dt_changes() -> None:
    model = echo("s[time - 1]*dt", dt=0.5)
    for dt in (0.5, 0.25, 0.1):
        found = run(
            model.replace(dt=dt), nudge="s[0]", hold="s[1]", target="x", steps=round(3 / dt)
        )
        assert found.W["x"][-1] == pytest.approx(2)


def test_one_initial_value_holds_at_all_steps_that_lags_read() -> None:
    one = echo("x[t-1] + x[t-4]", initial=1)
    four = echo("x[t-1] + x[t-4]", initial=[1, 1, 1, 1])
    np.testing.assert_array_equal(world(one, steps=9)["x"], world(four, steps=9)["x"])


def test_a_history_may_be_an_expression_of_time() -> None:
    found = world(echo("x[t-3]", initial="1 + time**2", dt=0.5), steps=5)["x"]
    assert found.tolist() == [1, 1.25, 2, 1, 1.25, 2]


@pytest.mark.parametrize("count", [2, 3])
def test_a_list_that_is_too_short_is_refused(count: int) -> None:
    with pytest.raises(ModelError, match="give 'x' 4 initial values, one for all or a list"):
        echo("x[t-4]", initial=[1] * count)


def test_dt_is_refused_where_nothing_depends_on_it() -> None:
    with pytest.raises(QuestionError, match="nothing in 'echo' depends on dt"):
        echo("s[t-1]", dt=0.5).replace(dt=0.1)
    for rule in ("s[time - 1]", "time + s[t]", "dt*s[t]"):
        assert echo(rule, dt=0.5).replace(dt=0.25).dt == 0.25
    assert echo("x[t-1]", initial="time", dt=0.5).replace(dt=0.25).dt == 0.25


def test_a_parameter_that_decides_a_lag_is_no_axis() -> None:
    model = echo("s[time - 2*tau]", dt=0.1, tau="half/1", half=0.1)
    for axis in ("tau", "half"):
        with pytest.raises(QuestionError, match=f"the axis '{axis}' decides how many steps"):
            sweep(model, {axis: [0.1, 0.2]}, nudge="s[0]", hold="s[1]", target="x", steps=9)


def delayed(per_unit: int, method: Method = "rk4", history: str = "1") -> Model:
    """Return x' = -x(time - 1), which is integrated from time 1 on."""
    return Model(
        name="delayed",
        variables={"x": {"flow": "-x[time - 1]", "initial": history}},
        dt=1 / per_unit,
        method=method,
    )


def by_steps(s: float) -> float:
    """Return x a time s after the history 1 ends, by the method of steps."""
    terms = ((-1) ** k * (s - k + 1) ** k / math.factorial(k) for k in range(int(s) + 2))
    return sum(terms)


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("rk4", 4)])
def test_a_delay_equation_keeps_the_methods_order_over_its_kinks(
    method: Method, order: int
) -> None:
    errors = []
    for n in (8, 16, 32, 64):
        found = world(delayed(n, method), steps=7 * n)["x"][n:]
        errors.append(max(abs(x - by_steps(i / n)) for i, x in enumerate(found)))
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    np.testing.assert_allclose(orders[-1], order, atol=0.25)


def test_a_lag_between_two_steps_is_interpolated() -> None:
    # x = sin(time) solves x' = -x(time - pi/2), history and all.
    errors = []
    steps = [10, 14, 20, 28, 40, 56, 80]
    for n in steps:
        model = Model(
            name="quarter",
            variables={"x": {"flow": "-x[time - 1.5707963267948966]", "initial": "sin(time)"}},
            dt=1 / n,
            method="rk4",
        )
        found = world(model, steps=6 * n)["x"]
        errors.append(np.abs(found - np.sin(np.arange(6 * n + 1) / n)).max())
    # How far between two steps a lag falls changes with dt, and the error's factor with it.
    assert -np.polyfit(np.log(steps), np.log(errors), 1)[0] == pytest.approx(4, abs=0.3)


def late(per_unit: int) -> Model:
    """Return x' = -u(time - TAU) - x^3 with u = 2 sin(x): a controller that acts late."""
    return Model(
        name="late",
        parameters={"tau": TAU},
        variables={
            "x": {"flow": "-u[time - tau] - x**3", "initial": "cos(time)"},
            "u": {"algebraic": "2*sin(x)"},
        },
        dt=1 / per_unit,
        method="rk4",
        partition={"A": ["u"]},
    )


def late_exactly(end: float) -> np.ndarray:
    """Return x and its derivatives by x at the history's end, plain and with u held."""
    past: Any = lambda s: np.array([math.cos(s + TAU), 0.0, 0.0])  # noqa: E731
    state, start = np.array([math.cos(TAU), 1.0, 1.0]), 0.0
    for k in range(round(end / TAU)):

        def slope(t: float, now: np.ndarray, past: Any = past) -> list[float]:
            x, total, direct = now
            then = past(t - TAU)
            late = -2 * math.cos(then[0]) * then[1]
            free = -3 * x * x
            return [-2 * math.sin(then[0]) - x**3, late + free * total, free * direct]

        start = k * TAU
        found = solve_ivp(
            slope, (start, start + TAU), state, "DOP853", dense_output=True, rtol=1e-12, atol=1e-13
        )
        past, state = found.sol, found.y[:, -1]
    return state


def test_effects_through_a_late_controller_keep_the_order_too() -> None:
    errors = []
    for n in (32, 64, 128):
        first = round(TAU * n)
        found = run(late(n), nudge=f"x[{first}]", target="x", steps=first + 3 * n)
        ends = [found.W["x"][-1], found.total[-1], found.direct[-1]]
        errors.append(np.abs(np.subtract(ends, late_exactly(3.0))))
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert (orders[-1] > 3.4).all()
    assert (errors[-1] < 3e-9).all()


@pytest.mark.parametrize(
    ("flow", "message"),
    [
        ("-x[time - 0.05]", "choose a dt that is no longer than it"),
        ("-x[t-1]", r"or x\[time - s\]"),
        ("-x[time + 1]", "cannot look into the future"),
    ],
)
def test_lags_a_flow_cannot_have_are_refused(flow: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Model(name="m", variables={"x": {"flow": flow, "initial": 1}}, dt=0.1, method="rk4")


BESIDE = {
    "dt": 0.1,
    "method": "euler",
    "variables": {
        "x": {"flow": "-x", "initial": 1},
        "late": {"rule": "x[t - 5] + 2*late[t-1]", "initial": 0},
        "sampled": {"rule": "x[time - 0.5] + sampled[t-1]", "initial": 0},
    },
    "question": {"nudge": "x[0]", "target": "late", "hold": "sampled"},
}


def test_a_lag_in_steps_beside_flows_is_noted_and_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "beside.json"
    file.write_text(json.dumps({"name": "beside", **BESIDE}))
    assert main(["check", str(file)]) == 0
    said = capsys.readouterr().out
    assert "NOTE 'late' reads x[t - 5]: a lag in steps of dt = 0.1" in said
    assert "sampled' reads" not in said
    assert main(["run", str(file), "--steps", "20", "--dt", "0.05"]) == 0
    assert "warning: 'late' reads x[t - 5]" in capsys.readouterr().err
    assert main(["run", str(file), "--steps", "20", "--dt", "0.1"]) == 0  # as it was
    assert "warning" not in capsys.readouterr().err


def test_without_flows_a_lag_is_a_lag() -> None:
    model = Model(name="m", variables={"x": {"rule": "x[t-5]", "initial": 1}})
    assert lags_in_steps(model.variables) == {}


def test_a_long_history_is_printed_by_its_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "long.json"
    rules = {"x": {"rule": "x[t-9000]/2", "initial": 1}}
    file.write_text(json.dumps({"name": "long", "variables": rules}))
    assert main(["check", str(file)]) == 0
    assert "1, 1, ... 1 (9000 steps)" in capsys.readouterr().out
