"""From a template to a random map: one step of the model, for every outcome of its noise.

The state holds the values that rules read from earlier steps; everything else at a step follows
from them and from the noise drawn at that step.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from causalopt.distributions.random_map import Array, Map, RandomMap
from causalopt.distributions.term_arrays import evaluate_arrays, specialise
from causalopt.errors import QuestionError
from causalopt.expressions import Term, leaves
from causalopt.expressions.term import const, ref
from causalopt.template import Template

MOST_OUTCOMES = 4096

Outcomes = Mapping[str, Sequence[tuple[Fraction, float]]]
Slot = tuple[str, int]


def state_slots(template: Template, noise: Sequence[str] = ()) -> tuple[Slot, ...]:
    """Return the `(variable, lag)` pairs that make up the state, lag 1 of each first.

    Args:
        template: The equations.
        noise: Variables drawn afresh each step.

    Returns:
        Every lag up to the largest one read, variables in the template's order.

    Raises:
        QuestionError: Noise is read at a later step, or nothing is carried over.
    """
    depth: dict[str, int] = {}
    for equation in template.equations:
        for name, lag in equation.parents:
            if lag and name in noise:
                raise QuestionError(
                    f"'{equation.name}' reads the noise '{name}' of an earlier step; "
                    "let a variable carry it over"
                )
            depth[name] = max(depth.get(name, 0), lag)
    slots = [
        (equation.name, lag)
        for equation in template.equations
        for lag in range(1, depth.get(equation.name, 0) + 1)
    ]
    if not slots:
        raise QuestionError("nothing in this model depends on the step before: there is no chain")
    return tuple(sorted(slots, key=lambda slot: slot[1]))


def step_map(template: Template, outcomes: Outcomes) -> RandomMap:
    """Return the random map of a template.

    Args:
        template: The equations; noise variables are those in `outcomes`.
        outcomes: Noise variable -> its values and their probabilities.

    Returns:
        One map for every joint outcome of the noise.

    Raises:
        QuestionError: The rules depend on the time itself, a variable has no rule, or there are
            more than 4096 joint outcomes.
    """
    slots = state_slots(template, tuple(outcomes))
    _check(template, outcomes)
    combinations = list(itertools.product(*outcomes.values()))
    maps, shares = [], []
    for combination in combinations:
        drawn = {
            ref(name, 0): const(value)
            for name, (value, _) in zip(outcomes, combination, strict=True)
        }
        maps.append(_step(template, slots, drawn))
        shares.append(float(np.prod([share for _, share in combination])))
    names = tuple(name if lag == 1 else f"{name}[t-{lag}]" for name, lag in slots)
    whole = sum(shares)
    return RandomMap(tuple(maps), tuple(share / whole for share in shares), len(slots), names)


def _check(template: Template, outcomes: Outcomes) -> None:
    count = int(np.prod([len(values) for values in outcomes.values()], dtype=float))
    if count > MOST_OUTCOMES:
        raise QuestionError(
            f"the noise has {count} joint outcomes a step, more than {MOST_OUTCOMES}: "
            "declare fewer datapoints or a smaller minibatch"
        )
    for equation in template.equations:
        if equation.rule is None:
            if equation.name not in outcomes:
                raise QuestionError(
                    f"'{equation.name}' follows no rule, so the model has no law of its own"
                )
        elif any(leaf.op in {"t", "time"} for leaf in leaves(equation.rule)):
            raise QuestionError(
                f"'{equation.name}' depends on the time itself; a random map is the same each step"
            )


def _step(template: Template, slots: tuple[Slot, ...], drawn: Mapping[Term, Term]) -> Map:
    """Return one step as a function on arrays, with the noise decided."""
    written: dict[Term, Term] = dict(drawn)
    for equation in template.equations:
        if equation.rule is not None:
            # Same-step references are written out, so that a step is terms in the state alone.
            written[ref(equation.name, 0)] = specialise(equation.rule, written)
    roots = [written[ref(name, 0)] if lag == 1 else ref(name, lag - 1) for name, lag in slots]
    parameters = {name: np.float64(value) for name, value in template.parameter_values().items()}
    places = {ref(name, lag): place for place, (name, lag) in enumerate(slots)}

    def image(states: Array) -> Array:
        def leaf(term: Term) -> Array | np.float64:
            if term in places:
                return np.asarray(states[places[term]])
            return parameters[str(term.payload or term.op)]

        values = evaluate_arrays(roots, leaf)
        return np.stack([np.broadcast_to(value, states.shape[1:]) for value in values])

    return image
