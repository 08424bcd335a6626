"""The length of a run: what the caller or the model's question says, and what memory allows."""

from __future__ import annotations

import math
import os

from causalopt.errors import QuestionError
from causalopt.model.model import Model

MAX_STEPS = 1_000_000_000
_BYTES = 5 * 8  # a run keeps a node's value, two tangents and their errors


def run_length(model: Model, steps: int | None) -> int:
    """Return the last step of a run, from the caller or the model's question.

    Raises:
        QuestionError: Neither says it, or it is out of range.
    """
    if model.is_static:
        if steps:
            raise QuestionError("this model has no time: it takes no steps")
        return 0
    last = model.question.steps if steps is None else steps
    if last is None:
        raise QuestionError(
            "how many steps? say --steps N (steps=N in Python), or give the model "
            "a question with steps"
        )
    if last < 0 or last != int(last):
        raise QuestionError(f"steps must be a whole number from 0 up, found {last}")
    if last > MAX_STEPS:
        raise QuestionError(f"steps must be at most {MAX_STEPS:,}, found {last}")
    needed, there = (int(last) + 1) * len(model.template.equations) * _BYTES, _memory()
    if needed > there:
        raise QuestionError(
            f"{last} steps of this model need about {needed / 1e9:.3g} GB and this machine has "
            f"{there / 1e9:.3g} GB: run fewer steps, or keep one step of many by a sweep"
        )
    return int(last)


def _memory() -> float:
    """Return the machine's memory in bytes, infinite where it does not say."""
    names = getattr(os, "sysconf_names", {})
    if not {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= set(names):
        return math.inf
    return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
