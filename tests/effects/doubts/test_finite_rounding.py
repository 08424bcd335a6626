"""What rounding does to the differences of a finite nudge; oracles are fractions and mpmath."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

from causalopt import Model, Nudge, run
from causalopt.effects import finite
from causalopt.effects.asked import ask
from causalopt.effects.doubts import finite_rounding
from causalopt.effects.doubts.exact_slopes import ExactSlopes
from causalopt.engine.executions import run_values


def model_of(rules: dict[str, Any], **question: Any) -> Model:
    asked = {"nudge": "n", "hold": "a", "target": "m", **question}
    return Model(name="m", variables=rules, question=asked)


def thrice(n: Fraction, held: Fraction | None) -> tuple[Fraction, Fraction]:
    a = Fraction(-3, 10) * n if held is None else held
    return a, 3 * Fraction(1, 10) * n + a


def squared(n: Fraction, held: Fraction | None) -> tuple[Fraction, Fraction]:
    a = (n + 1) ** 2 - n**2 - 2 * n if held is None else held
    return a, a + n / 10**9


def swallowed(n: Fraction, held: Fraction | None) -> tuple[Fraction, Fraction]:
    a = n if held is None else held
    return a, n + a


THRICE = {"n": 1, "a": "-0.3*n", "b": "0.1*n", "m": "3*b + a"}
SQUARED = {"n": 100000000, "a": "(n+1)**2-n**2-2*n", "m": "a + 1e-9*n"}
SWALLOWED = {"n": 1, "z": "1e17 + n", "a": "z - 1e17", "m": "n + a"}


@pytest.mark.parametrize("delta", ["1", "0.5", "0.1", "-3", "100"])
@pytest.mark.parametrize(
    ("rules", "truth"), [(THRICE, thrice), (SQUARED, squared), (SWALLOWED, swallowed)]
)
def test_what_floats_lose_is_settled_in_fractions(
    rules: dict[str, Any], truth: Callable[..., tuple[Fraction, Fraction]], delta: str
) -> None:
    n, nudge = Fraction(rules["n"]), Fraction(delta)
    a, w = truth(n, None)
    total = (truth(n + nudge, None)[1] - w) / nudge
    direct = (truth(n + nudge, a)[1] - w) / nudge
    found = run(model_of(rules), delta=float(delta))
    assert found.status[0] == ("ok" if total else "perfect")
    assert found.total[0] == pytest.approx(float(total), rel=1e-6, abs=0)
    assert found.direct[0] == pytest.approx(float(direct), rel=1e-6, abs=0)


@pytest.mark.parametrize("delta", [1.0, 0.5, 0.1, 1e-3])
def test_irrational_values_that_cancel_are_unresolved(delta: float) -> None:
    rules = {"n": 1, "c": "sqrt(2)", "b": "0.1*c*n", "a": "-0.3*c*n", "m": "3*b + a"}
    assert str(run(model_of(rules), delta=delta).status[0]) == "unresolved"
    rules["m"] = "4*b + a"
    found = run(model_of(rules), delta=delta)  # .1 sqrt(2) of .4 sqrt(2)
    assert str(found.status[0]) == "ok"
    assert found.comp[0] == pytest.approx(0.25, rel=1e-9)


def test_an_error_that_both_worlds_share_counts_where_a_slope_moves() -> None:
    # r is 1e-7, less what rounding makes of numbers near 1e8: a third of it. It is the same in both
    # worlds: x - w of n + r does not know of it, that of n r is delta r.
    r = "sqrt(2)*1e8 - 141421356.2373094"
    rules = {"n": {"initial": 0}, "r": r, "a": "0*n", "m": "n + r + a"}
    assert str(run(model_of(rules), delta=1e-7).status[0]) == "ok"
    rules["m"] = "n*r + a"
    assert str(run(model_of(rules), delta=1e-7).status[0]) == "unresolved"


def test_a_long_run_in_which_paths_cancel_is_unresolved() -> None:
    rules = {
        "n": {"rule": "n[t-1]", "initial": 1},
        "a": "-0.3*n[t]",
        "b": "0.1*n[t]",
        "m": "3*b[t] + a[t]",
    }
    found = run(model_of(rules, nudge="n[0]", steps=300), delta=1.0)
    assert found.total[0] != 0  # it is rounding: 3/10 - 3/10 = 0
    assert set(found.status.tolist()) == {"unresolved"}


def test_worlds_that_are_rounded_to_one_value_are_moved_apart() -> None:
    # 1e17 + n and 1e17 + n + 4 are both rounded to 1e17: floats find 1, the truth is 2.
    rules = {
        "n": {"rule": "n[t-1]", "initial": 1},
        "z": "1e17 + n[t]",
        "a": "z[t] - 1e17",
        "m": "n[t] + a[t]",
    }
    found = run(model_of(rules, nudge="n[0]", steps=300), delta=4.0)
    assert found.total[0] == 1
    assert set(found.status.tolist()) == {"unresolved"}


def test_what_worlds_share_is_rounded_alike_in_both() -> None:
    # x is chaotic and does not depend on n: n and m stay 1 apart whatever its rounding does.
    rules = {
        "x": {"rule": "3.9*x[t-1]*(1 - x[t-1])", "initial": 0.3},
        "n": {"rule": "n[t-1] + x[t-1]", "initial": 0},
        "a": "0.5*n[t]",
        "m": "n[t] - a[t]",
    }
    found = run(model_of(rules, nudge="n[0]", steps=400), delta=1.0)
    assert set(found.status.tolist()) == {"ok"}
    np.testing.assert_allclose(found.comp, 0.5, rtol=1e-12)


def test_a_nudge_that_its_sum_rounds_is_not_the_one_that_was_asked() -> None:
    rules = {"n": {"rule": "n[t-1]", "initial": 10**16}, "a": "0*n[t]", "m": "n[t] - 1e16 + a[t]"}
    found = run(model_of(rules, nudge="n[0]", steps=300), delta=1.5)
    assert found.total[0] == 2 / 1.5  # 1e16 + 1.5 is rounded to 1e16 + 2; the truth is 1
    assert set(found.status.tolist()) == {"unresolved"}
    even = run(model_of(rules, nudge="n[0]", steps=300), delta=2.0)
    assert (even.total[0], set(even.status.tolist())) == (1.0, {"ok"})
    # The same without time, with a zero that fractions do not know.
    static = {"n": 10**16, "c": "sin(pi/2) - 1", "a": "0*n", "m": "n - 1e16 + c + a"}
    assert [str(run(model_of(static), delta=d).status[0]) for d in (1.5, 2.0)] == [
        "unresolved",
        "ok",
    ]


CHAOS = {
    "x": {"rule": "3.7*x[t-1]*(1 - x[t-1]) + 0.1*a[t-1]", "initial": 0.2},
    "a": {"rule": "0.1*x[t-1]", "initial": 0.1},
    "b": "0",
}


def precisely(steps: int, delta: str) -> tuple[list[Any], list[Any]]:
    """Return x - w and y - w of the chaotic map in 300 digits."""
    with mpmath.workdps(300):
        w, x, y = ([mpmath.mpf("0.2") + mpmath.mpf(d)] for d in ("0", delta, delta))
        held, own = [mpmath.mpf("0.1")], [mpmath.mpf("0.1")]
        for _ in range(steps):
            for world, a in ((w, held), (x, own), (y, held)):
                u = world[-1]
                world.append(
                    mpmath.mpf("3.7") * u * (1 - u) + mpmath.mpf("0.1") * a[len(world) - 1]
                )
                if world is not y:
                    a.append(u / 10)
        return [b - a for a, b in zip(w, x, strict=True)], [
            b - a for a, b in zip(w, y, strict=True)
        ]


def test_a_chaotic_difference_is_ok_only_while_it_is_the_true_one() -> None:
    steps = 300
    found = run(model_of(CHAOS, nudge="x[0]", target="x", steps=steps), delta=1e-6)
    total, direct = precisely(steps, "1e-6")
    said = np.flatnonzero(found.status == "ok")
    for t in said:
        assert found.total[t] == pytest.approx(float(total[t]) * 1e6, rel=0.25)
        assert found.direct[t] == pytest.approx(float(direct[t]) * 1e6, rel=0.25)
    assert set(range(40)) <= set(said.tolist())
    assert set(found.status[150:].tolist()) == {"unresolved"}


def test_a_chance_agreement_with_the_only_twin_does_not_count() -> None:
    found = run(model_of(CHAOS, nudge="x[0]", target="x", steps=8000), delta=1e-6)
    assert set(found.status[150:].tolist()) == {"unresolved"}


def test_a_twin_of_y_takes_a_from_the_twin_of_w(monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[Any] = []
    tables: list[Any] = []

    def seen(structure: Any, plan: Any) -> Any:
        plans.append(plan)
        tables.append(run_values(structure, plan).values)
        return run_values(structure, plan)

    model = model_of(CHAOS, nudge="x[0]", target="x", steps=200)
    w = run(model, delta=1e-6)
    monkeypatch.setattr(finite_rounding, "run_values", seen)
    assert len(w.status) == 201
    a = model.template.index["a"]
    np.testing.assert_array_equal(tables[2][:, a], tables[0][:, a])
    assert (tables[2][:, a] != w.W["a"]).any()
    assert not plans[2].shifts[:, a].any()


def test_statuses_are_made_when_read_and_a_parted_twin_is_not_run_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lengths: list[int] = []

    def counted(structure: Any, plan: Any) -> Any:
        lengths.append(plan.steps)
        return run_values(structure, plan)

    monkeypatch.setattr(finite_rounding, "run_values", counted)
    found = run(model_of(CHAOS, nudge="x[0]", target="x", steps=40_000), delta=1e-6)
    assert lengths == []
    assert str(found.status[-1]) == "unresolved"
    assert set(lengths) == {4096}


def test_fractions_are_asked_of_short_runs_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = {
        "n": {"rule": "n[t-1]", "initial": 1},
        "a": "-0.3*n[t]",
        "b": "0.1*n[t]",
        "m": "3*b[t] + a[t]",
    }
    short = run(model_of(rules, nudge="n[0]", steps=100), delta=1.0)
    assert set(short.status.tolist()) == {"perfect"}
    monkeypatch.setattr(finite, "_SHORT", 403)
    again = run(model_of(rules, nudge="n[0]", steps=100), delta=1.0)
    assert set(again.status.tolist()) == {"unresolved"}


def test_fractions_hold_a_where_it_is_held() -> None:
    # m is 3/10 n - 3/10 n, and the first of these alone in Y, from t = 2 on.
    rules = {
        "n": {"rule": "1.1*n[t-1]", "initial": 1},
        "a": "-0.3*n[t]",
        "b": "0.1*n[t]",
        "m": "3*b[t] + a[t]",
    }
    found = run(model_of(rules, nudge="n[0]", hold="a[t>=2]", steps=4), delta=0.5)
    assert found.status.tolist() == ["no_influence"] * 2 + ["perfect"] * 3
    expected = [float(Fraction(3, 10) * Fraction(11, 10) ** t) for t in (2, 3, 4)]
    np.testing.assert_allclose(found.direct[2:], expected, rtol=1e-12)


def test_fractions_nudge_a_later_node() -> None:
    rules = {
        "n": {"rule": "n[t-1]", "initial": 1},
        "z": "1e17 + n[t]",
        "a": "z[t] - 1e17",
        "m": "n[t] + a[t]",
    }
    found = run(model_of(rules, nudge="n[3]", steps=5), delta=4.0)
    assert found.status.tolist() == ["no_influence"] * 3 + ["ok"] * 3
    assert found.total.tolist() == [0.0] * 3 + [2.0] * 3
    assert found.direct.tolist() == [0.0] * 3 + [1.0] * 3


def test_a_lost_direct_effect_is_settled_as_well() -> None:
    rules = {"n": 1, "b": "0.1*n", "a": "n", "m": "3*b - 0.3*n + a"}
    found = run(model_of(rules), delta=0.5)
    assert (found.total[0], found.direct[0], str(found.status[0])) == (1.0, 0.0, "only_path")


def test_a_nudge_in_the_baseline_is_added_as_written() -> None:
    model = model_of({"n": 0.1, "a": "0*n", "m": "n + a"})
    asked = ask(model, given=[Nudge("n", 0.2)])
    plan = asked.plan()
    values = run_values(model.template.structure, plan).values
    exact = ExactSlopes(model.template, plan, values)
    assert exact.advance(0)
    assert exact.node(0, model.template.index["m"]) == Fraction(3, 10)  # .1 + .2 is not, in floats
