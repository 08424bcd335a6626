"""Transitions counted: walkers followed step by step, with what they visited last.

Nothing here knows of a grid or of a law: this is what committors, flux and mean passage are held
against. Walkers are on counter-based streams, in machine code where it can be made.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.descents.transitions.state_sets import BETWEEN, DESTINATION, ORIGIN
from causalopt.descents.walkers.ensemble import (
    BLOCK,
    apply_picks,
    checked_times,
    is_worth_compiling,
    share_out,
)
from causalopt.descents.walkers.first_passage import (
    Trace,
    first_passage,
    trace_of_steps,
    trace_of_words,
)
from causalopt.descents.walkers.joint_picks import picks_of
from causalopt.errors import QuestionError
from causalopt.work.threads import check_stop

if TYPE_CHECKING:
    from causalopt.descents.maps.random_map import Array, RandomMap
    from causalopt.descents.transitions.state_sets import Division

STRIDE = 16


@dataclasses.dataclass(frozen=True)
class Counted:
    """A mean over walkers and its standard error.

    Args:
        value: The mean.
        error: One standard error.
    """

    value: float
    error: float


@dataclasses.dataclass(frozen=True)
class TransitionCounts:
    """What walkers that run on did.

    Args:
        flux: Arrivals in the destination from the origin, a walker and step.
        share: Share of steps for which the origin was visited last.
        mean_passage: share / flux, in steps; its error from both, walker by walker.
        arrivals: How many there were.
    """

    flux: Counted
    share: Counted
    mean_passage: Counted
    arrivals: int


def count_committor(
    chain: RandomMap,
    division: Division,
    start: Array,
    *,
    walkers: int,
    limit: int,
    seed: int,
    workers: int = 1,
) -> Counted:
    """Return the share of walkers that reach the destination before the origin.

    Args:
        chain: The random map.
        division: The sets.
        start: Where all start, axis (coordinate,).
        walkers: How many.
        limit: The last step looked at.
        seed: 0 to 2^64 - 1.
        workers: How many threads share them.

    Raises:
        QuestionError: Some have reached neither by then.

    Example:
        >>> from causalopt.descents.maps.random_map import RandomMap
        >>> from causalopt.descents.transitions.state_sets import Division, StateSet
        >>> walk = RandomMap((lambda w: w - 1.0, lambda w: w + 1.0), (0.5, 0.5))
        >>> ends = StateSet("W < 0.5", lambda w: w[0] < 0.5), StateSet("W > 3", lambda w: w[0] > 3)
        >>> asked = {"walkers": 10_000, "limit": 400, "seed": 1}
        >>> found = count_committor(walk, Division(*ends), np.array([1.0]), **asked)
        >>> abs(found.value - 0.25) < 4 * found.error
        True
    """
    first = np.tile(np.asarray(start, dtype=float)[:, np.newaxis], walkers)
    how: dict[str, Any] = {"seed": seed, "workers": workers}
    either = first_passage(
        chain, first, lambda x: division.labels(x) != BETWEEN, limit=limit, **how
    )
    if either.min() < 0:
        raise QuestionError(
            f"{int((either < 0).sum())} of {walkers} walkers have reached neither set after "
            f"{limit} steps: raise the limit"
        )
    # The same streams again: whoever is in the destination at that very step reached it first.
    there = first_passage(chain, first, division.destination.holds, limit=int(either.max()), **how)
    value = float((there == either).mean())
    return Counted(value, float(np.sqrt(value * (1 - value) / walkers)))


def count_transitions(
    chain: RandomMap,
    division: Division,
    start: Array,
    *,
    steps: int,
    seed: int,
    burn: int = 0,
    workers: int = 1,
) -> TransitionCounts:
    """Return how often walkers go from origin to destination while they run on.

    Args:
        chain: The random map.
        division: The sets.
        start: First states, axes (coordinate, walker); stationary after `burn` steps.
        steps: How many steps are counted.
        seed: 0 to 2^64 - 1.
        burn: How many are run before.
        workers: How many threads share the walkers.

    Raises:
        QuestionError: No steps or no walkers, or a walker that has visited neither set by then.
    """
    checked_times(start, [steps])
    arrivals, times = np.zeros(start.shape[1]), np.zeros(start.shape[1])
    compiled = is_worth_compiling(chain, start.shape[1] * (burn + steps))
    trace = trace_of_words(chain) if compiled else trace_of_steps(apply_picks(chain))
    stride = STRIDE if compiled else 1

    def simulate(first: int) -> None:
        last = min(first + BLOCK, start.shape[1])
        lanes = slice(first, last)
        picks = picks_of(chain, seed)
        picks.start(np.arange(first, last, dtype=np.uint64))
        found = _followed(division, trace, picks, start[:, lanes], (burn, steps, stride))
        arrivals[lanes], times[lanes] = found

    share_out(simulate, range(0, start.shape[1], BLOCK), workers)
    return _summed(arrivals / steps, times / steps, int(arrivals.sum()))


def _followed(
    division: Division, trace: Trace, picks: Any, states: Array, spans: tuple[int, int, int]
) -> tuple[Array, Array]:
    """Return each walker's arrivals, and the steps for which it came from the origin."""
    burn, steps, stride = spans
    last = division.labels(states)
    arrivals, times = np.zeros(states.shape[1]), np.zeros(states.shape[1])
    step = 0
    while step < burn + steps:
        check_stop()
        until = min(step + stride, burn + steps)
        path = trace(states, picks, step, until)
        for moved in path:
            step += 1
            here = division.labels(moved)
            if step > burn:
                arrivals += (here == DESTINATION) & (last == ORIGIN)
            last = np.where(here == BETWEEN, last, here)
            if step > burn:
                times += last == ORIGIN
        states = path[-1]
    if np.any(last == BETWEEN):
        raise QuestionError("some walkers have visited neither set: run more steps before")
    return arrivals, times


def _summed(arrivals: Array, times: Array, count: int) -> TransitionCounts:
    size = np.sqrt(len(arrivals))
    flux, share = float(arrivals.mean()), float(times.mean())
    if not flux > 0:
        raise QuestionError("no walker went from the origin to the destination: run more steps")
    # The ratio's error by the delta method: both are means over the same walkers.
    passage = share / flux
    spread = float(np.std(times - passage * arrivals)) / flux
    return TransitionCounts(
        Counted(flux, float(arrivals.std() / size)),
        Counted(share, float(times.std() / size)),
        Counted(passage, float(spread / size)),
        count,
    )
