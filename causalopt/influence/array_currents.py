"""The current of influence through arrays: every element's share, and what goes through a set.

With several elements nudged or measured an effect is a matrix: total T = dm/dn, of shape [q, p],
and the current through a number v is the matrix J_v = (dm/dv)(dv/dn). Over a cut the matrices sum
to T. An element's share is <J_v, T> / <T, T>, which is J_v / T for numbers, and sums to 1.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.arrays.array_kinks import value_gaps
from causalopt.effects.arrays.array_question import run_arrays
from causalopt.effects.arrays.edge_slopes import Edge, pushed_along
from causalopt.effects.arrays.nudge_directions import MAX_DIRECTIONS, chosen_directions
from causalopt.effects.arrays.rounding_twins import TWINS, Disturbance
from causalopt.effects.arrays.vector_effect import VectorEffect
from causalopt.effects.arrays.whole_numbers import refuse_integers
from causalopt.effects.asked import Asked, asked_hold, asked_node, asked_target
from causalopt.engine.arrays.array_course import Draw, Row, lookup, rows
from causalopt.engine.arrays.array_plan import ArrayPlan, Values
from causalopt.engine.arrays.array_step import single
from causalopt.errors import SizeError
from causalopt.influence.array_passes import Passes, Passing
from causalopt.influence.through import Through, own_set
from causalopt.model.graph import declared_edges
from causalopt.model.model import Model, run_length
from causalopt.model.selectors import Node, Selection, Window, selection_text
from causalopt.results import Plotted, Tabled, labelled, nested, plain, plain_number
from causalopt.worlds.array_world import array_plan_for, element_slices, held_arrays, split_initial
from causalopt.worlds.interventions import Intervention

if TYPE_CHECKING:
    import xarray

_SAME = 2.0**-40  # worlds beside A that agree with 1 - share to so much are one answer


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ArrayCurrents(Asked, Tabled, Plotted):
    """The current of influence from n to m through arrays, along one trajectory.

    Attributes:
        array_plan: The run, with nothing held.
        draw: Gives the noises' values at a step.
        measured: The node m.
        passes: Derivatives by n and of m.
        twins: The same with every value moved in its last place.
        names: The variables on a way from n to m.
        total_status: What the total effect means, a key of `causalopt.STATUSES`.
        data: Variable without a rule -> its values, step first, as they were given.
        starts: Variable -> the array it starts from, as it was given.
    """

    array_plan: ArrayPlan
    draw: Draw | None
    measured: Node
    passes: Passes
    twins: tuple[Passes, ...]
    names: tuple[str, ...]
    total_status: str
    data: Mapping[str, Any] | None
    starts: Mapping[str, Any]

    @property
    def t(self) -> NDArray[np.int64]:
        """The step, shape [t]."""
        return np.arange(self.steps + 1)

    @property
    def log_total(self) -> float:
        """The logarithm of the total effect's Frobenius norm; -inf for no effect."""
        size = float(np.linalg.norm(self.passes.total))
        return math.log(size) + self.passes.power * math.log(2.0) if size else -math.inf

    @functools.cached_property
    def share(self) -> dict[str, Values]:
        """Variable -> each element's share of the total effect, shape [t, *shape]."""
        forward, backward = self.passes.forward, self.passes.backward
        return {
            n: self.passes.share(forward[n], backward[n]) if n in self.names else self._zeros(n)
            for n in self.array_plan.template.names
        }

    @functools.cached_property
    def status(self) -> dict[str, NDArray[np.str_]]:
        """Variable -> what each element's share means, shape [t, *shape].

        Where a branch decided the total effect, every current is said to be on the kink.
        """
        return {name: self._statuses(name) for name in self.share}

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The edges between variables: (parent, child, lag)."""
        return tuple(
            edge
            for edge in declared_edges(self.model)
            if edge[0] in self.names and edge[1] in self.names
        )

    @functools.cached_property
    def edge_share(self) -> Values:
        """What goes along each edge, summed over elements, of the total: [t of the child, edge]."""
        plan, passes, edges = self.array_plan, self.passes, self.edges
        found = np.zeros((self.steps + 1, len(edges)))
        past: deque[Row] = deque(maxlen=max(plan.template.max_lag, 1))
        for t, row in enumerate(rows(plan, self.draw)):
            look = lookup(plan, t, row, past)
            for e, (parent, child, lag) in enumerate(edges):
                if lag > t or not self._follows(child, t):
                    continue
                directions = passes.forward[parent][t - lag]
                if not directions.any():
                    continue
                with np.errstate(all="ignore"):
                    moved = pushed_along(plan.template, (parent, child, lag), directions, look)
                if moved is None:
                    raise SizeError(
                        f"the derivatives along the edge {parent} -> {child} take too much memory: "
                        "ask for fewer elements of n"
                    )
                force = plan.forces.get((t, child))
                if force is not None:
                    moved = np.where(True if force.mask is None else force.mask, 0.0, moved)
                # The parent's own power of two is that of its step.
                shift = int(passes.forward_powers[t - lag] - passes.forward_powers[t])
                one = np.ldexp(moved, shift)[None]
                other = passes.backward[child][t : t + 1]
                found[t, e] = passes.share(one, other, slice(t, t + 1)).sum()
            past.appendleft(row)
        return found

    def through(self, hold: str | Sequence[str | Node | Window] | None = None) -> Through:
        """Return what goes through a set A, with Comp(A) and Op(A).

        Of vectors Comp and Op are those of Frobenius norms, as `run` gives them.

        Args:
            hold: The set; the question's own when not given.

        Raises:
            QuestionError: It contains n, or lies after the last step.
        """
        selection = self.held(hold)
        self.model.check_nudge(self.nudge, selection, self.steps)
        text = selection_text(selection, self.model.named_shapes)
        if self.total_status == "ok" and self._is_slice(selection) and not self._has_ties:
            found = self._by_currents(selection, text)
            if found is not None:
                return found
        asked = run_arrays(
            self.model,
            nudge=self.nudge,
            hold=[text] if text else [],
            target=self.target,
            steps=self.steps,
            given=self.given,
            initial=self.starts,
            seed=self.seed,
            data=self.data,
        )
        return _through(text, asked.jacobian(), str(asked.status[-1]), "worlds")

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON's types: infinities as "inf" and "-inf", undefined as None."""
        return {
            "model": self.model.name,
            "nudge": self.node_name,
            "target": self.target,
            "steps": self.steps,
            "step": self.t.tolist(),
            "log_total": plain_number(self.log_total),
            "total_status": self.total_status,
            "share": {name: nested(values) for name, values in self.share.items()},
            "status": {name: values.tolist() for name, values in self.status.items()},
            "edges": [
                {"parent": p, "child": c, "lag": lag, "share": plain(self.edge_share[:, e])}
                for e, (p, c, lag) in enumerate(self.edges)
            ],
            "through": self.through().to_dict() if self.hold else None,
        }

    @property
    def dataset(self) -> xarray.Dataset:
        """Shares and statuses with labelled axes, and provenance."""
        return labelled(self)

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers: model, settings and versions."""
        return self.provenance_with(
            given="; ".join(repr(i) for i in self.given), seed=str(self.seed), execution="arrays"
        )

    def __repr__(self) -> str:
        sums = {n: self.share[n].reshape(self.steps + 1, -1).sum(axis=1) for n in self.names}
        last = max(self.steps - 1, 0)
        at = "" if self.model.is_static else f" at t = {last}"
        parts = ", ".join(f"{n} {values[last]:.4g}" for n, values in sums.items())
        lines = [
            f"influence of {self.node_name} on {self.target} in {self.model.name}: "
            f"ln |total| = {self.log_total:.6g}, status {self.total_status}",
            f"  shares{at}: {parts}",
        ]
        if self.hold:
            found = self.through()
            lines.append(
                f"  {found.share:.6g} of it through {found.hold}: Op = {found.op:.6g} nats, "
                f"status {found.status}"
            )
        return "\n".join(lines)

    def _zeros(self, name: str) -> Values:
        fill = 0.0 if self.passes.total.any() else math.nan
        return np.full((self.steps + 1, *self.array_plan.template.by_name[name].shape), fill)

    def _follows(self, name: str, t: int) -> bool:
        """Whether a variable follows its rule at a step."""
        variable = self.array_plan.template.by_name[name]
        return variable.rule is not None and self.array_plan.initial_at(variable, t) is None

    def _statuses(self, name: str) -> NDArray[np.str_]:
        share = self.share[name]
        found = np.full(share.shape, "ok", dtype="U12")
        if name not in self.names or self.total_status == "no_influence":
            found[:] = "no_influence"
            return found
        one, other = self.passes.forward[name], self.passes.backward[name]
        size = np.sum(one**2, axis=1) * np.sum(other**2, axis=1)
        others = np.array([p.share(p.forward[name], p.backward[name]) for p in self.twins])
        with np.errstate(all="ignore"):
            error = np.nan_to_num(np.abs(others - share).max(axis=0), nan=np.inf)
        zero = (size == 0) & (others == 0).all(axis=0)
        found[8 * error >= np.abs(share)] = "unresolved"
        found[zero] = "no_influence"
        if self.total_status != "ok":
            found[~zero] = self.total_status
        return found

    @functools.cached_property
    def _has_ties(self) -> bool:
        """Whether W sits on a branch of a variable on the way, which a set may bring to bear."""
        plan = self.array_plan
        owners = {variable.name: variable.owner for variable in plan.template.variables}
        watched = [g for g in value_gaps(plan.template) if owners[g.name] in self.names]
        past: deque[Row] = deque(maxlen=max(plan.template.max_lag, 1))
        for t, row in enumerate(rows(plan, self.draw) if watched else ()):
            look = lookup(plan, t, row, past)
            for gap in watched:
                if plan.initial_at(plan.template.by_name[gap.name], t) is None:
                    with np.errstate(all="ignore"):
                        if single(gap.closed, look):
                            return True
            past.appendleft(row)
        return False

    def _is_slice(self, selection: Selection) -> bool:
        """Whether A lies in one step, no stage in it, and none of it follows from another there."""
        steps = {0} if self.model.is_static else set[int | None]()
        if not self.model.is_static:
            steps = {t for window in selection for t in (window.first, window.last)}
        held = {
            array.name
            for array in held_arrays(self.model.arrays, selection)
            if array.last is None or array.first <= array.last
        }
        if len(steps) != 1 or None in steps or not held <= set(self.array_plan.template.names):
            return False
        chosen = {window.variable for window in selection}
        below = {name: {name} for name in self.array_plan.template.names}
        for parent, child, lag in sorted(declared_edges(self.model), key=self._order):
            if lag == 0:
                below[child] |= below[parent]
        return all(below[name] & chosen == {name} for name in chosen)

    def _order(self, edge: Edge) -> int:
        owners = [v.name for v in self.array_plan.template.variables]
        return owners.index(edge[1])

    def _by_currents(self, selection: Selection, text: str) -> Through | None:
        """Return what goes through a slice; None where rounding leaves too little of the rest."""
        results = [
            (p.total - _carried(p, self.array_plan, selection), p)
            for p in (self.passes, *self.twins)
        ]
        direct, size = results[0][0], float(np.linalg.norm(self.passes.total))
        apart = max(
            float(np.linalg.norm(np.ldexp(d, p.power - self.passes.power) - direct))
            for d, p in results[1:]
        )
        left = float(np.linalg.norm(direct))
        if left < _SAME * size or 8 * apart >= left:
            return None
        effect = VectorEffect(self.passes.total, direct, (self.passes.power, self.passes.power))
        if any(w.variable == self.measured.variable and self._is_last(w) for w in selection):
            return None
        return _through(text, effect, "ok", "currents")

    def _is_last(self, window: Window) -> bool:
        return window.last is None or window.last >= self.steps


def _through(text: str, effect: VectorEffect, status: str, how: str) -> Through:
    """Return what goes through A, from total and direct Jacobians."""
    total, op = effect.total, effect.op
    direct = np.ldexp(effect.direct, effect.exponents[1] - effect.exponents[0])
    size = float(np.sum(total**2))
    share = 1.0 - float(np.sum(direct * total)) / size if size else math.nan
    if total.size == 1:
        comp = float(total.item() / direct.item()) if direct.item() else math.inf
    else:
        comp = math.exp(-op) if math.isfinite(op) else math.inf if op < 0 else 0.0
    return Through(text, share, comp, op, status, how)


def _carried(passes: Passes, plan: ArrayPlan, selection: Selection) -> Values:
    """Return the sum of the matrices J_v over A's elements, in units of the total, [q, p]."""
    found = np.zeros_like(passes.total)
    counted: dict[tuple[str, int], Values] = {}
    for window in selection:
        place = (window.variable, window.first)
        shape = plan.template.by_name[window.variable].shape
        mask = counted.setdefault(place, np.zeros(shape, dtype=bool))
        mask[() if window.elements is None else element_slices(window.elements)] = True
    for (name, t), mask in counted.items():
        if name in passes.forward and t < len(passes.powers):
            one, other = passes.forward[name][t][:, mask], passes.backward[name][t][:, mask]
            found += np.ldexp(other @ one.T, int(passes.powers[t] - passes.power))
    return found


def array_currents(
    model: Model,
    *,
    nudge: str | Node | None,
    hold: str | Sequence[str | Node] | None,
    target: str | None,
    steps: int | None,
    given: Sequence[Intervention],
    initial: Mapping[str, Any] | None,
    seed: int,
    data: Mapping[str, Any] | None,
    along: Any,
) -> ArrayCurrents:
    """Return the currents of a model with arrays: `causalopt.currents` says what is asked.

    Raises:
        SizeError: n or m has too many elements, or the derivatives do not fit into memory.
    """
    numbers, starts = split_initial(initial)
    model = model.replace(initial=numbers)
    node, text = asked_node(model, nudge), asked_target(model, target)
    said = own_set(model, node, steps) if hold is None else hold
    selection = asked_hold(model, said, nudge=node, target=text, steps=steps, given=given)
    measured, last = model.target(text), run_length(model, steps)
    model.check_nudge(node, selection, last)
    plan, draw = array_plan_for(model, given, steps=last, seed=seed, data=data, initial=starts)
    refuse_integers(plan, node.variable, measured.variable, None)
    pair = [
        chosen_directions(plan, place, one, None, seed)
        for place, one in ((node, along), (dataclasses.replace(measured, t=last), None))
    ]
    if any(is_probed for _, is_probed in pair):
        raise SizeError(
            f"n and m may have {MAX_DIRECTIONS} elements each: choose some of them, or say along"
        )
    question = Passing(plan, draw, node, measured, pair[0][0], pair[1][0])
    whole = run_arrays(
        model,
        nudge=node,
        hold=[],
        target=text,
        steps=last,
        given=given,
        initial=starts,
        seed=seed,
        data=data,
        along=along,
    )
    return ArrayCurrents(
        model=model,
        nudge=node,
        hold=selection,
        target=text,
        steps=last,
        given=tuple(given),
        seed=seed,
        array_plan=plan,
        draw=draw,
        measured=measured,
        passes=question.passes(None),
        twins=tuple(question.passes(Disturbance(plan, k + 1)) for k in range(TWINS)),
        names=question.names,
        total_status=str(whole.status[-1]),
        data=data,
        starts=starts,
    )
