"""From a template to a random map: one step of the model, for every outcome of its noise.

The state holds the values that rules read from earlier steps; everything else at a step follows
from them and from the noise drawn at that step.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from causalopt.descents.maps.random_map import Array, Map, RandomMap, StepTerms
from causalopt.errors import QuestionError
from causalopt.language.arrays import evaluate_arrays
from causalopt.language.specialise import specialise
from causalopt.language.term import Term, const, leaves, ref, substitute
from causalopt.model.template import Template

MOST_OUTCOMES = 4096

Outcomes = Mapping[str, Sequence[tuple[Fraction, float]]]
Slot = tuple[str, int]


def written_out(template: Template, noise: Sequence[str]) -> dict[str, Term]:
    """Return variable -> rule, with variables that only read their own step written out.

    A gradient node `g[t] = diff(l, W[t])` carries nothing over: where `W` reads `g[t-1]`, that is
    `diff(l, W[t-1])`, and the state is `W` alone. The noise drawn with it moves along: it may be
    read at one lag only, which then counts as the step's own draw.

    Args:
        template: The equations.
        noise: Variables drawn afresh each step.

    Returns:
        Rules of the variables that carry something over, noise at lag 0.

    Raises:
        QuestionError: A variable has no rule, or noise is read at several lags.
    """
    instant: dict[str, Term] = {}
    carried: dict[str, Term] = {}
    for equation in template.equations:
        if equation.name in noise:
            continue
        if equation.rule is None:
            raise QuestionError(
                f"'{equation.name}' follows no rule, so the model has no law of its own"
            )
        if all(lag == 0 for _, lag in equation.parents):
            instant[equation.name] = _inlined(equation.rule, instant)
        else:
            carried[equation.name] = equation.rule
    # Same-step references between carried variables are written out in the equations' order.
    rules: dict[str, Term] = {}
    for name, rule in carried.items():
        rules[name] = _inlined(rule, instant)
    return _with_own_draw(rules, noise)


def written_nodes(
    template: Template, noise: Sequence[str], names: Sequence[str]
) -> dict[str, Term]:
    """Return the rules of variables that read their own step only, written out in full.

    Args:
        template: The equations.
        noise: Variables drawn afresh each step.
        names: The variables wanted, such as the gradient nodes.

    Returns:
        Variable -> rule in the carried variables and the noise, in the order of `names`.

    Raises:
        QuestionError: One of them carries something over from earlier steps.
    """
    instant: dict[str, Term] = {}
    for equation in template.equations:
        if equation.rule is not None and all(lag == 0 for _, lag in equation.parents):
            instant[equation.name] = _inlined(equation.rule, instant)
    for name in names:
        if name not in instant or name in noise:
            raise QuestionError(f"'{name}' does not follow from its own step's values alone")
    return {name: instant[name] for name in names}


def _inlined(rule: Term, instant: Mapping[str, Term]) -> Term:
    values = {}
    for leaf in leaves(rule):
        if isinstance(leaf.payload, tuple) and leaf.payload[0] in instant:
            values[leaf] = _delayed(instant[leaf.payload[0]], leaf.payload[1])
    return substitute(rule, values) if values else rule


def _delayed(rule: Term, lag: int) -> Term:
    """Return the rule's value `lag` steps ago."""
    moved = {
        leaf: ref(leaf.payload[0], leaf.payload[1] + lag)
        for leaf in leaves(rule)
        if isinstance(leaf.payload, tuple)
    }
    return substitute(rule, moved) if lag else rule


def _with_own_draw(rules: Mapping[str, Term], noise: Sequence[str]) -> dict[str, Term]:
    """Move each noise variable's single lag to 0."""
    moved: dict[Term, Term] = {}
    for name in noise:
        lags = {
            leaf.payload[1]
            for rule in rules.values()
            for leaf in leaves(rule)
            if isinstance(leaf.payload, tuple) and leaf.payload[0] == name
        }
        if len(lags) > 1:
            raise QuestionError(
                f"the noise '{name}' is read at several lags ({sorted(lags)}); "
                "let a variable carry it over"
            )
        moved |= {ref(name, lag): ref(name, 0) for lag in lags}
    return {name: substitute(rule, moved) for name, rule in rules.items()}


def state_slots(rules: Mapping[str, Term], noise: Sequence[str]) -> tuple[Slot, ...]:
    """Return the `(variable, lag)` pairs that make up the state, lag 1 of each first.

    Args:
        rules: Variable -> rule, from `written_out`.
        noise: Variables drawn afresh each step.

    Returns:
        Every lag up to the largest one read, variables in the order of the rules.

    Raises:
        QuestionError: Nothing is carried over.
    """
    depth: dict[str, int] = {}
    for leaf in leaves(*rules.values()):
        if isinstance(leaf.payload, tuple) and leaf.payload[0] not in noise:
            name, lag = leaf.payload
            depth[name] = max(depth.get(name, 0), lag)
    slots = [(name, lag) for name in rules for lag in range(1, depth.get(name, 0) + 1)]
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
        QuestionError: The rules depend on the time itself, a variable has no rule, noise is read
            at several lags, or there are more than 4096 joint outcomes.
    """
    rules = written_out(template, tuple(outcomes))
    slots = state_slots(rules, tuple(outcomes))
    _check(rules, outcomes)
    values = template.parameter_values()
    moves, shares = [], []
    for combination in itertools.product(*outcomes.values()):
        drawn = {
            ref(name, 0): const(value)
            for name, (value, _) in zip(outcomes, combination, strict=True)
        }
        moves.append(step_terms(rules, slots, drawn))
        shares.append(float(np.prod([share for _, share in combination])))
    names = tuple(name if lag == 1 else f"{name}[t-{lag - 1}]" for name, lag in slots)
    whole = sum(shares)
    source = StepTerms(slots, tuple(moves), values)
    return RandomMap(
        tuple(_image(roots, slots, values) for roots in moves),
        tuple(share / whole for share in shares),
        len(slots),
        names,
        source,
        tuple(tuple(share for _, share in law) for law in outcomes.values()),
    )


def _check(rules: Mapping[str, Term], outcomes: Outcomes) -> None:
    count = int(np.prod([len(values) for values in outcomes.values()], dtype=float))
    if count > MOST_OUTCOMES:
        raise QuestionError(
            f"the noise has {count} joint outcomes a step, more than {MOST_OUTCOMES}: "
            "declare fewer datapoints or a smaller minibatch"
        )
    for name, rule in rules.items():
        if any(leaf.op in {"t", "time"} for leaf in leaves(rule)):
            raise QuestionError(
                f"'{name}' depends on the time itself; a random map is the same each step"
            )


def step_terms(
    rules: Mapping[str, Term], slots: tuple[Slot, ...], drawn: Mapping[Term, Term]
) -> tuple[Term, ...]:
    """Return the slots' new values as terms in the old ones, with the noise decided."""
    written: dict[Term, Term] = dict(drawn)
    for name, rule in rules.items():
        written[ref(name, 0)] = specialise(rule, written)
    return tuple(written[ref(name, 0)] if lag == 1 else ref(name, lag - 1) for name, lag in slots)


def _image(roots: tuple[Term, ...], slots: tuple[Slot, ...], values: Mapping[str, float]) -> Map:
    """Return the terms as a function on arrays."""
    parameters = {name: np.float64(value) for name, value in values.items()}
    places = {ref(name, lag): place for place, (name, lag) in enumerate(slots)}

    def image(states: Array) -> Array:
        def leaf(term: Term) -> Array | np.float64:
            if term in places:
                return np.asarray(states[places[term]])
            return parameters[str(term.payload or term.op)]

        found = evaluate_arrays(roots, leaf)
        return np.stack([np.broadcast_to(value, states.shape[1:]) for value in found])

    return image
