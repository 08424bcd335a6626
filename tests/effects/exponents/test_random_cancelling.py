"""Random linear models built to cancel, against their own tangents carried in rationals."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest

from causalopt import Model, rates

# Equation -> (parent, lag, coefficient); x and y remember, all others follow at the same step.
Edges = dict[str, list[tuple[str, int, Fraction]]]
_COEFFICIENTS = ("0.1", "0.3", "0.5", "-0.3", "0.2", "1.1", "-1.1", "0.7", "3", "1", "-1")
_TINY = ("0", "1e-13", "1e-15", "1e-16", "-1e-14")


def drawn(seed: int) -> Edges:
    draws = random.Random(seed)

    def some(*others: str) -> Fraction:
        return Fraction(draws.choice([*_COEFFICIENTS, *others]))

    twice, rest = Fraction(draws.choice(("3", "-7", "1"))), Fraction(draws.choice(_TINY))
    kept, gain = some(), some("0", "0", "0")
    actuator = [("x", 0, some()), ("y", 0, some("0"))]
    if draws.random() < 0.4:  # the loop all but removes x within a step
        gain, actuator = Fraction(1), [("x", 0, rest - kept)]
    part = some()
    seen = Fraction(draws.choice(("0", "0", "1e-15", "0.5")))
    return {
        "x": [("x", 1, kept), ("a", 1, gain)],
        "y": [("y", 1, some()), ("x", 1, some())],
        "a": actuator,
        "b": [("x", 0, part)],
        "m": [
            ("b", 0, twice),
            ("x", 0, rest - twice * part),
            ("y", 0, seen),
            ("a", 0, Fraction(draws.choice(("0", "1", "1e-14")))),
        ],
    }


def tangents(edges: Edges, *, held: str = "") -> list[Fraction]:
    """Return m's tangent by x[0], which is given, at steps 0 to 239."""
    rows: list[dict[str, Fraction]] = []
    for t in range(240):
        row: dict[str, Fraction] = {}
        rows.append(row)
        for name, parents in edges.items():
            is_given = t == 0 and name in {"x", "y"}
            terms = [] if is_given or name == held else parents
            row[name] = sum((c * rows[t - lag][p] for p, lag, c in terms), Fraction(0))
            row[name] += int(t == 0 and name == "x")
    return [row["m"] for row in rows]


def growth(values: list[Fraction]) -> float:
    """Return the growth per step in the end, -inf where there is nothing."""
    ends = [(t, abs(x)) for t, x in enumerate(values) if t >= 100 and x]
    logs = [math.log(x.numerator) - math.log(x.denominator) for _, x in ends]
    return float(np.polyfit([t for t, _ in ends], logs, 1)[0]) if ends else -math.inf


@pytest.mark.parametrize("seed", range(60))
def test_a_rate_or_a_zero_is_that_of_rationals(seed: int) -> None:
    edges = drawn(seed)
    variables = {}
    for name, parents in edges.items():
        rule = " + ".join(
            f"({c.numerator}/{c.denominator})*{p}[{'t-1' if lag else 't'}]" for p, lag, c in parents
        )
        variables[name] = {"rule": rule} | ({"initial": 0} if name in {"x", "y"} else {})
    question = {"nudge": "x[0]", "target": "m", "hold": "a"}
    found = rates(Model(name="m", variables=variables, question=question), steps=400)
    total, direct = growth(tangents(edges)), growth(tangents(edges, held="a"))
    dead = math.isinf(total), math.isinf(direct)
    names = {(True, False): "perfect", (False, True): "only_path", (True, True): "no_influence"}
    assert found.status == names.get(dead, "ok")
    if not any(dead):
        assert found.op_rate == pytest.approx(direct - total, abs=0.03 + 4 * found.error)
