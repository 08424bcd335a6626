"""A derivation as formulas that a notebook sets, with its conditions and its text."""

from __future__ import annotations

from causalopt.display.html_blocks import block, fixed, folded, remark, wide
from causalopt.display.summary import Summary
from causalopt.results import rich
from causalopt.showing.math_markup import equations
from causalopt.symbolic.derivation import Derivation

_LONGEST = 40_000  # characters of text


@rich.register(Derivation)
def html_of_derivation(found: Derivation) -> str:
    """Return formulas, conditions and notes; long formulas as folded text."""
    heading, *_ = repr(found).split("\n")
    text = str(found)
    lines = [f"if {condition}" for condition in found.conditions]
    lines += [f"note: {note}" for note in found.notes]
    names = {"total": found.total, "direct": found.direct, "Comp": found.comp, "Op": found.op}
    shown = equations(names)
    if shown is None:
        shown = remark("formulas too long to be set: see the text, or .latex")
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n... print it for all"
    details = [folded("as text", fixed(text))]
    return block(Summary(heading), "", [wide(shown), *(remark(line) for line in lines), *details])
