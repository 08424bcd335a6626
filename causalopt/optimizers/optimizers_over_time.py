"""Ranks against time: Op of candidate sets at every step, and which of them is the best when."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.measures import NAMES, measure, status_codes
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.optimizers.set_effects import SetEffects
from causalopt.optimizers.set_search import WITH_NUMBER, as_tuples
from causalopt.results import Plotted, Tabled, labelled, plain, plain_number

if TYPE_CHECKING:
    import xarray

    from causalopt.effects.asked import Asked
    from causalopt.optimizers.node_sets import NodeSets

_TOLD = 1000  # steps
_SHOWN = 20
_SINGLE = 50  # single parts that are followed besides


@dataclasses.dataclass(frozen=True)
class Reign:
    """Steps one after another at which the same set is the best.

    Attributes:
        first: The first of them.
        last: The last.
        hold: The set's parts; empty where no set has an Op that is known.
        op: Its Op at the last of them, in nats.
        status: Its status there, a key of `causalopt.STATUSES`.
    """

    first: int
    last: int
    hold: tuple[str, ...]
    op: float
    status: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        ends = {"first": self.first, "last": self.last}
        op = plain_number(self.op)
        return {**ends, "hold": list(self.hold), "op": op, "status": self.status}


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class OptimizersOverTime(Plotted, Tabled):
    """Op of candidate sets, step by step.

    Attributes:
        asked: The question, among numbers.
        nudge: The node n as the user writes it.
        target: The measured variable, among numbers.
        sets: The parts of each set.
        t: The steps, shape [t].
        op: Nats, shape [t, set].
        comp: Shape [t, set].
        status: Keys of `causalopt.STATUSES`, shape [t, set].
    """

    asked: Asked
    nudge: str
    target: str
    sets: tuple[tuple[str, ...], ...]
    t: NDArray[np.int64]
    op: Floats
    comp: Floats
    status: NDArray[np.str_]

    @functools.cached_property
    def best(self) -> NDArray[np.int64]:
        """The place of the best set, shape [t]; -1 where no set has an Op that is known.

        Of sets that are equal to rounding it is the one that ranks first at the end.
        """
        known = np.isin(self.status, NAMES[WITH_NUMBER]) & ~np.isnan(self.op)
        with np.errstate(invalid="ignore"):
            level = np.where(np.isfinite(self.op), np.round(self.op, 10), self.op)
        found = np.where(known, level, -np.inf).argmax(axis=1)
        return np.where(known.any(axis=1), found, -1)

    @property
    def reigns(self) -> list[Reign]:
        """Which set is the best from when to when."""
        changes = np.flatnonzero(np.diff(self.best)) + 1
        found = []
        for low, high in zip([0, *changes], [*changes, len(self.t)], strict=True):
            place, last = int(self.best[low]), high - 1
            hold = self.sets[place] if place >= 0 else ()
            op = float(self.op[last, place]) if place >= 0 else float("nan")
            status = str(self.status[last, place])
            found.append(Reign(int(self.t[low]), int(self.t[last]), hold, op, status))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON's types."""
        return {
            "model": self.asked.model.name,
            "nudge": self.nudge,
            "target": self.target,
            "step": self.t.tolist(),
            "sets": [list(hold) for hold in self.sets],
            "op": [plain(row) for row in self.op],
            "status": self.status.tolist(),
            "reigns": [reign.to_dict() for reign in self.reigns],
        }

    @property
    def dataset(self) -> xarray.Dataset:
        """Op, Comp and status with labelled axes `t` and `candidate`, and provenance."""
        return labelled(self)

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers: model, settings and versions."""
        given = "; ".join(repr(i) for i in self.asked.given)
        return self.asked.provenance_with(given=given, seed=str(self.asked.seed))

    def __repr__(self) -> str:
        name = self.asked.model.name
        lines = [f"the best of {len(self.sets)} sets A for ({self.nudge}, {self.target}) in {name}"]
        for reign in self.reigns[:_SHOWN]:
            steps = (
                str(reign.first) if reign.first == reign.last else f"{reign.first}..{reign.last}"
            )
            text = "{" + ", ".join(reign.hold) + "}" if reign.hold else "none"
            told = f"Op {reign.op:.6g} at its end, {reign.status}" if reign.hold else reign.status
            lines.append(f"  t = {steps:<12} {text:<20} {told}")
        if len(self.reigns) > _SHOWN:
            lines.append(f"  ... and {len(self.reigns) - _SHOWN} more changes")
        return "\n".join(lines)


def follow(
    asked: Asked, nudge: str, labels: Sequence[str], sets: NodeSets, count: int, every: int | None
) -> OptimizersOverTime:
    """Return Op of the best candidates, and of single parts, at every step.

    Args:
        asked: The question, among numbers.
        nudge: The node n as the user writes it.
        labels: The parts as the user writes them.
        sets: The candidates, best first.
        count: How many of the best are followed.
        every: From one step told to the next; such that about 1,000 are, when None.

    Raises:
        QuestionError: There is none, or the model has no time.
    """
    if asked.model.is_static:
        raise QuestionError(f"'{asked.model.name}' has no time: its ranks do not change")
    if count < 1:
        raise QuestionError(f"count must be at least 1, found {count}")
    first = asked.nudge.t
    stride = every if every is not None else max(1, (asked.steps - first) // _TOLD)
    if stride < 1:
        raise QuestionError(f"every must be at least 1, found {every}")
    steps = np.arange(asked.steps, first - 1, -stride, dtype=np.int64)[::-1]
    sizes = (sets.members >= 0).sum(axis=1)
    places = np.union1d(np.arange(min(count, len(sets))), np.flatnonzero(sizes == 1)[:_SINGLE])
    chosen = sets.unions(sets.members[places])
    effect = SetEffects(asked, at=steps.tolist()).of(chosen).effect
    measures, codes = measure(effect), status_codes(effect)
    names = tuple(tuple(labels[k] for k in row) for row in as_tuples(chosen.members))
    return OptimizersOverTime(
        asked, nudge, asked.target, names, steps, measures.op, measures.comp, NAMES[codes]
    )
