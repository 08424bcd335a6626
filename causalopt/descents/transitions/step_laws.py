"""The law of one step, with the derivatives that least action needs, from a model or a map."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from causalopt.descents.maps.step_map import state_slots, step_terms, written_out
from causalopt.descents.transitions.step_costs import StepLaw, StepMoves
from causalopt.errors import QuestionError
from causalopt.language.arrays import evaluate_arrays
from causalopt.language.gradient import gradient
from causalopt.language.term import Term, const, decimal, leaves, ref, substitute

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from causalopt.descents.maps.random_map import Array, RandomMap
    from causalopt.model.model import Model

MOST_OUTCOMES = 4096
DIFFERENCE = 1e-5


def law_of_model(model: Model) -> StepLaw:
    """Return the law of one step of a model, whose noises are finite or normal.

    Derivatives are those of the rules, not differences.

    Raises:
        QuestionError: A noise is uniform, draws words, or is normal and does not enter linearly;
            the rules depend on the time; or there are too many outcomes.
    """
    finite, normal = _noises(model)
    noise = (*finite, *normal)
    rules = written_out(model.template, noise)
    slots = state_slots(rules, noise)
    if any(leaf.op in {"t", "time"} for rule in rules.values() for leaf in leaves(rule)):
        raise QuestionError("a rule depends on the time itself; a law of steps is always the same")
    combinations = list(itertools.product(*finite.values()))
    if len(combinations) > MOST_OUTCOMES:
        raise QuestionError(
            f"the noise has {len(combinations)} joint outcomes a step, more than {MOST_OUTCOMES}"
        )
    drawn = [
        {ref(name, 0): const(value) for name, (value, _) in zip(finite, chosen, strict=True)}
        for chosen in combinations
    ]
    shares = np.array([float(np.prod([p for _, p in chosen])) for chosen in combinations])
    roots = [step_terms(rules, slots, values) for values in drawn]
    if not any(leaf in roots_leaves(roots) for leaf in map(_at, normal)) and len(roots) == 1:
        raise QuestionError("the model has no noise, so no step is unlikely: none has a cost")
    parts = [_Outcome(terms, slots, normal) for terms in roots]
    values = {name: np.float64(v) for name, v in model.template.parameter_values().items()}
    names = tuple(name if lag == 1 else f"{name}[t-{lag - 1}]" for name, lag in slots)

    def moves(states: Array) -> StepMoves:
        return _joined([part.moves(states, slots, values) for part in parts])

    return StepLaw(moves, tuple((shares / shares.sum()).tolist()), names)


def _at(name: str) -> Term:
    return ref(name, 0)


def roots_leaves(roots: Sequence[Sequence[Term]]) -> set[Term]:
    """Return all leaves of some terms."""
    return {leaf for terms in roots for leaf in leaves(*terms)}


def _noises(
    model: Model,
) -> tuple[dict[str, list[tuple[Fraction, float]]], dict[str, tuple[float, float]]]:
    """Return finite noises with their outcomes, and normal ones with mean and deviation."""
    finite: dict[str, list[tuple[Fraction, float]]] = {}
    normal: dict[str, tuple[float, float]] = {}
    for name, variable in model.variables.items():
        if variable.noise is None:
            continue
        law = model.finite.noises.get(name)
        if law is None:
            kind, numbers = model.finite.densities[name]
            if kind != "normal":
                raise QuestionError(
                    f"the noise '{name}' is {kind}: a least action takes normal noise, or noise "
                    "of finitely many values such as bernoulli(1/2)"
                )
            mean, deviation = numbers
            normal[name] = (float(mean), float(deviation))
            continue
        words = [label for label in law if isinstance(label, str)]
        if words:
            raise QuestionError(
                f"the noise '{name}' draws the word '{words[0]}'; a law of steps needs numbers: "
                "write 0, 1, ... for its labels"
            )
        finite[name] = [(Fraction(label), float(share)) for label, share in law.items()]
    return finite, normal


class _Outcome:
    """The terms of one outcome of the finite noise: means and spreads, with their derivatives."""

    def __init__(
        self,
        terms: Sequence[Term],
        slots: Sequence[tuple[str, int]],
        normal: Mapping[str, tuple[float, float]],
    ) -> None:
        places = [ref(name, lag) for name, lag in slots]
        centre = {_at(name): decimal(mean) for name, (mean, _) in normal.items()}
        self.deviations = [deviation for _, deviation in normal.values()]
        self.size, self.draws = len(places), len(normal)
        self.means = [substitute(term, centre) for term in terms]
        self.slopes = [_slopes(term, places) for term in self.means]
        self.spreads = []
        for term in terms:
            by_noise = _slopes(term, [_at(name) for name in normal])
            for name, slope in zip(normal, by_noise, strict=True):
                if roots_leaves([[slope]]) & set(map(_at, normal)):
                    raise QuestionError(
                        f"the normal noise '{name}' does not enter its rule linearly: its steps "
                        "have no normal law, and no least action is known for them"
                    )
            self.spreads.append(by_noise)
        self.spread_slopes = [[_slopes(g, places) for g in row] for row in self.spreads]

    def moves(
        self, states: Array, slots: Sequence[tuple[str, int]], values: Mapping[str, np.float64]
    ) -> tuple[Array, Array, Array, Array]:
        """Return mean move, its slopes, spread and its slopes at the states."""
        places = {ref(name, lag): place for place, (name, lag) in enumerate(slots)}

        def leaf(term: Term) -> Array | np.float64:
            if term in places:
                return np.asarray(states[places[term]])
            return values[str(term.payload or term.op)]

        flat = [
            *self.means,
            *itertools.chain(*self.slopes),
            *itertools.chain(*self.spreads),
            *itertools.chain(*itertools.chain(*self.spread_slopes)),
        ]
        count, d, r = states.shape[1], self.size, self.draws
        found = np.array([np.broadcast_to(v, count) for v in evaluate_arrays(flat, leaf)])
        ends = np.cumsum([d, d * d, d * r])
        mean = found[: ends[0]] - states
        slopes = found[ends[0] : ends[1]].reshape(d, d, count) - np.eye(d)[:, :, np.newaxis]
        scale = np.array(self.deviations)
        gains = found[ends[1] : ends[2]].reshape(d, r, count) * scale[:, np.newaxis]
        bends = found[ends[2] :].reshape(d, r, d, count) * scale[:, np.newaxis, np.newaxis]
        spread = np.einsum("crp,drp->cdp", gains, gains)
        half = np.einsum("crep,drp->cdep", bends, gains)
        return mean, slopes, spread, half + np.swapaxes(half, 0, 1)


def _slopes(term: Term, places: Sequence[Term]) -> list[Term]:
    found = gradient(term, places) if places else {}
    return [found.get(place, const(0)) for place in places]


def _joined(parts: list[tuple[Array, Array, Array, Array]]) -> StepMoves:
    return StepMoves(*(np.stack(column) for column in zip(*parts, strict=True)))


def law_of_map(chain: RandomMap) -> StepLaw:
    """Return the law of one step of a random map; derivatives are central differences."""
    d = chain.dimension

    def moves(states: Array) -> StepMoves:
        mean = chain.images(states) - states
        size = DIFFERENCE * (1 + np.abs(states))
        slopes = []
        for axis in range(d):
            shift = np.zeros_like(states)
            shift[axis] = size[axis]
            ahead, back = chain.images(states + shift), chain.images(states - shift)
            slopes.append((ahead - back) / (2 * size[axis]))
        by_place = np.stack(slopes, axis=2) - np.eye(d)[:, :, np.newaxis]
        nothing = np.zeros((*mean.shape[:2], d, states.shape[1]))
        return StepMoves(
            mean, by_place, nothing, np.zeros((*mean.shape[:2], d, d, states.shape[1]))
        )

    return StepLaw(moves, chain.probabilities, chain.names)
