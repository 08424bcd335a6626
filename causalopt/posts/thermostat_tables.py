"""The two discrete thermostats as the posts tabulate them: laws and moves, row by thermostat."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from causalopt.entropy.declared import finite_model
from causalopt.laws.dense import step
from causalopt.laws.law import Law, law_of

if TYPE_CHECKING:
    from causalopt.model.model import Model

THERMOSTAT = ("high", "low", "off")
ROOM = ("hot", "warm", "cold")
Table = list[list[Fraction]]


def table_of(law: Law) -> Table:
    """Return a law as the posts print it: a row a thermostat, a column a room, exact."""
    rows: Table = law.dense().p.tolist()
    return rows


def printed(text: str) -> Table:
    """Return a printed table, rows parted by bars.

    Example:
        >>> printed("0 0 1/3 | 0 1/3 0 | 1/3 0 0")[0][2]
        Fraction(1, 3)
    """
    return [[Fraction(cell) for cell in row.split()] for row in text.split("|")]


def written(table: Table) -> str:
    """Return a table as one line of text.

    Example:
        >>> written(printed("0 1/9 | 2/9 0"))
        '0 1/9 | 2/9 0'
    """
    return " | ".join(" ".join(map(str, row)) for row in table)


def moves(model: Model) -> list[list[str]]:
    """Return where each of the nine states goes, as (room, thermostat).

    Example:
        >>> from causalopt.model.files import load
        >>> moves(load("thermostat_smart"))[0]
        ['(hot, off)', '(hot, low)', '(warm, low)']
    """
    return [["({1}, {0})".format(*successor(model, (t, r))) for r in ROOM] for t in THERMOSTAT]


def successor(model: Model, state: tuple[str, str]) -> tuple[str, str]:
    """Return the state, as (thermostat, room), that follows one for certain."""
    finite = finite_model(model)
    table = table_of(step(finite, law_of(finite.state, {state: Fraction(1)})))
    return next(
        (t, r)
        for t, row in zip(THERMOSTAT, table, strict=True)
        for r, p in zip(ROOM, row, strict=True)
        if p == 1
    )
