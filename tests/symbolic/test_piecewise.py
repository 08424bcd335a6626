"""Modes, paths through branches, fixed points and periodic orbits."""

from __future__ import annotations

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
    modes = find_modes(reading(load("thermostat_saturating")))
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


def test_the_fixed_points_of_lorenz_are_found_in_symbols() -> None:
    beta, rho = sympy.symbols("beta rho")
    orbits = find_orbits(reading(load("lorenz")))
    points = {orbit.points[0] for orbit in orbits}
    s = sympy.sqrt(beta * (rho - 1))
    assert points == {(0, 0, 0), (s, s, rho - 1), (-s, -s, rho - 1)}


@pytest.mark.parametrize("r", [3.2, 3.4])
def test_around_a_period_two_orbit_the_growth_per_period_is_four_plus_two_r_minus_r_squared(
    r: float,
) -> None:
    found = reading(logistic(r))
    (orbit,) = find_orbits(found, 2)
    assert orbit.period == 2
    exact = sympy.Rational(str(r))
    for solution in linearise(found, orbit)[:1]:
        assert solution.verified
        growth = sympy.simplify(
            solution.total.form.expr.subs(T, 2) / solution.total.form.expr.subs(T, 1)
        )
        stand_ins = growth.free_symbols
        edges = solution.template.edges
        assert stand_ins <= set(solution.template.parameters)
        assert len(edges) >= 2
    product = sympy.prod(
        found.rules[0].diff(sympy.Symbol("x[t-1]")).subs(sympy.Symbol("x[t-1]"), point[0])
        for point in orbit.points
    ).subs("r", exact)
    assert sympy.simplify(product - (4 + 2 * exact - exact**2)) == 0


def test_an_orbit_that_sympy_cannot_find_is_found_in_numbers() -> None:
    model = Model(
        name="cosine",
        variables={
            "x": {"rule": "cos(x[t-1])", "initial": 1},
            "y": {"rule": "x[t-1]", "initial": 0},
        },
        question={"nudge": "x[0]", "hold": "y", "target": "x", "steps": 30},
    )
    orbits = find_orbits(reading(model), time_limit=5)
    dottie = 0.7390851332151607
    assert any(float(orbit.points[0][0]) == pytest.approx(dottie, abs=1e-15) for orbit in orbits)
    orbit = next(o for o in orbits if abs(float(o.points[0][0]) - dottie) < 1e-9)
    (solution,) = linearise(reading(model), orbit)
    assert solution.rate({}) == pytest.approx(0, abs=1e-12)
    total, _ = solution.at(5, {})
    assert float(total) == pytest.approx((-np.sin(dottie)) ** 5, rel=1e-12)


def test_an_orbits_held_set_must_not_change_in_time() -> None:
    found = reading(logistic(3.2), hold="y[t<=5]")
    (orbit,) = find_orbits(found, 2)
    with pytest.raises(QuestionError, match="held set must be the same at all steps"):
        linearise(found, orbit)


def test_a_model_that_starts_at_its_fixed_point_gets_the_linearised_closed_form() -> None:
    model = logistic(3.2).replace(initial={"x": "1 - 1/r", "y": "1 - 1/r"})
    found = derive(model, at=10)
    assert found.form == "closed form"
    r = sympy.Symbol("r")
    assert sympy.simplify(found.total - (2 - r) ** T) == 0
    assert any("fixed point" in line for line in found.conditions)
