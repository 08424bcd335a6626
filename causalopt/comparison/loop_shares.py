"""Loop shares: which feedback loops make W move as it does ("Loops that Matter").

The score of a loop is the product of its links' scores (`causalopt.comparison.link_scores`),
positive where it reinforces and negative where it balances. Its share is its score over the sum of
the sizes of all scores in its cycle partition, the strongly connected part of the graph that it
lies in.

A lone loop has share +1 or -1 whatever its gain; the loops of one stock share as the slopes of its
net change do. Both are about W's own motion: at rest there is nothing to share.

Sources: W. Schoenberg, P. Davidsen, R. Eberlein, "Understanding model behavior using the Loops that
Matter method", Syst. Dyn. Rev. 36, 2020; W. Schoenberg, J. Hayward, R. Eberlein, "Improving Loops
that Matter", Syst. Dyn. Rev. 39, 2023.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalopt.comparison.link_scores import Link, link_scores
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError, SizeError
from causalopt.model.model import Model, run_length
from causalopt.model.selectors import Node, whole_variables
from causalopt.results import Plotted, Tabled, labelled, plain, plain_number
from causalopt.work.progress import Progress, long_work
from causalopt.worlds.world import number_world

if TYPE_CHECKING:
    import xarray

Loop = tuple[str, ...]
MOST_LOOPS = 10_000
_WHOLE = "a loop runs through whole variables: name them without a step"


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class LoopShares(Plotted, Tabled):
    """The loops of a model, and what part of W's motion each makes.

    Attributes:
        model: The model.
        hold: The set A that `through` asks for when nothing is said.
        t: The steps that have a change, shape [t].
        links: (from, to) -> score, shape [t].
        loops: Each loop's variables in the order of its arrows, from the one declared first.
        partition: Which cycle partition each loop lies in, shape [loop].
        scores: Shape [loop, t]; negative where a loop balances.
        shares: Scores over the sum of sizes in the partition, shape [loop, t]; NaN at rest.
    """

    model: Model
    hold: tuple[str, ...]
    t: NDArray[np.int64]
    links: Mapping[Link, Floats]
    loops: tuple[Loop, ...]
    partition: NDArray[np.int64]
    scores: Floats
    shares: Floats

    @functools.cached_property
    def status(self) -> NDArray[np.str_]:
        """`ok`; `at_rest` where no loop of the partition acts; `nonfinite`; shape [loop, t]."""
        status = np.full(self.shares.shape, "ok", dtype="<U9")
        status[np.isnan(self.shares)] = "at_rest"
        status[~np.isfinite(self.scores)] = "nonfinite"
        return status

    @property
    def mean(self) -> Floats:
        """Each loop's share on average over the steps at which there is one, shape [loop]."""
        return _mean(self.shares)

    def through(
        self, hold: str | Sequence[str | Node] | None = None, *, target: str | None = None
    ) -> Floats:
        """Return the share of the loops through A, in size, at every step.

        Args:
            hold: The set A, whole variables; the one the shares were asked for by default.
            target: m: only loops from which m can be reached count. All do by default. Partitions
                count together.

        Returns:
            Shape [t]; NaN where no such loop acts.

        Raises:
            QuestionError: There is no A, or it is no whole variables.
        """
        inside = self._passing(hold)
        counted = np.ones(len(self.loops), dtype=bool)
        if target is not None:
            reaching = _upstream(self.links, self.model.variable(target))
            counted = np.array([loop[0] in reaching for loop in self.loops], dtype=bool)
        size = np.abs(self.scores)
        return _over(size[inside & counted].sum(axis=0), size[counted].sum(axis=0))

    def _passing(self, hold: str | Sequence[str | Node] | None) -> NDArray[np.bool_]:
        names = self.hold if hold is None else _whole(self.model, hold)
        if not names:
            raise QuestionError("there is no set A: say hold")
        return np.array([bool({*loop} & {*names}) for loop in self.loops], dtype=bool)

    def balancing(self, hold: str | Sequence[str | Node] | None = None) -> Floats:
        """Return how much more the loops through A balance than reinforce, from -1 to 1.

        The sum of their scores with the sign turned, over the sum of their sizes; shape [t].
        """
        found = self.scores[self._passing(hold)]
        return _over(-found.sum(0), np.abs(found).sum(0))

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The shares with labelled axes `loop`, `link` and `t`, and their provenance."""
        return labelled(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON's types: undefined as None."""
        rows = zip(self.loops, self.partition, self.mean, self.scores, self.shares, strict=True)
        return {
            "model": self.model.name,
            "hold": ", ".join(self.hold),
            "t": self.t.tolist(),
            "links": [
                {"from": a, "to": b, "score": plain(score)} for (a, b), score in self.links.items()
            ],
            "loops": [
                {
                    "loop": list(loop),
                    "partition": int(part),
                    "mean_share": plain_number(float(mean)),
                    "score": plain(score),
                    "share": plain(share),
                }
                for loop, part, mean, score, share in rows
            ],
        }

    def __repr__(self) -> str:
        count = len(self.loops)
        lines = [f"{count} loop{'s' * (count != 1)} of {self.model.name}, mean share of W's motion"]
        lines += [
            f"  {loop_text(self.loops[i])}  {self.mean[i]:+.4f}"
            for i in np.argsort(-np.nan_to_num(np.abs(self.mean)), kind="stable")[:20]
        ]
        if count > 20:
            lines.append(f"  and {count - 20} more")
        rest = int(np.isnan(self.shares).all(axis=0).sum()) if count else 0
        if rest:
            lines.append(f"  at rest, with nothing to share, at {rest} of {len(self.t)} steps")
        return "\n".join(lines)


@long_work("scoring loops", direct=True)
def loop_shares(
    model: Model,
    *,
    hold: str | Sequence[str | Node] | None = None,
    steps: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> LoopShares:
    """Return every feedback loop's share of what moves W, step by step.

    Args:
        model: Of numbers, with time.
        hold: The set A whose loops `through` counts; the model's own by default.
        steps: The last step.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws noise makes.
        progress: Called with (done, total, what), in steps.

    Raises:
        QuestionError: The model has arrays, labels or no time, a rule reads a variable at two lags,
            or the run is too short to have changes.
        SizeError: The template has more than 10,000 loops.

    Example:
        >>> from causalopt import load
        >>> loop_shares(load("base_optimizer"))
        1 loop of base_optimizer, mean share of W's motion
          theta -> G -> theta  -1.0000
    """
    del progress  # long_work tells it
    model = model.replace(parameters=parameters, initial=initial)
    if model.is_array:
        raise QuestionError(
            f"loops are those of numbers, and '{model.name}' has arrays: write it out with "
            "causalopt.expand"
        )
    if model.is_static:
        raise QuestionError(f"'{model.name}' has no time: nothing moves, and no loop is closed")
    names = model.A if hold is None else _whole(model, hold)
    last = run_length(model, steps)
    world = number_world(model, steps=last, seed=seed)
    W = {name: np.asarray(world[name], dtype=float) for name in model.variables}
    first, links = link_scores(model, W)
    loops, partition = _loops(links, list(model.variables))
    width = last - first + 1
    scores = np.array(
        [np.prod([links[link] for link in _around(loop)], axis=0) for loop in loops]
    ).reshape(len(loops), width)
    shares = np.full(scores.shape, np.nan)
    for part in np.unique(partition):
        inside = partition == part
        total = np.abs(scores[inside]).sum(axis=0)
        shares[inside] = [_over(score, total) for score in scores[inside]]
    t = np.arange(first, last + 1)
    return LoopShares(model, names, t, links, loops, partition, scores, shares)


def _loops(links: Iterable[Link], names: list[str]) -> tuple[tuple[Loop, ...], NDArray[np.int64]]:
    """Return the elementary cycles of the template, and the partition each lies in."""
    import networkx as nx

    graph = nx.DiGraph([*links])
    parts = list(nx.strongly_connected_components(graph))
    place = {name: i for i, part in enumerate(parts) for name in part}
    cycles = nx.simple_cycles(graph)
    found = [tuple(cycle) for cycle in itertools.islice(cycles, MOST_LOOPS + 1)]
    if len(found) > MOST_LOOPS:
        raise SizeError(
            f"the template has more than {MOST_LOOPS:,} loops: ask of a part of it, or join "
            "variables that only pass a value on"
        )
    order = {name: i for i, name in enumerate(names)}
    loops = sorted(
        (_turned(loop, order) for loop in found),
        key=lambda loop: (len(loop), [order[name] for name in loop]),
    )
    numbers = np.array([place[loop[0]] for loop in loops], dtype=np.int64)
    return tuple(loops), numbers


def _turned(loop: Loop, order: Mapping[str, int]) -> Loop:
    """Return a loop from the variable on that is declared first."""
    start = min(range(len(loop)), key=lambda i: order[loop[i]])
    return loop[start:] + loop[:start]


def _upstream(links: Iterable[Link], target: str) -> set[str]:
    """Return the variables from which one can be reached, and itself."""
    found, fresh = {target}, {target}
    pairs = [*links]
    while fresh:
        fresh = {a for a, b in pairs if b in fresh} - found
        found |= fresh
    return found


def _around(loop: Loop) -> list[Link]:
    return list(zip(loop, (*loop[1:], loop[0]), strict=True))


def _over(part: Floats, whole: Floats) -> Floats:
    """Return part / whole; NaN where there is nothing to share."""
    found: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return found


def _mean(values: Floats) -> Floats:
    """Return means over the last axis, of what is defined; NaN where nothing is."""
    known = ~np.isnan(values)
    return _over(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1).astype(float))


def _whole(model: Model, hold: str | Sequence[str | Node]) -> tuple[str, ...]:
    return whole_variables(model.selection(hold), _WHOLE)


def loop_text(loop: Loop) -> str:
    """Return a loop as it is read.

    Example:
        >>> loop_text(("room", "thermostat"))
        'room -> thermostat -> room'
    """
    return " -> ".join((*loop, loop[0]))
