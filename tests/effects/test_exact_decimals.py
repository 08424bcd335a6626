"""W in decimals against the same recurrence written out in Python's fractions."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from causalopt import Model, load
from causalopt.effects.asked import ask
from causalopt.effects.exact_decimals import DecimalWorld, in_decimals
from causalopt.effects.exact_slopes import ExactSlopes
from causalopt.engine.executions import run_tangents
from causalopt.model.model import Model as AnyModel


def world(model: AnyModel, steps: int) -> list[dict[str, Any]]:
    asked = ask(model, steps=steps)
    plan, template = asked.plan(), asked.model.template
    exact = ExactSlopes(template, plan, run_tangents(template.structure, plan).values)
    rows = []
    for t in range(steps + 1):
        assert exact.advance(t)
        rows.append(dict(zip([e.name for e in template.equations], exact._rows[t], strict=True)))
    return rows


def one(rule: str, initial: str = "0.1") -> AnyModel:
    return Model(
        name="m",
        variables={"x": {"rule": rule, "initial": initial}, "a": "x[t]"},
        question={"nudge": "x[0]", "hold": "a", "target": "x"},
    )


@pytest.mark.parametrize(
    ("rule", "step"),
    [
        ("x[t-1] - 0.02", lambda x, _: x - Fraction(1, 50)),
        ("1.5*x[t-1]*(1 - x[t-1]/4)", lambda x, _: Fraction(3, 2) * x * (1 - x / 4)),
        ("-abs(x[t-1] - 0.3)**2 + t/8", lambda x, t: -(abs(x - Fraction(3, 10)) ** 2) + t / 8),
        (
            "where(x[t-1] > 0.5 or x[t-1] == 0.1, x[t-1] - 0.25, min(x[t-1], 0.4) + 0.375)",
            lambda x, _: (
                x - Fraction(1, 4)
                if x > Fraction(1, 2) or x == Fraction(1, 10)
                else min(x, Fraction(2, 5)) + Fraction(3, 8)
            ),
        ),
        (
            "max(x[t-1], where(not x[t-1] < 0.5, 0, 1)) / 2",
            lambda x, _: max(x, Fraction(x < Fraction(1, 2))) / 2,
        ),
    ],
)
def test_decimals_are_the_fractions(rule: str, step: Callable[[Any, Any], Fraction]) -> None:
    rows = world(one(rule), 6)
    value = Fraction(1, 10)
    for t in range(1, 7):
        value = step(value, Fraction(t))
        assert isinstance(rows[t]["x"], Decimal)
        assert Fraction(rows[t]["x"]) == value


def test_what_is_no_decimal_is_left_to_fractions_and_taken_up_again() -> None:
    # A third of 0 is 0: the first step has no decimal for 1/3, its value has one.
    rows = world(one("where(t == 1, (1/3)*(x[t-1] - 0.1), x[t-1] + 0.5)"), 3)
    assert [type(row["x"]) for row in rows] == [Fraction, Fraction, Decimal, Decimal]
    assert [Fraction(row["x"]) for row in rows[1:]] == [0, Fraction(1, 2), 1]
    thirds = world(one("x[t-1]/3"), 4)
    assert [row["x"] for row in thirds] == [Fraction(1, 10 * 3**t) for t in range(5)]
    assert all(row["x"] is None for row in world(one("sin(x[t-1])"), 3)[1:])


def test_a_comparison_with_what_is_unknown_decides_nothing() -> None:
    for rule in ("where(sin(1) == x, 1, 2)", "where(x != pi, 1, 2)", "where(x == 1/3, 1, 2)"):
        model = Model(name="m", variables={"x": 0, "y": {"rule": rule}, "z": "y + x"})
        made = DecimalWorld(model.template.structure, {"dt": Fraction(1)})
        assert made.row(0) is None, rule


def test_more_digits_than_are_kept_are_left_to_fractions() -> None:
    assert in_decimals(Fraction(1, 10**700)) is not None
    assert in_decimals(Fraction(10**700 + 1, 10**700)) is None
    rows = world(one("x[t-1]*x[t-1] + 0.1"), 12)
    assert [isinstance(row["x"], Decimal) for row in rows] == [False, *[True] * 9, *[False] * 3]


def test_the_thermostat_meets_its_band_where_fractions_do() -> None:
    rows = world(load("thermostat_saturating").replace(parameters={"theta": 1.5}), 427)
    assert all(isinstance(row["T"], Decimal) for row in rows[2:])
    assert rows[427]["T"] == 35 - 25 - Fraction(1, 50) * 425 == Fraction(3, 2)


def test_truth_values_are_numbers_in_decimals_too() -> None:
    model = Model(
        name="m",
        variables={
            "x": {"rule": "x[t-1] and not y[t-1]", "initial": 1, "domain": [0, 1]},
            "y": {"rule": "not y[t-1]", "initial": 0, "domain": [0, 1]},
            "r": {"rule": "r[t-1]/2 + x[t-1]", "initial": 1},
            "a": "r[t]",
        },
        question={"nudge": "r[0]", "hold": "a", "target": "r"},
    )
    rows = world(model, 3)
    assert [row["x"] for row in rows] == [1, 1, 0, 0]
    assert [row["y"] for row in rows] == [0, 1, 0, 1]
    assert [row["r"] for row in rows] == [1, Fraction(3, 2), Fraction(7, 4), Fraction(7, 8)]
    assert all(isinstance(value, Decimal) for row in rows[1:] for value in row.values())
