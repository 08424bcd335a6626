"""A derivation as formulas that a notebook sets, with its conditions and its text."""

from __future__ import annotations

from causalopt.display.html_blocks import block, fixed, folded, formula, remark
from causalopt.display.summary import Summary
from causalopt.results import rich
from causalopt.symbolic.derivation import Derivation

_LONGEST = 4000  # characters of LaTeX that are set as a formula


@rich.register(Derivation)
def html_of_derivation(found: Derivation) -> str:
    """Return formulas, conditions and notes; long formulas as folded text."""
    heading, *_ = repr(found).split("\n")
    text, latex = str(found), found.latex
    lines = [f"if {condition}" for condition in found.conditions]
    lines += [f"note: {note}" for note in found.notes]
    if len(latex) <= _LONGEST:
        shown = formula(latex)
    else:
        shown = remark(f"formulas of {len(latex):,} characters: see the text, or .latex")
    text = text if len(text) <= 10 * _LONGEST else f"{text[: 10 * _LONGEST]}\n... print it for all"
    details = [folded("as text", fixed(text))]
    return block(Summary(heading), "", [shown, *(remark(line) for line in lines), *details])
