"""Defining Optimization in a Deeper Way, Part 2: laws that need not be joint, and their limit."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from causalopt.entropy.declared import finite_model, strength
from causalopt.entropy.decorrelation import Strength
from causalopt.entropy.epsilon import epsilon_family, point_limit
from causalopt.entropy.information import entropy
from causalopt.model.files import load
from causalopt.posts.charts import Chart, Line, line_figure
from causalopt.posts.optimization_1 import check_table, write_tables
from causalopt.posts.optimization_2_continuous import continuous, variance
from causalopt.posts.post import Post
from causalopt.posts.thermostat_tables import (
    ROOM,
    THERMOSTAT,
    Table,
    moves,
    successor,
    table_of,
    written,
)

if TYPE_CHECKING:
    from causalopt.laws.discrete import DiscreteModel
    from causalopt.posts.sheet import Sheet

DUMB, SMART, DATA = "The Dumb Thermostat", "The Smart Thermostat", "Quantitative Data"
CALM = {"thermostat": "low", "room": "warm"}


def laws(name: str) -> Strength:
    """Return the strength at t = 1 from the uniform law at t = 0, in fractions."""
    found = strength(load(name), at=1, initial="uniform", exact=True)
    assert isinstance(found, Strength)
    return found


def dumb(sheet: Sheet) -> None:
    """The dumb thermostat from the maximum-entropy law."""
    part, found = sheet.under(DUMB), laws("thermostat_dumb")
    note = "bits of the uniform law, to which decorrelation leads back"
    part.number("S-uniform", "3.2", found.S_decoupled, note)
    write_tables(sheet, found, "thermostat_dumb")
    check_table(part, "Pt", "0 1/9 2/9 | 1/9 1/9 1/9 | 2/9 1/9 0", found.P)
    check_table(part, "Pt1", "0 2/9 1/9 | 1/9 1/9 1/9 | 1/9 2/9 0", found.P_next)
    later = table_of(found.P_next_decoupled)
    text = "P'_t+1 is actually just the same as P_t"
    part.claim("decorrelated", text, written(later), later == table_of(found.P))
    note = "'the same entropy': no optimizing distribution"
    part.number("strength", "0", found.optimizing_strength, note, within=1e-12)
    text = (
        "(hot, off) (hot, low) (warm, high) | (hot, off) (warm, low) (cold, high)"
        " | (warm, off) (cold, low) (cold, high)"
    )
    matrix = " | ".join(" ".join(row) for row in moves(load("thermostat_dumb")))
    part.claim("matrix", text, matrix, matrix == text)
    _cycle(part)


def _cycle(sheet: Sheet) -> None:
    model, state = load("thermostat_dumb"), ("low", "hot")
    seen = [state]
    while (state := successor(model, state)) != seen[0]:
        seen.append(state)
    found = " -> ".join("({1}, {0})".format(*one) for one in seen)
    said = "(hot, low) -> (hot, off) -> (warm, off) -> (cold, low) -> (cold, high) -> (warm, high)"
    sheet.claim("cycle", said, found, found == said)


def smart(sheet: Sheet) -> None:
    """The smart thermostat from the maximum-entropy law."""
    part = sheet.under(SMART)
    found = laws("thermostat_smart")
    write_tables(sheet, found, "thermostat_smart")
    zeros = "the scan lost zeros and blanks; set back by the table's own sums"
    tables = {
        "Pt": ("0 0 2/9 | 1/9 1/3 1/9 | 2/9 0 0", found.P, zeros),
        "Pt1": ("0 0 1/9 | 0 7/9 0 | 1/9 0 0", found.P_next, ""),
        "Pt-prime": ("2/27 2/27 2/27 | 5/27 5/27 5/27 | 2/27 2/27 2/27", found.P_decoupled, ""),
        "Pt1-prime": ("0 0 7/27 | 2/27 1/3 2/27 | 7/27 0 0", found.P_next_decoupled, zeros),
    }
    for name, (text, law, note) in tables.items():
        check_table(part, name, text, law, note)
    numbers = {
        "S-next": ("1.0", found.S_next, "entropy of P_t+1"),
        "S-next-prime": ("2.1", found.S_next_decoupled, "entropy of P'_t+1"),
        "strength": ("1.1", found.optimizing_strength, "optimizing strength"),
        "S": ("2.2", found.S, "entropy of P_t"),
        "S-prime": ("3.0", found.S_decoupled, "entropy of P'_t"),
        "gap": ("0.8", found.mutual_information, "mutual information of A and B at t"),
        "adjusted": ("0.3", found.adjusted, "adjusted optimizing-ness"),
    }
    for name, (text, value, note) in numbers.items():
        part.number(name, text, value, f"{note}, bits")
    value = found.S_next_decoupled + found.S - found.S_next - found.S_decoupled
    part.claim(
        "formula",
        "S[P'_t+1] + S[P_t] - S[P_t+1] - S[P'_t]",
        value,
        math.isclose(value, found.adjusted),
        "primes are lost in the scan; so placed, it is the adjusted strength",
    )


def epsilon(sheet: Sheet) -> None:
    """Laws drawn ever closer round one state."""
    part = sheet.under(DATA)
    model = finite_model(load("thermostat_smart"))
    family = epsilon_family(model, CALM, [Fraction(1, 10**n) for n in range(1, 11)])
    S = np.array([point.S_before for point in family])
    adjusted = np.array([point.strength.adjusted for point in family])
    lines = [Line(S, adjusted, "adjusted", marker="o"), Line(S, S / 2, "S/2")]
    names = ("S[P_t-1] [bits]", "adjusted optimizing-ness [bits]")
    both = Chart(lines, *names, scale="log", x_scale="log")
    lines = [Line([point.epsilon for point in family], adjusted / S, "adjusted / S", marker="o")]
    share = Chart(lines, "epsilon", "adjusted / S[P_t-1]", x_scale="log", levels=(0.5,))
    sheet.picture(
        "line",
        "Optimizing-ness against entropy.",
        line_figure(both, share),
        "epsilon from 0.1 to 1e-10 in powers of ten; the post names only the ends.",
    )
    slope, note = (
        np.polyfit(S[-5:], adjusted[-5:], 1)[0],
        "slope fitted to the leftmost five points",
    )
    part.number("half", "half of the entropy", slope, note, value=0.5, within=0.005)
    limit = point_limit(model, CALM)
    part.claim(
        "limit",
        "approaches half of the entropy of P_t-1",
        str(limit),
        limit == Fraction(1, 2),
        "exact, by counting deviating states to first order in epsilon: 'kind of "
        "weird', but a number of the state, not of thermostats",
    )
    power = np.polyfit(np.log(S[-5:]), np.log(adjusted[-5:]), 1)[0]
    text, note = "it looks linear in the log/log", "slope in the log/log, leftmost five points"
    part.number("log-log", text, power, note, value=1.0, within=0.01)
    _tables(part, epsilon_family(model, CALM, [Fraction(1, 10)])[0].strength)
    _other_states(part, model)


def _other_states(sheet: Sheet, model: DiscreteModel) -> None:
    others = {
        f"{t}, {r}": str(point_limit(model, {"thermostat": t, "room": r}))
        for t in THERMOSTAT
        for r in ROOM
    }
    sheet.claim(
        "other-states",
        "this might not be an optimal system to study",
        "; ".join(f"{state}: {value}" for state, value in others.items()),
        len(set(others.values())) > 1,
        "the limit round each of the nine states (thermostat, room): one half belongs "
        "to the state studied, not to the thermostat",
    )


def _tables(sheet: Sheet, found: Strength) -> None:
    e, zero = Fraction(1, 10), Fraction(0)
    side, corner = e * (1 - e) / 2, e**2 / 4
    first: Table = [
        [zero, zero, side + corner],
        [side, (1 - e) ** 2 + e**2 / 2, side],
        [side + corner, zero, zero],
    ]
    second: Table = [[zero, zero, side], [zero, 1 - e * (1 - e), zero], [side, zero, zero]]
    for name, said, law in (("Pt", first, found.P), ("Pt1", second, found.P_next)):
        sheet.claim(
            f"{name}-formula",
            written(said),
            written(table_of(law)),
            said == table_of(law),
            f"the printed formulas at epsilon = 1/10; {float(entropy(law)):.4f} bits",
        )


POST = Post(
    "part2",
    "Defining Optimization in a Deeper Way, Part 2",
    {
        "dumb": dumb,
        "smart": smart,
        "epsilon": epsilon,
        "continuous": continuous,
        "variance": variance,
    },
    demo=("smart", "epsilon", "continuous"),
    intro="From independent laws at t - 1, step once, decorrelate at t, compare at t + 1. In bits "
    "where nothing else is said.",
)
