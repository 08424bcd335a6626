"""The measures: Comp, Op and a status for every step, whatever semantics gave the effects.

Comp(A; n, m) = total / direct; Op = -ln |Comp|, in nats (Defining Optimization, Part 4). In other
fields' words: total effect over natural direct effect, closed-loop over open-loop sensitivity.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.contract import Bools, Floats

UNIT_ROUNDOFF = 2.0**-53
_SUBNORMAL = 8 * 2.0**-1074  # numbers near it have lost their digits
_SMALLEST = 2.0**-1022  # with all digits
STATUSES = {
    "ok": "Comp and Op are as computed",
    "perfect": "the total effect is 0: A removes all of the disturbance",
    "only_path": "the direct effect is 0: all that reaches m comes through A",
    "no_influence": "both effects are 0: n does not reach m, Op is undefined",
    "held": "m is in A: its value in Y is that in W",
    "diverged": "a value became infinite: an overflow, or a division by zero",
    "nonfinite": "a value is not a number",
    "kink": "a branch decided the answer: it depends on the side or the size of the nudge",
    "unresolved": "rounding may be as large as the effect: by cancellation, or that of W itself",
}


@dataclasses.dataclass(frozen=True)
class Part:
    """One of the two effects of n on m, at every step.

    Attributes:
        mantissa: Shape [t]; the effect is mantissa * 2**exponent.
        exponent: Shape [t].
        error: Rounding error of the mantissa as estimated, shape [t].
        has_path: Whether the graph has a path for it, shape [t]: a zero without a path is
            structural, a zero with one is numerical.
        doubts_zero: Where a zero would not prove a zero effect, shape [t].
    """

    mantissa: Floats
    exponent: NDArray[np.int64]
    error: Floats
    has_path: Bools
    doubts_zero: Bools

    @classmethod
    def of_tangents(
        cls, mantissa: Floats, exponent: NDArray[np.int64], error: Floats | None, has_path: Bools
    ) -> Part:
        """Return derivatives as an execution gives them: `error` is in units of 2**-53.

        A zero along a path is doubted: rounding or an underflow may have left it.

        Args:
            mantissa: Any shape.
            exponent: Their powers of two, of that shape or stretched to it.
            error: The rounding errors they carry, None where that is not known.
            has_path: Whether the graph has a path.
        """
        carried = np.zeros(mantissa.shape) if error is None else error * UNIT_ROUNDOFF
        return cls(mantissa, exponent, carried, has_path, has_path)

    @property
    def doubted(self) -> Bools:
        """Where it is a zero that is not proved, shape [t]."""
        doubted: Bools = self.doubts_zero & (self.mantissa == 0)
        return doubted

    def proved(self, zero: Bools) -> Part:
        """Return the part with the zeros that were found to be exact."""
        return dataclasses.replace(self, doubts_zero=self.doubts_zero & ~zero)

    def doubting(self, zero: Bools) -> Part:
        """Return the part with zeros that may be no zeros in truth."""
        return dataclasses.replace(self, doubts_zero=self.doubts_zero | zero)

    def widened(self, error: Floats) -> Part:
        """Return the part with an error that is no smaller than this one."""
        return dataclasses.replace(self, error=np.fmax(np.abs(self.error), error))

    def settled(self, known: Mapping[Any, Fraction]) -> Part:
        """Return the part with effects that are known exactly, by their places in its arrays."""
        if not known:
            return self
        part = self.writable()
        for place, value in known.items():
            part.mantissa[place] = scaled(value, -int(part.exponent[place]))
            part.error[place], part.doubts_zero[place] = 0.0, value != 0
        return part

    def each(self, function: Callable[[NDArray[Any]], NDArray[Any]]) -> Part:
        """Return a part each of whose arrays is a function of this one's."""
        names = [field.name for field in dataclasses.fields(self)]
        return Part(**{name: function(getattr(self, name)) for name in names})

    def writable(self) -> Part:
        """Return a copy whose entries can be put in."""
        return self.each(lambda values: np.array(np.broadcast_to(values, self.mantissa.shape)))

    def put(self, place: int | tuple[int, int], other: Part, at: int) -> None:
        """Put in another part's entry."""
        for name in ("mantissa", "exponent", "error", "doubts_zero"):
            getattr(self, name)[place] = getattr(other, name)[at]

    @property
    def value(self) -> Floats:
        """The effect itself; it may overflow where its logarithm does not."""
        if not self.exponent.any():
            return self.mantissa.copy()
        with np.errstate(over="ignore", under="ignore"):
            power = np.clip(self.exponent, -4000, 4000).astype(np.int32)
            value: Floats = np.ldexp(self.mantissa, power)
            return value

    @functools.cached_property
    def log(self) -> Floats:
        """The natural logarithm of the effect's size: -inf at 0, never an overflow.

        It does not depend on how the size is shared between mantissa and exponent.
        """
        with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
            if not self.exponent.any():
                whole: Floats = np.log(np.abs(self.mantissa))
                return whole
            size = np.abs(self.value)
            log: Floats = np.log(size)
            fits = (size > _SMALLEST) & (size < np.inf)
            if not fits.all():
                fraction, power = np.frexp(np.abs(self.mantissa))
                log = np.where(fits, log, np.log(fraction) + (power + self.exponent) * np.log(2.0))
            return log

    @functools.cached_property
    def is_unresolved(self) -> Bools:
        """Where rounding, or an underflow, may be as large as an eighth of the effect."""
        size = np.abs(self.mantissa)
        with np.errstate(over="ignore"):
            is_large: Bools = 8 * np.abs(self.error) + _SUBNORMAL >= size
        zero = size == 0
        if zero.any() or np.shape(self.doubts_zero) != is_large.shape:
            return np.where(zero, self.doubts_zero, is_large)
        return is_large  # a sweep's usual case


@dataclasses.dataclass(frozen=True)
class Effect:
    """Total and direct effect of a node n on m, along the baseline W.

    A run has one for each step, shape [t]. A matrix has them for each node as well, [t, variable],
    and a batch for each lane, [lane]; one number of each.

    Attributes:
        total: Over all paths.
        direct: Over the paths that avoid A.
        held: Where m itself is in A.
        finite: Where the value of m is finite in every world.
        kinks: Where a branch decided the answer, on a path from n; None for nowhere.
        kink: The first such branch: its node's variable and step, and the comparison.
        is_near: Whether W is on that branch to within rounding only.
        drifted: The step from which on the rounding of W itself leaves an effect unresolved.
        nonfinite: The first node whose value is not finite, with its step, None for none.
        overflowed: Whether that value is an infinity rather than NaN.
        execution: What ran it: `python`, `llvm` or `levels`.
        diverges: Where what is not finite is so by overflow, when `overflowed` does not tell.
    """

    total: Part
    direct: Part
    held: Bools
    finite: Bools
    kinks: Bools | None = None
    kink: tuple[str, int, str] | None = None
    is_near: bool = False
    drifted: int | None = None
    nonfinite: tuple[str, int] | None = None
    overflowed: bool = False
    execution: str = "python"
    diverges: Bools | bool | None = None

    @property
    def on_kink(self) -> Bools:
        """Where a branch decided the answer."""
        return np.zeros(self.held.shape, dtype=bool) if self.kinks is None else self.kinks

    @property
    def is_divergence(self) -> bool | Bools:
        """Whether what is not finite is so by overflow."""
        if self.diverges is not None:
            return self.diverges
        return self.overflowed or self.nonfinite is None

    def column(self) -> Effect:
        """Return the effect on the only variable, shape [t], of one that is [t, 1]."""
        return self.at((slice(None), 0))

    def at(self, place: Any) -> Effect:
        """Return some of the entries, by an index of numpy's."""

        def taken(values: NDArray[Any]) -> NDArray[Any]:
            whole: NDArray[Any] = np.broadcast_to(values, self.total.mantissa.shape)[place]
            return whole

        return dataclasses.replace(
            self,
            total=self.total.each(taken),
            direct=self.direct.each(taken),
            held=taken(self.held),
            finite=taken(self.finite),
            kinks=taken(self.on_kink),
            diverges=self.diverges if self.diverges is None else taken(np.asarray(self.diverges)),
        )


def scaled(value: Fraction, power: int) -> float:
    """Return value * 2**power, rounded once; it may overflow to an infinity."""
    more = Fraction(2) ** power
    try:
        return float(value * more)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


@dataclasses.dataclass(frozen=True)
class Measures:
    """Comp, Op and status at every step.

    Attributes:
        comp: Shape [t]; NaN where undefined.
        op: Nats, shape [t]; +-inf as the status explains, NaN where undefined.
        status: Keys of `STATUSES`, shape [t].
    """

    comp: Floats
    op: Floats
    status: NDArray[np.str_]


NAMES = np.array(list(STATUSES))
ROUNDED_OP = 2.0**-40  # nats: what Op is above or below a level by less is rounding
_CODES = {name: code for code, name in enumerate(STATUSES)}
_UNDEFINED = np.isin(NAMES, ["no_influence", "diverged", "nonfinite"])


def measure(effect: Effect) -> Measures:
    """Return Comp, Op and status of an effect."""
    codes = status_codes(effect)
    comp, op = ratios(effect, codes)
    return Measures(comp, op, NAMES[codes])


def ratios(effect: Effect, codes: NDArray[np.int8]) -> tuple[Floats, Floats]:
    """Return Comp and Op where the status leaves them defined, NaN elsewhere."""
    total, direct = effect.total, effect.direct
    # A ratio of mantissas is rounded once: better than the exponential of a logarithm.
    plain = (total.exponent == direct.exponent) & (direct.mantissa != 0)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        op = direct.log - total.log
        if plain.all():  # a sweep's usual case, whose time this is
            comp: Floats = total.mantissa / direct.mantissa
        else:
            comp = _scaled_ratio(total, direct)
    if not codes.any():  # all are ok: where both effects are 0, none is
        return comp, op
    undefined = _UNDEFINED[codes] | ((total.mantissa == 0) & (direct.mantissa == 0))
    undefined |= (codes == _CODES["unresolved"]) & (total.doubted | direct.doubted)
    if undefined.any():
        return np.where(undefined, np.nan, comp), np.where(undefined, np.nan, op)
    return comp, op


def _scaled_ratio(total: Part, direct: Part) -> Floats:
    """Return Comp of effects with different powers of two."""
    above, up = np.frexp(total.mantissa)
    below, down = np.frexp(direct.mantissa)
    power = total.exponent - direct.exponent + up - down
    ratio = above / np.where(below == 0, 1.0, below)
    ratio = np.ldexp(ratio, np.clip(power, -4000, 4000).astype(np.int32))
    # A zero denominator has no sign of its own: Comp is infinite, not minus infinite.
    comp: Floats = np.where((below == 0) & (above != 0), np.inf, ratio)
    return comp


def status_codes(effect: Effect) -> NDArray[np.int8]:
    """Return the status as places in `NAMES`."""
    total, direct = effect.total, effect.direct
    no_total, no_direct = total.mantissa == 0, direct.mantissa == 0
    finite = effect.finite & np.isfinite(total.mantissa) & np.isfinite(direct.mantissa)
    unresolved = total.is_unresolved | direct.is_unresolved
    choices = [
        (effect.on_kink, "kink"),
        (no_total & no_direct & ~unresolved, "no_influence"),
        (effect.held, "held"),
        (unresolved, "unresolved"),
        (no_total, "perfect"),
        (no_direct, "only_path"),
    ]
    codes = np.zeros(np.broadcast_shapes(*(mask.shape for mask, _ in choices)), dtype=np.int8)
    for mask, name in reversed(choices):
        if mask.any():  # most points of a sweep are ok
            np.copyto(codes, _CODES[name], where=mask)
    if not finite.all():
        blown = np.where(effect.is_divergence, _CODES["diverged"], _CODES["nonfinite"])
        np.copyto(codes, blown, where=~finite, casting="unsafe")
    return codes


def first_nonfinite(
    names: tuple[str, ...], values: Floats, read: Bools
) -> tuple[str, int, bool] | None:
    """Return the first non-finite node as (variable, step, whether it is an infinity).

    Args:
        names: The equations' variables.
        values: Shape [t, equation].
        read: Which equations count, shape [equation].
    """
    bad = ~np.isfinite(values)
    if not bad.any():
        return None
    bad &= read
    rows = np.flatnonzero(bad.any(axis=1))
    if not len(rows):
        return None
    t = int(rows[0])
    # Of several in one step, an infinity comes first: the NaNs of that step follow from it.
    columns = np.flatnonzero(bad[t])
    infinite = [int(c) for c in columns if np.isinf(values[t, c])]
    column = infinite[0] if infinite else int(columns[0])
    return names[column], t, bool(infinite)
