"""The law at any step, by the engine that suits it, and which one that was."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np

from causalopt.errors import QuestionError
from causalopt.laws import dense, sparse
from causalopt.laws.discrete import DiscreteModel, Mechanism, Parent
from causalopt.laws.law import Law, Masses, blocks_of, size_text, uniform

Engine = Literal["auto", "dense", "sparse", "factorised", "chain"]
"""How laws are propagated; `auto` lets the model decide. `chain` gives entropies without a law."""

ASKED = "asked for"

EXACT_UP_TO = 2**12
"""Spaces up to this many states keep Fractions unless asked otherwise: seconds, not minutes."""

CARRIED_UP_TO = 2**10
"""Spaces up to this many states are carried state by state whatever their rules."""


@dataclasses.dataclass(frozen=True)
class Choice:
    """The engine that answers and why it was taken."""

    engine: Engine
    reason: str


def choose(model: DiscreteModel, engine: Engine = "auto", *, targets: bool = False) -> Choice:
    """Return the engine for a model.

    Args:
        model: The discrete model.
        engine: An engine by name, or `auto`.
        targets: Whether the law of some variables only is wanted.

    Raises:
        QuestionError: No such engine, or `factorised` without target variables.
    """
    if engine not in get_args(Engine):
        known = ", ".join(get_args(Engine))
        raise QuestionError(f"no engine {engine!r}; the engines are {known}")
    if engine == "factorised" and not targets:
        raise QuestionError(
            "the factorised engine never forms the joint law; name target variables with targets="
        )
    if engine != "auto":
        return Choice(engine, ASKED)
    size = model.state.size
    if model.exact:
        return Choice("sparse", f"exact probabilities over at most {size} states")
    if size <= CARRIED_UP_TO:
        return Choice("sparse", f"a small joint law of {size} states")
    if size <= dense.LIMIT:
        return Choice("dense", f"a joint law of {size} states fits in one array")
    many = f"{size_text(size)} states are too many for one array"
    certain = model.deterministic and _support(model.initial) <= CARRIED_UP_TO
    if targets and not certain:
        return Choice("factorised", many)
    if not certain and all(block.space.size <= CARRIED_UP_TO for block in blocks_of(model.initial)):
        return Choice("chain", f"{many}; conditional entropies, the law never formed")
    return Choice("sparse", f"{many}; only those reached")


def _support(law: Law) -> int:
    """Return how many states have probability."""
    return math.prod(len(block.sparse().p) for block in blocks_of(law))


def instead(choice: Choice, *, targets: bool) -> Choice | None:
    """Return what to try when an engine that was not asked for finds no room.

    Args:
        choice: The engine that found none.
        targets: Whether the law of some variables only is wanted.
    """
    if choice.reason == ASKED or (choice.engine == "sparse" and not targets):
        return None
    other: Engine = "factorised" if choice.engine == "sparse" else "sparse"
    return Choice(other, f"the {choice.engine} engine finds no room")


def prepared(
    model: DiscreteModel, *, initial: str = "model", exact: bool | None = None
) -> DiscreteModel:
    """Return the model with the initial law and the kind of number a question asks for.

    Args:
        model: The discrete model.
        initial: `model` for its own initial law, `uniform` for equal masses on every state.
        exact: Keep Fractions; by default where the model has them and is small.

    Raises:
        QuestionError: Another word for `initial`, or exactness asked of float tables.
    """
    if initial not in ("model", "uniform"):
        raise QuestionError(f"initial is 'model' or 'uniform', got {initial!r}")
    rational = model.exact and (initial == "uniform" or model.initial.exact)
    if exact and not rational:
        raise QuestionError(
            f"{model.name} holds float probabilities; write them as fractions (1/3) to keep them "
            f"exact"
        )
    keep = rational and model.state.size <= EXACT_UP_TO if exact is None else exact
    if initial == "uniform":
        space = model.initial.space if model.initial.space.names else model.state
        model = dataclasses.replace(model, initial=uniform(space, exact=keep))
    return model if keep else model.inexact()


def laws(model: DiscreteModel, engine: Engine) -> Iterator[Law]:
    """Yield the law at t = 0, 1, 2, ... without end.

    Args:
        model: The discrete model.
        engine: `dense` or `sparse`.

    Raises:
        QuestionError: The engine forms no law.
    """
    if engine == "chain":
        raise QuestionError("the chain engine forms no law; use engine='sparse' or 'dense'")
    complete = set(model.initial.space.names) == set(model.state.names)
    law = model.initial if complete else sparse.begin(model, model.initial)
    while True:
        yield law
        law = advance(model, law, engine)


def advance(model: DiscreteModel, law: Law, engine: Engine) -> Law:
    """Return the law one step later by the engine named."""
    return dense.step(model, law) if engine == "dense" else sparse.step(model, law)


def law_at(model: DiscreteModel, t: int, *, engine: Engine = "auto") -> Law:
    """Return the joint law at step `t`.

    Args:
        model: The discrete model.
        t: The step.
        engine: How to propagate it.

    Raises:
        QuestionError: `t` is negative.
    """
    if t < 0:
        raise QuestionError(f"steps count from 0, got {t}")
    chosen = choose(model, engine).engine
    return next(law for i, law in enumerate(laws(model, chosen)) if i == t)


def before(name: str) -> str:
    """Return the name of a variable's value one step earlier.

    Example:
        >>> before("room")
        'room[t-1]'
    """
    return f"{name}[t-1]"


def remembering(model: DiscreteModel) -> DiscreteModel:
    """Return the model whose state also holds the state one step earlier.

    One step of it turns the law P_t into the joint law of (s_{t+1}, s_t).
    """
    memories = [
        Mechanism(before(m.name), m.labels, (Parent(m.name),), _identity(m))
        for m in model.mechanisms
        if not m.noise
    ]
    return dataclasses.replace(model, mechanisms=(*model.mechanisms, *memories))


def transition(model: DiscreteModel, law: Law) -> Law:
    """Return the joint law of the states one step later and, under `before`'s names, now."""
    return sparse.step(remembering(model), law)


def _identity(mechanism: Mechanism) -> Masses:
    """Return the table of a copy, in the kind of number the mechanism uses."""
    table = np.full((len(mechanism.labels),) * 2, mechanism.table.flat[0] * 0)
    np.fill_diagonal(table, mechanism.table.flat[0] * 0 + 1)
    return table
