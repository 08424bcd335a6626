"""A natural division: which split into A and B is sharpest, under a price for what A holds.

Maximises Op(A; n, m) - price * size(A) over sets A of variables, for all prices at once.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from causalopt.effects.asked import Asked, ask, check_delta
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.optimizers.cut_sizes import CutSizes, Price
from causalopt.optimizers.minimal_sets import MinimalSets, is_tie, minimal_sets
from causalopt.optimizers.regularised_path import (
    PathPoint,
    RegularisedPath,
    Split,
    regularised_path,
)
from causalopt.optimizers.set_lists import MOST, SetList, set_list
from causalopt.optimizers.split_search import SplitSearch, Tried
from causalopt.optimizers.starting_points import OWN
from causalopt.results import Plotted, Tabled, labelled, plain_number
from causalopt.work.progress import Progress, long_work, portion
from causalopt.worlds.interventions import Intervention

if TYPE_CHECKING:
    import xarray

HALVING = math.log(2)
_SHOWN = 8
_FEWEST_CUT = 2  # edges that a set on a path cuts at least: one into it, one out of it


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class NaturalDivision(Asked, Plotted, Tabled):
    """Splits of a model into A and B, the best of each size, and which wins at which price.

    Attributes:
        price: What a set is charged for: its variables (`node`) or the edges that it cuts (`edge`).
        cost: What one of them costs, in nats.
        share: Of the best Op, what a minimal set carries.
        window: How many of the last steps count.
        delta: The nudge's size; None for the limit delta -> 0.
        listed: Which variables A may hold, and up to which size all their sets were tried.
        tried: The sets, with Op and status.
        path: The best sets of each size, and the prices at which they win.
        beyond: What the Op of no set that was not tried exceeds, in nats; -inf where all were.
        law: What the starting point was drawn from, where the model declares a law at t = 0.
    """

    price: Price
    cost: float
    share: float
    window: int
    delta: float | None
    listed: SetList
    tried: Tried
    path: RegularisedPath
    beyond: float
    law: str

    @property
    def best(self) -> PathPoint:
        """The winner at the cost asked for; the empty set where no set is worth its price."""
        return self.path.at(self.cost)

    @functools.cached_property
    def minimal(self) -> MinimalSets:
        """The minimal sets that carry the share asked for."""
        return self.minimal_sets(self.share)

    def minimal_sets(self, share: float) -> MinimalSets:
        """Return all inclusion-minimal sets whose Op is a share of the best.

        Args:
            share: Above 0, at most 1.

        Raises:
            QuestionError: It is neither.
        """
        op = np.where(self.tried.usable, self.tried.op, -np.inf)
        complete = self.listed.is_complete
        return minimal_sets(self.tried.sets, op, _checked(share), is_complete=complete)

    @property
    def statuses(self) -> dict[str, int]:
        """How many of the sets tried have each status."""
        return dict(sorted(collections.Counter(self.tried.status.tolist()).items()))

    @property
    def is_certain(self) -> bool:
        """Whether no set that was not tried can win at the cost asked for."""
        least = self.listed.whole + 1 if self.price == "node" else _FEWEST_CUT
        return self.beyond - self.cost * least <= self.best.op - self.cost * self.best.size

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON's types: infinities as "inf" and "-inf", undefined as None."""
        return {
            "model": self.model.name,
            "nudge": self.node_name,
            "target": self.target,
            "steps": self.steps,
            "law": self.law,
            "window": self.window,
            "delta": self.delta,
            "price": self.price,
            "cost": self.cost,
            "core": list(self.listed.core),
            "idle": list(self.listed.idle),
            "tried": len(self.tried.sets),
            "complete": self.listed.is_complete,
            "certain": self.is_certain,
            "statuses": self.statuses,
            "best": self.best.to_dict(),
            "path": [point.to_dict() for point in self.path.points],
            "breakpoints": [plain_number(value) for value in self.path.breakpoints],
            "minimal": self.minimal.to_dict(),
        }

    @property
    def dataset(self) -> xarray.Dataset:
        """Op of every set tried, and the path over sizes, with provenance."""
        return labelled(self)

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers: model, settings and versions."""
        return self.provenance_with(
            given="; ".join(repr(i) for i in self.given),
            seed=str(self.seed),
            price=self.price,
            cost=repr(self.cost),
            window=str(self.window),
            delta=str(self.delta),
        )

    def __repr__(self) -> str:
        unit = {"node": "variable", "edge": "cut edge"}[self.price]
        m = self.model.node_text(Node(self.target, self.steps))
        what = "all" if self.listed.is_complete else f"all of up to {self.listed.whole}"
        lines = [
            f"division of {self.model.name}, n = {self.node_name}, m = {m}: "
            f"{len(self.tried.sets)} sets of {len(self.listed.core)} variables tried, {what}"
        ]
        if self.law != OWN:
            lines.append(f"  from one starting point, seed {self.seed}: {self.law}")
        for point in self.path.corners:
            names = " = ".join(str(s) for s in point.splits[:_SHOWN]) or "{}"
            more = f" and {len(point.splits) - _SHOWN} more" if len(point.splits) > _SHOWN else ""
            won = f"wins from {point.low:.4g} to {point.high:.4g} nats for each {unit}"
            how = "" if point.how == "exact" else f", {point.how}, Op <= {point.bound:.4g}"
            lines.append(f"  size {point.size}: Op {point.op:.6g}, {names}{more}: {won}{how}")
        if not self.is_certain:
            lines.append("  a set that was not tried may win: see the bounds")
        left = {k: n for k, n in self.statuses.items() if k not in ("ok", "perfect")}
        if left:
            told = ", ".join(f"{n} {k}" for k, n in left.items())
            lines.append(f"  sets without a certain Op: {told}")
        return "\n".join(lines)


@long_work("dividing")
def divide(
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
    price: Price = "node",
    cost: float = HALVING,
    share: float = 0.9,
    window: int = 1,
    among: Sequence[str] | None = None,
    most: int = MOST,
) -> NaturalDivision:
    """Find the sharpest split into A and B: maximise Op(A; n, m) - cost * size(A) over sets A.

    A holds neither n's variable nor m. All sets of variables between n and m are tried where there
    are no more than `most`; else all up to a size, and larger ones are grown from the best, which
    is a heuristic: an upper bound is told for each size. Sets whose Op is not certain (kinks,
    unresolved) are counted and do not win.

    Args:
        model: The model; its question gives what is not given here.
        nudge: The node n.
        target: The variable m, measured at the last step.
        steps: The last step.
        delta: The nudge's size; the limit delta -> 0 when not given. Whole numbers need it.
        given: Interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws the noise variables make.
        progress: Called with (done, total, what), in per cent.
        price: What a set is charged for: `node`, its variables, or `edge`, the edges of the
            template that its boundary cuts.
        cost: What each of them costs, in nats. The default is ln 2: each must halve what is left.
        share: Of the best Op, what the minimal sets carry.
        window: How many of the last steps count: Op of the root mean square of their effects.
        among: The variables that A may hold; all but n's and m's when not given.
        most: How many sets are tried one by one.

    Returns:
        The division: `best`, `path` over all prices, `minimal` sets.

    Raises:
        QuestionError: The question cannot be asked of this model.
        UnknownNameError: It names a variable that the model does not declare.

    Example:
        >>> from causalopt import load
        >>> found = divide(load("thermostat"), steps=500)
        >>> str(found.best.splits[0]), round(found.best.op, 4)
        ('{T}', 5.0665)
    """
    del progress  # long_work tells it
    if price not in get_args(Price):
        raise QuestionError(f"price is one of {', '.join(get_args(Price))}, found '{price}'")
    if not (math.isfinite(cost) and cost >= 0):
        raise QuestionError(f"cost is a number of nats, 0 or more, found {cost}")
    if delta is not None:
        check_delta(delta)
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
    listed = set_list(asked.model, [asked.nudge], asked.target, among=among, most=most)
    search = SplitSearch(asked, listed, window=window, delta=delta)
    with portion(0.0, 0.5):
        tried = search.tried(list(listed.sets()))
    beyond = np.full(len(listed.core) + 1, -np.inf)
    if not listed.is_complete:
        with portion(0.5, 0.9):
            tried = search.grown(tried, listed.whole)
        with portion(0.9, 1.0):
            beyond[listed.whole + 1 :] = search.bounds()[listed.whole :]
    sizes = CutSizes(asked.model, price, listed.idle)
    by_size = beyond if price == "node" else beyond[:0]
    return NaturalDivision(
        **vars(asked),
        price=price,
        cost=float(cost),
        share=_checked(share),
        window=window,
        delta=delta,
        listed=listed,
        tried=tried,
        path=_path(tried, sizes, by_size, float(beyond.max())),
        beyond=float(beyond.max()),
        law=search.law,
    )


def _path(tried: Tried, sizes: CutSizes, beyond: Floats, otherwise: float) -> RegularisedPath:
    """Return the path through the best sets of each size, those that tie together.

    Args:
        tried: The sets.
        sizes: What they cost.
        beyond: By size, what the Op of no set that was not tried exceeds.
        otherwise: The same of sizes that are not listed.
    """
    usable = np.flatnonzero(tried.usable & (tried.op > -np.inf))
    holds, counts = sizes.of([tried.sets[k] for k in usable])
    best = {0: PathPoint(0, 0.0, (), bound=0.0)}
    for size in sorted(set(counts.tolist())):
        places = np.flatnonzero(counts == size).tolist()
        top = max(float(tried.op[usable[j]]) for j in places)
        splits = tuple(
            Split(holds[j], float(tried.op[k]), float(tried.comp[k]), str(tried.status[k]))
            for j, k in zip(places, usable[places].tolist(), strict=True)
            if is_tie(float(tried.op[k]), top)
        )
        more = float(beyond[size]) if size < len(beyond) else otherwise
        how = "exact" if more == -math.inf else "heuristic"
        best[size] = PathPoint(size, top, splits, how=how, bound=max(top, more))
    return regularised_path(best)


def _checked(share: float) -> float:
    if not 0 < share <= 1:
        raise QuestionError(f"share must lie above 0 and be at most 1, found {share}")
    return float(share)
