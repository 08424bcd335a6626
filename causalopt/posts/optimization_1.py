"""Defining Optimization in a Deeper Way, Part 1: joint laws, decorrelated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from causalopt.drawing.graph.pictures import draw
from causalopt.entropy.declared import strength
from causalopt.entropy.decorrelation import Strength
from causalopt.model.files import load
from causalopt.posts.charts import table_figure
from causalopt.posts.post import Post
from causalopt.posts.thermostat_tables import ROOM, THERMOSTAT, moves, printed, table_of, written

if TYPE_CHECKING:
    from causalopt.laws.law import Law
    from causalopt.posts.sheet import Sheet

SECTION = "Attempt one"
PRIME = "entropy of the decorrelated P'_1 in bits"


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
        table_figure({name: table_of(law) for name, law in tables.items()}, THERMOSTAT, ROOM),
        "A row a thermostat, a column a room; exact fractions.",
    )
    cells = {"(room, thermostat) at t + 1": moves(load(model))}
    sheet.picture(
        "moves",
        "Where each of the nine states goes.",
        table_figure(cells, THERMOSTAT, ROOM, shade=False, width=4.2),
        "A cell's place is the state at t.",
    )


def check_table(sheet: Sheet, name: str, text: str, law: Law, note: str = "") -> None:
    """Set a printed table beside a law."""
    found = table_of(law)
    sheet.claim(name, text, written(found), printed(text) == found, note)


def dumb(sheet: Sheet) -> None:
    """The dumb thermostat."""
    part, found = sheet.under(SECTION), laws("thermostat_dumb")
    part.number("S-start", "1.6", found.S, "entropy of P_0 and of P_1, bits")
    part.number("S", "1.6", found.S_next, "entropy of P_1 in bits")
    part.number("S-prime", "2.7", found.S_next_decoupled, PRIME)
    part.number("strength", "1.1", found.optimizing_strength, "optimizing strength in bits")
    write_tables(sheet, found, "thermostat_dumb")
    check_table(part, "P1", "0 1/3 0 | 0 1/3 0 | 0 1/3 0", found.P_next)
    text, note = "0 1/9 2/9 | 1/9 1/9 1/9 | 2/9 1/9 0", "the scan lost the 0 of the first row"
    check_table(part, "P1-prime", text, found.P_next_decoupled, note)
    cell = moves(load("thermostat_dumb"))[2][0]
    part.claim(
        "off-hot",
        "off, hot goes to (warm, low)",
        cell,
        cell == "(warm, low)",
        "by O^R[hot] the dumb thermostat is off after hot; this cell and the smart "
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
    part, found, dull = sheet.under(SECTION), laws("thermostat_smart"), laws("thermostat_dumb")
    part.number("S", "0", found.S_next, "entropy of P_1 in bits", within=1e-12)
    part.number("S-prime", "2.2", found.S_next_decoupled, PRIME)
    part.number("strength", "2.2", found.optimizing_strength, "optimizing strength in bits")
    ratio = found.optimizing_strength / dull.optimizing_strength
    part.number("twice", "approximately twice as much", ratio, value=2.0, within=0.1)
    write_tables(sheet, found, "thermostat_smart")
    check_table(part, "P1", "0 0 0 | 0 1 0 | 0 0 0", found.P_next)
    text = "0 0 2/9 | 1/9 1/3 1/9 | 2/9 0 0"
    check_table(part, "P1-prime", text, found.P_next_decoupled)
    cell = moves(load("thermostat_smart"))[2][0]
    part.claim(
        "off-hot",
        "off, hot goes to (warm, off)",
        cell,
        cell == "(warm, off)",
        "by O^R[hot] the smart thermostat turns off -> low; exchanged with the dumb "
        "one's cell. P'_1 as printed follows the rule, not this cell",
    )
    part.claim(
        "adjusted",
        "not yet defined in Part 1",
        found.adjusted,
        found.adjusted > 0 > dull.adjusted,
        "Part 2's adjusted strength separates the two already here: "
        f"{dull.adjusted:.4f} for the dumb one, whose 1.14 bits are less "
        "than the 1.58 of mutual information it began with",
    )


POST = Post(
    "part1",
    "Defining Optimization in a Deeper Way, Part 1",
    {"dumb": dumb, "smart": smart},
    demo=("dumb", "smart"),
    intro="How much entropy does the correlation between thermostat and room take out? In bits; "
    "'lukewarm' is warm.",
)
