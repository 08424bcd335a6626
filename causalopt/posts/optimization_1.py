"""Defining Optimization in a Deeper Way, Part 1: joint laws, decorrelated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from causalopt import Strength, draw, load, strength
from causalopt.posts.charts import table_figure
from causalopt.posts.post import Post
from causalopt.posts.thermostat_tables import (
    ROOM,
    THERMOSTAT,
    Table,
    moves,
    printed,
    table_of,
    written,
)

if TYPE_CHECKING:
    from causalopt.posts.sheet import Sheet

SECTION = "Attempt one"


def laws(name: str) -> Strength:
    """Return the strength of one thermostat from Part 1's law, in fractions."""
    found = strength(load(name), exact=True)
    assert isinstance(found, Strength)
    return found


def write_tables(sheet: Sheet, found: Strength, model: str) -> None:
    """Draw the four laws of a decorrelation, and the moves of the nine states."""
    tables = {
        "P_t": found.P,
        "P_t+1": found.P_next,
        "P'_t (decorrelated)": found.P_decoupled,
        "P'_t+1": found.P_next_decoupled,
    }
    sheet.picture(
        "laws",
        "The laws with and without the correlation.",
        table_figure(
            {name: table_of(law) for name, law in tables.items()}, rows=THERMOSTAT, columns=ROOM
        ),
        "A row a thermostat, a column a room; exact fractions.",
    )
    sheet.picture(
        "moves",
        "Where each of the nine states goes.",
        table_figure(
            {"(room, thermostat) at t + 1": moves(load(model))},
            rows=THERMOSTAT,
            columns=ROOM,
            shade=False,
            width=4.2,
        ),
        "A cell's place is the state at t.",
    )


def dumb(sheet: Sheet) -> None:
    """The dumb thermostat."""
    found = laws("thermostat_dumb")
    sheet.number("S-start", "1.6", found.S, section=SECTION, note="entropy of P_0 and of P_1, bits")
    sheet.number("S", "1.6", found.S_next, section=SECTION, note="entropy of P_1 in bits")
    sheet.number(
        "S-prime",
        "2.7",
        found.S_next_decoupled,
        section=SECTION,
        note="entropy of the decorrelated P'_1 in bits",
    )
    sheet.number(
        "strength",
        "1.1",
        found.optimizing_strength,
        section=SECTION,
        note="optimizing strength in bits",
    )
    write_tables(sheet, found, "thermostat_dumb")
    _table(sheet, "P1", "0 1/3 0 | 0 1/3 0 | 0 1/3 0", table_of(found.P_next))
    _table(
        sheet,
        "P1-prime",
        "0 1/9 2/9 | 1/9 1/9 1/9 | 2/9 1/9 0",
        table_of(found.P_next_decoupled),
        "the scan lost the 0 of the first row",
    )
    cell = moves(load("thermostat_dumb"))[2][0]
    sheet.claim(
        "off-hot",
        "off, hot goes to (warm, low)",
        cell,
        agrees=cell == "(warm, low)",
        section=SECTION,
        note="by O^R[hot] the dumb thermostat is off after hot; this cell and the smart "
        "one's were exchanged, and Part 2 prints both right",
    )
    sheet.picture(
        "graph",
        "Part 1's two-part world.",
        draw(load("thermostat_dumb"), steps=2, plain=True).svg(),
        "The room moves by the thermostat, the thermostat by the room.",
    )


def smart(sheet: Sheet) -> None:
    """The smarter thermostat, which turns off just before the temperature changes."""
    found = laws("thermostat_smart")
    sheet.number(
        "S", "0", found.S_next, within=1e-12, section=SECTION, note="entropy of P_1 in bits"
    )
    sheet.number(
        "S-prime",
        "2.2",
        found.S_next_decoupled,
        section=SECTION,
        note="entropy of the decorrelated P'_1 in bits",
    )
    sheet.number(
        "strength",
        "2.2",
        found.optimizing_strength,
        section=SECTION,
        note="optimizing strength in bits",
    )
    ratio = found.optimizing_strength / laws("thermostat_dumb").optimizing_strength
    sheet.number(
        "twice", "approximately twice as much", ratio, value=2.0, within=0.1, section=SECTION
    )
    write_tables(sheet, found, "thermostat_smart")
    _table(sheet, "P1", "0 0 0 | 0 1 0 | 0 0 0", table_of(found.P_next))
    _table(sheet, "P1-prime", "0 0 2/9 | 1/9 1/3 1/9 | 2/9 0 0", table_of(found.P_next_decoupled))
    cell = moves(load("thermostat_smart"))[2][0]
    sheet.claim(
        "off-hot",
        "off, hot goes to (warm, off)",
        cell,
        agrees=cell == "(warm, off)",
        section=SECTION,
        note="by O^R[hot] the smart thermostat turns off -> low; exchanged with the dumb "
        "one's cell. P'_1 as printed follows the rule, not this cell",
    )
    sheet.claim(
        "adjusted",
        "not yet defined in Part 1",
        found.adjusted,
        section=SECTION,
        agrees=found.adjusted > 0 > laws("thermostat_dumb").adjusted,
        note="Part 2's adjusted strength separates the two already here: "
        f"{laws('thermostat_dumb').adjusted:.4f} for the dumb one, whose 1.14 bits are less "
        "than the 1.58 of mutual information it began with",
    )


def _table(sheet: Sheet, name: str, text: str, found: Table, note: str = "") -> None:
    sheet.claim(
        name, text, written(found), agrees=printed(text) == found, section=SECTION, note=note
    )


POST = Post(
    "part1",
    "Defining Optimization in a Deeper Way, Part 1",
    {"dumb": dumb, "smart": smart},
    demo=("dumb", "smart"),
    intro="How much entropy does the correlation between thermostat and room take out? In bits; "
    "'lukewarm' is warm.",
)
