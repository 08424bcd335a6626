"""First passage: when each walker of a random map first passes.

A walker that has passed needs no more steps, nor does one at rest: both leave, which changes no bit
of the others. Machine code moves the rest by several steps a call and keeps each for the look.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.descents.maps.random_map import Array, RandomMap
from causalopt.descents.walkers.ensemble import (
    BLOCK,
    LOOK,
    Advance,
    apply_picks,
    are_at_rest,
    checked_times,
    is_worth_compiling,
    machine_code,
    share_out,
)
from causalopt.descents.walkers.joint_picks import picks_of
from causalopt.work.threads import check_stop

STRIDE_COMPILED = 16  # steps between two looks for walkers that have passed

Test = Callable[[Array], NDArray[np.bool_]]


def first_passage(
    chain: RandomMap,
    start: Array,
    passed: Test,
    *,
    limit: int,
    seed: int,
    block: int = BLOCK,
    workers: int = 1,
    advance: Advance | None = None,
    compiled: bool | None = None,
) -> NDArray[np.int64]:
    """Return the first step at which each walker passes, or -1 if not within `limit`.

    Args:
        chain: The random map.
        start: First states, axes (coordinate, walker).
        passed: From states to booleans, axis (walker,).
        limit: The last step looked at.
        seed: 0 to 2^64 - 1.
        block: How many walkers advance together.
        workers: How many threads share the blocks.
        advance: Another kernel than numpy's.
        compiled: Whether machine code moves the walkers, as in `run_ensemble`.

    Returns:
        Steps, axis (walker,); 0 for a walker that starts beyond.

    Raises:
        QuestionError: Negative steps or no walkers.
    """
    checked_times(start, [limit])
    if compiled is None:
        compiled = advance is None and is_worth_compiling(chain, start.shape[1] * limit)
    trace = trace_of_words(chain) if compiled else trace_of_steps(advance or apply_picks(chain))
    strides = range(0, limit, STRIDE_COMPILED if compiled else 1)
    steps = np.full(start.shape[1], -1, dtype=np.int64)

    def simulate(first: int) -> None:
        last = min(first + block, start.shape[1])
        picks = picks_of(chain, seed)
        picks.start(np.arange(first, last, dtype=np.uint64))
        with np.errstate(all="ignore"):
            _pass_block(
                chain, trace, picks, start[:, first:last], passed, strides, steps[first:last]
            )

    share_out(simulate, range(0, start.shape[1], block), workers)
    return steps


Trace = Callable[[Array, Any, int, int], Array]


def trace_of_steps(kernel: Advance) -> Trace:
    """Move walkers by one step a call."""

    def trace(states: Array, picks: Any, step: int, until: int) -> Array:
        del until
        return kernel(states, picks.at(step))[np.newaxis]

    return trace


def trace_of_words(chain: RandomMap) -> Trace:
    """Move walkers by all steps of a call and keep each."""
    walk = machine_code(chain)

    def trace(states: Array, picks: Any, step: int, until: int) -> Array:
        return walk.trace(states, picks.walkers, step, until, seed=picks.seed)

    return trace


def _pass_block(
    chain: RandomMap,
    trace: Trace,
    picks: Any,
    states: Array,
    passed: Test,
    strides: range,
    steps: NDArray[np.int64],
) -> None:
    """Run a block's walkers until they pass; those that have passed leave after each stride."""
    out = passed(states)
    steps[out] = 0
    lanes, states = np.flatnonzero(~out), states[:, ~out]
    picks.keep(~out)
    seen = states
    for step in strides:
        if not len(lanes):
            return
        check_stop()
        until = min(step + strides.step, strides.stop)
        path = trace(states, picks, step, until)
        beyond = np.stack([passed(position) for position in path])
        out, states = np.asarray(beyond.any(axis=0)), path[-1]
        steps[lanes[out]] = step + 1 + beyond[:, out].argmax(axis=0)
        looks = until % LOOK == 0
        if looks:
            gone = out | are_at_rest(chain, states, seen)
            out = gone if gone.mean() > 0.1 else out
        if out.any():
            lanes, states, seen = lanes[~out], states[:, ~out], seen[:, ~out]
            picks.keep(~out)
        if looks:
            seen = states
