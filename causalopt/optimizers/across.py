"""Is this piece an optimizer? Op over all pairs of nodes across its boundary, from both sides.

Two questions of one form. *Inside held*: n and m lie outside, A is the region: does the piece make
disturbances of its surroundings smaller? *Outside held*: n and m lie in the region, A is all the
rest: do the surroundings make disturbances of the piece smaller? By default n runs over the nodes
from which an edge leads into A and m over those to which one leads out of it, and a pair counts
where a path from n to m passes through A: elsewhere Op is 0 by the graph, and says nothing of A.

A third kind, n outside and m inside, is not asked: m would be held with its own past, and each m
would have another A.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalopt import results
from causalopt.effects.asked import asked_hold
from causalopt.effects.measures import ROUNDED_OP
from causalopt.effects.op_matrix import op_matrix
from causalopt.engine.contract import Bools, Floats
from causalopt.errors import QuestionError
from causalopt.extras import need
from causalopt.model.model import Model, run_length
from causalopt.model.regions.region import Region
from causalopt.model.regions.set_evaluation import region_of_windows
from causalopt.model.selectors import Node, Selection, selection_text
from causalopt.optimizers.crossing_paths import crossing_pairs
from causalopt.work.progress import Progress, long_work, through
from causalopt.worlds.interventions import Intervention, given_nodes, plan_for

if TYPE_CHECKING:
    import xarray

SIDES = ("inside", "outside")
_MOST = 4_000_000
_SHOWN = 80  # characters of a region that a repr shows
_DECIDED = ("ok", "perfect", "only_path")
_COLUMNS = ("op", "comp", "total", "direct", "log_total", "log_direct")


@dataclasses.dataclass(frozen=True, eq=False)
class HeldSide:
    """Op of one side of a boundary, held, for pairs of nodes on the other.

    Arrays have shape [source, target]; Op is in nats, NaN where no path from n to m passes through
    the held side.

    Attributes:
        held: `inside` or `outside`.
        sources: The nodes n, as the user writes them.
        targets: The nodes m.
        crosses: Whether a path from n to m passes through the held side.
        op: Op(held side; n, m).
        comp: Comp.
        total: The derivative of m by n over all paths.
        direct: That over the paths that avoid the held side.
        log_total: ln of the size of `total`.
        log_direct: ln of the size of `direct`.
        status: As of a run; `no_influence` where no path passes through the held side.
    """

    held: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    crosses: Bools
    op: Floats
    comp: Floats
    total: Floats
    direct: Floats
    log_total: Floats
    log_direct: Floats
    status: NDArray[np.str_]

    @functools.cached_property
    def decided(self) -> Bools:
        """Which pairs count: they cross, and Op is a number or an infinity that stands."""
        return self.crosses & np.isin(self.status, _DECIDED) & ~np.isnan(self.op)

    @property
    def pairs(self) -> int:
        """How many pairs have a path through the held side."""
        return int(self.crosses.sum())

    @property
    def compressed(self) -> float:
        """The share of decided pairs with Op > 0, also of +inf; NaN where there are none.

        By more than rounding: what cancels in exact numbers is neither compressed nor amplified.
        """
        return self._share(self.op > ROUNDED_OP)

    @property
    def amplified(self) -> float:
        """The share of decided pairs with a finite Op < 0."""
        return self._share(np.isfinite(self.op) & (self.op < -ROUNDED_OP))

    @property
    def conveyed(self) -> float:
        """The share of decided pairs that only the held side joins: `only_path`, Op = -inf."""
        return self._share(np.isneginf(self.op))

    def _share(self, where: Bools) -> float:
        count = int(self.decided.sum())
        return int((where & self.decided).sum()) / count if count else math.nan

    @property
    def median(self) -> float:
        """The median Op of decided pairs in nats; NaN between -inf and inf, and of none."""
        found = np.sort(self.op[self.decided])
        if not len(found):
            return math.nan
        low, high = float(found[(len(found) - 1) // 2]), float(found[len(found) // 2])
        return low if low == high else (low + high) / 2

    @property
    def pooled(self) -> float:
        """The rms Op of decided pairs in nats: -ln(|total| / |direct|), norms over all of them.

        Pairs count by the size of what n does to m. NaN where there are none.
        """
        return _norm(self.log_direct[self.decided]) - _norm(self.log_total[self.decided])

    @functools.cached_property
    def statuses(self) -> dict[str, int]:
        """Status -> how many of the pairs that cross have it."""
        names, counts = np.unique(self.status[self.crosses].astype(str), return_counts=True)
        return dict(zip(names.tolist(), counts.tolist(), strict=True))

    def summary(self) -> dict[str, Any]:
        """Return the figures over all pairs, as JSON's types."""
        numbers = {
            k: getattr(self, k) for k in ("median", "pooled", "compressed", "amplified", "conveyed")
        }
        return {
            "sources": len(self.sources),
            "targets": len(self.targets),
            "pairs": self.pairs,
            "decided": int(self.decided.sum()),
            **{name: results.plain_number(value) for name, value in numbers.items()},
            "statuses": self.statuses,
        }


@dataclasses.dataclass(frozen=True, eq=False)
class Across(results.Tabled, results.Plotted):
    """A region, asked from both sides of its boundary.

    Attributes:
        model: The model; one of arrays is written out as numbers.
        region: The region, among those numbers.
        said: The region as the user wrote it.
        inside: The region held, n and m outside.
        outside: All the rest held, n and m in the region.
        execution: What ran the sweeps.
        seed: Which draws the noise variables made.
    """

    model: Model
    region: Region
    said: str
    inside: HeldSide
    outside: HeldSide
    execution: str
    seed: int = 0

    @property
    def sides(self) -> tuple[HeldSide, HeldSide]:
        """The two halves of the table."""
        return self.inside, self.outside

    def __repr__(self) -> str:
        count, steps = len(self.region), self.region.steps
        run = "" if self.model.is_static else f", t = 0..{steps}"
        said = self.said if len(self.said) <= _SHOWN else self.said[: _SHOWN - 3] + "..."
        head = f"across {said} in {self.model.name}: {count} node{'s' * (count != 1)}{run}"
        return "\n".join([head, *(f"  {_sentence(side)}" for side in self.sides)])

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """All pairs that cross as one table, with the dim `pair`.

        `op` (nats), `comp`, `total`, `direct`, `log_total`, `log_direct` and `status`; `held`,
        `nudge` and `target` say whose they are.
        """
        need("xarray")
        import xarray

        columns: dict[str, list[NDArray[Any]]] = {}
        for side in self.sides:
            rows, places = np.nonzero(side.crosses)
            columns.setdefault("held", []).append(np.full(len(rows), side.held))
            for name, nodes, at in (
                ("nudge", side.sources, rows),
                ("target", side.targets, places),
            ):
                texts = np.array(nodes, dtype=str) if nodes else np.zeros(0, dtype="<U1")
                columns.setdefault(name, []).append(texts[at])
            for name in (*_COLUMNS, "status"):
                columns.setdefault(name, []).append(getattr(side, name)[side.crosses])
        joined = {name: np.concatenate(parts) for name, parts in columns.items()}
        joined["status"] = joined["status"].astype(str)
        units = {name: {"units": "nat"} for name in ("op", "log_total", "log_direct")}
        return xarray.Dataset(
            {n: (("pair",), joined[n], units.get(n, {})) for n in (*_COLUMNS, "status")},
            coords={n: (("pair",), joined[n]) for n in ("held", "nudge", "target")},
            attrs={
                "model": self.model.name,
                "model_hash": self.model.fingerprint,
                "region": self.said,
                "steps": self.region.steps or 0,
                "execution": self.execution,
                "seed": str(self.seed),
            },
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the figures of both sides and all pairs that cross, as JSON's types."""
        table = []
        for side in self.sides:
            for i, j in np.argwhere(side.crosses).tolist():
                row: dict[str, Any] = {
                    "held": side.held,
                    "nudge": side.sources[i],
                    "target": side.targets[j],
                }
                row |= {
                    name: results.plain_number(float(getattr(side, name)[i, j]))
                    for name in _COLUMNS
                }
                table.append({**row, "status": str(side.status[i, j])})
        return {
            "model": self.model.name,
            "region": self.said,
            "steps": self.region.steps,
            "nodes": len(self.region),
            **{side.held: side.summary() for side in self.sides},
            "pairs": table,
        }


@long_work("measuring across")
def across(
    model: Model,
    region: str | Sequence[str | Node] | None = None,
    *,
    sources: str | Sequence[str | Node] | None = None,
    targets: str | Sequence[str | Node] | None = None,
    steps: int | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Across:
    """Ask whether a region optimizes: Op over all pairs of nodes across its boundary, both ways.

    *Inside held*: n and m outside, A = the region. *Outside held*: n and m in the region, A = all
    other nodes of the run. n runs over the nodes with an edge into A, m over those with an edge
    from it, and a pair counts where a path from n to m passes through A. A reverse sweep for each m
    gives all n.

    Args:
        model: The model; one of arrays is asked number by number.
        region: The region: a selector, nodes, or a `Region`; the set A of the model's question when
            not given.
        sources: A set of nodes to take n from, on whichever side they lie, in place of those beside
            the boundary.
        targets: A set of nodes to take m from, such as `[t=100]`.
        steps: The last step.
        given: Interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws the noise variables make, the same in W, X and Y.
        progress: Called with (done, total, what), in regions held.

    Raises:
        QuestionError: The region is empty or all nodes, there are more than 4 million pairs, or
            the question cannot be asked of this model.

    Example:
        >>> from causalopt import load
        >>> found = across(load("thermostat"), "T", steps=40)
        >>> found.inside.pairs, found.inside.compressed, round(found.inside.median, 4)
        (780, 1.0, 0.1217)
    """
    del progress  # long_work tells it
    model = model.replace(parameters=parameters, initial=initial)
    last = run_length(model, steps)
    chosen = asked_hold(model, region, steps=last, given=given)
    listed = region_of_windows(model.spacetime(last), chosen).windows
    texts = [selection_text(windows, model.named_shapes) for windows in (chosen, listed)]
    said = min(texts, key=len)
    own = [_windows(model, nodes, last, given) for nodes in (sources, targets)]
    if model.is_array:
        from causalopt.worlds.expand import Expanded  # few models have arrays

        if given:
            raise QuestionError(
                "a model with arrays is asked number by number, and interventions are on arrays: "
                "ask causalopt.expand(model) with interventions on its numbers"
            )
        expanded = Expanded.of(model, seed=seed)
        model, chosen = expanded.model, expanded.selection(chosen)
        own = [None if nodes is None else expanded.selection(nodes) for nodes in own]
    space = model.spacetime(last, given=given_nodes(model, given, last))
    inside = region_of_windows(space, chosen)
    outside = ~inside
    if not outside:
        raise QuestionError(
            f"the region {said} is all nodes of the run, and nothing lies outside of it: ask "
            "another region"
        )
    picked = [None if nodes is None else region_of_windows(space, nodes) for nodes in own]
    execution: dict[str, None] = {}
    sides = []
    for held, name in through([(inside, "inside"), (outside, "outside")]):
        pools = (held.parents, held.children)
        nodes = [
            list(pool if mine is None else mine - held)
            for pool, mine in zip(pools, picked, strict=True)
        ]
        sides.append(_side(model, held, name, nodes, given, seed, execution))
    if all(mine is not None and not mine for mine in picked) or not any(
        side.sources or side.targets for side in sides
    ):
        raise QuestionError(f"no edge crosses the boundary of {said}: ask another region")
    return Across(model, inside, said, sides[0], sides[1], ", ".join(execution), seed)


def _windows(
    model: Model, nodes: str | Sequence[str | Node] | None, last: int, given: Sequence[Intervention]
) -> Selection | None:
    """Return a set that the caller says, None for none."""
    return None if nodes is None else asked_hold(model, nodes, steps=last, given=given)


def _side(
    model: Model,
    held: Region,
    name: str,
    nodes: list[list[Node]],
    given: Sequence[Intervention],
    seed: int,
    execution: dict[str, None],
) -> HeldSide:
    """Return one half of the table."""
    sources, targets = nodes
    if len(sources) * len(targets) > _MOST:
        raise QuestionError(
            f"with the {name} held there are {len(sources)} nodes n and {len(targets)} nodes m, "
            f"more than {_MOST} pairs: ask for fewer, as by targets='[t={held.steps}]'"
        )
    shape = (len(sources), len(targets))
    columns: dict[str, NDArray[Any]] = {column: np.full(shape, np.nan) for column in _COLUMNS}
    columns["status"] = np.full(shape, "no_influence", dtype=object)
    crosses = np.zeros(shape, dtype=bool)
    if sources and targets:
        plan = plan_for(
            model, tuple(given), steps=held.steps or 0, hold=held.windows, noise_seed=seed
        )
        crosses = crossing_pairs(model, plan, sources, targets)
        # Only those that are in a pair are swept.
        rows, places = (np.atleast_1d(crosses.any(axis=axis)) for axis in (1, 0))
        if crosses.any():
            found = op_matrix(
                model,
                sources=[node for node, asked in zip(sources, rows, strict=True) if asked],
                targets=[node for node, asked in zip(targets, places, strict=True) if asked],
                hold=held.windows,  # type: ignore[arg-type]
                given=given,
                seed=seed,
            ).dataset
            execution[found.attrs["execution"]] = None
            at = np.ix_(rows, places)
            for column, values in columns.items():
                values[at] = found[column].values
                values[~crosses] = "no_influence" if column == "status" else np.nan
    return HeldSide(
        held=name,
        sources=tuple(model.node_text(node) for node in sources),
        targets=tuple(model.node_text(node) for node in targets),
        crosses=crosses,
        **columns,
    )


def _norm(logs: Floats) -> float:
    """Return ln of the root of a sum of squares, of numbers given by ln of their sizes."""
    if not len(logs):
        return math.nan
    top = float(logs.max())
    if math.isinf(top):
        return top
    return top + 0.5 * math.log(float(np.exp(2 * (logs - top)).sum()))


def _sentence(side: HeldSide) -> str:
    """Return one side's figures as a line."""
    n_m = "outside" if side.held == "inside" else "inside"
    head = f"{side.held} held, n and m {n_m}: {side.pairs} pair{'s' * (side.pairs != 1)}"
    if not side.pairs:
        return f"{head}; no path leads from such an n through the {side.held} to such an m"
    doubtful = side.pairs - int(side.decided.sum())
    beside = f", {doubtful} undecided ({_counts(side)})" if doubtful else ""
    if doubtful == side.pairs:
        return head + beside
    return (
        f"{head}, {shares_text(side)}; median Op {side.median:.4g}, pooled {side.pooled:.4g} nats"
        f"{beside}"
    )


def shares_text(side: HeldSide) -> str:
    """Return which shares of a side's decided pairs are compressed, amplified or only through A."""
    shares = (
        (side.compressed, "compressed"),
        (side.amplified, "amplified"),
        (side.conveyed, "only through A"),
    )
    return ", ".join(f"{_percent(share)} {word}" for share, word in shares if share) or "Op 0"


def _percent(share: float) -> str:
    """Return a share in whole per cent that is 0 or 100 only where it is so."""
    inner = min(max(round(100 * share), 1), 99) if 0 < share < 1 else round(100 * share)
    return f"{inner} %"


def _counts(side: HeldSide) -> str:
    rest = {name: count for name, count in side.statuses.items() if name not in _DECIDED}
    return ", ".join(f"{name} {count}" for name, count in rest.items())
