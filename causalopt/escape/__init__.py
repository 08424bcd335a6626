"""Escape: one question, four interchangeable members that answer it.

`operator` pulls the event back through the transfer operator, `ensemble` counts walkers,
`diffusion` solves the Fokker-Planck equation, `exact` counts sequences of picks. All read the same
random map and return the same `Answer`.
"""

from __future__ import annotations

from causalopt.escape.answer import Answer
from causalopt.escape.by_counting import escape_by_counting
from causalopt.escape.by_diffusion import escape_by_diffusion
from causalopt.escape.by_ensemble import escape_by_ensemble
from causalopt.escape.by_operator import escape_by_operator
from causalopt.escape.question import Escape

__all__ = [
    "Answer",
    "Escape",
    "escape_by_counting",
    "escape_by_diffusion",
    "escape_by_ensemble",
    "escape_by_operator",
]
