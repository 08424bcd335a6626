"""Which A? Candidate sets ranked by Op; W and the total effect are computed once for all."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from causalopt.effects.asked import among_numbers, asked_node, asked_target
from causalopt.effects.measures import Effect, Part, ratios
from causalopt.engine.contract import Plan
from causalopt.engine.held_sets import HeldSets
from causalopt.errors import QuestionError
from causalopt.model.model import Model, run_length
from causalopt.model.selectors import Node
from causalopt.model.template import refuse_between
from causalopt.worlds.interventions import Intervention, plan_for


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A set A, and how much it compresses.

    Attributes:
        hold: Its variables.
        op: Op(A; n, m) in nats; -inf where A is the only conduit.
        comp: Comp, total over direct effect.
    """

    hold: tuple[str, ...]
    op: float
    comp: float


def find_optimizers(
    model: Model,
    *,
    nudge: str | Node | None = None,
    target: str | None = None,
    steps: int | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    size: int = 3,
    among: Sequence[str] | None = None,
) -> list[Candidate]:
    """Rank sets of variables by Op: which part of the model optimizes m against n?

    All single variables and all pairs are tried, then the best set is grown one variable at a time
    up to `size`.

    Args:
        model: The model.
        nudge: The node n; the model's own when not given.
        target: The variable m, measured at the last step.
        steps: The last step.
        given: Interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        size: The largest set.
        among: The variables that may be in A; all but n's and m's when not given.

    Returns:
        Candidates, the strongest optimizer first. Sets that no path crosses have Op 0; where the
        total effect is 0 every Op is inf or undefined, and undefined ones come last.

    Raises:
        QuestionError: A part of the question is missing, or `among` holds n or m.

    Example:
        >>> from causalopt import load
        >>> [c.hold for c in find_optimizers(load("lorenz").replace(parameters={"rho": 0.8}))]
        [('c',), ('a', 'c'), ('a',)]
    """
    model = model.replace(parameters=parameters, initial=initial)
    if model.is_array:
        model, nudge, _, target = among_numbers(model, nudge, (), target)
    node, measured = asked_node(model, nudge), asked_target(model, target)
    last = run_length(model, steps)
    model.check_nudge(node, (), last)
    names = _candidates(model, among, node, measured)
    if size < 1:
        raise QuestionError(f"size must be at least 1, found {size}")
    plan = plan_for(model, tuple(given), steps=last, seed=node)
    refuse_between(model.template, node.variable, measured)
    search = _Search(model, plan, measured)
    sets: list[tuple[str, ...]] = [(name,) for name in names]
    if size > 1:
        sets += list(itertools.combinations(names, 2))
    found = search.ranked(sets)
    best = found[0].hold if found else ()
    while best and len(best) < min(size, len(names)):
        tried = {candidate.hold for candidate in found}
        grown = [_grown(names, best, name) for name in names if name not in best]
        found = _sorted(found + search.ranked([new for new in grown if new not in tried]))
        better = [candidate for candidate in found if candidate.hold in grown]
        best = better[0].hold if better else ()
    return found


def _grown(names: Sequence[str], best: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(other for other in names if other in best or other == name)


def _candidates(model: Model, among: Sequence[str] | None, node: Node, target: str) -> list[str]:
    if among is None:
        return [name for name in model.variables if name not in {node.variable, target}]
    among = [model.variable(name) for name in among]
    for name in among:
        if name in {node.variable, target}:
            raise QuestionError(f"'{name}' is nudged or measured: A holds neither n nor m")
    return list(dict.fromkeys(among))


def _sorted(candidates: list[Candidate]) -> list[Candidate]:
    """Return the strongest first; of equals the smaller set; undefined ones last."""
    return sorted(candidates, key=lambda c: (np.isnan(c.op), -c.op, len(c.hold)))


class _Search:
    """One baseline, shared by all sets."""

    def __init__(self, model: Model, plan: Plan, target: str) -> None:
        template = model.template
        self._owners = [equation.owner for equation in template.equations]
        self._sets = HeldSets(template.structure, plan, template.index[target])
        self._total = self._part([()])

    def ranked(self, sets: list[tuple[str, ...]]) -> list[Candidate]:
        """Return the sets with their Op, the strongest first."""
        if not sets:
            return []
        effect = self._effect(self._part(sets))
        comp, op = ratios(effect, np.zeros(len(sets), dtype=np.int8))
        return _sorted(list(map(Candidate, sets, op.tolist(), comp.tolist())))

    def _part(self, sets: list[tuple[str, ...]]) -> Part:
        """Return the effects on m over the paths that avoid each set."""
        held = np.array([[owner in chosen for chosen in sets] for owner in self._owners])
        mantissas, exponents = self._sets.tangents(held)
        path = np.ones(len(sets), dtype=bool)
        return Part.of_tangents(mantissas, exponents, None, path)

    def _effect(self, direct: Part) -> Effect:
        no = np.zeros(len(direct.mantissa), dtype=bool)
        return Effect(self._total, direct, held=no, finite=~no)
