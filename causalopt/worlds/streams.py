"""Counter-based random streams: a number is a function of (seed, walker, step, site), and no more.

There is no state to advance, so blocks, workers, order and compaction cannot change a draw.

Source: Salmon, Moraes, Dror, Shaw, Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011);
threefry2x64 with 20 rounds.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from collections.abc import Sequence

Words = NDArray[np.uint64]

ROTATIONS = (16, 42, 12, 31, 16, 32, 24, 21)
PARITY = 0x1BD11BDAA9FC1A22
ROUNDS = 20
MASK = 0xFFFFFFFFFFFFFFFF


def threefry(key: tuple[int | Words, int], first: Words, second: Words) -> tuple[Words, Words]:
    """Return the two random words of threefry2x64-20 at every counter (first, second).

    Args:
        key: Two 64-bit integers; the first may be an array, a shape that broadcasts too.
        first: First counter words, any shape.
        second: Second counter words, a shape that broadcasts with `first`.

    Returns:
        Two arrays of 64-bit words.

    Example:
        >>> zero = np.zeros(1, dtype=np.uint64)
        >>> [hex(int(word[0])) for word in threefry((0, 0), zero, zero)]
        ['0xc2b6e3a8c2c69865', '0x6f81ed42f350084d']
    """
    one = np.asarray(key[0] if isinstance(key[0], np.ndarray) else key[0] & MASK, dtype=np.uint64)
    other = np.uint64(key[1] & MASK)
    schedule = (one, other, np.uint64(PARITY) ^ one ^ other)
    shape = np.broadcast_shapes(first.shape, second.shape, one.shape)
    left = np.broadcast_to(first, shape).copy()
    right = np.broadcast_to(second, shape).copy()
    left += one
    right += other
    spare = np.empty_like(left)
    for turn in range(ROUNDS):
        rotation = ROTATIONS[turn % 8]
        left += right
        np.right_shift(right, np.uint64(64 - rotation), out=spare)
        np.left_shift(right, np.uint64(rotation), out=right)
        right |= spare
        right ^= left
        if turn % 4 == 3:
            injection = turn // 4 + 1
            left += schedule[injection % 3]
            right += schedule[(injection + 1) % 3]
            right += np.uint64(injection)
    return left, right


def uniforms(seed: int, walkers: Words, step: int, site: int = 0) -> NDArray[np.float64]:
    """Return one number in [0, 1) for each walker at a step, with 53 random bits.

    Args:
        seed: The run's seed, 0 to 2^64 - 1.
        walkers: The walkers' numbers, any shape.
        step: The step, 0 or more.
        site: Which noise variable draws.

    Returns:
        Numbers of the shape of `walkers`.

    Example:
        >>> both = uniforms(7, np.arange(4, dtype=np.uint64), 3)
        >>> bool(np.all(both[2:] == uniforms(7, np.arange(2, 4, dtype=np.uint64), 3)))
        True
    """
    block = np.array(step // 2, dtype=np.uint64)
    words = threefry((seed, site), walkers, block)[step % 2]
    return np.asarray((words >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def uniform_rows(
    seed: int, walkers: Words, start: int, count: int, site: int = 0
) -> NDArray[np.float64]:
    """Return `uniforms` at `count` steps from an even one on, axes (step, walker), at one go.

    Example:
        >>> walkers = np.arange(3, dtype=np.uint64)
        >>> rows = uniform_rows(7, walkers, 4, 5)
        >>> all((row == uniforms(7, walkers, 4 + i)).all() for i, row in enumerate(rows))
        True
    """
    blocks = np.arange(start // 2, (start + count + 1) // 2, dtype=np.uint64)
    pairs = np.stack(threefry((seed, site), walkers, blocks[:, None]), axis=1)
    words = pairs.reshape(-1, len(walkers))[:count]
    return np.asarray((words >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def sequences(seeds: Words, walker: int, steps: int, site: int = 0) -> NDArray[np.float64]:
    """Return `sequence` for several seeds side by side, axes (step, seed).

    Example:
        >>> seeds = np.array([3, 8], dtype=np.uint64)
        >>> bool((sequences(seeds, 0, 5)[:, 1] == sequence(8, 0, 5)).all())
        True
    """
    blocks = np.arange(steps // 2 + 1, dtype=np.uint64)[:, np.newaxis]
    pairs = threefry((seeds, site), np.array(walker, dtype=np.uint64), blocks)
    words = np.stack(pairs, axis=1).reshape(-1, len(seeds))[: steps + 1]
    return np.asarray((words >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def sequence(seed: int, walker: int, steps: int, site: int = 0) -> NDArray[np.float64]:
    """Return one walker's numbers in [0, 1) at the steps 0..steps, axis (step,)."""
    blocks = np.arange(steps // 2 + 1, dtype=np.uint64)
    pairs = threefry((seed, site), np.array(walker, dtype=np.uint64), blocks)
    words = np.stack(pairs, axis=1).reshape(-1)[: steps + 1]
    return np.asarray((words >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


class Picks:
    """Which of finitely many outcomes each walker draws at each step.

    Outcomes whose probabilities are all multiples of 2^-b (b at most 8) cost b bits a step, so one
    threefry block serves 128 / b steps; all others cost one uniform a step. Either way the pick is
    a function of (seed, walker, step, site) alone. One block of words is kept: ask for steps in
    increasing order, with `walkers` fixed between calls of `start`.

    Args:
        probabilities: One an outcome, summing to 1.
        seed: The run's seed, 0 to 2^64 - 1.
        site: Which noise variable draws.

    Example:
        >>> picks = Picks((0.5, 0.5), seed=0)
        >>> picks.start(np.arange(3, dtype=np.uint64))
        >>> picks.at(0)
        array([1, 1, 1], dtype=uint8)
    """

    def __init__(self, probabilities: Sequence[float], *, seed: int, site: int = 0) -> None:
        if not 0 <= seed <= MASK:
            raise QuestionError(f"a seed is an integer from 0 to 2^64 - 1; {seed} came")
        self.seed, self.site = seed, site
        self.bits = _dyadic_bits(probabilities)
        kind = np.uint8 if len(probabilities) < 256 else np.int64
        if self.bits:
            shares = np.rint(np.asarray(probabilities) * 2**self.bits).astype(np.int64)
            self.table = np.repeat(np.arange(len(shares)), shares).astype(kind)
        else:
            self.table = np.zeros(1, dtype=kind)
        self.edges = np.cumsum(np.asarray(probabilities, dtype=float))[:-1]
        self.kind = kind
        self.walkers = np.zeros(0, dtype=np.uint64)
        self.block, self.words = -1, (self.walkers, self.walkers)

    def start(self, walkers: Words) -> None:
        """Name the walkers that the next picks are for, axis (walker,)."""
        self.walkers, self.block = walkers, -1

    def keep(self, lanes: NDArray[np.bool_] | NDArray[np.intp]) -> None:
        """Drop all other walkers; those kept draw the numbers they would have drawn anyway."""
        self.walkers = self.walkers[lanes]
        if self.block >= 0:
            self.words = (self.words[0][lanes], self.words[1][lanes])

    def at(self, step: int) -> NDArray[Any]:
        """Return each walker's outcome at a step, axis (walker,)."""
        per_word = 64 // self.bits if self.bits else 1
        block, place = divmod(step, 2 * per_word)
        if block != self.block:
            counter = np.array(block, dtype=np.uint64)
            self.words = threefry((self.seed, self.site), self.walkers, counter)
            self.block = block
        word = self.words[place // per_word]
        if not self.bits:
            draws = (word >> np.uint64(11)) * 2.0**-53
            return np.asarray(np.searchsorted(self.edges, draws, side="right").astype(self.kind))
        shifted = word >> np.uint64(self.bits * (place % per_word))
        low = (shifted & np.uint64(2**self.bits - 1)).astype(np.uint8)
        return low if self._plain() else np.asarray(self.table[low])

    def sequence(self, walker: int, steps: int) -> NDArray[Any]:
        """Return one walker's outcomes at the steps 0..steps, axis (step,)."""
        key = (self.seed, self.site)
        if not self.bits:
            draws = sequence(self.seed, walker, steps, self.site)
            return np.asarray(np.searchsorted(self.edges, draws, side="right").astype(self.kind))
        per_word = 64 // self.bits
        step = np.arange(steps + 1, dtype=np.uint64)
        block, place = np.divmod(step, np.uint64(2 * per_word))
        left, right = threefry(key, np.array(walker, dtype=np.uint64), block)
        word = np.where(place < per_word, left, right)
        shifted = word >> (np.uint64(self.bits) * (place % np.uint64(per_word)))
        return np.asarray(self.table[(shifted & np.uint64(2**self.bits - 1)).astype(np.intp)])

    def word(self, step: int) -> tuple[Words, int, int]:
        """Return the word of random bits that holds a step's picks, axis (walker,).

        With it, how many picks of it lie before this step, and how many are left, this one
        included. Only dyadic outcomes are read as bits.
        """
        self.at(step)
        per_word = 64 // self.bits
        place = step % (2 * per_word)
        return self.words[place // per_word], place % per_word, per_word - place % per_word

    def _plain(self) -> bool:
        return len(self.table) == 2**self.bits and bool(
            np.array_equal(self.table, np.arange(len(self.table)))
        )


def _dyadic_bits(probabilities: Sequence[float]) -> int:
    """Return the least b <= 8 with all probabilities multiples of 2^-b, else 0."""
    largest = max(Fraction(share).denominator for share in probabilities)
    return largest.bit_length() - 1 if largest in {2**bits for bits in range(1, 9)} else 0
