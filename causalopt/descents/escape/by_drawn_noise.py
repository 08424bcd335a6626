"""Escape by walkers that draw any noise, be it uniform, normal or finite, wherever it enters."""

from __future__ import annotations

import numpy as np

from causalopt.descents.escape.answer import Answer
from causalopt.descents.escape.by_ensemble import check_moves, counted
from causalopt.descents.escape.escape import Escape
from causalopt.descents.walkers.drawn_walk import DrawnWalk, each_block, walking_variable
from causalopt.engine.contract import Floats
from causalopt.engine.processor_count import processors
from causalopt.errors import QuestionError
from causalopt.model.model import Model


def escape_by_drawn_noise(
    model: Model,
    question: Escape,
    *,
    target: str | None = None,
    walkers: int = 100_000,
    seed: int = 0,
    workers: int | None = None,
) -> Answer:
    """Answer a question of escape by walkers of any model that `run` follows.

    Args:
        model: The model; walker k draws what a run draws, at its own place in the streams.
        question: What is asked; its start is the value of one variable.
        target: That variable; the question's own when None.
        walkers: How many.
        seed: 0 to 2^64 - 1.
        workers: Threads; one per processor when not given. Numbers do not depend on them.

    Raises:
        QuestionError: The model cannot be followed: it names the variable that is in the way.

    Example:
        >>> from causalopt.model.files import parse_model
        >>> walk = parse_model('''
        ... name: walk
        ... variables: {x: {rule: "x[t-1] + e[t]", initial: 0}, e: {noise: "normal(0, 1)"}}
        ... ''')
        >>> found = escape_by_drawn_noise(walk, Escape((0.0,), 1.0, (1,)), walkers=40_000)
        >>> abs(found.probability[0] - 0.158655) < 4 * found.error[0]
        True
    """
    if model.is_static:
        raise QuestionError("escape is about steps, and this model has no time")
    check_moves(walkers, max(question.within))
    name = walking_variable(model, target)
    looks = sorted(set(question.within))
    if question.passage:
        looks = list(range(max(looks) + 1))
    walk = DrawnWalk(model, name, question.start[0], looks, seed)
    hits, overflowed = np.zeros(len(looks), dtype=np.int64), 0

    def look(values: Floats) -> None:
        nonlocal overflowed
        beyond = question.holds(values[np.newaxis])
        if question.passage:
            beyond = np.logical_or.accumulate(beyond, axis=0)
        hits[:] += beyond.sum(axis=1)
        overflowed += int((~np.isfinite(values[-1])).sum())

    each_block(walk, walkers, look, workers or processors())
    found = dict(zip(looks, hits.tolist(), strict=True))
    return counted(question, [found[n] for n in question.within], walkers, overflowed=overflowed)
