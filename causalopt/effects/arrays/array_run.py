"""The run of a model with arrays: the worlds of one question, with Comp, Op and status."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from causalopt.effects.arrays.vector_effect import VectorEffect, probe_error
from causalopt.effects.run import Run
from causalopt.engine.arrays.array_forward import ArrayTangents
from causalopt.engine.arrays.array_plan import Values
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.model.selectors import Node
from causalopt.results import nested, plain, plot
from causalopt.worlds.array_world import kept

if TYPE_CHECKING:
    from causalopt.results import Places

_SHOWN = 1_000_000  # numbers of a Jacobian's course that JSON has room for


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ArrayRun(Run):
    """Who optimizes what, and by how much, along one trajectory of arrays.

    `comp` and `op` are the scalar's for one number nudged and one measured; for vectors they are
    the ratio of the Jacobians' Frobenius norms and the rms Op.

    Attributes:
        measured: The measured variable and its elements.
        tangents: The derivatives, [t, direction, *shape of m].
        directions: The directions of n, shape [direction, *shape of n].
        is_probed: Whether the directions are random ones that stand for all.
        arrays_given: Hashes of arrays that the caller gave, for the provenance.
    """

    measured: Node
    tangents: ArrayTangents
    directions: Values
    is_probed: bool
    arrays_given: Mapping[str, str]

    @property
    def time(self) -> Floats:
        """The time, step * dt, shape [t]."""
        time: Floats = np.asarray(self.model.arrays.time(self.t), dtype=float)
        return time

    @property
    def total(self) -> Floats:
        """The derivative of m by n over all paths: [t] for numbers, else [t, *m, direction]."""
        return self._shown(self.tangents.total, 0)

    @property
    def direct(self) -> Floats:
        """The derivative of m by n over the paths that avoid A, likewise."""
        return self._shown(self.tangents.direct, 1)

    def _shown(self, mantissas: Values, place: int) -> Floats:
        exponents = self.tangents.exponents[:, place].reshape(-1, *[1] * (mantissas.ndim - 1))
        with np.errstate(over="ignore", under="ignore"):
            values = np.ldexp(mantissas, np.clip(exponents, -4000, 4000).astype(np.int32))
        moved: Floats = np.moveaxis(values, 1, -1)
        return moved.reshape(len(moved)) if moved[0].size == 1 else moved

    @property
    def is_scalar(self) -> bool:
        """Whether one number is nudged and one measured."""
        return bool(self.tangents.total[0].size == 1)

    def jacobian(self, t: int | None = None) -> VectorEffect:
        """Return total and direct derivatives at a step, the last one when not given.

        Along random probes they are not the Jacobian itself: only `op` and `alignment` hold.

        Raises:
            QuestionError: The step lies outside the run.
        """
        step = self.steps if t is None else t
        if not 0 <= step <= self.steps:
            raise QuestionError(f"t must lie between 0 and the last step {self.steps}, found {t}")
        count = len(self.directions)
        x, y = (
            part[step].reshape(count, -1).T for part in (self.tangents.total, self.tangents.direct)
        )
        first, second = (int(e) for e in self.tangents.exponents[step])
        return VectorEffect(x, y, (first, second))

    @functools.cached_property
    def op_total(self) -> Floats:
        """Log of the direct Jacobian's volume over the total one's, in nats, shape [t]."""
        self._refuse_probes("op_total")
        return np.array([self.jacobian(t).op_total for t in range(self.steps + 1)])

    @functools.cached_property
    def alignment(self) -> Floats:
        """The cosine between total and direct Jacobian, shape [t]."""
        return np.array([self.jacobian(t).alignment for t in range(self.steps + 1)])

    def modes(self, t: int | None = None) -> Values:
        """Return Op of each mode at a step, in nats, ascending; for n and m of one size."""
        self._refuse_probes("modes")
        return self.jacobian(t).modes

    @functools.cached_property
    def op_error(self) -> Floats:
        """The standard error of Op that random probes leave, in nats, shape [t]; 0 without."""
        if not self.is_probed:
            return np.zeros(self.steps + 1)
        count = len(self.directions)
        x, y = (p.reshape(len(p), count, -1) for p in (self.tangents.total, self.tangents.direct))
        return np.array([probe_error(x[t], y[t]) for t in range(self.steps + 1)])

    def _refuse_probes(self, what: str) -> None:
        if self.is_probed:
            raise QuestionError(
                f"{what} needs all directions of n, and this run has {len(self.directions)} random "
                "ones: nudge fewer elements, or say along"
            )

    def columns(self) -> dict[str, Floats]:
        """Return what a table of the run shows for each step; of vectors the Jacobians' norms."""
        if self.is_scalar:
            return {"total": self.total, "direct": self.direct, "Comp": self.comp, "Op": self.op}
        shown = {
            "|total|": self.effect.total.value,
            "|direct|": self.effect.direct.value,
            "|Comp|": self.comp,
            "Op": self.op,
            "alignment": self.alignment,
        }
        return {**shown, "+-": self.op_error} if self.is_probed else shown

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON's types; arrays are nested lists, one entry a step."""
        result: dict[str, Any] = {
            "model": self.model.name,
            "nudge": self.node_name,
            "hold": self.hold_name,
            "target": self.target,
            "steps": self.steps,
            "delta": self.delta,
            "t": plain(self.time),
            "step": self.t.tolist(),
            "W": {name: nested(values) for name, values in self.W.items()},
        }
        for name, values in (("total", self.total), ("direct", self.direct)):
            if values.size <= _SHOWN:
                result[name] = nested(values)
        result |= {"comp": plain(self.comp), "op": plain(self.op), "status": self.status.tolist()}
        if not self.is_scalar:
            result |= {"alignment": plain(self.alignment)}
            if self.is_probed:
                result |= {"probes": len(self.directions), "op_error": plain(self.op_error)}
            else:
                result |= {"op_total": plain(self.op_total)}
        for name, world in (("X", self.X), ("Y", self.Y)):
            if world is not None:
                result[name] = {variable: nested(values) for variable, values in world.items()}
        return result

    def course(self, name: str) -> Values:
        """Return a kept variable's values in the baseline, shape [t, *shape].

        Raises:
            QuestionError: It was not kept.
        """
        return kept(self.W, name, self.model)

    def plot(
        self,
        t: int | None = None,
        *,
        ax: Places | None = None,
        figsize: tuple[float, float] | None = None,
        panels: str | Sequence[str] | None = None,
        theme: Literal["light", "dark"] | None = None,
    ) -> Any:
        """Return a figure of the run over time, or of m's elements at a step.

        Args:
            t: The step whose elements are drawn: W, total and direct effect of one direction of n
                as heat maps, or the two Jacobians of several.
            ax: Your own axes; as of `causalopt.results.Plotted.plot`, as are the next three.
            figsize: The figure's width and height in inches.
            panels: Names of the panels that are drawn.
            theme: "light" or "dark".
        """
        where: dict[str, Any] = {"ax": ax, "figsize": figsize, "panels": panels, "theme": theme}
        return plot(self, t=t, **where)

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers: model, settings and versions, and hashes of given arrays."""
        texts = [f"{name} {text}" for name, text in self.arrays_given.items()]
        return {**super().provenance, **({"arrays": "; ".join(texts)} if texts else {})}

    def __repr__(self) -> str:
        lines = super().__repr__().split("\n")
        if not self.is_scalar:
            sizes = f"{len(self.directions)} directions of n, {self.tangents.total[0, 0].size} of m"
            kind = "random " if self.is_probed else ""
            lines.insert(1, f"  {kind}{sizes}: Op is the rms one")
        return "\n".join(lines)
