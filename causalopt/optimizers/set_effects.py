"""The effect of n on m beside each of many sets A, over one baseline W.

Total effect, values and their statuses are one run's. In long runs currents tell the effect beside
a set of one node; the effects beside all others are swept in lanes, together with those of twins:
baselines whose values and slopes are moved by their rounding. Where twins part, where a zero may be
none, and where a branch may decide, a set is run alone, as `run` does it.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked
from causalopt.effects.doubts.cancellation import slope_errors
from causalopt.effects.doubts.drift import moved_plan, twins
from causalopt.effects.doubts.near_kinks import suspects
from causalopt.effects.limit import forward_effect, read_by
from causalopt.effects.measures import Effect, Part
from causalopt.engine.adjoint import Baseline, terms_of
from causalopt.engine.contract import Bools, Floats, Tangents
from causalopt.engine.executions import run_tangents, run_values
from causalopt.engine.held_sets import HeldSets
from causalopt.engine.linearization import linearize
from causalopt.engine.signs import counter_signs, counter_uniforms
from causalopt.model.reach import reachable
from causalopt.model.selectors import Selection
from causalopt.model.template import refuse_between
from causalopt.optimizers.lane_reach import reached_beside
from causalopt.optimizers.node_sets import NodeSets
from causalopt.optimizers.single_nodes import SingleNodes
from causalopt.work.progress import portion, through

BUDGET = 4_000_000  # node-updates of sets run alone: some seconds
_EACH = 500  # node-updates that take as long as what a set run alone costs besides
_PARTED = 2.0**-10  # share by which a twin's effect differs that is not known to be right
_ROUNDED = 2.0**-50  # what a slope, its product and the sum may be wrong by, relative
_LONG = 64  # steps from which currents take less time than sweeps
_FEW = 8  # sets for which sweeps take less time than the currents of all nodes
_TANGENTS = 10  # runs with tangents, twins' included: machine code is made for all of them
_CHUNK = 2048  # sets whose masks are written out together


@dataclasses.dataclass(frozen=True, eq=False)
class SetAnswer:
    """The effects beside many sets.

    Attributes:
        effect: Total and direct effects, shape [set], or [kept step, set].
        alone: Which sets were run alone, shape [set].
        left: How many sets should have been and were not, for lack of time: they are `unresolved`.
    """

    effect: Effect
    alone: Bools
    left: int


class SetEffects:
    """The effects of n on m beside sets A, for many sets over one baseline.

    Args:
        asked: The question; its own set A plays no part.
        at: The steps at which m is measured, ascending; the question's last one alone when not
            given, and answers then have no axis of steps.
        budget: Node-updates of sets that are run alone; those left over are `unresolved`.

    Raises:
        QuestionError: An integer variable stands between n and m: it has no derivative.

    Example:
        >>> from causalopt import load
        >>> from causalopt.effects.asked import ask
        >>> from causalopt.effects.measures import measure
        >>> asked = ask(load("lorenz"), nudge="b[0]", target="b", steps=100)
        >>> sets = [asked.model.selection(text) for text in ("a", "c", "a, c[t<=10]")]
        >>> measure(SetEffects(asked).of(sets).effect).op.round(3).tolist()
        [-2.821, 0.597, -2.521]
    """

    def __init__(
        self, asked: Asked, *, at: Sequence[int] | None = None, budget: int = BUDGET
    ) -> None:
        self.asked = dataclasses.replace(asked, hold=())
        self._template, self._budget = asked.model.template, budget
        refuse_between(self._template, asked.nudge.variable, asked.target)
        self.plan = self.asked.plan()
        self.target = self._template.index[asked.target]
        self._flat = at is None
        self.keep = (asked.steps,) if at is None else tuple(at)

    @functools.cached_property
    def run(self) -> Tangents:
        """W and the total effect of n on every node."""
        return run_tangents(self._template.structure, self.plan, repeats=_TANGENTS)

    @functools.cached_property
    def total(self) -> Effect:
        """The effect of n on m with nothing held, at the kept steps, shape [kept step]."""
        effect = forward_effect(self.asked.model, self.plan, self.run, self.target)
        return effect.at(list(self.keep))

    def of(self, sets: NodeSets | Sequence[Selection]) -> SetAnswer:
        """Return the effects beside sets, in their order.

        Args:
            sets: The sets, or selections.

        Raises:
            QuestionError: A set holds the nudged node.
        """
        if not isinstance(sets, NodeSets):
            sets = NodeSets.of_selections(self.asked.model, sets, self.asked.steps)
        assert self.plan.seed is not None
        sets.check(self.plan.seed, self.asked.node_name)
        count = len(sets)
        effect = self._empty(count)
        doubtful = np.zeros(count, dtype=bool)
        with portion(0.0, 0.7):
            for low in through(range(0, count, _CHUNK)):
                part = slice(low, min(low + _CHUNK, count))
                doubtful[part] = self._filled(sets, part, effect)
        alone = np.flatnonzero(doubtful)
        size = (self.plan.steps + 1) * len(self._template.equations) + _EACH
        asked = alone[: max(self._budget // size, 1)]
        with portion(0.7, 1.0):
            for k in through(asked.tolist()):
                self._put_alone(sets, k, effect, len(asked))
        effect.direct.error[:, alone[len(asked) :]] = np.inf
        done = np.zeros(count, dtype=bool)
        done[asked] = True
        return SetAnswer(effect.at(0) if self._flat else effect, done, len(alone) - len(asked))

    @property
    def has_shares(self) -> bool:
        """Whether the total effect at the last kept step is known and not 0."""
        whole = self.total.at([-1])
        size = abs(float(whole.total.mantissa[-1]))
        return bool(0 < size < np.inf and whole.finite[-1] and not whole.total.is_unresolved[-1])

    def over_total(self, sets: NodeSets) -> tuple[Floats, Floats]:
        """Return direct effects over the total one at the last kept step, without statuses.

        As they are, and with the product of every path, and of the total effect, counted by its
        size; shape [set] each.
        """
        total = self.total.total
        found = []
        for sweeps in (self._sweeps, self._absolute):
            parts = [
                sweeps.over(sets.held(slice(low, low + _CHUNK)), sets.starts, self.keep[-1:])
                for low in range(0, len(sets), _CHUNK)
            ]
            mantissa = np.concatenate([part[0][0] for part in parts])
            power = np.concatenate([part[1][0] for part in parts]) - int(total.exponent[-1])
            with np.errstate(all="ignore"):
                found.append(np.ldexp(mantissa, np.clip(power, -4000, 4000).astype(np.int32)))
        whole = float(total.mantissa[-1])
        with np.errstate(all="ignore"):
            return found[0] / whole, found[1] / abs(whole)

    @functools.cached_property
    def _absolute(self) -> HeldSets:
        structure, slopes = self._template.structure, np.abs(self._baseline.slopes)
        return HeldSets(structure, self.plan, self.target, slopes=slopes)

    def _empty(self, count: int) -> Effect:
        """Return effects whose direct part is still to be filled in, shape [kept step, set]."""
        shape = (len(self.keep), count)
        total = self.total

        def spread(values: NDArray[Any]) -> NDArray[Any]:
            return np.array(np.broadcast_to(values[:, np.newaxis], shape))

        return dataclasses.replace(
            total,
            total=total.total.each(spread),
            direct=total.total.each(spread),
            held=np.zeros(shape, dtype=bool),
            finite=spread(total.finite),
            kinks=spread(total.on_kink),
            diverges=np.broadcast_to(np.asarray(total.is_divergence), shape).copy(),
        )

    def _filled(self, sets: NodeSets, part: slice, effect: Effect) -> Bools:
        """Fill in the effects beside some sets; return which of them are in doubt."""
        held = sets.held(part)
        rows = np.searchsorted(sets.starts, self.keep, side="right") - 1
        effect.held[:, part] = held[rows, self.target]
        places = np.arange(part.start, part.stop)
        if self.may_kink:
            return np.full(len(places), True)
        known = self._by_currents(held, sets.starts, places, effect)
        left = ~known
        if left.any():
            known[left] = self._swept(held[:, :, left], sets.starts, places[left], effect)
        return ~known

    def _by_currents(
        self, held: Bools, starts: NDArray[np.int64], places: NDArray[np.intp], effect: Effect
    ) -> Bools:
        """Fill in what currents know: sets of one node, which no path crosses twice."""
        total = effect.total
        lengths = np.diff(starts, append=self.plan.steps + 1)
        sizes = np.einsum("r,rvs->s", lengths, held)
        few = np.count_nonzero(sizes <= held.shape[1]) < _FEW  # that may hold one node on a path
        if few or not self._flat or self.plan.steps < _LONG or not total.mantissa[0, 0]:
            return np.zeros(len(places), dtype=bool)
        is_single, ratio, error = self._single_nodes.beside(held, starts)
        known = is_single & (error <= _PARTED * np.abs(ratio))
        whole, chosen = total.mantissa[0, places[known]], places[known]
        effect.direct.mantissa[0, chosen] = whole * ratio[known]
        effect.direct.error[0, chosen] = np.abs(whole) * error[known]
        effect.direct.has_path[0, chosen] = effect.direct.doubts_zero[0, chosen] = True
        return known

    @functools.cached_property
    def _single_nodes(self) -> SingleNodes:
        return SingleNodes.of(self.asked)

    def _swept(
        self, held: Bools, starts: NDArray[np.int64], places: NDArray[np.intp], effect: Effect
    ) -> Bools:
        """Fill in what sweeps say beside sets; return of which it is known."""
        mantissas, exponents = self._sweeps.over(held, starts, self.keep)
        path = np.ones(mantissas.shape, dtype=bool)
        zero = (mantissas == 0).any(axis=0)
        if zero.any():
            path[:, zero] = reached_beside(
                self._template, self.plan, self.target, held[:, :, zero], starts, self.keep
            )
        error = np.zeros(mantissas.shape)
        total = self.total
        # What W's end or the total effect leaves open, no set can close.
        settled = ~total.finite | (total.total.is_unresolved & ~total.on_kink)
        for twin in [] if settled.all() else self._twins:
            others, powers = twin.over(held, starts, self.keep)
            with np.errstate(all="ignore"):
                moved = np.clip(powers - exponents, -4000, 4000).astype(np.int32)
                error = np.fmax(error, np.abs(np.ldexp(others, moved) - mantissas))
        direct = effect.direct
        for name, values in (
            ("mantissa", mantissas),
            ("exponent", exponents),
            ("error", error),
            ("has_path", path),
            ("doubts_zero", path),
        ):
            getattr(direct, name)[:, places] = values
        with np.errstate(invalid="ignore"):
            is_known = (error <= _PARTED * np.abs(mantissas)) & ((mantissas != 0) | ~path)
        is_known |= settled[:, np.newaxis] & ((mantissas != 0) | ~path)
        known: Bools = is_known.all(axis=0)
        return known

    @functools.cached_property
    def _baseline(self) -> Baseline:
        structure = self._template.structure
        plain = dataclasses.replace(self.plan, seed=None)
        found = run_values(structure, plain, terms_of(structure))
        return Baseline.of(structure, 0, found.values, found.extras)

    @functools.cached_property
    def _sweeps(self) -> HeldSets:
        structure, slopes = self._template.structure, self._baseline.slopes
        return HeldSets(structure, self.plan, self.target, slopes=slopes)

    @functools.cached_property
    def _moved(self) -> list[Baseline]:
        """Twins of W: every rounded value moved by what it may be wrong by."""
        template, base = self._template, self._baseline
        if not self._drifts:
            return []
        plain, terms = dataclasses.replace(self.plan, seed=None), terms_of(template.structure)
        found = []
        for number in range(twins(self.plan, base.values.shape[1])):
            moved = moved_plan(template, plain, base.values, plain.steps, number)
            run = run_values(template.structure, moved, terms)
            found.append(Baseline.of(template.structure, 0, run.values, run.extras))
        return found

    @functools.cached_property
    def _twins(self) -> list[HeldSets]:
        """The same sweeps along twins: W moved by its rounding, and slopes by theirs."""
        structure, base = self._template.structure, self._baseline
        plain = dataclasses.replace(self.plan, seed=None)
        cancelling = linearize(structure).cancelling
        lost = slope_errors(structure, plain, base.values) if cancelling else {}
        found = []
        for number, twin in enumerate(self._moved or [base]):
            shape, first = twin.slopes.shape, number << 40
            slopes = twin.slopes * (1.0 + _ROUNDED * counter_uniforms(first, shape))
            for k, (_, error) in lost.items():
                slopes[:, k] += error * counter_signs(first + k, (shape[0], 1))[:, 0]
            found.append(HeldSets(structure, self.plan, self.target, slopes=slopes))
        return found

    @functools.cached_property
    def _read(self) -> Bools:
        return read_by(self.asked.model, [self.target])

    @functools.cached_property
    def _drifts(self) -> bool:
        read = frozenset(np.flatnonzero(self._read).tolist())
        return bool(linearize(self._template.structure).drifting & read)

    @functools.cached_property
    def may_kink(self) -> bool:
        """Whether W sits on a kink that n reaches and m reads, or may do so to within rounding."""
        structure, base = self._template.structure, self._baseline
        gaps = linearize(structure).moving_gaps
        if not any(self._read[gap.child] for gap in gaps):
            return False
        reached = reachable(self._template, self.plan, avoid_held=False).table & self._read
        if (base.closed & reached[:, [gap.child for gap in gaps]]).any():
            return True
        if not self._moved:
            return False
        with np.errstate(invalid="ignore"):
            moved = np.max([np.abs(twin.values - base.values) for twin in self._moved], axis=0)
        near = suspects(structure, self.plan, base.values, moved, self._read)
        return any(reached[t, gaps[number].child] for t, number in near)

    def _put_alone(self, sets: NodeSets, place: int, effect: Effect, repeats: int) -> None:
        """Put in what a run with one of the sets says."""
        structure = self._template.structure
        own = dataclasses.replace(self.plan, held=sets.table(place, self.asked.steps))
        run = run_tangents(structure, own, repeats=repeats)
        found = forward_effect(self.asked.model, own, run, self.target).at(list(self.keep))
        for mine, others in ((effect.total, found.total), (effect.direct, found.direct)):
            for field in dataclasses.fields(Part):
                getattr(mine, field.name)[:, place] = getattr(others, field.name)
        assert effect.kinks is not None
        assert isinstance(effect.diverges, np.ndarray)
        effect.held[:, place], effect.finite[:, place] = found.held, found.finite
        effect.kinks[:, place], effect.diverges[:, place] = found.on_kink, found.is_divergence
