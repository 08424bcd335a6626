"""Orbits of a model as a map on its state, many at once, that go on from where they stopped."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from causalopt.engine.batch import Batch, BatchRunner
from causalopt.engine.batch_choice import batch_runner
from causalopt.engine.contract import Floats
from causalopt.engine.processor_count import processors
from causalopt.errors import QuestionError
from causalopt.language.term import leaves
from causalopt.model.model import Model
from causalopt.work.threads import on_threads
from causalopt.worlds.interventions import plan_for

_WORTH = 200_000  # steps of lanes from which threads share them
_KEPT = 1 << 24  # numbers kept of one call


class OrbitLanes:
    """A model's orbits. The state holds every initial value that the model takes.

    Attributes:
        names: The declared variables that start with a value, one a row of what is returned.
        slots: `(t, equation)` of the values in a state, in their order.

    Raises:
        QuestionError: The model has noise, reads its clock, or has no rule for some variable.
    """

    def __init__(self, model: Model, workers: int | None = None) -> None:
        self._model, self._workers = model, workers or processors()
        template = model.template
        _check_map(model)
        # Stages of an integrator start with values too, but nothing reads them.
        carried = [
            i
            for i, equation in enumerate(template.equations)
            if equation.initial and equation.name == equation.owner
        ]
        self.names = tuple(template.equations[i].name for i in carried)
        self.slots = [(t, i) for i in carried for t in range(len(template.equations[i].initial))]
        self._columns = tuple(carried)
        self._depth = max(len(equation.initial) for equation in template.equations)
        self._runners: dict[tuple[int, int], BatchRunner] = {}

    def start(self, values: Mapping[str, Floats]) -> Floats:
        """Return states, shape [slot, lane], the model's own initial values where none is given.

        Args:
            values: Node such as `a[0]` -> its value in each lane, shape [lane].
        """
        template, count = self._model.template, len(next(iter(values.values())))
        states = np.empty((len(self.slots), count))
        for row, (t, i) in enumerate(self.slots):
            states[row] = template.initial_values(template.equations[i].name)[t]
        for name, column in values.items():
            node = self._model.node(name)
            states[self.slots.index((node.t, template.index[node.variable]))] = column
        return states

    def now(self, states: Floats) -> Floats:
        """Return the latest value of each variable in states, shape [variable, lane]."""
        last = {i: row for row, (_, i) in enumerate(self.slots)}
        return states[[last[i] for i in self._columns]]

    def beside(self, state: Floats, apart: Floats) -> Floats:
        """Return states on either side of one, along each variable in turn, [slot, lane].

        Args:
            state: Shape [slot, 1].
            apart: How far, shape [variable].
        """
        lanes = []
        for column, size in zip(self._columns, apart.tolist(), strict=True):
            for sign in (-1.0, 1.0):
                moved = state[:, 0].copy()
                for row, (_, i) in enumerate(self.slots):
                    if i == column:
                        moved[row] += sign * size
                lanes.append(moved)
        return np.array(lanes).T

    def advance(self, states: Floats, steps: int, stride: int = 1) -> tuple[Floats, Floats]:
        """Return what orbits do next, and the states in which they end.

        Args:
            states: Shape [slot, lane].
            steps: How many times `stride` steps.
            stride: Only every so many steps are returned.

        Returns:
            The variables at every `stride`-th step, shape [step, variable, lane], and the states
            after the last.
        """
        lanes = states.shape[1]
        most = max(_KEPT // (len(self.names) * steps), 1)
        parts = [
            self._advance(states[:, first : first + most], steps, stride)
            for first in range(0, lanes, most)
        ]
        if len(parts) == 1:
            return parts[0]
        rows, ends = zip(*parts, strict=True)
        return np.concatenate(rows, axis=2), np.concatenate(ends, axis=1)

    def _advance(self, states: Floats, steps: int, stride: int) -> tuple[Floats, Floats]:
        base, last = self._depth - 1, self._depth - 1 + steps * stride
        looks = [base + stride * k for k in range(1, steps + 1)]
        keep = sorted({*looks, *range(max(last - base, 0), last + 1)})
        batch = self._batch(states, keep)
        prepared = self._runners.get((steps, stride))
        if prepared is None:
            prepared = batch_runner(self._model.template.structure, batch)
            self._runners[steps, stride] = prepared
        runner = prepared.over(batch)
        size = -(-batch.count // self._workers) if batch.count * last > _WORTH else batch.count
        tasks = runner.tasks(size)
        results = on_threads(runner.run, tasks, len(tasks), counts=False)
        kept = np.concatenate([found.values["w"] for found in results], axis=2)
        where = {t: k for k, t in enumerate(keep)}
        places = {i: k for k, i in enumerate(self._columns)}
        ends = np.array([kept[where[last - base + t], places[i]] for t, i in self.slots])
        return kept[[where[t] for t in looks]], ends

    def _batch(self, states: Floats, keep: list[int]) -> Batch:
        return Batch(
            plan=plan_for(self._model, steps=keep[-1]),
            starts=dict(zip(self.slots, states, strict=True)),
            parameters={},
            keep=tuple(keep),
            outputs=self._columns,
            mode="values",
        )


def _check_map(model: Model) -> None:
    """Refuse what is no map of its state onto itself."""
    if model.is_static:
        raise QuestionError(
            f"'{model.name}' has no time: there are no orbits, and nothing to attract them"
        )
    if any(variable.noise is not None for variable in model.variables.values()):
        raise QuestionError(
            f"'{model.name}' has noise: its orbits settle nowhere. `escape` and the stationary law "
            "are for random maps"
        )
    for equation in model.template.equations:
        if equation.rule is None:
            raise QuestionError(
                f"'{equation.owner}' follows no rule, so the model is no map of its own"
            )
        if any(leaf.op in ("t", "time") for leaf in leaves(equation.rule)):
            raise QuestionError(
                f"'{equation.owner}' reads its clock: attractors of a model that changes in time "
                "are not found by recurrences; make the phase a variable"
            )
