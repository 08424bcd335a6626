from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from causalopt import STATUSES, Model, load, rates, run
from causalopt.effects.measures import Effect, Part, measure


def static(**rules: object) -> Model:
    variables = {"n": {"initial": 1}, **{k: {"rule": v} for k, v in rules.items()}}
    return Model(name="m", variables=variables, question={"nudge": "n", "target": "m"})


def closed_form(k: float, t: int) -> float:
    """u_t = u_{t-1} - k u_{t-2}, u_0 = u_1 = 1, by its roots."""
    root = np.sqrt(complex(1 - 4 * k))
    high, low = (1 + root) / 2, (1 - root) / 2
    return float(((high ** (t + 1) - low ** (t + 1)) / root).real)


@pytest.mark.parametrize("k", [0.01, 0.02, 0.2, 0.3, 0.9])
def test_thermostat_has_its_closed_form(k: float) -> None:
    found = run(load("thermostat").replace(parameters={"k": k}), steps=300)
    expected = np.array([closed_form(k, t) for t in range(301)])
    np.testing.assert_allclose(found.total, expected, rtol=1e-9, atol=1e-13)
    np.testing.assert_array_equal(found.direct, 1)


def test_op_slope_of_the_thermostat_is_its_slow_root() -> None:
    op = run(load("thermostat"), steps=4000).op
    assert op[4000] - op[3999] == pytest.approx(-math.log((1 + math.sqrt(0.96)) / 2), rel=1e-9)


def test_a_contracting_loop_stays_resolved_for_ever() -> None:
    found = run(load("thermostat"), steps=20_000)
    assert found.status[-1] == "ok"
    assert found.op[-1] == pytest.approx(-math.log((1 + math.sqrt(0.96)) / 2) * 20_000, rel=1e-4)


def test_a_disturbance_from_outside_leaves_op_unchanged() -> None:
    variables = {
        "T": {"rule": "R[t-1] - d", "initial": 10},
        "R": {"rule": "R[t-1] - k*T[t-1] + 1000*sin(t)", "initial": 35},
    }
    noisy = Model(
        name="noisy",
        parameters={"k": 0.01, "d": 25},
        variables=variables,
        partition={"A": "T"},
        question={"nudge": "R[0]", "target": "R", "steps": 500},
    )
    np.testing.assert_allclose(run(noisy).op, run(load("thermostat"), steps=500).op, rtol=1e-12)


@pytest.mark.parametrize(
    ("model", "hold", "status", "op"),
    [
        (static(a="-n", m="n + a"), "a", "perfect", math.inf),
        (static(a="2*n", m="a"), "a", "only_path", -math.inf),
        (static(a="2*n", m="a*0 + 3"), "a", "no_influence", None),
        (static(a="2*n", b="3", m="b"), "a", "no_influence", None),
        (static(a="2*n", m="n + a"), "a, m", "held", -math.inf),
        (static(a="n", m="n*a - n*(a - 0.5)"), "a", "ok", 0.0),
        (static(a="n", m="abs(n - 1) + a"), "a", "kink", None),
        (static(a="-sqrt(3)*n", m="3*n/sqrt(3) + a"), "a", "unresolved", None),
        (static(a="-0.1*n", m="0.3*n + 3*a"), "a", "perfect", math.inf),
        (static(a="log(-n)", m="n + a"), "a", "nonfinite", None),
        (static(a="exp(1000*n)", m="n + a"), "a", "diverged", None),
        (static(a="-n/2", m="n + a"), "a", "ok", math.log(2)),
        (static(a="-3*n", m="n + a"), "a", "ok", -math.log(2)),
    ],
)
def test_every_status_has_its_case(model: Model, hold: str, status: str, op: float | None) -> None:
    found = run(model, hold=hold)
    assert found.status[0] == status
    if op is not None:
        assert found.op[0] == pytest.approx(op, rel=1e-15, abs=1e-15)


def test_a_negative_comp_keeps_its_sign() -> None:
    found = run(static(a="-3*n", m="n + a"), hold="a")
    assert found.comp[0] == -2


def test_undefined_is_nan_and_infinite_is_infinite() -> None:
    found = run(load("thermostat").replace(parameters={"k": 1}), steps=6)
    assert found.status.tolist() == ["ok", "ok", "perfect", "ok", "ok", "perfect", "ok"]
    np.testing.assert_array_equal(found.comp, [1, 1, 0, -1, -1, 0, 1])
    assert found.op[2] == math.inf


def test_influence_of_a_held_window_is_finite() -> None:
    found = run(load("thermostat"), hold="T[t<=10]", steps=200)
    assert found.op[200] == pytest.approx(found.op[20], rel=1e-2)
    assert found.op[200] < run(load("thermostat"), steps=200).op[200] / 5


def test_chaotic_tangents_do_not_overflow() -> None:
    found = run(load("lorenz"), steps=80_000)
    expected = rates(load("lorenz"), steps=10_000)
    assert math.isinf(found.total[-1])
    assert found.op[-1] / found.time[-1] == pytest.approx(expected.op_rate, abs=5 * expected.error)
    assert found.status[-1] == "unresolved"  # W itself is lost after some 3,000 steps


@pytest.mark.slow
def test_two_hundred_thousand_chaotic_steps_give_a_finite_op() -> None:
    found = run(load("lorenz"), steps=200_000)
    expected = rates(load("lorenz"), steps=50_000)
    assert found.op[-1] / found.time[-1] == pytest.approx(expected.op_rate, abs=5 * expected.error)
    assert found.status[-1] == "unresolved"  # W itself is lost after some 3,000 steps


def test_a_finite_nudge_in_chaos_admits_when_it_is_lost() -> None:
    model = load("lorenz").replace(dt=0.001)
    finite, limit = run(model, steps=20_000, delta=1e-5), run(model, steps=20_000)
    assert limit.status[-1] == "ok"
    assert finite.status[-1] == "unresolved"
    assert (finite.direct[-100:] == 0).all()


def test_a_finite_nudge_across_a_branch_is_a_kink() -> None:
    model = load("thermostat_saturating").replace(initial={"R": 25.5})
    found = run(model, delta=5, steps=20)
    assert "kink" in found.status
    assert found.status[0] == "ok"


def test_measures_follow_logs_beyond_the_range_of_floats() -> None:
    ones = np.ones(1)
    yes, no = np.ones(1, dtype=bool), np.zeros(1, dtype=bool)
    part = [Part(ones, np.array([power]), ones * 1e-16, yes, no) for power in (5000, -3000)]
    effect = Effect(part[0], part[1], no, yes, None, None, overflowed=False)
    found = measure(effect)
    assert found.op[0] == pytest.approx(-8000 * math.log(2))
    assert found.comp[0] == math.inf
    assert found.status[0] == "ok"


def test_every_status_is_explained() -> None:
    assert set(STATUSES) == {
        "ok",
        "perfect",
        "only_path",
        "no_influence",
        "held",
        "diverged",
        "nonfinite",
        "kink",
        "unresolved",
    }


def scaled(mantissa: float, exponent: int, *, error: float = 0.0, doubts: bool = False) -> Part:
    """One step's effect, mantissa * 2**exponent."""
    return Part(
        np.array([mantissa]),
        np.array([exponent]),
        np.array([error]),
        np.array([True]),
        np.array([doubts]),
    )


def at_one_step(total: Part, direct: Part, **changes: object) -> Effect:
    fields = {"held": np.array([False]), "finite": np.array([True]), "overflowed": False}
    return Effect(total, direct, kink=None, nonfinite=None, **(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("total", [1.5, -1.5])
@pytest.mark.parametrize("direct", [1.0, -1.0])
@pytest.mark.parametrize(("up", "down"), [(990, 3), (-700, 20), (4000, 3200), (3, 3)])
def test_comp_has_the_sign_of_both_effects_whatever_their_exponents(
    total: float, direct: float, up: int, down: int
) -> None:
    found = measure(at_one_step(scaled(total, up), scaled(direct, down)))
    expected = math.copysign(1.5, total * direct) * 2.0 ** (up - down)
    assert found.comp[0] == pytest.approx(expected, rel=1e-12)
    assert found.op[0] == pytest.approx(-math.log(1.5) - (up - down) * math.log(2), abs=1e-12)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_equal_effects_of_other_exponents_have_comp_one_with_their_sign(sign: float) -> None:
    found = measure(at_one_step(scaled(sign, 2), scaled(4.0, 0)))
    assert (found.comp[0], found.op[0]) == (sign, 0.0)


@pytest.mark.parametrize("total", [2.0, -2.0])
def test_comp_over_a_zero_direct_effect_is_infinite_without_a_sign(total: float) -> None:
    found = measure(at_one_step(scaled(total, 7), scaled(0.0, 0)))
    assert (found.comp[0], found.op[0], found.status[0]) == (math.inf, -math.inf, "only_path")


@pytest.mark.parametrize(("error", "unresolved"), [(0.125, True), (0.12499, False), (0.0, False)])
@pytest.mark.parametrize("mantissa", [1.0, -1.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_an_effect_is_unresolved_from_an_eighth_of_it_on(
    error: float, unresolved: bool, mantissa: float, sign: int
) -> None:
    part = scaled(mantissa, 40, error=sign * error)
    assert part.is_unresolved.tolist() == [unresolved]
    sure = scaled(1.0, 40)
    expected = "unresolved" if unresolved else "ok"
    assert measure(at_one_step(part, sure)).status[0] == expected
    assert measure(at_one_step(sure, part)).status[0] == expected


@pytest.mark.parametrize("doubts", [True, False])
def test_a_zero_effect_is_unresolved_just_where_zero_proves_nothing(doubts: bool) -> None:
    part = scaled(0.0, 0, error=1.0, doubts=doubts)
    assert part.is_unresolved.tolist() == [doubts]


@pytest.mark.parametrize(
    ("last_places", "status"), [(8, "unresolved"), (9, "ok"), (-17, "ok"), (-7, "unresolved")]
)
def test_a_difference_of_eight_last_places_is_lost_and_of_nine_is_not(
    last_places: int, status: str
) -> None:
    """Two values near 1 are each rounded by up to one last place, 2**-52."""
    rules = {"n": {"initial": 0}, "a": "3", "c": "sin(pi/2)", "m": "c + n + 0*a"}
    model = Model(name="m", variables=rules)  # fractions do not know pi, and settle nothing
    found = run(model, nudge="n", hold="a", target="m", delta=last_places * 2.0**-52)
    assert found.status[0] == status


@pytest.mark.parametrize(("kept", "status"), [("2**-44", "ok"), ("2**-53", "unresolved")])
def test_a_cancelled_tangent_is_resolved_while_its_rest_is_larger_than_rounding(
    kept: str, status: str
) -> None:
    model = Model(
        name="m",
        parameters={"third": "1/3", "rest": kept},
        variables={"n": {"initial": 1}, "a": "-third*n", "m": "(third + rest)*n + a"},
    )
    found = run(model, nudge="n", hold="a", target="m")
    assert found.status[0] == status


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"finite": np.array([False]), "nonfinite": ("x", 0), "overflowed": True}, "diverged"),
        ({"finite": np.array([False]), "nonfinite": ("x", 0)}, "nonfinite"),
        ({"finite": np.array([False])}, "diverged"),
        ({"held": np.array([True])}, "held"),
    ],
)
def test_what_is_known_of_the_values_comes_before_the_ratio(
    changes: dict[str, object], status: str
) -> None:
    effect = at_one_step(scaled(1.0, 0), scaled(1.0, 0))
    found = measure(dataclasses.replace(effect, **changes))  # type: ignore[arg-type]
    assert found.status[0] == status
    assert math.isnan(found.op[0]) == (status != "held")


@pytest.mark.parametrize("part", ["total", "direct"])
def test_an_infinite_effect_of_finite_values_has_diverged(part: str) -> None:
    parts = {"total": scaled(1.0, 0), "direct": scaled(1.0, 0), part: scaled(math.inf, 0)}
    assert measure(at_one_step(**parts)).status[0] == "diverged"


def test_a_kink_is_marked_where_it_counts() -> None:
    ones, zeros = np.ones(4), np.zeros(4, dtype=np.int64)
    yes = np.ones(4, dtype=bool)
    part = Part(ones, zeros, ones * 0, yes, ~yes)
    effect = Effect(part, part, ~yes, yes, np.arange(4) >= 2)
    assert measure(effect).status.tolist() == ["ok", "ok", "kink", "kink"]


def test_zeros_that_prove_nothing_are_unresolved_and_no_lack_of_influence() -> None:
    lost = scaled(0.0, 0, doubts=True)
    assert measure(at_one_step(lost, lost)).status[0] == "unresolved"
    assert measure(at_one_step(scaled(0.0, 0), scaled(0.0, 0))).status[0] == "no_influence"


@pytest.mark.parametrize(
    ("held", "kink", "error", "status"),
    [
        (True, True, 1.0, "kink"),
        (True, False, 1.0, "held"),
        (False, False, 1.0, "unresolved"),
        (False, False, 0.0, "ok"),
    ],
)
def test_of_several_statuses_the_more_telling_one_is_given(
    held: bool, kink: bool, error: float, status: str
) -> None:
    part = scaled(1.0, 0, error=error)
    effect = dataclasses.replace(
        at_one_step(part, part), held=np.array([held]), kinks=np.array([kink])
    )
    assert measure(effect).status[0] == status


@pytest.mark.parametrize("total", [1.0, -1.0])
@pytest.mark.parametrize("direct", [1.0, -1.0, 0.5, -0.5])
@pytest.mark.parametrize("exponents", [(0, 0), (3, 0), (0, -3)])
def test_comp_is_the_plain_ratio_where_floats_hold_it(
    total: float, direct: float, exponents: tuple[int, int]
) -> None:
    found = measure(at_one_step(scaled(total, exponents[0]), scaled(direct, exponents[1])))
    expected = total * 2.0 ** exponents[0] / (direct * 2.0 ** exponents[1])
    assert found.comp[0] == pytest.approx(expected, rel=1e-14)
    assert found.op[0] == pytest.approx(-math.log(abs(expected)), abs=1e-14)


def test_a_total_of_one_over_nothing_is_infinite_and_not_undefined() -> None:
    found = measure(at_one_step(scaled(1.0, 0), scaled(0.0, 0)))
    assert (found.comp[0], found.op[0]) == (math.inf, -math.inf)


def test_measures_do_not_depend_on_how_an_effect_is_shared_with_its_power_of_two() -> None:
    """Executions bring tangents back near 1 at other steps: Op and Comp are the same to the bit."""
    for total, direct in ((3.1, 0.7), (1e-200, -3e-190), (2.5, 1e300), (5e-324, 1.0)):
        plain = measure(at_one_step(scaled(total, 0), scaled(direct, 0)))
        for up, down in ((40, 0), (-30, 7), (0, 600)):
            parts = [
                scaled(math.ldexp(value, -power), power)
                for value, power in ((total, up), (direct, down))
            ]
            if any(
                part.value[0] != value for part, value in zip(parts, (total, direct), strict=True)
            ):
                continue  # it does not fit
            found = measure(at_one_step(*parts))
            assert found.op[0] == plain.op[0]
            assert found.comp[0] == plain.comp[0]
    far = measure(at_one_step(scaled(0.75, 9000), scaled(0.5, 8990)))
    same = measure(at_one_step(scaled(0.75 * 2**40, 8960), scaled(2.0, 8988)))
    assert far.op[0] == same.op[0] == pytest.approx(-math.log(1.5 * 2**10), abs=1e-11)
    assert far.comp[0] == same.comp[0] == 1.5 * 2**10


def test_effects_below_the_range_of_floats_keep_their_digits() -> None:
    found = measure(at_one_step(scaled(1.2345678901, -1060), scaled(1.0, 3)))
    assert found.op[0] == pytest.approx(1063 * math.log(2) - math.log(1.2345678901), rel=1e-14)
