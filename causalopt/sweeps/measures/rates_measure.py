"""Growth rates at each point: Op per unit of time, Lyapunov and conditional exponents."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, ClassVar

from numpy.typing import NDArray

from causalopt.effects.asked import asked_node, nudge_is_held, one_node_each
from causalopt.effects.exponents.rates import DEFAULT_STEPS, Rates, check_rates, rates
from causalopt.effects.measures import STATUSES
from causalopt.errors import QuestionError
from causalopt.model.model import Model
from causalopt.sweeps.point_models import (
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

_SHORT = 10  # steps that are enough to see whether a question can be asked


@dataclasses.dataclass(frozen=True, kw_only=True)
class RatesMeasure:
    """What `causalopt.rates` finds, at each point of a sweep.

    Axes are parameters, starting values, `nudge`, `hold`, `target` and `seed`.

    Attributes:
        nudge: The node n; the model's own question where it is None, as in `rates`.
        hold: The set A; likewise.
        target: The variable m; likewise.
        steps: How many steps the rates are fitted to.
        transient: How many steps are run first; a tenth of `steps` where it is None.
        exponents: How many leading exponents are followed; None for as many as `rates` takes.
        seed: Which draws noise makes.
        counts: How many Lyapunov and conditional exponents there are; None until it is resolved.
        unit: Of all of them; likewise.
    """

    nudge: str | None = None
    hold: str | None = None
    target: str | None = None
    steps: int = DEFAULT_STEPS
    transient: int | None = None
    exponents: int | None = None
    seed: int = 0
    counts: tuple[int, int] | None = None
    unit: str = ""

    name: ClassVar[str] = "rates"
    statuses: ClassVar[tuple[str, ...]] = (*STATUSES, REFUSED)
    status_texts: ClassVar[tuple[str, ...]] = (*STATUSES.values(), REFUSED_TEXT)
    own_axes: ClassVar[tuple[str, ...]] = ("nudge", "hold", "target", "seed")
    python_bound: ClassVar[bool] = True
    whole_blocks: ClassVar[bool] = False

    @property
    def title(self) -> str:
        """The rates, with what is said of the question."""
        said = [
            f"{w} {v}" for w, v in (("n", self.nudge), ("A", self.hold), ("m", self.target)) if v
        ]
        return ", ".join(["growth rates", *said, f"{self.steps} steps"])

    @property
    def drawn(self) -> str:
        """Op per unit of time, and the largest exponent where no set is held."""
        return "lyapunov_1" if self.counts is not None and not self.counts[1] else "op_rate"

    @property
    def variables(self) -> tuple[SweptVariable, ...]:
        """Rates with their errors; exponents numbered from 1, the largest first."""
        lyapunov, conditional = self.counts or (0, 0)
        made = self._number
        found = []
        if conditional:
            found += [
                *made("op_rate", "error", "Op per unit of time"),
                *made("generic_rate", "generic_error", "Op per unit of time, generic n and m"),
            ]
        for word, count in (("lyapunov", lyapunov), ("conditional", conditional)):
            for k in range(1, count + 1):
                text = f"{word.replace('lyapunov', 'Lyapunov')} exponent {k}"
                found += made(f"{word}_{k}", f"{word}_error_{k}", text)
        return (*found, SweptVariable("status", "i1", {"long_name": "status of the rates"}))

    def _number(self, name: str, error: str, text: str) -> tuple[SweptVariable, SweptVariable]:
        said = f"standard error of {name}"
        return (
            SweptVariable(name, "f8", {"units": self.unit, "long_name": text}),
            SweptVariable(error, "f8", {"units": self.unit, "long_name": said}),
        )

    def task_points(self, model: Model) -> int:
        """Return how many points take about a second."""
        size = max(len(model.variables), 3)
        return points_a_second(0.01 + 4e-7 * self.steps * (size / 3) ** 2)

    def settings(self) -> dict[str, Any]:
        """Return all that decides the rates besides model and points."""
        return {
            "nudge": self.nudge,
            "hold": self.hold,
            "target": self.target,
            "steps": self.steps,
            "transient": self.steps // 10 if self.transient is None else self.transient,
            "exponents": self.exponents,
            "seed": self.seed,
        }

    def resolved(self, model: Model, points: Points) -> RatesMeasure:
        """Return the measure with the numbers of exponents and their unit, from short runs.

        Raises:
            QuestionError: A point's question cannot be asked; see `causalopt.rates`.
            UnknownNameError: An axis or a node is not declared.
        """
        roles = axis_roles(model, points, self.own_axes, self.name)
        refuse_both(self, {name: points[name] for name in roles.own})

        def ask(row: dict[str, Any]) -> Rates | None:
            own, changed = roles.own_at(row), roles.model_at(model, row)
            question = self._question(own)
            if _is_held(changed, question, own):
                return None
            check_rates(changed, **question)
            short: Rates = rates(changed, **question | {"steps": _SHORT, "transient": 0})
            return short

        found = [each for each in asked_somewhere(points, ask) if each is not None]
        if not found:
            raise QuestionError(
                "every n of the axis 'nudge' is in every set of the axis 'hold': nudge another "
                "node, or hold sets without it"
            )
        counts = (
            max(len(each.lyapunov) for each in found),
            max(len(each.conditional) for each in found),
        )
        return dataclasses.replace(self, counts=counts, unit=found[0].unit)

    def _question(self, own: dict[str, Any]) -> dict[str, Any]:
        if "seed" in own:
            own = own | {"seed": whole("seed", own["seed"])}
        return {**self.settings(), **own}

    def evaluate(
        self, model: Model, points: Points, *, workers: int | None = None
    ) -> dict[str, NDArray[Any]]:
        """Return each variable at each point, shape [point], one point after the other."""
        del workers  # a point is mostly Python
        return evaluate_points(self, model, points, self._asked)

    def _asked(self, model: Model, own: dict[str, Any]) -> tuple[dict[str, float], str]:
        question = self._question(own)
        if _is_held(model, question, own):
            return {}, "held"
        found = rates(model, **question)
        wanted = self._names
        numbers = {
            "op_rate": found.op_rate,
            "error": found.error,
            "generic_rate": found.generic_rate,
            "generic_error": found.generic_error,
        }
        for word in ("lyapunov", "lyapunov_error", "conditional", "conditional_error"):
            for k, value in enumerate(getattr(found, word), 1):
                numbers[f"{word}_{k}"] = value
        return {name: value for name, value in numbers.items() if name in wanted}, found.status

    @functools.cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(variable.name for variable in self.variables)


def _is_held(model: Model, question: dict[str, Any], own: dict[str, Any]) -> bool:
    """Return whether n lies in A where one of them is an axis of words."""
    nudge, hold, target = (question[name] for name in ("nudge", "hold", "target"))
    if not {"nudge", "hold"} & own.keys() or (nudge is None and target is None):
        return False
    asked, n, _ = one_node_each(model, nudge, target)
    return nudge_is_held(asked, asked_node(asked, n), asked.held_set(hold) or ())
