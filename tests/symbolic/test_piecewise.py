"""Modes, paths through branches, fixed points and periodic orbits."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
import sympy

from causalopt import Model, QuestionError, load, run
from causalopt.effects.asked import ask
from causalopt.language.parse import parse
from causalopt.language.scope import Scope
from causalopt.language.term import ref
from causalopt.symbolic.branches import has_branches, pieces
from causalopt.symbolic.derive import derive
from causalopt.symbolic.exact import exact_value
from causalopt.symbolic.fixed_points import find_orbits, linearise
from causalopt.symbolic.linear import T
from causalopt.symbolic.modes import find_modes
from causalopt.symbolic.paths import follow
from causalopt.symbolic.reading import Reading


def reading(model: Model, **question) -> Reading:
    return Reading(model, ask(model, **question))


def logistic(r: float) -> Model:
    return Model(
        name="logistic",
        parameters={"r": r},
        variables={
            "x": {"rule": "r*x[t-1]*(1 - x[t-1])", "initial": 0.3},
            "y": {"rule": "x[t-1]", "initial": 0},
        },
        question={"nudge": "x[0]", "hold": "y", "target": "x", "steps": 40},
    )


def test_the_pieces_of_a_clip_are_its_three_sides_and_the_impossible_one() -> None:
    rule = parse("clip(x[t-1], 0, 2)", Scope(variables=frozenset({"x"})))
    assert has_branches(rule)
    found = [piece for piece, _ in pieces(rule, 10)]
    assert ref("x", 1) in found
    assert {str(piece) for piece in found} == {"ref(('x', 1))", "const(0)", "const(2)"}


def test_the_saturating_thermostat_has_three_modes_with_their_conditions() -> None:
    modes = find_modes(load("thermostat_saturating"))
    assert len(modes) == 3
    assert all(mode.solution is not None and mode.solution.verified for mode in modes)
    saturated = [mode for mode in modes if mode.solution.comp == 1]
    assert len(saturated) == 2
    inside = next(mode for mode in modes if mode.solution.comp != 1)
    theta, reads = sympy.Symbol("theta"), sympy.Symbol("T[t-1]")
    assert set(inside.conditions) == {theta > reads, reads > -theta}


def test_a_path_changes_its_mode_where_the_run_does() -> None:
    model = load("thermostat_saturating")
    path = follow(reading(model), 500)
    values = run(model, steps=500).W["T"]
    for t, mode in enumerate(path.by_step(500)):
        if t > 0:
            is_inside = abs(values[t - 1]) < 1
            assert (len(mode.edges) == 3) == is_inside


def test_a_path_that_changes_sides_once_has_a_closed_form_after_it() -> None:
    model = Model(
        name="ramp",
        variables={
            "x": {"rule": "x[t-1] + where(x[t-1] < 3, 1, -u[t-1]/2)", "initial": 0},
            "u": {"rule": "max(x[t-1], 0) - 2", "initial": 0},
        },
        question={"nudge": "x[0]", "hold": "u", "target": "x", "steps": 20},
    )
    found = derive(model, at=20)
    assert found.form == "closed form"
    assert found.verified
    measured = run(model)
    first = found.solution.valid_from
    for t in range(first, 21):
        assert float(exact_value(found.total, {T: Fraction(t)})) == pytest.approx(
            measured.total[t], rel=1e-10
        )


def test_a_path_with_a_nonlinear_piece_has_a_program_though_its_last_piece_is_linear() -> None:
    model = Model(
        name="bend",
        variables={
            "x": {"rule": "where(x[t-1] < 4, x[t-1]**2, x[t-1]/2 + 8)", "initial": "3/2"},
            "u": {"rule": "x[t-1]", "initial": 0},
        },
        question={"nudge": "x[0]", "hold": "u", "target": "x", "steps": 6},
    )
    # 3/2, 9/4, 81/16, then the linear piece alone: the derivative is 4 x^3 / 2^(t - 2).
    assert follow(reading(model), 6).final.is_linear
    found = derive(model, at=6)
    assert found.form == "straight-line program"
    assert found.verified
    assert found.value(6)["total"] == pytest.approx(4 * 1.5**3 / 2**4, rel=1e-15)


def test_the_fixed_points_of_lorenz_are_found_in_symbols() -> None:
    beta, rho = sympy.symbols("beta rho")
    orbits = find_orbits(load("lorenz"))
    points = {orbit.points[0] for orbit in orbits}
    s = sympy.sqrt(beta * (rho - 1))
    assert points == {(0, 0, 0), (s, s, rho - 1), (-s, -s, rho - 1)}


@pytest.mark.parametrize("r", [3.2, 3.4])
def test_around_a_period_two_orbit_the_growth_per_period_is_four_plus_two_r_minus_r_squared(
    r: float,
) -> None:
    (orbit,) = find_orbits(logistic(r), 2)
    assert orbit.period == 2
    assert all(solution.verified for solution in linearise(logistic(r), orbit))
    points = [
        [p.subs("r", sympy.Rational(str(r))).evalf(40) for p in point] for point in orbit.points
    ]
    near = dataclasses.replace(orbit, points=tuple(map(tuple, points)), exact=False)
    here, there = linearise(logistic(r), near)
    growth = 4 + 2 * Fraction(str(r)) - Fraction(str(r)) ** 2
    for periods in range(4):
        total, _ = here.at(periods, {})
        assert abs(total - growth**periods) < Fraction(1, 10**30)
    # From phase 0 to phase 1 the effect is r (1 - 2 x), x the first point.
    slope = float(r * (1 - 2 * points[0][0]))
    assert float(there.at(0, {})[0]) == pytest.approx(slope, rel=1e-12)


def test_an_orbit_that_sympy_cannot_find_is_found_in_numbers() -> None:
    model = Model(
        name="cosine",
        variables={
            "x": {"rule": "cos(x[t-1])", "initial": 1},
            "y": {"rule": "x[t-1]", "initial": 0},
        },
        question={"nudge": "x[0]", "hold": "y", "target": "x", "steps": 30},
    )
    orbits = find_orbits(model, time_limit=5)
    dottie = 0.7390851332151607
    assert any(float(orbit.points[0][0]) == pytest.approx(dottie, abs=1e-15) for orbit in orbits)
    orbit = next(o for o in orbits if abs(float(o.points[0][0]) - dottie) < 1e-9)
    (solution,) = linearise(model, orbit)
    assert solution.rate({}) == pytest.approx(0, abs=1e-12)
    total, _ = solution.at(5, {})
    assert float(total) == pytest.approx((-np.sin(dottie)) ** 5, rel=1e-12)


def test_an_orbits_held_set_must_not_change_in_time() -> None:
    (orbit,) = find_orbits(logistic(3.2), 2)
    with pytest.raises(QuestionError, match="held set must be the same at all steps"):
        linearise(logistic(3.2), orbit, hold="y[t<=5]")


def test_a_model_that_starts_at_its_fixed_point_gets_the_linearised_closed_form() -> None:
    model = logistic(3.2).replace(initial={"x": "1 - 1/r", "y": "1 - 1/r"})
    found = derive(model, at=10)
    assert found.form == "closed form"
    r = sympy.Symbol("r")
    assert sympy.simplify(found.total - (2 - r) ** T) == 0
    assert any("fixed point" in line for line in found.conditions)


@pytest.mark.parametrize("step", range(7))
def test_run_and_derive_switch_by_the_clock_at_the_same_step(step: int) -> None:
    # In floats 3 * 0.1 > 0.3; as decimals the condition first holds at t = 4.
    variables = {
        "x": {"rule": "where(time > 0.3, 2, 1)*x[t-1]", "initial": 1},
        "a": {"rule": "x[t-1]", "initial": 0},
    }
    question = {"nudge": "x[0]", "hold": "a", "target": "x", "steps": step}
    model = Model(name="switch", dt=0.1, variables=variables, question=question)
    truth = 2.0 ** max(0, step - 3)
    assert run(model).total[step] == truth
    assert derive(model, at=step).value(step)["total"] == truth
