"""The posts, reproduced: every number and figure they print beside what is computed here.

    >>> from causalopt.reproduce import reproduce
    >>> found = reproduce(["part1/dumb"])
    >>> found.checks[0].id, found.checks[0].agrees
    ('part1/dumb/S-start', True)

A post is a file of pieces; a piece is a function that writes checks and pictures on a `Sheet` and
uses nothing but causalopt's public interface. `run` computes or recalls them, `page` shows them.
"""

from causalopt.reproduce.check import Check
from causalopt.reproduce.page import page
from causalopt.reproduce.run import Reproduction, all_pieces, demo_pieces, reproduce
from causalopt.reproduce.sheet import Findings, Plate, Sheet

__all__ = [
    "Check",
    "Findings",
    "Plate",
    "Reproduction",
    "Sheet",
    "all_pieces",
    "demo_pieces",
    "page",
    "reproduce",
]
