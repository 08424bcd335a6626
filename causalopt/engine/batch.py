"""Batches: one plan run for many starting values, parameter values and draws of noise at once.

Machine code runs them where it can be made (`machine.batch_code`), numpy where it cannot
(`batch_arrays`), and `batch_choice` chooses: the same contract, lane by lane. A lane's result does
not depend on how many there are, nor on how they are shared out among calls, which threads may make
at the same time.
"""

from __future__ import annotations

import abc
import copy
import dataclasses
import itertools
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.contract import Floats, Plan
from causalopt.errors import QuestionError

LANES = 32  # the most that machine code takes through a step together
TASK = 16384  # lanes of one call: fewer wait for the interpreter, more leave the cache


@dataclasses.dataclass(frozen=True, eq=False)
class Batch:
    """What is run: one plan, and what differs from lane to lane.

    Attributes:
        plan: The part all lanes share; its seed is the nudged node.
        starts: Node `(t, equation)` -> its values, shape [lane].
        parameters: Place of a parameter -> its values, shape [lane].
        keep: Steps to keep, in ascending order.
        outputs: Equations to keep.
        mode: `values`, `tangents` or `finite`.
        delta: The nudge's size in the mode `finite`.
        estimate: Whether the rounding error of tangents is estimated.
        contract: Whether a product and a sum may be one rounding.
        watch: Whether each lane's first non-finite node is noted.
        near: Whether lanes are noted that pass a kink within rounding.
        drawn: Equation -> the values it is given at every step of the plan, shape [t, lane]: noise.
    """

    plan: Plan
    starts: Mapping[tuple[int, int], Floats]
    parameters: Mapping[int, Floats]
    keep: tuple[int, ...]
    outputs: tuple[int, ...]
    mode: str = "tangents"
    delta: float = 0.0
    estimate: bool = True
    contract: bool = False
    watch: bool = False
    near: bool = False
    drawn: Mapping[int, Floats] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        sizes = {np.shape(a) for a in [*self.starts.values(), *self.parameters.values()]}
        sizes |= {np.shape(table)[1:] for table in self.drawn.values()}
        if not sizes:
            raise QuestionError(
                "a batch needs values that differ from lane to lane: give starts "
                "or parameters as arrays"
            )
        if any(len(table) != self.plan.steps + 1 for table in self.drawn.values()):
            raise QuestionError(
                f"draws have a row for each of the {self.plan.steps + 1} steps, shape [t, lane]"
            )
        if len(sizes) > 1 or any(len(size) != 1 for size in sizes):
            raise QuestionError(
                "starts and parameters of a batch are arrays of one length, shape [lane]; found "
                f"the shapes {', '.join(map(str, sorted(sizes)))}"
            )
        if self.count == 0:
            raise QuestionError("the batch is empty: give arrays with at least one value")
        for name, arrays in (("start", self.starts), ("parameter", self.parameters)):
            for place, values in arrays.items():
                bad = np.flatnonzero(~np.isfinite(values))
                if len(bad):
                    raise QuestionError(
                        f"the {name} {place} is {values[bad[0]]} in lane {bad[0]}: values must be "
                        "finite numbers"
                    )
        if not self.keep or list(self.keep) != sorted(set(self.keep)):
            raise QuestionError("the steps to keep are whole numbers in ascending order")
        if self.keep[0] < 0 or self.keep[-1] > self.plan.steps:
            raise QuestionError(f"the steps to keep lie between 0 and {self.plan.steps}")
        seed = self.plan.seed
        if seed is not None and self.plan.held_at(seed[0])[seed[1]]:
            raise QuestionError("the nudged node is in the held set A: the nudge is made in B")

    @property
    def letters(self) -> str:
        """The quantities of a node that are kept."""
        return letters_of(self.mode, self.estimate)

    @property
    def count(self) -> int:
        """How many lanes."""
        arrays = [*self.starts.values(), *self.parameters.values()]
        return len(arrays[0]) if arrays else next(iter(self.drawn.values())).shape[1]

    def slice(self, lanes: slice | NDArray[np.intp]) -> Batch:
        """Return the batch of some of the lanes."""
        return dataclasses.replace(
            self,
            starts={node: values[lanes] for node, values in self.starts.items()},
            parameters={place: values[lanes] for place, values in self.parameters.items()},
            drawn={equation: table[:, lanes] for equation, table in self.drawn.items()},
        )


@dataclasses.dataclass(frozen=True)
class BatchResult:
    """What was kept of a batch.

    Attributes:
        values: World (`w`; with tangents `x`, `y`, `p`, `q` mantissas; finite `x`, `y`) -> kept
            values, shape [kept step, output, lane].
        exponents: Of total and direct tangents, shape [kept step, 2, lane].
        kink: The first step on a kink, -1 for none so far, shape [kept step, lane].
        bad: First non-finite node as 2 (t V + i) + 1 for an infinity, -1 for none, likewise.
        near: Whether the lane passed a kink within rounding, likewise.
        execution: What ran it: `llvm` or `numpy`.
    """

    values: dict[str, Floats]
    exponents: NDArray[np.int64]
    kink: NDArray[np.int64]
    bad: NDArray[np.int64]
    near: NDArray[np.int64]
    execution: str


def letters_of(mode: str, estimate: bool) -> str:
    """Return the quantities of a node that a mode carries."""
    tangents = "wxypq" if estimate else "wxy"
    return {"values": "w", "finite": "wxy"}.get(mode, tangents)


class BatchRunner(abc.ABC):
    """A batch made ready to run; `run` takes any stretch of its lanes, from any thread.

    Attributes:
        execution: As results report it: `llvm` or `numpy`.
    """

    execution: ClassVar[str]

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    @abc.abstractmethod
    def run(self, lanes: slice) -> BatchResult:
        """Run some lanes."""

    def over(self, batch: Batch) -> BatchRunner:
        """Return a runner of other values in the same places: nothing is prepared again."""
        if batch.starts.keys() != self._batch.starts.keys():
            raise QuestionError("a prepared batch takes other values of the same nodes")
        if batch.drawn.keys() != self._batch.drawn.keys():
            raise QuestionError("a prepared batch takes other draws of the same variables")
        if (batch.keep, batch.outputs) != (self._batch.keep, self._batch.outputs):
            raise QuestionError("a prepared batch keeps the same steps of the same variables")
        mine, theirs = self._batch.plan, batch.plan
        if mine is not theirs and not (
            mine.steps == theirs.steps
            and mine.seed == theirs.seed
            and np.array_equal(mine.forced, theirs.forced)
            and np.array_equal(mine.held, theirs.held)
        ):
            raise QuestionError("a prepared batch takes a plan of the same nodes, n and A")
        other = copy.copy(self)
        other._batch = batch
        return other

    def tasks(self, size: int = TASK) -> list[slice]:
        """Return stretches of lanes that cover the batch."""
        count = self._batch.count
        return [slice(start, min(start + size, count)) for start in range(0, count, size)]

    @property
    def careful_rows(self) -> int:
        """How many leading steps are told what some node is given."""
        batch = self._batch
        rows = [len(batch.plan.forced), *(t + 1 for t, _ in batch.starts)]
        return max([*rows, batch.plan.steps + 1] if batch.drawn else rows)

    def segments(self) -> list[tuple[int, int]]:
        """Return the plan's segments up to the last kept step, cut where steps are kept."""
        plan, keep = self._batch.plan, self._batch.keep
        edges = {t for segment in plan.segments() for t in segment}
        edges |= {t + 1 for t in keep} | {min(self.careful_rows, plan.steps + 1)}
        pairs = itertools.pairwise(sorted(edges))
        return [(t0, t1) for t0, t1 in pairs if t0 <= keep[-1]]
