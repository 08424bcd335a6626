"""Slopes that do not cancel, and what their rounding does to a status; the oracle is mpmath."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from causalopt import Model, load, op_from_all, op_matrix, run, sgd_model, sweep
from causalopt.effects.asked import ask
from causalopt.effects.doubts.cancellation import slope_errors
from causalopt.effects.doubts.signed_errors import signed_errors
from causalopt.effects.measures import NAMES
from causalopt.engine.executions import EXECUTIONS, execution


def static(rules: dict[str, Any], hold: str = "a", target: str = "m") -> Model:
    variables = {
        name: {"rule": rule} if isinstance(rule, str) else {"initial": rule}
        for name, rule in rules.items()
    }
    return Model(
        name="m", variables=variables, question={"nudge": "n", "hold": hold, "target": target}
    )


def slope_of(rule: str, at: float) -> float:
    own = ("exp", "tanh", "sqrt", "asin", "acos", "log", "log1p", "expm1", "erf")
    names = {name: getattr(mpmath, name) for name in own}
    names |= {
        "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
        "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
        "gelu": lambda x: x * mpmath.ncdf(x),
    }
    with mpmath.workdps(900):
        return float(mpmath.diff(lambda n: eval(rule, {"n": n, **names}), mpmath.mpf(at)))


def test_the_slope_of_tanh_keeps_its_digits() -> None:
    found = run(static({"n": 19, "a": "1e-14*n", "m": "tanh(n) + a"}))
    with mpmath.workdps(60):
        alone = 1 / mpmath.cosh(19) ** 2
        op = -mpmath.log((alone + mpmath.mpf("1e-14")) / alone)
    assert found.status[0] == "ok"
    assert found.op[0] == pytest.approx(float(op), abs=1e-12)


@pytest.mark.parametrize(
    ("rule", "at"),
    [
        *(("tanh(n)", at) for at in (-40.0, -18.0, 0.5, 18.0, 19.5, 300.0)),
        *((f"{name}(n)", at) for name in ("asin", "acos") for at in (-1 + 1e-10, 1 - 1e-12)),
        *(("exp(n)/(1 + exp(n))", at) for at in (-30.0, 3.0, 20.0, 36.0, 40.0)),
        *(("sqrt(1 + n**2) - n", at) for at in (2.0, 1e4, 1e7)),
        *(("n/(1 + exp(n))", at) for at in (2.0, 300.0, 500.0)),
        *((f"{name}(n)", at) for name in ("sigmoid", "softplus") for at in (-700.0, 36.0, 40.0)),
        *((f"{name}(n)", at) for name in ("erf", "gelu") for at in (-20.0, -0.75, 5.0)),
        *((f"{name}(n)", at) for name in ("log1p", "expm1") for at in (-1 + 1e-12, 1e-12)),
    ],
)
def test_a_slope_is_right_or_said_to_be_doubtful(rule: str, at: float) -> None:
    found = run(static({"n": at, "a": "0*n", "m": f"{rule} + a"}))
    back = op_from_all(static({"n": at, "a": "0*n", "m": f"{rule} + a"}), "m")
    assert back.status.sel(variable="n").item() == found.status[0]
    if found.status[0] == "ok":
        assert found.total[0] == pytest.approx(slope_of(rule, at), rel=1 / 8)
    else:
        assert found.status[0] == "unresolved"


def test_slopes_that_do_not_cancel_stay_ok() -> None:
    saturated = (
        ("sigmoid(n)", 700.0),
        ("softplus(n)", -700.0),
        ("erf(n)", 20.0),
        ("gelu(n)", -30.0),
    )
    for rule, at in (
        *saturated,
        ("tanh(n)", 300.0),
        ("asin(n)", 1 - 1e-12),
        ("exp(n)/(1 + exp(n))", 20.0),
    ):
        found = run(static({"n": at, "a": "0*n", "m": f"{rule} + a"}))
        assert found.status[0] == "ok"
        assert found.total[0] == pytest.approx(slope_of(rule, at), rel=1e-6)


@pytest.mark.parametrize("name", EXECUTIONS)
@pytest.mark.parametrize(
    "rule", ["clip(log(n), -1, 2) + n", "max(log(n), 0)", "max(0, log(n))", "min(3, log(n))"]
)
def test_a_nan_that_is_read_is_one_whatever_the_order(rule: str, name: str) -> None:
    model = static({"n": -1, "a": "n", "m": rule})
    found = execution(name).run_tangents(model.template.structure, ask(model).plan())
    assert np.isnan(found.values[0, model.template.index["m"]])
    assert run(model).status[0] == "nonfinite"


def test_a_branch_that_is_not_taken_is_not_read() -> None:
    assert run(static({"n": -1, "a": "n", "m": "where(n > 0, log(n), n) + a"})).status[0] == "ok"


@pytest.mark.parametrize("delta", [None, 1e-3])
def test_a_comparison_with_what_has_no_value_decides_nothing(delta: float | None) -> None:
    rules = (
        "where(log(n) > 0.5, 1, 2)*n + a",
        "where(exp(800 - n) - exp(801 - n) < 0, 1, 2)*n + a",
        "where(n < 0, 3, where(sqrt(n - 3) > 1, 1, 2))*n + a",
        "where(log1p(n) > 0.5, 1, 2)*n + a",
        "where(expm1(800 - n) - expm1(801 - n) < 0, 1, 2)*n + a",
    )
    for rule, bad, good in zip(rules, (-1, 0, 2, -2, 0), (2, 790, -2, 2, 790), strict=True):
        status = [
            run(static({"n": n, "a": "0*n", "m": rule}), delta=delta).status[0] for n in (bad, good)
        ]
        assert status == ["nonfinite", "ok"], rule
    back = op_from_all(static({"n": -1, "a": "0*n", "m": rules[0]}), "m")
    assert back.status.sel(variable="n").item() == "nonfinite"


def test_an_overflow_elsewhere_is_not_the_targets() -> None:
    model = Model(
        name="m",
        variables={
            "x": {"rule": "x[t-1]/2 + a[t-1]", "initial": 1},
            "a": {"rule": "x[t-1]/4", "initial": 0},
            "far": {"rule": "exp(far[t-1] + x[t-1])", "initial": 5},
        },
        partition={"A": ["a"]},
    )
    alone = run(model, nudge="x[0]", target="x", steps=6)
    assert alone.status.tolist() == ["ok"] * 7
    assert alone.effect.nonfinite is None
    back = op_from_all(model, "x[6]").sel(variable="x", t=0)
    assert back.status.item() == "ok"
    assert back.op.item() == pytest.approx(alone.op[-1], abs=1e-12)
    for sources in (["x[0]"], ["x[0]", "x[1]", "x[2]"]):
        matrix = op_matrix(model, sources=sources, targets=["x[5]", "x[6]"]).dataset
        assert set(matrix.status.values.ravel()) == {"ok"}
    assert run(model, nudge="x[0]", target="far", steps=6).status[-1] == "diverged"


def test_slopes_that_lost_bits_on_the_way_leave_a_decaying_tangent_known() -> None:
    # The pit's tangent falls by a twentieth a step at the end; a sum of sizes would grow so.
    losses = {"l0": "-exp(-(W - 2)**2)", "l1": "-exp(-(W - 2)**2) - exp(-100*(W - 1)**2)"}
    model = sgd_model(losses, T=0.02, start=0.0, batch=2, replacement=False)
    found = run(model, steps=4000)
    with mpmath.workdps(40):
        w, log = mpmath.mpf(0), mpmath.mpf(0)
        for _ in range(4000):
            wide, narrow = mpmath.exp(-((w - 2) ** 2)), mpmath.exp(-100 * (w - 1) ** 2)
            bend = (2 - 4 * (w - 2) ** 2) * wide + (100 - 20000 * (w - 1) ** 2) * narrow
            log += mpmath.log(abs(1 - bend / 50))
            w -= (2 * (w - 2) * wide + 100 * (w - 1) * narrow) / 50
    assert set(found.status) == {"ok"}
    assert np.log(abs(found.total[-1])) == pytest.approx(float(log), abs=1e-9)


@pytest.mark.parametrize(
    ("force", "bend"),
    [
        ("x/(1+x*x)", lambda x: (1 - x * x) / (1 + x * x) ** 2),
        ("x*exp(-x*x)", lambda x: (1 - 2 * x * x) * mpmath.exp(-x * x)),
    ],
)
def test_a_flow_whose_slope_passes_zero_stays_ok(force: str, bend: Any) -> None:
    model = Model(
        name="m",
        variables={
            "x": {"flow": "y", "initial": 1},
            "y": {"flow": f"-{force} - u", "initial": 0},
            "u": {"algebraic": "0.1*y"},
        },
        dt=0.01,
        method="rk4",
        question={"nudge": "x[0]", "hold": "u", "target": "x", "steps": 4000},
    )
    found = run(model)
    assert set(found.status) == {"ok"}
    rule = eval(f"lambda x: {force}", {"exp": mpmath.exp})

    def flow(state: Any) -> Any:  # x, y and their derivatives by x[0]
        x, y, dx, dy = state
        return y, -rule(x) - y / 10, dy, -bend(x) * dx - dy / 10

    with mpmath.workdps(30):
        h, state = mpmath.mpf("0.01"), tuple(map(mpmath.mpf, (1, 0, 1, 0)))
        for _ in range(4000):
            k = [flow(state)]
            for share in (h / 2, h / 2, h):
                last = k[-1]
                k.append(flow([s + share * d for s, d in zip(state, last, strict=True)]))
            state = tuple(
                s + h / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in zip(state, *k, strict=True)
            )
    assert found.total[-1] == pytest.approx(float(state[2]), rel=1e-10)


@pytest.mark.parametrize(("at", "status"), [(20.0, "ok"), (38.0, "unresolved")])
def test_a_lost_slope_that_comes_again_at_every_step_is_told(at: float, status: str) -> None:
    model = Model(
        name="m",
        variables={
            "x": {"rule": "x[t-1]", "initial": at},
            "y": {"rule": "0.5*y[t-1] + exp(x[t-1])/(1 + exp(x[t-1])) + a[t-1]", "initial": 0},
            "a": "0*x[t]",
        },
        question={"nudge": "x[0]", "hold": "a", "target": "y", "steps": 300},
    )
    found = run(model)
    truth = slope_of("exp(n)/(1 + exp(n))", at) * 2
    assert found.status[-1] == status
    assert (abs(found.total[-1] / truth - 1) < 1 / 8) == (status == "ok")


def test_slopes_that_err_alike_at_every_step_add_up() -> None:
    # 2 q (sqrt(1 + q**2) - q) is 1 - 1/(4 q**2); in floats the same other number at every step.
    wrong = 0
    for q in (1e6, 1.1e6, 1.3e6, 1.7e6):
        model = Model(
            name="m",
            variables={
                "q": {"rule": "q[t-1]", "initial": q},
                "y": {"rule": f"{2 * q}*y[t-1]*(sqrt(1 + q[t-1]**2) - q[t-1])", "initial": 1},
                "a": "0*y[t]",
            },
            question={"nudge": "y[0]", "hold": "a", "target": "y", "steps": 3000},
        )
        found = run(model)
        is_off = np.abs(found.total - 1) > 1 / 8
        wrong += int(is_off.any())
        assert set(found.status[is_off]) <= {"unresolved"}
        assert found.status[10] == "ok"
    assert wrong


def test_an_error_past_the_range_of_floats_is_borne_without_a_warning() -> None:
    # The slope of y by x is 1/18 - 18/324; its error doubles a step, the tangent of x is halved.
    model = Model(
        name="m",
        variables={
            "x": {"rule": "3 + (x[t-1] - 3)/2", "initial": 3},
            "y": {"rule": "2*y[t-1] + x[t-1]/(9 + x[t-1]**2) - 1/6 + 0*a[t-1]", "initial": 0},
            "a": "0*x[t]",
            "z": "exp(y[t])*x[t]/(1 + exp(y[t]))",
            "w": "where(t > 5000, y[t], 0) + x[t]",
        },
        question={"nudge": "x[0]", "hold": "a", "target": "x", "steps": 1500},
    )
    assert run(model).status[-1] == "ok"
    assert run(model, target="z").status[-1] == "unresolved"
    assert run(model, target="w").status[-1] == "unresolved"  # 0 times an infinite error is none


def test_an_error_falls_as_the_tangent_that_it_is_part_of() -> None:
    rule = "0.3*y[t-1] + where(t == 1, exp(x[t-1])/(1 + exp(x[t-1])), 0) + a[t-1]"
    model = Model(
        name="m",
        variables={
            "x": {"rule": "36.5 + 0.3*(x[t-1] - 36.5)", "initial": 36.5},
            "y": {"rule": rule, "initial": 0},
            "a": "0*x[t]",
        },
        question={"nudge": "x[0]", "hold": "a", "target": "y", "steps": 3000},
    )
    found = run(model)
    assert set(found.status[1:]) == {"unresolved"}
    share = found.effect.total.error[1:] / abs(found.effect.total.mantissa[1:])
    np.testing.assert_allclose(share, share[0], rtol=1e-9)


def test_without_time_errors_of_slopes_do_not_cancel() -> None:
    rules = {"b": "exp(n)/(1 + exp(n))", "c": "0.999*exp(n + 2**-10)/(1 + exp(n + 2**-10))"}
    found = run(static({"n": 33, "a": "0*n", **rules, "m": "b - c + a"}))
    truth = slope_of(f"{rules['b']} - {rules['c']}", 33)
    assert abs(found.total[0] / truth - 1) > 1 / 8
    assert found.status[0] == "unresolved"
    plan, structure = ask(found.model).plan(), found.model.template.structure
    values = execution("python").run_values(structure, plan).values
    sizes = [float(error[0]) for _, error in slope_errors(structure, plan, values).values()]
    assert len(sizes) == 2
    assert found.effect.total.error[0] >= sum(sizes)


CANCELLING = Model(
    name="m",
    variables={
        "n": {"rule": "n[t-1]", "initial": 1},
        "a": {"rule": "-0.3*n[t-1]", "initial": 0},
        "b": {"rule": "0.1*n[t-1]", "initial": 0},
        "m": {"rule": "3*b[t-1] + a[t-1]", "initial": 0},
    },
    question={"nudge": "n[0]", "hold": "a", "target": "m"},
)


def test_a_sum_that_cancels_at_every_step_is_never_ok() -> None:
    """3 * 0.1 - 0.3: in decimals nothing is left, in floats 5.6e-17, and errors that may cancel."""
    for steps, expected in ((60, "perfect"), (3000, "unresolved")):
        status = run(CANCELLING, steps=steps).status
        assert set(status[2:]) == {expected}
        assert set(status[:2]) == {"no_influence"}


@pytest.mark.parametrize(
    ("model", "cancels"),
    [(CANCELLING, True), (load("thermostat"), False), (load("lorenz"), False)],
    ids=["sums that cancel", "a loop that contracts", "tangents that change signs"],
)
def test_errors_are_carried_once_more_where_sums_cancel_as_a_rule(
    model: Model, cancels: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = []

    def watched(*arguments: Any) -> Any:
        called.append(arguments)
        return signed_errors(*arguments)

    monkeypatch.setattr("causalopt.effects.doubts.cancellation.signed_errors", watched)
    assert len(run(model, steps=10_000).status) == 10_001
    assert bool(called) == cancels


def test_from_all_nodes_a_sum_that_cancels_steps_later_is_asked_of_fractions() -> None:
    found = op_from_all(CANCELLING, "m[12]", hold="a").sel(variable="n")
    assert found.status.to_numpy().tolist()[:11] == ["perfect"] * 11


def test_a_sweep_of_sums_that_cancel_says_what_runs_say() -> None:
    model = Model(name="m", variables={"n": 1, "a": "-0.3*n", "b": "0.1*n", "m": "3*b + a"})
    found = sweep(model, {"n": [1, 2, 3]}, nudge="n", hold="a", target="m")
    assert NAMES[found.codes].tolist() == ["perfect"] * 3
