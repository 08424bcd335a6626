"""The current through every node: one pass forwards, one sweep backwards, and their products."""

from __future__ import annotations

import dataclasses
import functools
import math
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked
from causalopt.effects.backward import effects_from_all
from causalopt.effects.limit import columns_of, effects_to_all
from causalopt.effects.measures import UNIT_ROUNDOFF, Effect, Part, status_codes
from causalopt.engine.contract import Bools, Floats, Plan
from causalopt.model.template import ancestors, descendants, refuse_between

_LARGEST_POWER = 1100  # beyond it floats are 0 or infinite anyway
_LOWEST = -(2**40)


@dataclasses.dataclass(frozen=True, eq=False)
class NodeCurrents:
    """What goes through the nodes of the variables that lie between n and m.

    Attributes:
        names: These variables, in the order of the declaration.
        columns: Their places among the template's equations.
        plan: The run, with n its seed and nothing held.
        forward: dv/dn, shape [t, name].
        backward: dm/dv, likewise.
        total: dm/dn, shape [].
    """

    names: tuple[str, ...]
    columns: list[int]
    plan: Plan
    forward: Effect
    backward: Effect
    total: Part

    @functools.cached_property
    def current(self) -> Part:
        """J_v = (dv/dn)(dm/dv), shape [t, name]."""
        return product(self.forward.total, self.backward.total)

    @functools.cached_property
    def on_kink(self) -> Bools:
        """Where a branch decided a current, shape [t, name]."""
        return (self.forward.on_kink | self.backward.on_kink) & self.current.has_path

    @functools.cached_property
    def finite(self) -> Bools:
        """Where the values that a current is made of are finite, shape [t, name]."""
        found: Bools = (self.forward.finite & self.backward.finite) | ~self.current.has_path
        return found

    @property
    def diverges(self) -> bool:
        """Whether what is not finite is so by overflow."""
        return bool(self.forward.is_divergence and self.backward.is_divergence)

    def statuses(self, current: Part, on_kink: Bools, finite: Bools) -> NDArray[np.int8]:
        """Return the status of currents as places in `NAMES`: `no_influence` where one is 0."""
        return status_codes(
            Effect(
                current,
                current,
                held=np.zeros(on_kink.shape, dtype=bool),
                finite=finite,
                kinks=on_kink,
                diverges=self.diverges,
            )
        )


def node_currents(asked: Asked) -> NodeCurrents:
    """Return the currents of a question; its set A plays no part.

    Raises:
        QuestionError: An integer variable stands between n and m: it has no derivative.
    """
    model, template = asked.model, asked.model.template
    refuse_between(template, asked.nudge.variable, asked.target)
    plan = dataclasses.replace(asked, hold=()).plan()
    after = descendants(template, [asked.nudge.variable])
    before = set(ancestors(template, asked.target))
    names = tuple(name for name in template.names if name in after and name in before)
    if asked.target not in names:
        # n reaches m by no path at all; m's own derivative is asked for its statuses.
        names = (asked.target,)
    forward = effects_to_all(model, plan, names=names)
    backward = effects_from_all(model, plan, asked.target, names=names)
    total = forward.at((asked.steps, names.index(asked.target))).total
    return NodeCurrents(names, columns_of(template, names), plan, forward, backward, total)


def product(one: Part, other: Part) -> Part:
    """Return the product of two derivatives, with the errors of both; no size is lost."""
    a, a_power = np.frexp(one.mantissa)
    b, b_power = np.frexp(other.mantissa)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        a_error = np.ldexp(np.abs(one.error), -a_power)
        b_error = np.ldexp(np.abs(other.error), -b_power)
        error = np.abs(a) * b_error + np.abs(b) * a_error + a_error * b_error
        found = a * b
    proved = ((one.mantissa == 0) & ~one.doubts_zero) | ((other.mantissa == 0) & ~other.doubts_zero)
    return Part(
        np.where(proved, 0.0, found),
        one.exponent + other.exponent + a_power + b_power,
        np.where(proved, 0.0, error),
        one.has_path & other.has_path,
        one.has_path & other.has_path & ~proved,
    )


def shares(current: Part, total: Part) -> Floats:
    """Return currents divided by the total effect: NaN where that is 0 or not finite."""
    whole = float(total.mantissa)
    if whole == 0 or not np.isfinite(whole):
        return np.full(current.mantissa.shape, np.nan)
    power = np.clip(current.exponent - total.exponent, -_LARGEST_POWER, _LARGEST_POWER)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        found: Floats = np.ldexp(current.mantissa / whole, power.astype(np.int32))
    return found


def summed(current: Part, chosen: Bools) -> Part:
    """Return the sum of some currents with its error, shape []."""
    if not chosen.any():
        return NOTHING
    part = current.each(lambda values: np.broadcast_to(values, chosen.shape)[chosen])
    return _added(part)


def difference(one: Part, other: Part) -> Part:
    """Return one effect less another with its error, shape []."""
    if not other.has_path:
        return one
    parts = {f.name: np.array([getattr(p, f.name) for p in (one, other)]) for f in fields(Part)}
    parts["mantissa"][1] *= -1
    return _added(Part(**parts))


def _added(part: Part) -> Part:
    """Return the sum of effects, shape []: their errors, and that of adding them."""
    live = part.mantissa != 0
    top = int(part.exponent[live].max(initial=_LOWEST))
    power = np.clip(part.exponent - top, -_LARGEST_POWER, _LARGEST_POWER).astype(np.int32)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        terms, errors = np.ldexp(part.mantissa, power), np.ldexp(part.error, power)
    size, rounds = np.abs(terms).sum(), np.count_nonzero(live) > 1
    mantissa = math.fsum(terms) if np.isfinite(size) else math.nan
    return Part(
        np.asarray(mantissa),
        np.asarray(top),
        np.asarray(errors.sum() + UNIT_ROUNDOFF * size * rounds),
        np.asarray(part.has_path.any()),
        np.asarray(part.doubted.any() or (mantissa == 0 and size != 0)),
    )


_NO = np.zeros((), dtype=bool)
NOTHING = Part(np.zeros(()), np.zeros((), dtype=np.int64), np.zeros(()), _NO, _NO)
