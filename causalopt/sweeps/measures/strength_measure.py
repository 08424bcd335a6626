"""Optimizing strength at each point, with the four entropies that it is made of."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar, Literal

from numpy.typing import NDArray

from causalopt.entropy.declared import strength
from causalopt.entropy.entropies import Entropies
from causalopt.entropy.information import Unit
from causalopt.model.model import Model
from causalopt.sweeps.point_models import (
    OVERFLOW,
    OVERFLOW_TEXT,
    REFUSED,
    REFUSED_TEXT,
    asked_somewhere,
    axis_roles,
    evaluate_points,
    points_a_second,
    refuse_both,
    whole,
)
from causalopt.sweeps.swept_measure import Points, SweptVariable

_TEXTS = {
    "S": "entropy of P_t",
    "S_decoupled": "entropy of P'_t, A from an independent replica",
    "S_next": "entropy of the law later",
    "S_next_decoupled": "entropy later, A from an independent replica at t",
    "mutual_information": "I(A; B) at t",
    "optimizing_strength": "optimizing strength",
    "adjusted": "optimizing strength - I(A; B)",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class StrengthMeasure:
    """What `causalopt.strength` finds, at each point of a sweep.

    Axes are parameters, starting values, `hold`, `at` and `horizon`.

    Attributes:
        hold: The set A that is replaced; the partition's where it is None.
        targets: The variables whose entropies count; all where it is None.
        at: The step of the surgery.
        initial: The law at t = 0: `model`, its own, or `uniform`.
        horizon: How many steps later the next entropies are taken.
        lasting: For how many steps A stays replaced; None for ever.
        fresh: Whether A is taken from a new replica each step.
        unit: Of all entropies.
        swept: Which of these are axes; known once it is resolved.
    """

    hold: str | None = None
    targets: str | None = None
    at: int = 0
    initial: Literal["model", "uniform"] = "model"
    horizon: int = 1
    lasting: int | None = 1
    fresh: bool = False
    unit: Unit = "bit"
    swept: tuple[str, ...] = ()

    name: ClassVar[str] = "strength"
    drawn: ClassVar[str] = "optimizing_strength"
    statuses: ClassVar[tuple[str, ...]] = ("ok", OVERFLOW, REFUSED)
    status_texts: ClassVar[tuple[str, ...]] = (
        "the entropies are as computed",
        OVERFLOW_TEXT,
        REFUSED_TEXT,
    )
    own_axes: ClassVar[tuple[str, ...]] = ("hold", "at", "horizon")
    python_bound: ClassVar[bool] = True
    whole_blocks: ClassVar[bool] = False

    @property
    def title(self) -> str:
        """Optimizing strength, and when A is replaced."""
        replaced = "A" if self.hold is None else f"A = {{{self.hold}}}"
        when = "at each t" if "at" in self.swept else f"at t = {self.at}"
        return f"optimizing strength, {replaced} replaced {when}"

    @property
    def variables(self) -> tuple[SweptVariable, ...]:
        """The numbers that `causalopt entropy` prints as JSON, by the same names."""
        found = [
            SweptVariable(name, "f8", {"units": self.unit, "long_name": text})
            for name, text in _TEXTS.items()
        ]
        return (*found, SweptVariable("status", "i1", {"long_name": "status of the entropies"}))

    def task_points(self, model: Model) -> int:
        """Return how many points take about a second."""
        del model
        return points_a_second(0.002 + 2e-4 * (self.at + self.horizon))

    def settings(self) -> dict[str, Any]:
        """Return all that decides the entropies besides model and points."""
        return {k: v for k, v in dataclasses.asdict(self).items() if k != "swept"}

    def resolved(self, model: Model, points: Points) -> StrengthMeasure:
        """Return the measure as it is, when its question can be asked.

        Raises:
            QuestionError: A point's question cannot be asked; see `causalopt.strength`.
            UnknownNameError: An axis or a variable is not declared.
        """
        roles = axis_roles(model, points, self.own_axes, self.name)
        refuse_both(self, {name: points[name] for name in roles.own})

        def ask(row: dict[str, Any]) -> Entropies:
            question = self._question(roles.own_at(row))
            early = {"at": min(question["at"], 1), "horizon": min(question["horizon"], 2)}
            found: Entropies = strength(roles.model_at(model, row), **question | early)
            return found

        asked_somewhere(points, ask)
        return dataclasses.replace(self, swept=roles.own)

    def evaluate(
        self, model: Model, points: Points, *, workers: int | None = None
    ) -> dict[str, NDArray[Any]]:
        """Return each variable at each point, shape [point], one point after the other."""
        del workers  # a point is mostly Python
        return evaluate_points(self, model, points, self._asked)

    def _question(self, own: dict[str, Any]) -> dict[str, Any]:
        numbers: dict[str, Any] = {
            name: whole(name, own[name]) for name in ("at", "horizon") if name in own
        }
        return {**self.settings(), **own, **numbers}

    def _asked(self, model: Model, own: dict[str, Any]) -> tuple[dict[str, float], str]:
        found = strength(model, **self._question(own))
        numbers = {name: float(getattr(found, name)) for name in _TEXTS}
        is_finite = all(math.isfinite(value) for value in numbers.values())
        return (numbers, "ok") if is_finite else ({}, OVERFLOW)
