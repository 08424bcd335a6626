"""n's tangent followed step by step: whether rounding leaves it known, and what of it m gets.

A direction that n excites may turn with W and grow less than others: then no subspace that stays
holds it, and what rounding adds grows faster than it does. Likewise m may observe but a part that
turns. Neither is seen in the growth of a frame, which ends up in the fastest direction.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator

import numpy as np

from causalopt.effects.directions import KNOWN
from causalopt.effects.growth import BATCHES
from causalopt.engine.contract import Floats
from causalopt.engine.jacobians import StepDerivative

_BLURRED = 2.0**-7  # of a tangent's length: an error beyond it, and its direction is not known
_DRIFT = 3.0  # nats that m's share must lose over the run, and four standard errors, to count
_SCATTER = 4.0


@dataclasses.dataclass(frozen=True)
class Followed:
    """n's tangent along a run.

    Attributes:
        known: For how many steps rounding leaves its direction known; all of them: None.
        gets: The logarithm of m's tangent over the state's, shape [counted step]; -inf where m gets
            but rounding, NaN where it reads nothing at that step.
    """

    known: int | None
    gets: Floats

    @property
    def is_lost(self) -> bool:
        """Whether m gets but rounding in the end: in the last tenth, where it reads at all."""
        last = self.gets[-max(1, len(self.gets) // BATCHES) :]
        read = last[~np.isnan(last)]
        return bool(len(read) and np.isneginf(read).all())

    @property
    def drifts(self) -> bool:
        """Whether m's share falls along the run, by more than it scatters."""
        parts = np.array_split(self.gets, 2 * BATCHES)
        tops = [part[np.isfinite(part)].max(initial=-math.inf) for part in parts]
        if not np.isfinite(tops).all() or len(self.gets) < 4 * BATCHES:
            return False
        place = np.arange(len(tops)) - (len(tops) - 1) / 2
        rate = float(place @ tops / (place @ place))
        rest = np.array(tops) - np.mean(tops) - rate * place
        error = math.sqrt(float(rest @ rest) / (len(tops) - 2) / float(place @ place))
        return rate < -_SCATTER * error and -rate * len(tops) > _DRIFT


def followed(
    step: StepDerivative,
    slopes: Floats,
    basis: Floats | None,
    tangent: Floats,
    target: int,
    lead: int,
) -> Followed:
    """Follow a tangent, and beside it what rounding makes of it.

    The error is one realisation: each step adds a rounding of random sign to every number, of the
    size of the products that it is a sum of.

    Args:
        step: The derivative of a step.
        slopes: The local derivatives of all steps, shape [t, partial].
        basis: The directions it is followed in, orthonormal, shape [slot, r]; None for all slots,
            without writing steps as matrices.
        tangent: The tangent in them, shape [r].
        target: The equation of m.
        lead: How many steps are not counted.
    """
    random = np.random.default_rng(1)
    now = tangent / (np.linalg.norm(tangent) or 1.0)
    error = np.zeros_like(now)
    known, gets = None, np.full(len(slopes) - lead, math.nan)
    moves = (
        _carried(step, slopes, target) if basis is None else _within(step, slopes, basis, target)
    )
    for t, move in enumerate(moves):
        (next_, part), (sizes, reads) = move(np.stack([now, error], axis=1), np.abs(now))
        if t >= lead and reads is not None:
            got, blur = abs(float(part[0])), KNOWN * reads + abs(float(part[1]))
            gets[t - lead] = math.log(got) if got > blur else -math.inf
        now, error = next_.T
        error = error + random.choice((-1.0, 1.0), len(now)) * 2.0**-53 * sizes
        length = float(np.linalg.norm(now))
        if not 0.0 < length < math.inf:
            break
        if known is None and float(np.linalg.norm(error)) > _BLURRED * length:
            known = t + 1
        now, error = now / length, error / length
    return Followed(known, gets)


# What carries a tangent and its error over a step, [r, 2]: what they become and what m gets of
# them; and the sizes of the products in both, m's None where it reads nothing.
_Move = Callable[[Floats, Floats], tuple[tuple[Floats, Floats], tuple[Floats, float | None]]]


def _within(step: StepDerivative, slopes: Floats, basis: Floats, target: int) -> Iterator[_Move]:
    """Yield the steps in a basis, as matrices."""
    inner = np.abs(basis)
    for part in step.parts(slopes):
        (maps, rows), (products, reads) = (step.matrices(s) for s in (part, np.abs(part)))
        tables = basis.T @ maps @ basis, rows[:, target] @ basis
        sizes = inner.T @ products @ inner, reads[:, target] @ inner
        for matrix, row, product, read in zip(*tables, *sizes, strict=True):
            yield functools.partial(_multiplied, matrix, row, product, read)


def _multiplied(
    matrix: Floats, row: Floats, product: Floats, read: Floats, pair: Floats, size: Floats
) -> tuple[tuple[Floats, Floats], tuple[Floats, float | None]]:
    reads = float(read @ size) if read.any() else None
    return (matrix @ pair, row @ pair), (product @ size, reads)


def _carried(step: StepDerivative, slopes: Floats, target: int) -> Iterator[_Move]:
    """Yield the steps as they are carried out."""
    for row in slopes:
        yield functools.partial(_over, step, row, target)


def _over(
    step: StepDerivative, slopes: Floats, target: int, pair: Floats, size: Floats
) -> tuple[tuple[Floats, Floats], tuple[Floats, float | None]]:
    after, all_ = step.carry(slopes, pair)
    sizes, reads = step.carry(np.abs(slopes), size[:, np.newaxis])
    return (after, all_[target]), (sizes[:, 0], float(reads[target, 0]) or None)
