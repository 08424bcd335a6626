"""Escape by Monte Carlo: count walkers, and say how sure the count is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.descents.escape.answer import Answer
from causalopt.descents.walkers.ensemble import Advance, run_ensemble
from causalopt.descents.walkers.first_passage import first_passage
from causalopt.errors import QuestionError

MOST_WALKERS = 100_000_000
MOST_STEPS = 100_000_000
MOST_MOVES = 10**13

if TYPE_CHECKING:
    from causalopt.descents.escape.escape import Escape
    from causalopt.descents.maps.random_map import Array, RandomMap


def escape_by_ensemble(
    chain: RandomMap,
    question: Escape,
    *,
    walkers: int = 100_000,
    seed: int = 0,
    workers: int = 1,
    advance: Advance | None = None,
) -> Answer:
    """Answer a question of escape by running walkers.

    The error is one standard error, `sqrt(p (1 - p) / M)`, with two successes and two failures
    added (Agresti and Coull, 1998), so that no hit at all does not read as certainty.

    Args:
        chain: The random map, of any number of coordinates.
        question: What is asked.
        walkers: How many.
        seed: 0 to 2^64 - 1; it fixes every walker.
        workers: How many threads share the walkers; the numbers do not depend on it.
        advance: Another kernel than numpy's, such as a compiled one.

    Raises:
        QuestionError: No walkers, too many of them or of steps, or a start that does not fit the
            chain.

    Example:
        >>> from causalopt.descents.maps.random_map import RandomMap
        >>> from causalopt.descents.escape.escape import Escape
        >>> walk = RandomMap((lambda w: w - 1.0, lambda w: w + 1.0), (0.5, 0.5))
        >>> answer = escape_by_ensemble(walk, Escape((0.0,), 0.5, (1,)), walkers=4000, seed=1)
        >>> abs(answer.probability[0] - 0.5) < 4 * answer.error[0]
        True
    """
    question.check(chain)
    check_walkers(walkers)
    check_moves(walkers, max(question.within))
    start = np.tile(np.array(question.start)[:, np.newaxis], (1, walkers))
    if question.passage:
        steps = first_passage(
            chain,
            start,
            question.holds,
            limit=max(question.within),
            seed=seed,
            workers=workers,
            advance=advance,
        )
        hits = [int(((steps >= 0) & (steps <= within)).sum()) for within in question.within]
        return counted(question, hits, walkers, overflowed=0)
    run = run_ensemble(chain, start, question.within, seed=seed, workers=workers, advance=advance)
    beyond = {
        step: int(question.holds(states).sum())
        for step, states in zip(run.steps, run.states, strict=True)
    }
    hits = [beyond[within] for within in question.within]
    return counted(question, hits, walkers, overflowed=run.overflowed)


def check_walkers(walkers: int) -> None:
    """Refuse a number of walkers that is no ensemble, or too large a one.

    Raises:
        QuestionError: Fewer than one, or more than 100,000,000.
    """
    if walkers < 1:
        raise QuestionError(f"an ensemble needs at least one walker; {walkers} came")
    if walkers > MOST_WALKERS:
        raise QuestionError(
            f"an ensemble has at most {MOST_WALKERS:,} walkers; {walkers} came: the error of a "
            "share falls with the root of their number"
        )


def check_moves(walkers: int, steps: int) -> None:
    """Refuse more steps, or more moves of all walkers, than end in bearable time.

    Raises:
        QuestionError: As said.
    """
    if steps > MOST_STEPS:
        raise QuestionError(
            f"an ensemble runs at most {MOST_STEPS:,} steps; {steps} came: ask the operator"
        )
    if walkers * steps > MOST_MOVES:
        raise QuestionError(
            f"{walkers} walkers of {steps} steps are more than {MOST_MOVES:.0e} moves: ask for "
            "fewer walkers, or the operator"
        )


def counted(question: Escape, hits: list[int], walkers: int, *, overflowed: int) -> Answer:
    """Return the shares that counts are, with their standard errors."""
    note = f"{overflowed} of {walkers} walkers left the floating-point numbers"
    return Answer(
        "ensemble",
        question.within,
        tuple((np.array(hits) / walkers).tolist()),
        tuple(standard_error(np.array(hits), walkers).tolist()),
        "overflow" if overflowed else "ok",
        note if overflowed else "",
        walkers,
    )


def standard_error(hits: Array, walkers: int) -> Array:
    """Return the standard error of a share, with two successes and two failures added.

    Example:
        >>> float(standard_error(np.array([0]), 96)[0]) > 0
        True
    """
    share = (np.asarray(hits) + 2) / (walkers + 4)
    return np.asarray(np.sqrt(share * (1 - share) / (walkers + 4)))
