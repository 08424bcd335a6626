"""Monte Carlo: many walkers of a random map, on streams that no block or worker can change.

One saving changes no bit of the result: a walker whose every image equals its state, bit for bit,
never moves again and leaves.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from causalopt.descents.maps.random_map import Array, RandomMap
from causalopt.descents.walkers.compiled_walk import MOST_OUTCOMES, CompiledWalk, compile_walk
from causalopt.descents.walkers.joint_picks import picks_of
from causalopt.errors import QuestionError
from causalopt.extras import has_compiler, need
from causalopt.work.threads import check_stop, on_threads
from causalopt.worlds.streams import Picks

BLOCK = 16384
LOOK, LOOK_COMPILED = 32, 256  # steps between two looks for walkers at rest
WORTH_COMPILING = 1_000_000


class Advance(Protocol):
    """Moves each walker by the map it picked; a compiled kernel has this same signature."""

    def __call__(self, states: Array, picks: NDArray[np.integer]) -> Array:
        """Return new states, axes (coordinate, walker), from states and picks (walker,)."""
        ...


@dataclasses.dataclass(frozen=True)
class Ensemble:
    """Walkers observed at the steps asked for.

    Args:
        steps: The steps observed, increasing, axis (time,).
        states: axes (time, coordinate, walker); not finite where a walker has overflowed.
        overflowed: How many walkers are not finite at the last step.
    """

    steps: tuple[int, ...]
    states: Array
    overflowed: int


def apply_picks(chain: RandomMap) -> Advance:
    """Return the plain numpy kernel: each map runs on the walkers that picked it."""

    def advance(states: Array, picks: NDArray[np.integer]) -> Array:
        moved = np.empty_like(states)
        for number, image in enumerate(chain.maps):
            lanes = np.flatnonzero(picks == number)
            if len(lanes):
                moved[:, lanes] = image(states[:, lanes])
        return moved

    return advance


def run_ensemble(
    chain: RandomMap,
    start: Array,
    steps: Sequence[int],
    *,
    seed: int,
    block: int = BLOCK,
    workers: int = 1,
    advance: Advance | None = None,
    compiled: bool | None = None,
) -> Ensemble:
    """Run one walker from each column of `start` and observe it after each number of steps.

    Args:
        chain: The random map.
        start: First states, axes (coordinate, walker).
        steps: Numbers of steps, 0 or more.
        seed: 0 to 2^64 - 1; the same seed gives the same walkers, whatever `block` and `workers`.
        block: How many walkers advance together.
        workers: How many threads share the blocks.
        advance: Another kernel than numpy's, moving all walkers by one step.
        compiled: Whether machine code moves them; by default where the chain comes from a model,
            has few dyadic outcomes, and there are a million walker-steps or more. Its exp may
            differ from numpy's in the last place.

    Returns:
        The walkers at each of the sorted, distinct steps.

    Raises:
        QuestionError: Negative steps or no walkers.

    Example:
        >>> walk = RandomMap((lambda w: w - 1.0, lambda w: w + 1.0), (0.5, 0.5))
        >>> run = run_ensemble(walk, np.zeros((1, 1000)), [100], seed=1)
        >>> bool(abs(run.states[0, 0].std() - 10) < 1)
        True
    """
    times = checked_times(start, steps)
    states = np.empty((len(times), *start.shape))
    if compiled is None:
        compiled = advance is None and is_worth_compiling(chain, start.shape[1] * times[-1])
    look = LOOK_COMPILED if compiled else LOOK
    mover = _by_words(chain) if compiled else _by_steps(advance or apply_picks(chain))

    def simulate(first: int) -> None:
        last = min(first + block, start.shape[1])
        _run_block(chain, mover, start[:, first:last], first, times, seed, states, look)

    share_out(simulate, range(0, start.shape[1], block), workers)
    overflowed = int((~np.isfinite(states[-1]).all(axis=0)).sum())
    return Ensemble(times, states, overflowed)


Mover = Callable[[Array, Any, int, int], tuple[Array, int]]


def can_compile(chain: RandomMap) -> bool:
    """Whether machine code can move these walkers: terms at hand, few outcomes, dyadic shares."""
    if chain.source is None or len(chain.factors) != 1:
        return False
    dyadic = Picks(chain.probabilities, seed=0).bits > 0
    return 1 < len(chain.maps) <= MOST_OUTCOMES and dyadic


def is_worth_compiling(chain: RandomMap, moves: int) -> bool:
    """Whether there are so many moves that machine code, where it can be made, is worth it."""
    return moves >= WORTH_COMPILING and can_compile(chain) and has_compiler()


def _by_steps(kernel: Advance) -> Mover:
    """Move walkers by one step a call."""

    def move(states: Array, picks: Any, step: int, until: int) -> tuple[Array, int]:
        del until
        return kernel(states, picks.at(step)), step + 1

    return move


def _by_words(chain: RandomMap) -> Mover:
    """Move walkers by all steps of a call."""
    walk = machine_code(chain)

    def move(states: Array, picks: Any, step: int, until: int) -> tuple[Array, int]:
        return walk(states, picks.walkers, step, until, seed=picks.seed), until

    return move


def machine_code(chain: RandomMap) -> CompiledWalk:
    """Return a chain's machine code.

    Raises:
        QuestionError: The chain has no terms, too many outcomes, or shares that are not dyadic.
        MissingPackageError: llvmlite is not installed.
    """
    need("llvmlite")
    if chain.source is None or not can_compile(chain):
        raise QuestionError(
            "machine code moves walkers of a model whose one noise variable has 2 to 8 outcomes, "
            "their probabilities multiples of 1/256; leave out compiled=True for this chain"
        )
    bits = Picks(chain.probabilities, seed=0).bits
    shares = np.rint(np.asarray(chain.probabilities) * 2**bits).astype(int)
    return compile_walk(chain.source, bits, tuple((np.cumsum(shares) - shares).tolist()))


def _run_block(
    chain: RandomMap,
    mover: Mover,
    start: Array,
    first: int,
    times: tuple[int, ...],
    seed: int,
    out: Array,
    look: int,
) -> None:
    """Run the walkers numbered from `first`; write them into `out` at each time."""
    picks = picks_of(chain, seed)
    picks.start(np.arange(first, first + start.shape[1], dtype=np.uint64))
    lanes = np.arange(first, first + start.shape[1])
    states, final, step = start.copy(), start.copy(), 0
    seen = states
    with np.errstate(all="ignore"):
        for place, time in enumerate(times):
            while step < time and len(lanes):
                check_stop()
                if step and step % look == 0:
                    moving = ~are_at_rest(chain, states, seen)
                    if moving.mean() < 0.9:
                        final[:, lanes - first] = states
                        lanes, states = lanes[moving], states[:, moving]
                        picks.keep(moving)
                        if not len(lanes):
                            break
                    seen = states
                states, step = mover(states, picks, step, min(time, (step // look + 1) * look))
            step = time
            final[:, lanes - first] = states
            out[place, :, first : first + start.shape[1]] = final


def are_at_rest(chain: RandomMap, states: Array, seen: Array) -> NDArray[np.bool_]:
    """Whether each walker stays for ever: its state, numbers or not, is its own image in all maps.

    Only a walker that stands where it was `seen` last may be at rest; the images of all others need
    not be computed, and one that has just arrived is found at the next look.
    """
    rests = np.asarray(_same(states, seen).all(axis=0))
    likely = np.flatnonzero(rests)
    if len(likely):
        some = states[:, likely]
        rests[likely] = _same(chain.images(some), some).all(axis=(0, 1))
    return rests


def _same(a: Array, b: Array) -> NDArray[np.bool_]:
    """Whether values are equal, not-a-number being equal to itself."""
    return np.asarray((a == b) | ((a != a) & (b != b)))


def checked_times(start: Array, steps: Sequence[int]) -> tuple[int, ...]:
    """Return the steps in order, each once.

    Raises:
        QuestionError: Negative steps or no walkers.
    """
    times = tuple(sorted(set(steps)))
    if not times or times[0] < 0 or start.ndim != 2 or start.shape[1] < 1:
        raise QuestionError(
            "an ensemble needs steps of 0 or more and at least one walker, axes "
            f"(coordinate, walker); steps {list(steps)} and shape {start.shape} came"
        )
    return times


def share_out(simulate: Callable[[int], None], firsts: range, workers: int) -> None:
    """Run every block, on threads when several are asked for: numpy frees the interpreter lock."""
    on_threads(simulate, firsts, workers)
