"""The measures: Comp, Op and a status for every step, whatever semantics gave the effects.

Comp(A; n, m) = total / direct; Op = -ln |Comp|, in nats (Defining Optimization, Part 4). In other
fields' words: total effect over natural direct effect, closed-loop over open-loop sensitivity.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.effect import Effect
from causalopt.engine.plan import Floats

STATUSES = {
    "ok": "Comp and Op are as computed",
    "perfect": "the total effect is 0: A removes all of the disturbance",
    "only_path": "the direct effect is 0: all that reaches m comes through A",
    "no_influence": "both effects are 0: n does not reach m, Op is undefined",
    "held": "m is in A: its value in Y is that in W",
    "diverged": "a value became infinite: an overflow, or a division by zero",
    "nonfinite": "a value is not a number",
    "kink": "a branch decided the answer: it depends on the side or the size of the nudge",
    "unresolved": "cancellation below the resolution of floats",
}


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
    # Where the ratio of mantissas is exact it is better than the exponential of a logarithm.
    plain = (total.exponent == direct.exponent) & (direct.mantissa != 0)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        op = direct.log - total.log
        if plain.all():  # a sweep's usual case, whose time this is
            comp: Floats = total.mantissa / direct.mantissa
        else:
            ratio = total.mantissa / np.where(plain, direct.mantissa, 1.0)
            comp = np.where(plain, ratio, _signed_exponential(effect, op))
    undefined = _UNDEFINED[codes] | ((total.mantissa == 0) & (direct.mantissa == 0))
    if undefined.any():
        return np.where(undefined, np.nan, comp), np.where(undefined, np.nan, op)
    return comp, op


def _signed_exponential(effect: Effect, op: Floats) -> Floats:
    """Return Comp from Op where the two effects have different powers of two."""
    total, direct = effect.total.mantissa, effect.direct.mantissa
    sign = np.sign(total) * np.where(direct < 0, -1.0, 1.0)
    comp = np.where(op == 0, sign, sign * np.exp(-op))
    # A zero denominator has no sign of its own: Comp is infinite, not minus infinite.
    return np.where((direct == 0) & (total != 0), np.inf, comp)


def status_codes(effect: Effect) -> NDArray[np.int8]:
    """Return the status as places in `NAMES`."""
    total, direct = effect.total, effect.direct
    no_total, no_direct = total.mantissa == 0, direct.mantissa == 0
    finite = effect.finite & np.isfinite(total.mantissa) & np.isfinite(direct.mantissa)
    unresolved = total.is_unresolved | direct.is_unresolved
    choices = [
        (no_total & no_direct & ~unresolved, "no_influence"),
        (effect.held, "held"),
        (effect.on_kink, "kink"),
        (unresolved, "unresolved"),
        (no_total, "perfect"),
        (no_direct, "only_path"),
    ]
    codes = np.zeros(np.broadcast_shapes(*(mask.shape for mask, _ in choices)), dtype=np.int8)
    for mask, name in reversed(choices):
        np.copyto(codes, _CODES[name], where=mask)
    if not finite.all():
        blown = np.where(effect.is_divergence, _CODES["diverged"], _CODES["nonfinite"])
        np.copyto(codes, blown, where=~finite, casting="unsafe")
    return codes
