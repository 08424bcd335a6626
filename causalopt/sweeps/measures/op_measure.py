"""The measure Op: W's m, the effects of n on m, Comp and Op at one step."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import (
    Asked,
    ask_at,
    asked_hold,
    asked_node,
    asked_target,
    check_delta,
    nudge_is_held,
)
from causalopt.effects.measures import NAMES, STATUSES
from causalopt.effects.sweeps.lane_doubts import Judgement
from causalopt.effects.sweeps.one_sided_comp import comp_above
from causalopt.effects.sweeps.point_lanes import judgement_of, prepared, run_lanes, settled
from causalopt.effects.sweeps.single_points import measured_alone
from causalopt.errors import QuestionError
from causalopt.model.asked_words import one_nudge
from causalopt.model.model import Model, run_length
from causalopt.sweeps.grid_points import GridPoints
from causalopt.sweeps.sweep_axes import CHOICES, SEED
from causalopt.sweeps.swept_measure import Points, SweptVariable
from causalopt.worlds.interventions import Intervention

_NODES_A_SECOND = 1e10  # node-updates of plain arithmetic in a batch, on two cores
_MOST_POINTS = 1 << 20
_MOST_CASES = 4096  # combinations of words that are looked at before work begins
_HELD, _NO_INFLUENCE = (int(np.flatnonzero(w == NAMES)[0]) for w in ("held", "no_influence"))
_FLOATS = (
    SweptVariable("value", "f8", {"long_name": "m in W"}),
    SweptVariable("total", "f8", {"long_name": "derivative of m by n over all paths"}),
    SweptVariable("direct", "f8", {"long_name": "over the paths that avoid A"}),
    SweptVariable("comp", "f8", {"long_name": "total / direct"}),
    SweptVariable("op", "f8", {"units": "nat", "long_name": "-ln |Comp|"}),
)
_ABOVE = SweptVariable("comp_above", "f8", {"long_name": "Comp for delta -> 0 from above"})
_UNDECIDED = SweptVariable(
    "undecided", "i1", {"long_name": "whether the status is that of floats alone"}
)
_STATUS = SweptVariable("status", "i1", {"long_name": "what the numbers mean"})
Case = tuple[str | None, str | None, str | None, int]


@dataclasses.dataclass(frozen=True)
class OpMeasure:
    """Comp(A; n, m) and Op(A; n, m) at one step, in lanes.

    Attributes:
        nudge: The node n; the model's question's when None, as are A, m and the last step.
        hold: The set A.
        target: The variable m.
        steps: The last step.
        at: The step measured; the last one when None.
        delta: The nudge's size; the limit delta -> 0 when None.
        given: Further interventions that make the baseline.
        seed: Which draws noise makes.
        estimate: Whether rounding errors are estimated, and doubtful points run alone.
        data: In a model with arrays, variable without a rule -> its values, step first.
        arrays: In a model with arrays, variable -> the array it starts from.
        swept: Which of n, A, m and the seed are axes.
        is_power_axis: Whether the nudged node is the only axis, along which Comp is integrated.
    """

    nudge: str | None = None
    hold: str | None = None
    target: str | None = None
    steps: int | None = None
    at: int | None = None
    delta: float | None = None
    given: tuple[Intervention, ...] = ()
    seed: int = 0
    estimate: bool = True
    data: Mapping[str, Any] | None = None
    arrays: Mapping[str, Any] | None = None
    swept: tuple[str, ...] = ()
    is_power_axis: bool = False

    name = "op"
    drawn = "op"
    own_axes = (*CHOICES, SEED)
    python_bound = False
    whole_blocks = True
    statuses = tuple(map(str, NAMES))
    status_texts = tuple(STATUSES[str(name)] for name in NAMES)

    def __getstate__(self) -> dict[str, Any]:
        fields = {field.name for field in dataclasses.fields(self)}
        return {name: value for name, value in vars(self).items() if name in fields}

    @property
    def variables(self) -> tuple[SweptVariable, ...]:
        """What is found at a point."""
        above = (_ABOVE,) if self.is_power_axis else ()
        return (*_FLOATS, *above, _UNDECIDED, _STATUS)

    @property
    def title(self) -> str:
        """Op(A; n, m), words that are swept as their axes are called."""
        n, a, m = (name if name in self.swept else getattr(self, name) for name in CHOICES)
        step = "" if self.at is None else f" at step {self.at}"
        return f"Op({a}; {n}, {m}){step}"

    def settings(self) -> dict[str, Any]:
        """Return what decides the numbers besides model and points."""
        return {
            "nudge": self.nudge,
            "hold": self.hold,
            "target": self.target,
            "at": self.at,
            "delta": "limit" if self.delta is None else repr(self.delta),
            "given": [repr(one) for one in self.given],
            "seed": self.seed,
            "estimate": self.estimate,
            "data": _hashes(self.data),
            "arrays": _hashes(self.arrays),
        }

    def task_points(self, model: Model) -> int:
        """Return how many points take about a second, a million at most."""
        nodes = ((self.at or 0) + 1) * max(len(model.variables), 1)
        return int(min(max(_NODES_A_SECOND / nodes, 1), _MOST_POINTS))

    def resolved(self, model: Model, points: Points) -> Self:
        """Return the measure with the model's question written into it; see `SweptMeasure`."""
        if self.delta is not None:
            check_delta(self.delta)
        said = {name: points[name].tolist() for name in self.own_axes if name in points}
        for name in CHOICES:
            if name in said and getattr(self, name) is not None:
                raise QuestionError(
                    f"'{name}' is swept and given too: drop one of them (--grid {name}=..., "
                    f"--{name})"
                )
        asked = dataclasses.replace(self, swept=tuple(said))._first_asked(model, said)
        numbers = {name: points[name] for name in points if name not in self.own_axes}
        if not model.is_array and numbers:
            prepared(asked, numbers, self.delta, False)
        return dataclasses.replace(
            self,
            nudge=None if "nudge" in said else asked.node_name,
            hold=None if "hold" in said else asked.hold_name,
            target=None if "target" in said else asked.target,
            at=asked.steps,
            steps=None,
            swept=tuple(said),
            is_power_axis=[*points] == [asked.node_name],
        )

    def _first_asked(self, model: Model, said: Mapping[str, list[Any]]) -> Asked:
        """Return the question of the first n, A and m that can be asked; check all of them.

        Args:
            model: The model.
            said: Axis of words or seeds -> its values.
        """
        words = {"nudge": self.nudge, "hold": self.hold, "target": self.target}
        lists = [list(dict.fromkeys(said.get(name, [words[name]]))) for name in CHOICES]
        seed, first = int(said.get(SEED, [self.seed])[0]), None
        for n, a, m in itertools.islice(itertools.product(*lists), _MOST_CASES):
            found = self._asked(model, (n, a, m, seed))
            first = found if first is None and isinstance(found, Asked) else first
        if first is None:
            raise QuestionError(
                "every n is in every A that is swept, or after the last step: nudge another node, "
                "or hold sets without it"
            )
        return first

    def evaluate(
        self, model: Model, points: Points, *, workers: int | None = None
    ) -> dict[str, NDArray[Any]]:
        """Return each variable at each point, shape [point]; see `SweptMeasure`.

        Args:
            model: The model.
            points: Points of a grid.
            workers: Threads; one per processor when not given.
        """
        assert isinstance(points, GridPoints)
        found: dict[str, NDArray[Any]] = {
            one.name: np.zeros(points.count, dtype=one.dtype)
            if one.dtype == "i1"
            else np.full(points.count, np.nan)
            for one in self.variables
        }
        for case, lanes in self._cases(points):
            columns = self._measured(model, case, points, lanes, workers)
            for name, column in columns.items():
                found[name][lanes] = column
        return found

    def _cases(self, points: GridPoints) -> Iterator[tuple[Case, slice | NDArray[np.intp]]]:
        """Yield each n, A, m and seed of some points, and which of the points have it."""
        swept = [name for name in self.own_axes if name in points]
        words = {"nudge": self.nudge, "hold": self.hold, "target": self.target}
        if not swept:
            yield (self.nudge, self.hold, self.target, self.seed), slice(None)
            return
        columns = [np.unique(points[name], return_inverse=True) for name in swept]
        shape = tuple(len(values) for values, _ in columns)
        codes = np.ravel_multi_index([places for _, places in columns], shape)
        for code in np.unique(codes).tolist():
            own = np.unravel_index(code, shape)
            said = {n: values[k] for n, (values, _), k in zip(swept, columns, own, strict=True)}
            n, a, m = (said.get(name, words[name]) for name in CHOICES)
            yield (n, a, m, int(said.get(SEED, self.seed))), np.flatnonzero(codes == code)

    def _measured(
        self,
        model: Model,
        case: Case,
        points: GridPoints,
        lanes: slice | NDArray[np.intp],
        workers: int | None,
    ) -> dict[str, NDArray[Any]]:
        """Return what is found at some points that have one n, A, m and seed."""
        asked = self._asked(model, case)
        if isinstance(asked, int):
            return {"status": np.array(asked, dtype=np.int8)}
        numbers = {name: points[name][lanes] for name in points.numbers}
        left: NDArray[np.intp] = np.zeros(0, dtype=np.intp)
        if model.is_array:
            columns = self._of_arrays(asked, numbers, len(points.places[lanes]))
        elif not numbers:
            columns = measured_alone(asked, self.delta)
        else:
            judgement = self._judged(model, case, points) if self.estimate else None
            work = prepared(asked, numbers, self.delta, self.estimate, judgement)
            columns = run_lanes(work, workers)
            left = settled(
                work,
                columns,
                estimate=self.estimate,
                grid=points.blocks,
                places=points.places[lanes],
            )
            near = np.flatnonzero(columns.pop("near"))
            if self.is_power_axis:
                spacing = points.smallest_step(asked.node_name)
                columns["comp_above"] = comp_above(work, columns["comp"], near, spacing)
        undecided = np.zeros(len(columns["codes"]), dtype=np.int8)
        undecided[left] = 1
        renamed = {"value": columns.pop("values"), "status": columns.pop("codes")}
        return {**columns, **renamed, "undecided": undecided}

    def _of_arrays(
        self, asked: Asked, numbers: Mapping[str, NDArray[Any]], count: int
    ) -> dict[str, NDArray[Any]]:
        """Return what is found in a model with arrays."""
        from causalopt.effects.arrays.array_sweep import sweep_arrays  # few models have any

        if not numbers:
            numbers = {SEED: np.full(count, asked.seed)}
        return sweep_arrays(
            asked.model,
            numbers,
            node=asked.nudge,
            hold=asked.hold,
            measured=asked.model.target(asked.target),
            steps=asked.steps,
            given=asked.given,
            data=self.data,
            initial=self.arrays,
            seed=asked.seed,
        )

    def _judged(self, model: Model, case: Case, points: GridPoints) -> Judgement:
        """Return what samples of the whole grid say of one n, A, m and seed, asked once."""
        if case not in self._judgements:
            asked = self._asked(model, case)
            assert isinstance(asked, Asked)
            work = prepared(asked, points.samples(), self.delta, self.estimate, Judgement())
            self._judgements[case] = judgement_of(work)
        return self._judgements[case]

    def _asked(self, model: Model, case: Case) -> Asked | int:
        """Return a question, or the status of all of its points, asked once."""
        if case not in self._questions:
            self._questions[case] = self._read(model, case)
        return self._questions[case]

    def _read(self, model: Model, case: Case) -> Asked | int:
        nudge, hold, target, seed = case
        said = nudge if nudge is not None else model.question.nudge
        if said is not None and {"nudge", "hold"} & {*self.swept}:
            apart = self._is_apart(model, said, hold)
            if apart is not None:
                return apart
        if model.is_array:
            return self._read_arrays(model, case)
        return ask_at(
            model,
            self.at,
            steps=self.steps,
            nudge=nudge,
            hold=hold,
            target=target,
            given=self.given,
            seed=seed,
        )

    def _read_arrays(self, model: Model, case: Case) -> Asked:
        """Return the question of a model with arrays, which is asked in the limit."""
        nudge, hold, target, seed = case
        if self.delta is not None:
            raise QuestionError(
                "a sweep of a model with arrays takes the limit delta -> 0: ask `run` for finite "
                "nudges"
            )
        last = self.steps if self.at is None else self.at
        node = asked_node(model, one_nudge(nudge))
        selection = asked_hold(model, hold, nudge=node, target=target, steps=last, given=self.given)
        measured, steps = asked_target(model, target), run_length(model, last)
        model.check_nudge(node, selection, steps)
        return Asked(model, node, selection, measured, steps, self.given, seed)

    def _is_apart(self, model: Model, nudge: str, hold: str | None) -> int | None:
        """Return the status of points where n is in A or after the step; None elsewhere."""
        own, said, _ = model.asking(nudge) if not model.is_array else (model, nudge, None)
        node = own.node(said)  # type: ignore[arg-type]
        last = run_length(model, self.steps if self.at is None else self.at)
        if node.t > last:
            return _NO_INFLUENCE
        selection = asked_hold(own, hold, nudge=node, target=None, steps=last, given=self.given)
        return _HELD if nudge_is_held(own, node, selection) else None

    @functools.cached_property
    def _questions(self) -> dict[Case, Asked | int]:
        return {}

    @functools.cached_property
    def _judgements(self) -> dict[Case, Judgement]:
        return {}


def _hashes(arrays: Mapping[str, Any] | None) -> dict[str, str]:
    """Return a hash of each array's shape and values."""
    found = {name: np.ascontiguousarray(values) for name, values in (arrays or {}).items()}
    return {
        name: hashlib.sha256(repr(values.shape).encode() + values.tobytes()).hexdigest()[:16]
        for name, values in found.items()
    }
