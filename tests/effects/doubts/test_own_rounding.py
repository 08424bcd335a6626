"""What the rounding of W itself does to effects and branches; oracles are mpmath and fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

from causalopt import Model, QuestionError, load, op_from_all, op_to_all, run, sweep
from causalopt.effects.asked import ask
from causalopt.effects.doubts.drift import moved_plan
from causalopt.effects.doubts.error_bounds import bounds_along, is_decimal
from causalopt.effects.sweeps import lane_doubts
from causalopt.engine.executions import run_values


def static(rules: dict[str, Any], target: str = "m") -> Model:
    variables = {
        name: {"rule": rule} if isinstance(rule, str) else {"initial": rule}
        for name, rule in rules.items()
    }
    return Model(
        name="m", variables=variables, question={"nudge": "n", "hold": "a", "target": target}
    )


def map_of(rule: str, start: Any, steps: int) -> Model:
    return Model(
        name="map",
        variables={
            "x": {"rule": f"{rule} + 0*a[t-1]", "initial": start},
            "a": {"rule": "x[t-1]", "initial": 0},
        },
        question={"nudge": "x[0]", "hold": "a", "target": "x", "steps": steps},
    )


def slopes_of(step: Any, slope: Any, start: str, steps: int) -> list[mpmath.mpf]:
    """Iterate a map and its derivative with 900 digits."""
    with mpmath.workdps(900):
        x, found = mpmath.mpf(start), [mpmath.mpf(1)]
        for _ in range(steps):
            found.append(found[-1] * slope(x))
            x = step(x)
        return found


@pytest.mark.parametrize(
    ("rule", "step", "slope", "steps"),
    [
        ("4*x[t-1]*(1 - x[t-1])", lambda x: 4 * x * (1 - x), lambda x: 4 - 8 * x, 60),
        ("3.2*x[t-1]*(1 - x[t-1])", None, None, 60),
        ("1000*sin(x[t-1])", lambda x: 1000 * mpmath.sin(x), lambda x: 1000 * mpmath.cos(x), 12),
    ],
)
def test_an_effect_is_within_an_eighth_or_unresolved(
    rule: str, step: Any, slope: Any, steps: int
) -> None:
    if step is None:
        step = lambda x: mpmath.mpf(16) / 5 * x * (1 - x)  # noqa: E731
        slope = lambda x: mpmath.mpf(16) / 5 * (1 - 2 * x)  # noqa: E731
    found = run(map_of(rule, 0.3, steps))
    truth = slopes_of(step, slope, "0.3", steps)
    ok = found.status == "ok"
    wrong = [t for t in range(steps + 1) if abs(found.total[t] - truth[t]) > abs(truth[t]) / 8]
    assert not ok[wrong].any()
    if len(wrong):
        assert found.effect.drifted is not None
        assert not ok[found.effect.drifted :].any()
        assert f"as large as the effect from t = {found.effect.drifted} on" in repr(found)
    else:
        assert ok.all()
    assert ok[: max(steps // 12, 1)].all()


def test_a_sum_that_swallows_its_term_leaves_no_ok_slope() -> None:
    for n in (2.7, 0.3, 4.9):
        found = run(static({"n": n, "a": "0*n", "b": "1e16 + n - 1e16", "m": "b**2 + a"}))
        assert abs(found.total[0] - 2 * n) > 2 * n / 8
        assert found.status[0] == "unresolved"
        back = op_from_all(found.model, "m").sel(variable="n")
        assert back.status.item() == "unresolved"
    exact = run(static({"n": 2, "a": "0*n", "b": "1e16 + n - 1e16", "m": "b**2 + a"}))
    assert (exact.total[0], exact.status[0]) == (4.0, "ok")


def test_long_chaotic_runs_are_unresolved_with_their_numbers_kept() -> None:
    found = run(load("lorenz"), steps=6000)
    first = found.effect.drifted
    assert first is not None
    assert 2000 < first < 4500
    assert set(found.status[first:]) == {"unresolved"}
    assert np.isfinite(found.op[first:]).all()
    assert set(found.status[:2000]) == {"ok"}
    # A run that starts beside it by some fifty roundings has parted by then, and not before.
    beside = run(load("lorenz"), steps=6000, initial={"a": 1 + 1e-14})
    apart = np.abs(beside.total - found.total) / np.abs(found.total)
    assert np.median(apart[first:]) > 1 / 8
    assert np.median(apart[:1000]) < 1e-3


def test_what_rounds_nothing_does_not_drift() -> None:
    model = Model(
        name="count",
        variables={
            "c": {"rule": "c[t-1] + 1", "initial": 0},
            "x": {"rule": "where(c[t] > 10, 2, 0.5)*x[t-1] + a[t-1]*0", "initial": 1},
            "a": {"rule": "x[t-1]", "initial": 0},
        },
        question={"nudge": "x[0]", "hold": "a", "target": "x", "steps": 40},
    )
    asked = ask(model)
    plan = asked.plan()
    w = run_values(model.template.structure, plan).values
    moved = moved_plan(model.template, plan, w, plan.steps, 0)
    assert not moved.shifts.any()
    assert set(run(model).status) == {"ok"}


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("n + 0.25", True), ("n + 0.1", False), ("n*n", True), ("n/8", True), ("n/7", False),
        ("sqrt(n)", False), ("sqrt(4*n*n)", True), ("n**3", True), ("exp(n - 1.5)", True),
        ("exp(n)", False), ("n*12345678.123456789", False), ("min(n, 0.1*n + 9)", True),
        ("log1p(n - 1.5)", True), ("expm1(n - 1.5)", True), ("erf(n - 1.5)", True),
        ("sigmoid(n - 1.5)", True), ("ndtr(n - 1.5)", True), ("softplus(n - 1.5)", False),
        ("log1p(0.1*(n - 11.4921875))", False), ("erf(0.1*n)", False), ("expm1(n)", False),
    ],
)  # fmt: skip
def test_the_bound_of_one_evaluation_holds_and_is_zero_where_nothing_is_rounded(
    text: str, exact: bool
) -> None:
    model = static({"n": 1.5, "a": "0*n", "m": text})
    template = model.template
    plan = ask(model).plan()
    values = run_values(template.structure, plan).values
    rule = template.structure.rules[template.index["m"]]
    assert rule is not None
    ((value, error),) = bounds_along(template.structure, plan, values, [rule])
    names = {name: getattr(mpmath, name) for name in ("sqrt", "exp", "log1p", "expm1", "erf")}
    names |= {
        "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
        "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
        "ndtr": mpmath.ncdf,
    }
    with mpmath.workdps(60):
        wide = text.replace("0.1", "mpf('0.1')").replace(
            "12345678.123456789", "mpf('12345678.123456789')"
        )
        truth = eval(wide, {"n": mpmath.mpf(1.5), "mpf": mpmath.mpf, "min": min, **names})
        off = abs(mpmath.mpf(float(np.ravel(value)[0])) - truth)
    size = float(np.max(error))
    assert off <= size
    assert (size == 0) == exact


def test_a_decimal_is_a_float_where_its_fraction_is() -> None:
    for value in (0.5, 0.1, 3.0, 1e22, 1e23):
        assert is_decimal(value) == (Fraction(repr(value)) == Fraction(value))


BESIDE = [
    # rule of b, threshold: in decimals on the kink, above it, below it
    ("n + 0.1", "0.3", "kink"),
    ("n + 0.1", "0.30000000000000001", "no_influence"),
    ("n + 0.1", "0.29999999999999999", "ok"),
]


@pytest.mark.parametrize(("rule", "threshold", "status"), BESIDE)
def test_a_kink_met_in_decimals_only_is_told_from_one_beside_it(
    rule: str, threshold: str, status: str
) -> None:
    digits = int(Fraction(threshold) * 10**17)
    model = static({"n": 0.2, "a": "0*n", "b": rule, "m": f"max(b - {digits}/10**17, 0) + a"})
    gap = Fraction("0.2") + Fraction("0.1") - Fraction(threshold)
    assert (gap > 0, gap < 0) == (status == "ok", status == "no_influence")
    found = run(model)
    assert found.status[0] == status
    assert op_to_all(model, "n").status.sel(variable="m").item() == status
    if status == "kink":
        assert found.effect.is_near
        assert "to within rounding" in repr(found)
    else:
        assert found.total[0] == (status == "ok")


def test_a_branch_that_rounding_alone_took_is_put_right() -> None:
    found = run(static({"n": 2, "a": "0*n", "b": "0.1 + 0.2", "m": "where(b > 0.3, 2*n, 3*n) + a"}))
    assert Fraction("0.1") + Fraction("0.2") <= Fraction("0.3")
    assert (found.total[0], found.status[0]) == (3.0, "ok")


def test_the_saturating_thermostat_meets_its_kink_in_decimals() -> None:
    """R falls by 0.02 a step from 35, so that T = 1 = theta at step 452 exactly."""
    assert Fraction(35) - Fraction(2, 100) * 450 - 25 == 1
    found = run(load("thermostat_saturating"))
    assert found.op[-1] == pytest.approx(0.98971682, abs=1e-8)
    assert found.effect.kink is not None
    assert found.effect.kink[1] == 453
    assert found.effect.is_near
    assert set(found.status[:453]) == {"ok"}
    assert set(found.status[453:]) == {"kink"}
    assert set(run(load("thermostat_saturating"), initial={"R": 25}).status) == {"ok"}


def test_a_comparison_that_reads_a_nan_decides_nothing() -> None:
    rules = {"n": -2, "q": "log(n)", "a": "0*n", "m": "where(q <= 1, n, 2*n) + a"}
    assert run(static(rules)).status[0] == "nonfinite"
    assert run(static(rules), delta=0.5).status[0] == "nonfinite"
    assert op_from_all(static(rules), "m").status.sel(variable="n").item() == "nonfinite"
    unread = rules | {"m": "where(n > 0, where(q <= 1, n, 2*n), n) + a"}
    assert run(static(unread)).status[0] == "ok"
    assert run(static(rules | {"m": "0*sign(q)*n + n + a"})).status[0] == "nonfinite"


def test_a_kink_that_only_higher_derivatives_open_is_one() -> None:
    rules = {"n": 0, "q": "n*n", "a": "0*n", "c": "clip(n + 3, -1, 1)"}
    assert run(static(rules | {"m": "n + where(q > 0, 1, 0) + a"})).status[0] == "kink"
    assert run(static(rules | {"m": "n + where(q >= 0, n, 2) + a"})).status[0] == "ok"
    assert run(static(rules | {"m": "n + where(c >= 1, 1, 2) + a"})).status[0] == "ok"
    # A jump passes where the local slope is 0: cos(ceil(n)) is cos(0) at 0 and cos(1) above.
    assert run(static({"n": 0, "a": "ceil(n)", "m": "cos(a)"})).status[0] == "kink"


def test_a_short_sum_whose_estimate_cancels_is_asked_of_fractions() -> None:
    rules = {
        "n": 0,
        "b": "(-8/3)*n",
        "a": "(-1.9)*n + 0.62*b + (-2.68323522)*(-2.6)*b",
        "c": "(5/3)*n",
        "m": "(-25/24)*b + (-5/3)*c",
    }
    assert Fraction(-25, 24) * Fraction(-8, 3) + Fraction(-5, 3) * Fraction(5, 3) == 0
    found = run(static(rules))
    assert (found.total[0], found.status[0]) == (0.0, "no_influence")


def test_comp_beyond_floats_is_told_by_its_logarithm() -> None:
    model = Model(
        name="big",
        variables={
            "x": {"rule": "x[t-1] + a[t-1]", "initial": 0},
            "a": {"rule": "9*x[t-1]", "initial": 0},
        },
        question={"nudge": "x[0]", "hold": "a", "target": "x", "steps": 2000},
    )
    with mpmath.workdps(1200):
        roots = [(1 + s * mpmath.sqrt(37)) / 2 for s in (1, -1)]
        truth = (roots[0] ** 2001 - roots[1] ** 2001) / mpmath.sqrt(37)
        power = int(mpmath.floor(mpmath.log10(truth)))
    found = run(model)
    assert np.isinf(found.comp[-1])
    assert found.op[-1] == pytest.approx(-float(mpmath.log(truth)), rel=1e-12)
    assert f"e+{power})" in repr(found)


def test_a_target_that_does_not_fit_is_refused_before_the_memory_is_taken() -> None:
    for step in (10**12, 999_999_999):
        with pytest.raises(QuestionError, match="steps"):
            op_from_all(load("thermostat"), f"R[{step}]")


def test_a_sweep_says_what_its_runs_say(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = np.linspace(34.9, 35.1, 11)
    found = sweep(load("thermostat_saturating"), {"R[0]": starts})
    alone = [run(load("thermostat_saturating"), initial={"R": float(r)}) for r in starts]
    assert found.status.tolist() == [str(one.status[-1]) for one in alone]
    assert "kink" in found.status
    assert found.undecided == 0
    monkeypatch.setattr(lane_doubts, "BUDGET", 1)
    short = sweep(load("thermostat_saturating"), {"R[0]": starts})
    assert short.undecided > 0
    assert f"{short.undecided} points on a kink" in repr(short)


def test_a_whole_sweep_of_points_on_kinks_has_the_statuses_of_its_runs() -> None:
    model, starts = load("thermostat_saturating"), np.linspace(5, 45, 401)
    found = sweep(model, {"R[0]": starts}, steps=500)
    assert found.undecided == 0
    # In the band's reach every start is a multiple of p dt from it, in decimals: a kink is met.
    reach = np.abs(starts - 25)
    assert (found.status[(reach > 1.05) & (reach < 10.9)] == "kink").sum() > 140
    for k in range(0, 401, 10):
        alone = run(model, initial={"R": float(starts[k])}, steps=500)
        assert found.status[k] == alone.status[-1]
        np.testing.assert_allclose(found.op[k], alone.op[-1], rtol=1e-12)
    plain = sweep(model, {"R[0]": starts}, steps=500, estimate=False)
    assert plain.undecided > 140
    assert plain.power == found.power


@pytest.mark.parametrize(
    ("rules", "starts"),
    [
        # n is swallowed: moved by a unit in the last place it still is, as 1e16 + n moves.
        ({"a": "0*n", "m": "(1e16 + n - 1e16)**2 + a"}, [2.7, 2.9, 5.3]),
        # The slope of m cancels at the last point alone.
        ({"a": "0*n", "m": "exp(n)/(1 + exp(n)) + a"}, [3.0, 20.0, 36.5]),
    ],
)
def test_what_no_twin_batch_sees_is_asked_one_by_one(
    rules: dict[str, Any], starts: list[float]
) -> None:
    model = static({"n": starts[0], **rules})
    found = sweep(model, {"n": starts})
    alone = [run(model, initial={"n": n}).status[0] for n in starts]
    assert found.status.tolist() == alone
    assert "unresolved" in alone
    assert found.undecided == 0


def test_a_chaotic_sweep_is_unresolved_where_its_runs_are() -> None:
    rho = np.array([0.8, 28.0])
    found = sweep(load("lorenz"), {"rho": rho}, at=4500)
    alone = [str(run(load("lorenz"), parameters={"rho": r}, steps=4500).status[-1]) for r in rho]
    assert found.status.tolist() == alone == ["ok", "unresolved"]


def test_a_long_twin_is_moved_to_its_end() -> None:
    """Beyond a first stretch by as much of each value's size as there: at least half an ulp."""
    model = load("lorenz")
    plan = ask(model, nudge="b[0]", hold="a", target="b", steps=9000).plan()
    values = run_values(model.template.structure, plan).values
    shifts = np.abs(moved_plan(model.template, plan, values, 9000, 0).shifts)
    share = shifts[5000:] / np.abs(values[5000:])
    assert (share >= 2.0**-53).all()
    assert (share < 2.0**-40).mean() > 0.99
