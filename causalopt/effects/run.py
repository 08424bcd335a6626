"""The run: the worlds of one question, with Comp, Op and status at every step."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.effects.asked import Asked
from causalopt.effects.measures import STATUSES, Effect, Measures, measure
from causalopt.engine.contract import Floats
from causalopt.model.selectors import Node
from causalopt.results import Plotted, Tabled, labelled, plain

if TYPE_CHECKING:
    import xarray


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Run(Asked, Tabled, Plotted):
    """Who optimizes what, and by how much, along one trajectory.

    Attributes:
        delta: The nudge's size, None for the limit delta -> 0.
        t: The step, shape [t].
        W: Variable -> its values in the baseline, shape [t] each.
        X: The same in the nudged world; None in the limit.
        Y: The same in the nudged world with A from W; None in the limit.
        answer: Gives the effect of n on m from what was run: its statuses take longer than the run,
            and are made when something that needs them is read first.
    """

    delta: float | None
    t: np.ndarray
    W: dict[str, Floats]
    X: dict[str, Floats] | None
    Y: dict[str, Floats] | None
    answer: Callable[[], Effect]

    @functools.cached_property
    def effect(self) -> Effect:
        """Total and direct effect of n on m."""
        return self.answer()

    @functools.cached_property
    def measures(self) -> Measures:
        """Comp, Op and status."""
        return measure(self.effect)

    @property
    def time(self) -> Floats:
        """The time, step * dt, shape [t]; the step itself where the model names no dt."""
        time: Floats = self.model.template.time(self.t)
        return time

    @property
    def total(self) -> Floats:
        """The derivative of m by n over all paths, shape [t]."""
        return self.effect.total.value

    @property
    def direct(self) -> Floats:
        """The derivative of m by n over the paths that avoid A, shape [t]."""
        return self.effect.direct.value

    @property
    def comp(self) -> Floats:
        """Comp = total / direct, shape [t]; NaN where undefined."""
        return self.measures.comp

    @property
    def op(self) -> Floats:
        """Op = -ln |Comp| in nats, shape [t]; NaN where undefined."""
        return self.measures.op

    @property
    def status(self) -> np.ndarray:
        """What each step's numbers mean: keys of `causalopt.STATUSES`, shape [t]."""
        return self.measures.status

    def columns(self) -> dict[str, Floats]:
        """Return what a table of the run shows for each step, by heading, shape [t] each."""
        return {
            f"W {self.target}": self.W[self.target],
            "total": self.total,
            "direct": self.direct,
            "Comp": self.comp,
            "Op": self.op,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON's types: infinities as "inf" and "-inf", undefined as None."""
        result: dict[str, Any] = {
            "model": self.model.name,
            "nudge": self.node_name,
            "hold": self.hold_name,
            "target": self.target,
            "steps": self.steps,
            "delta": self.delta,
            "t": plain(self.time),
            "step": self.t.tolist(),
            "W": {name: plain(values) for name, values in self.W.items()},
            "total": plain(self.total),
            "direct": plain(self.direct),
            "comp": plain(self.comp),
            "op": plain(self.op),
            "status": self.status.tolist(),
        }
        for name, world in (("X", self.X), ("Y", self.Y)):
            if world is not None:
                result[name] = {variable: plain(values) for variable, values in world.items()}
        return result

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The result with labelled axes `world`, `variable` and `t`, and its provenance."""
        return labelled(self)

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers: model, settings and versions."""
        return self.provenance_with(
            delta="limit" if self.delta is None else repr(self.delta),
            execution=self.effect.execution,
            given="; ".join(repr(i) for i in self.given),
            seed=str(self.seed),
        )

    def __repr__(self) -> str:
        last = self.steps
        op, status = self.op[last], self.status[last]
        size = "delta -> 0" if self.delta is None else f"delta = {self.delta:g}"
        lines = [f"{self.op_name} in {self.model.name}, {size}"]
        is_timed = self.model.dt is not None
        when = f"time = {self.time[last]:g} (step {last})" if is_timed else f"t = {last}"
        lines.append(f"  {when}: " + _sentence(op, self.comp[last], status))
        others = [s for s in STATUSES if s not in {"ok", status} and (self.status == s).any()]
        lines += [
            f"  {s} at {np.count_nonzero(self.status == s)} of {last + 1} steps: {STATUSES[s]}"
            for s in others
        ]
        if self.effect.kink is not None:
            name, t, comparison = self.effect.kink
            node = self.model.node_text(Node(name, t))
            near = ", to within rounding" if self.effect.is_near else ""
            lines.append(f"  first kink on a path to {self.target}: {comparison}, in {node}{near}")
        if self.effect.drifted is not None:
            since = "" if self.model.is_static else f" from t = {self.effect.drifted} on"
            lines.append(f"  the rounding of W itself is as large as the effect{since}")
        if self.effect.nonfinite is not None:
            name, t = self.effect.nonfinite
            lines.append(f"  first non-finite value: {self.model.node_text(Node(name, t))}")
        return "\n".join(lines)


def _sentence(op: float, comp: float, status: str) -> str:
    text = f"Op = {op:.6g} nats (Comp = {_size(comp, op)}), status {status}"
    if status == "ok":
        if op == 0:
            return text + ": A changes nothing"
        verb = "leaves" if op > 0 else "makes"
        size = _size(abs(comp), op, 4)
        return text + f": A {verb} {size} times the disturbance that reaches m without it"
    return text + f": {STATUSES[status]}"


def _size(comp: float, op: float, digits: int = 6) -> str:
    """Return Comp as text; by its logarithm where it is beyond the range of floats."""
    if not math.isfinite(op) or (math.isfinite(comp) and comp != 0):
        return f"{comp:.{digits}g}"
    power = math.floor(-op / math.log(10))
    sign = "-" if math.copysign(1.0, comp) < 0 else ""
    return f"{sign}{math.exp(-op - power * math.log(10)):.{digits}g}e{power:+d}"
