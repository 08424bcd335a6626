"""The operator's answers against a few walkers: what refinement alone can miss.

The grid spreads a walker by up to h/2 a step. Where the chain's own noise is smaller than that, and
above all where it has none, grids of every size can agree on an answer that is wrong.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from causalopt.descents.escape.answer import Answer
from causalopt.descents.escape.by_ensemble import escape_by_ensemble

if TYPE_CHECKING:
    from causalopt.descents.escape.escape import Escape
    from causalopt.descents.maps.random_map import Array, RandomMap

LONGEST_FOLLOWED = 1_000_000
LONGEST_PILOT = 100_000
FEW, MANY = 512, 4096
WALKER_STEPS = 20_000_000
SIGMAS = 4.0
STALLED = 0.9


def follow_only_path(chain: RandomMap, question: Escape) -> Answer | None:
    """Return the exact answer for a chain without chance: the one path, followed.

    Args:
        chain: A random map of one outcome.
        question: What is asked.

    Returns:
        Probabilities of 0 or 1; None where the path is longer than a million steps, or leaves the
        floating-point numbers.
    """
    last = max(question.within)
    if len(chain.maps) != 1 or last > LONGEST_FOLLOWED:
        return None
    wanted, beyond = set(question.within), {}
    point, passed = np.array(question.start)[:, np.newaxis], False
    for step in range(last + 1):
        here = bool(question.holds(point)[0])
        passed = passed or here
        if step in wanted:
            beyond[step] = passed if question.passage else here
        with np.errstate(all="ignore"):
            point = chain.images(point)[0]
        if not np.isfinite(point).all() and step < last:
            return None
    return Answer(
        "operator",
        question.within,
        tuple(float(beyond[step]) for step in question.within),
        (0.0,) * len(question.within),
        note="the chain has no chance in it: its one path was followed",
        size=1,
    )


def widest(probability: Array) -> Array:
    """Return the error that holds whatever the truth is, as probabilities lie in [0, 1]."""
    return np.asarray(np.maximum(probability, 1 - probability))


def extrapolated(error: Array, changes: Array, probability: Array) -> Array:
    """Return what all further refinements may add up to, if changes go on shrinking as they did.

    Args:
        error: The largest of the last changes, axis (within,).
        changes: Sizes of the changes from grid to grid, axes (refinement, within).
        probability: The answers, axis (within,).

    Returns:
        `error / (1 - r)` for changes that shrink by r < 0.9 a time, else the widest error, as
        after a single change, which says nothing of the next.
    """
    if len(changes) < 2:
        return widest(probability)
    shrinks = np.ones_like(error)
    np.divide(changes[-1], changes[-2], out=shrinks, where=changes[-2] > 0)
    geometric = error / (1 - np.minimum(shrinks, STALLED))
    worst = widest(probability)
    return np.where((shrinks >= STALLED) & (error > 0), worst, np.minimum(geometric, worst))


def compare_with_walkers(chain: RandomMap, question: Escape, answer: Answer) -> Answer:
    """Return the answer, its error widened where a pilot run of walkers contradicts it.

    Args:
        chain: The random map.
        question: What was asked.
        answer: The operator's.

    Returns:
        The same answer, or one whose errors reach four standard errors past the walkers' shares,
        with status `unresolved`.
    """
    sure = answer.status == "ok" and chain.dimension == 1
    last = max(question.within)
    if last > (LONGEST_PILOT // 5 if sure else LONGEST_PILOT):
        return answer
    walkers = FEW if sure else int(np.clip(WALKER_STEPS // max(last, 1), FEW // 2, MANY))
    pilot = escape_by_ensemble(chain, question, walkers=walkers, seed=1)
    if pilot.status != "ok":
        return answer
    probability, error = np.array(answer.probability), np.array(answer.error)
    room = SIGMAS * np.array(pilot.error)
    apart = np.abs(probability - np.array(pilot.probability))
    if not np.any(apart > error + room):
        return answer
    wide = np.where(apart > error + room, np.minimum(apart + room, widest(probability)), error)
    note = (
        f"{walkers} walkers differ from the grid by {apart.max():.3g}: the chain's noise is too "
        "small for it; ask the ensemble"
    )
    return dataclasses.replace(
        answer,
        error=tuple(wide.tolist()),
        status="unresolved" if answer.status == "ok" else answer.status,
        note="; ".join(filter(None, (answer.note, note))),
    )
