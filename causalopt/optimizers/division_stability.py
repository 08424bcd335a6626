"""Whether the same division wins from other starting points, for other nudges, under other noise.

The frequencies are those of stability selection (Meinshausen & Bühlmann 2010): how often a set
wins, and how often a variable belongs to a winner.
"""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import ask
from causalopt.engine.contract import Bools, Floats
from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.optimizers.binomial_interval import BinomialInterval, binomial_interval
from causalopt.optimizers.cut_sizes import CutSizes, Price
from causalopt.optimizers.minimal_sets import TIE
from causalopt.optimizers.natural_division import HALVING
from causalopt.optimizers.set_lists import MOST, Held, SetList, set_list
from causalopt.optimizers.start_effects import DOUBTFUL, USABLE, StartEffects
from causalopt.optimizers.starting_points import starting_points
from causalopt.results import Plotted, Tabled, labelled, plain_number
from causalopt.work.progress import Progress, long_work, through
from causalopt.worlds.interventions import Intervention

if TYPE_CHECKING:
    import xarray

Winners = tuple[Held, ...]  # the sets that tie; none where no set is worth its price


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class DivisionStability(Plotted, Tabled):
    """Which divisions win, and how often.

    Attributes:
        model: The model.
        nudges: The nudged nodes n, as the user writes them.
        target: The variable m.
        steps: The last step.
        price: What a set is charged for.
        cost: What one of them costs, in nats.
        listed: Which variables A may hold, and how far their sets were tried.
        law: What starting points were drawn from.
        winners: The winners of each case; none where the empty set wins, shape [nudge, start].
        op: Their Op in nats, 0 of the empty set, shape [nudge, start].
        reached: Whether n reaches m there, with or without some A, shape [nudge, start].
        unsure: How many sets had no certain Op there, shape [nudge, start].
        provenance: What made these numbers: model, settings and versions.
    """

    model: Model
    nudges: tuple[str, ...]
    target: str
    steps: int
    price: Price
    cost: float
    listed: SetList
    law: str
    winners: tuple[tuple[Winners, ...], ...]
    op: Floats
    reached: Bools
    unsure: NDArray[np.int64]
    provenance: Mapping[str, str]

    @property
    def count(self) -> int:
        """How many cases there are, of nudge and starting point, in which n reaches m."""
        return int(self.reached.sum())

    @property
    def divisions(self) -> list[tuple[Winners, BinomialInterval]]:
        """The divisions that win anywhere, the most frequent first, with their shares of cases.

        The intervals are exact for one nudge: cases of one starting point are not independent.
        """
        found = collections.Counter(self._cases())
        return [(w, binomial_interval(n, self.count)) for w, n in found.most_common()]

    @property
    def members(self) -> dict[str, BinomialInterval]:
        """Variable -> in how many cases it belongs to a set that wins."""
        cases = [set().union(*winners) for winners in self._cases()]
        return {
            name: binomial_interval(sum(name in case for case in cases), self.count)
            for name in self.listed.core
        }

    def _cases(self) -> list[Winners]:
        """Return the winners of the cases in which n reaches m."""
        pairs = zip(self.winners, self.reached.tolist(), strict=True)
        return [
            w for row, seen in pairs for w, is_reached in zip(row, seen, strict=True) if is_reached
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON's types."""
        median = float(np.median(self.op[self.reached])) if self.count else math.nan
        return {
            "nudges": list(self.nudges),
            "target": self.target,
            "price": self.price,
            "cost": self.cost,
            "law": self.law,
            "cases": self.count,
            "drawn": self.reached.size,
            "complete": self.listed.is_complete,
            "divisions": [
                {"sets": [list(hold) for hold in winners], **share.to_dict()}
                for winners, share in self.divisions
            ],
            "members": {name: share.to_dict() for name, share in self.members.items()},
            "unsure": int(self.unsure.sum()),
            "op_median": plain_number(median),
        }

    @property
    def dataset(self) -> xarray.Dataset:
        """Winners and their Op by nudge and starting point, and how often each variable is in."""
        return labelled(self)

    def __repr__(self) -> str:
        lines = [
            f"divisions of {self.model.name} from {self.op.shape[1]} starting points, "
            f"n = {', '.join(self.nudges)}, m = {self.target}"
        ]
        for winners, share in self.divisions[:6]:
            names = " = ".join("{" + ", ".join(hold) + "}" for hold in winners) or "none"
            lines.append(f"  {share}: {names}")
        silent = self.reached.size - self.count
        if silent:
            lines.append(f"  in {silent} cases more n does not reach m")
        if self.unsure.any():
            lines.append(f"  {int(self.unsure.sum())} times a set had no certain Op")
        return "\n".join(lines)


@long_work("dividing")
def division_stability(
    model: Model,
    *,
    nudge: Nudged | None = None,
    target: str | None = None,
    steps: int | None = None,
    delta: float | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    starts: int = 32,
    within: Mapping[str, Sequence[float]] | None = None,
    nudges: Sequence[str | Node] = (),
    price: Price = "node",
    cost: float = HALVING,
    window: int = 1,
    among: Sequence[str] | None = None,
    most: int = MOST,
) -> DivisionStability:
    """Divide a model from many starting points, for one nudge or several: how often does what win?

    Every case is a starting point with noise of its own, and a nudge. A is the same family of sets
    in all: none holds m or the variable of any nudge. Sets of up to the size at which no more than
    `most` are tried count; larger ones are not grown.

    Args:
        model: The model; its question gives what is not given here.
        nudge: The node n.
        target: The variable m, measured at the last step.
        steps: The last step.
        delta: The nudge's size; the limit delta -> 0 when not given. Whole numbers need it.
        given: Interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which starting points are drawn.
        progress: Called with (done, total, what), in nodes n.
        starts: How many.
        within: Variable -> (low, high), the box that they are drawn from, uniformly; others keep
            their value. When not given, v +- max(1, |v|)/2 around every starting value v, and
            whole numbers by their law at t = 0.
        nudges: Further nodes n.
        price: What a set is charged for: `node` or `edge`.
        cost: What each of them costs, in nats.
        window: How many of the last steps count.
        among: The variables that A may hold.
        most: How many sets are tried.

    Raises:
        QuestionError: The question cannot be asked of this model.
        UnknownNameError: It names a variable that the model does not declare.

    Example:
        >>> from causalopt import load
        >>> print(division_stability(load("thermostat"), steps=99, starts=9).divisions[0][1])
        9 of 9 [0.66, 1.00]
    """
    del progress  # long_work tells it
    if starts < 2:
        raise QuestionError(f"starts must be at least 2: they are drawn; found {starts}")
    asked = ask(
        model,
        nudge=nudge,
        hold=[],
        target=target,
        steps=steps,
        given=given,
        parameters=parameters,
        initial=initial,
        seed=seed,
    )
    if isinstance(nudges, str):
        raise QuestionError(f"nudges is a list of nodes, such as ['{nudges}'], found a text")
    every = list(dict.fromkeys([asked.nudge, *(asked.model.node(n) for n in nudges)]))
    for node in every:
        asked.model.check_nudge(node, (), asked.steps)
    listed = set_list(asked.model, every, asked.target, among=among, most=most)
    points = starting_points(asked.model, starts, within=within, seed=seed)
    tried = list(listed.sets())
    holds, sizes = CutSizes(asked.model, price, listed.idle).of(tried)
    rows = []
    for node in through(every):
        one = dataclasses.replace(asked, nudge=node)
        effects = StartEffects(one, points, window=window, delta=delta)
        rows.append(_winners(effects, tried, holds, cost * sizes.astype(float)))
    winners, op, reached, unsure = zip(*rows, strict=True)
    return DivisionStability(
        asked.model,
        tuple(asked.model.node_text(node) for node in every),
        asked.target,
        asked.steps,
        price,
        float(cost),
        listed,
        points.law,
        winners,
        np.array(op),
        np.array(reached),
        np.array(unsure),
        asked.provenance_with(starts=str(starts), law=points.law, seed=str(seed), price=price),
    )


def _winners(
    effects: StartEffects, tried: Sequence[Held], holds: Sequence[Held], costs: Floats
) -> tuple[tuple[Winners, ...], Floats, Bools, NDArray[np.int64]]:
    """Return the winners at each starting point, their Op, where n reaches m, and what is unsure.

    Args:
        effects: The effects of one nudge.
        tried: The sets.
        holds: The same with the idle variables on their side.
        costs: What each costs, in nats.
    """
    bare = effects.measures(())
    reached = bare.status[0] != "no_influence"
    if not tried:
        count = effects.points.count
        nothing = np.zeros(count, dtype=np.int64)
        return ((),) * count, np.zeros(count), reached, nothing
    found = [effects.measures(hold) for hold in tried]
    op = np.array([one.op[0] for one in found])
    status = np.array([one.status[0] for one in found])
    reached = reached | (status != "no_influence").any(axis=0)
    unsure = np.isin(status, DOUBTFUL).sum(axis=0)
    own = np.where(np.isin(status, USABLE) & ~np.isnan(op), op, -np.inf)
    cases = [_winner(column, costs) for column in own.T]
    winners = tuple(tuple(holds[j] for j in places) for places in cases)
    tops = [
        float(column[places].max()) if places else 0.0
        for column, places in zip(own.T, cases, strict=True)
    ]
    return winners, np.array(tops), reached, unsure


def _winner(op: Floats, costs: Floats) -> list[int]:
    """Return the places of the sets that win, none where the empty set does.

    Args:
        op: Nats, -inf where it is not certain, shape [set].
        costs: Nats, shape [set].
    """
    perfect = np.isposinf(op)
    worth = np.where(perfect, -costs, -np.inf) if perfect.any() else op - costs
    best = float(worth.max())
    slack = TIE * max(1.0, abs(best))
    if not perfect.any() and best <= slack:
        return []
    found: list[int] = np.flatnonzero(worth >= best - slack).tolist()
    return found
