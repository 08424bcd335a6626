"""Influence as a current: what of the nudge goes through each node, edge, path and set."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked, ask
from causalopt.effects.limit import tangent_effect
from causalopt.effects.measures import NAMES, Effect, measure
from causalopt.engine.contract import Bools, Floats, Plan
from causalopt.engine.executions import run_values
from causalopt.engine.linearization import linearize
from causalopt.errors import QuestionError
from causalopt.influence.crossings import Crossings, between, crossings, is_crossed_twice
from causalopt.influence.edge_currents import EdgeCurrents, edge_currents
from causalopt.influence.influence_paths import InfluencePath, largest_paths
from causalopt.influence.node_currents import (
    NOTHING,
    NodeCurrents,
    difference,
    node_currents,
    shares,
    summed,
)
from causalopt.influence.through import Through, own_set
from causalopt.model.asked_words import Nudged, is_expression, one_nudge
from causalopt.model.model import Model, refuse_for_numbers
from causalopt.model.reach import reachable
from causalopt.model.selectors import Node, Window, selection_text
from causalopt.results import Plotted, Tabled, labelled, plain, plain_number
from causalopt.work.progress import Progress, long_work
from causalopt.worlds.interventions import Intervention

if TYPE_CHECKING:
    import xarray

    from causalopt.influence.array_currents import ArrayCurrents


_TIED = 2.0**-30  # sides of a branch that are so near may be on either side in exact numbers


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Currents(Asked, Tabled, Plotted):
    """The current of influence from n to m along one trajectory.

    A share is a current over the total effect dm/dn: the shares of nodes that every path crosses
    exactly once sum to 1. They may be negative or larger than 1: parts that work against each
    other.

    Attributes:
        nodes: Forward and backward derivatives of the nodes between n and m.
    """

    nodes: NodeCurrents

    @property
    def t(self) -> NDArray[np.int64]:
        """The step, shape [t]."""
        return np.arange(self.steps + 1)

    @property
    def variables(self) -> tuple[str, ...]:
        """The declared variables, the second axis of `J`, `share` and `status`."""
        return self.model.template.names

    @property
    def total(self) -> float:
        """The total effect dm/dn; it may overflow where `log_total` does not."""
        return float(self.nodes.total.value) + 0.0  # no -0

    @property
    def log_total(self) -> float:
        """The natural logarithm of the total effect's size; -inf for no effect."""
        return float(self.nodes.total.log)

    @functools.cached_property
    def J(self) -> Floats:  # noqa: N802 - the theory's name
        """The current through every node, (dv/dn)(dm/dv), shape [t, variable]."""
        return self._spread(self.nodes.current.value, 0.0)

    @functools.cached_property
    def share(self) -> Floats:
        """The current over the total effect, shape [t, variable]; NaN where that is 0."""
        found = shares(self.nodes.current, self.nodes.total)
        return self._spread(found + 0.0, 0.0 if np.isfinite(self.log_total) else math.nan)

    @functools.cached_property
    def status(self) -> NDArray[np.str_]:
        """What each node's current and share mean, shape [t, variable]: `no_influence` for 0.

        Where the total effect is `unresolved`, so is every share of it.
        """
        found: NDArray[np.str_] = NAMES[self.status_codes]
        return found

    @functools.cached_property
    def status_codes(self) -> NDArray[np.int8]:
        """The same as places in `causalopt.STATUSES`, for long runs."""
        nodes = self.nodes
        codes = self._of_shares(nodes.statuses(nodes.current, nodes.on_kink, nodes.finite))
        return self._spread(codes, list(NAMES).index("no_influence"))

    @functools.cached_property
    def edges(self) -> EdgeCurrents:
        """The currents along edges."""
        return edge_currents(self.model.template, self.nodes)

    @functools.cached_property
    def edge_share(self) -> Floats:
        """Each edge's current over the total effect, shape [t of the child, edge]."""
        return shares(self.edges.current, self.nodes.total) + 0.0  # no -0

    @functools.cached_property
    def edge_status(self) -> NDArray[np.str_]:
        """What each edge's current means, shape [t of the child, edge]."""
        found: NDArray[np.str_] = NAMES[self.edge_status_codes]
        return found

    @functools.cached_property
    def edge_status_codes(self) -> NDArray[np.int8]:
        """The same as places in `causalopt.STATUSES`, for long runs."""
        edges = self.edges
        return self._of_shares(self.nodes.statuses(edges.current, edges.on_kink, edges.finite))

    @functools.cached_property
    def total_status(self) -> str:
        """What the total effect means, as `run` says of it with nothing held."""
        last = self.steps, self.nodes.names.index(self.target)
        return str(measure(self.nodes.forward.at(last)).status)

    def through(self, hold: str | Sequence[str | Node | Window] | None = None) -> Through:
        """Return what goes through a set A, with Comp(A) and Op(A).

        Args:
            hold: The set; the question's own when not given.

        Raises:
            QuestionError: It contains n, or lies after the last step.
        """
        selection = self.held(hold)
        self.model.check_nudge(self.nudge, selection, self.steps)
        asked = dataclasses.replace(self._question, hold=selection)
        plan = asked.plan()
        found, how = None, "currents"
        if self.total_status == "ok" and not self._has_ties and self._is_crossed_once(plan):
            found = measure(self._beside(plan))
        if found is None or found.status not in {"ok", "only_path", "held"}:
            # Worlds prove zeros, see kinks, and lose no digits where almost all goes through A.
            found, how = measure(tangent_effect(asked)[1]().at(self.steps)), "worlds"
        comp = float(found.comp)
        return Through(
            hold=selection_text(selection, self.model.named_shapes),
            share=1.0 - 1.0 / comp if comp else -math.inf,
            comp=comp,
            op=float(found.op),
            status=str(found.status),
            how=how,
        )

    def crossings(
        self, hold: str | Sequence[str | Node | Window] | None = None, *, most: int = 8
    ) -> Crossings:
        """Return the influence by how often its paths cross a set A.

        An integrator's stages count as nodes of their own, held with their variable.

        Args:
            hold: The set; the question's own when not given.
            most: The number of crossings that stands for itself and all above it.

        Raises:
            QuestionError: The set contains n or lies after the last step, or `most` is no count.
        """
        _check_count("most", most)
        selection = self.held(hold)
        self.model.check_nudge(self.nudge, selection, self.steps)
        template = self.model.template
        place = template.index[self.target]
        plan = dataclasses.replace(self._question, hold=selection).plan()
        status = self.total_status
        if status == "ok" and self._has_ties:
            status = "kink"
        return dataclasses.replace(crossings(template, plan, place, most), status=status)

    def paths(self, count: int = 10) -> list[InfluencePath]:
        """Return the paths whose products of slopes are largest in size, the largest first.

        Raises:
            QuestionError: `count` is no whole number from 0 up.
        """
        _check_count("count", count)
        size = (self.log_total, float(np.sign(self.nodes.total.mantissa)))
        target = Node(self.target, self.steps)
        edges = self.edges
        found = largest_paths(edges.edges, edges.slope, self.nudge, target, count, size)
        model = self.model
        timeless = frozenset(model.variables if model.is_static else model.template.pushes)
        return [dataclasses.replace(path, timeless=timeless) for path in found]

    def to_dict(self, *, paths: int = 10) -> dict[str, Any]:
        """Return the result as JSON's types: infinities as "inf" and "-inf", undefined as None.

        Args:
            paths: How many of the largest paths it has.
        """
        return {
            "model": self.model.name,
            "nudge": self.node_name,
            "target": self.target,
            "steps": self.steps,
            "t": plain(self.model.template.time(self.t)),
            "step": self.t.tolist(),
            "total": plain_number(self.total),
            "log_total": plain_number(self.log_total),
            "total_status": self.total_status,
            "J": {v: plain(self.J[:, k]) for k, v in enumerate(self.variables)},
            "share": {v: plain(self.share[:, k]) for k, v in enumerate(self.variables)},
            "status": {v: self.status[:, k].tolist() for k, v in enumerate(self.variables)},
            "edges": [
                {
                    "parent": parent,
                    "child": child,
                    "lag": lag,
                    "share": plain(self.edge_share[:, k]),
                    "status": self.edge_status[:, k].tolist(),
                }
                for k, (parent, child, lag) in enumerate(self.edges.edges)
            ],
            "paths": [
                {
                    "path": str(path),
                    "product": plain_number(path.product),
                    "log": plain_number(path.log),
                    "share": plain_number(path.share),
                }
                for path in self.paths(paths)
            ],
            "through": self.through().to_dict() if self.hold else None,
        }

    @property
    def dataset(self) -> xarray.Dataset:
        """Currents and shares with labelled axes `t`, `variable` and `edge`, and provenance."""
        return labelled(self)

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers: model, settings and versions."""
        return self.provenance_with(
            given="; ".join(repr(i) for i in self.given),
            seed=str(self.seed),
            execution=self.nodes.backward.execution,
        )

    def __repr__(self) -> str:
        m = self.model.node_text(Node(self.target, self.steps))
        lines = [
            f"influence of {self.node_name} on {m} in {self.model.name}: "
            f"d{_operand(self.target)}/d{_operand(self.nudge.variable)} = {self.total:.6g}, "
            f"status {self.total_status}"
        ]
        if self.hold:
            found = self.through()
            lines.append(
                f"  {found.share:.6g} of it through {found.hold}: Op = {found.op:.6g} nats, "
                f"status {found.status}"
            )
        if self.total_status == "kink":
            lines.append("  on a kink: nodes, edges and paths are those of W's side of the branch")
        return "\n".join(lines)

    def _of_shares(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the statuses of currents that are divided by the total effect."""
        if self.total_status != "unresolved":
            return codes
        names = list(NAMES)
        found: NDArray[np.int8] = codes.copy()
        found[codes == names.index("ok")] = names.index("unresolved")
        return found

    @property
    def _question(self) -> Asked:
        return Asked(**{f.name: getattr(self, f.name) for f in dataclasses.fields(Asked)})

    @functools.cached_property
    def _between(self) -> Bools:
        """Which nodes, stages included, lie on a path from n to m, shape [t, equation]."""
        template = self.model.template
        return between(template, self.nodes.plan, template.index[self.target])

    @functools.cached_property
    def _has_ties(self) -> bool:
        """Whether W sits on a branch on a way from n to m, or nearly so.

        It may decide nothing of the total effect and something of the effect beside a set.
        """
        structure, plan = self.model.template.structure, self.nodes.plan
        gaps = linearize(structure).gaps
        if not gaps:
            return False
        sides = tuple(side for gap in gaps for side in (gap.kink.left, gap.kink.right))
        values = run_values(structure, dataclasses.replace(plan, seed=None), sides).extras
        left, right = values[:, ::2], values[:, 1::2]
        with np.errstate(all="ignore"):
            tied = ~(np.abs(left - right) > _TIED * (np.abs(left) + np.abs(right)))
        return bool((tied & self._between[:, [gap.child for gap in gaps]]).any())

    def _is_crossed_once(self, plan: Plan) -> bool:
        """Whether no path crosses A twice and none goes through a stage of it."""
        held = plan.held_table & self._between
        is_declared = np.zeros(held.shape[1], dtype=bool)
        is_declared[self.nodes.columns] = True
        return not held[:, ~is_declared].any() and not is_crossed_twice(
            self.model.template, plan, held
        )

    def _beside(self, plan: Plan) -> Effect:
        """Return the effect of n on m, total and beside an A that no path crosses twice."""
        nodes, template = self.nodes, self.model.template
        mine = plan.held_table[:, nodes.columns]
        last = self.steps, nodes.names.index(self.target)
        beside = reachable(template, plan, avoid_held=True).of(template.index[self.target])
        direct = difference(nodes.total, summed(nodes.current, mine))
        return Effect(
            nodes.total,
            direct if beside[self.steps] else NOTHING,
            held=np.asarray(mine[last]),
            finite=np.asarray(nodes.finite[last]),
            kinks=np.asarray(nodes.on_kink[last]),
            diverges=nodes.diverges,
        )

    def _spread(self, values: NDArray[Any], fill: Any) -> NDArray[Any]:
        """Return what is known of the nodes between, for all variables: [t, variable]."""
        names = self.nodes.names
        if names == self.variables:
            return values
        found = np.full((self.steps + 1, len(self.variables)), fill, dtype=values.dtype)
        found[:, [self.variables.index(name) for name in names]] = values
        return found


def _operand(name: str) -> str:
    """Return what stands behind a d: a name, or what is said in its place, in brackets."""
    return f"({name})" if is_expression(name) else name


def _check_count(name: str, value: int) -> None:
    if value < 0 or value != int(value):
        raise QuestionError(f"{name} must be a whole number from 0 up, found {value}")


@long_work("following influence", direct=True)
def currents(
    model: Model,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    data: Mapping[str, Any] | None = None,
    along: Any = None,
) -> Currents | ArrayCurrents:
    """Follow the influence of a nudge: what of it goes through each node and edge to m.

    The current through v is (dv/dn)(dm/dv), along u -> v it is (du/dn)(dv/du)(dm/dv). Of any A
    that no path from n to m crosses twice it gives Comp(A; n, m) = 1 / (1 - its share), so that
    one pass forwards and one backwards answer for all of them.

    Args:
        model: The model; its question gives what is not given here.
        nudge: The node n.
        hold: A set A whose share is told. None is needed; when not given it is the model's own,
            where n lies outside it.
        target: The variable m, measured at the last step.
        steps: The last step.
        given: Interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws the noise variables make.
        progress: Called with (done, total, what), in steps.
        data: In a model with arrays, variable without a rule -> its values, step first.
        along: In a model with arrays, the direction in which n is nudged, of n's shape; all
            directions when not given.

    Returns:
        The currents, with `through(A)`; of numbers with `crossings(A)` and `paths(count)` too.

    Raises:
        QuestionError: The question cannot be asked of this model.
        UnknownNameError: It names a variable that the model does not declare.

    Example:
        >>> from causalopt import load
        >>> found = currents(load("thermostat"), steps=100)
        >>> found.share[50].sum().round(12).item(), found.through("R[50]").status
        (1.0, 'ok')
    """
    del progress  # long_work tells it
    if model.is_array:
        from causalopt.influence.array_currents import array_currents  # few models have any

        return array_currents(
            model.replace(parameters=parameters),
            nudge=one_nudge(nudge),
            hold=hold,
            target=target,
            steps=steps,
            given=given,
            initial=initial,
            seed=seed,
            data=data,
            along=along,
        )
    refuse_for_numbers(data=data, along=along)
    asked = ask(
        model,
        nudge=nudge,
        hold=own_set(model, nudge, steps) if hold is None else hold,
        target=target,
        steps=steps,
        given=given,
        parameters=parameters,
        initial=initial,
        seed=seed,
    )
    return Currents(**vars(asked), nodes=node_currents(asked))
