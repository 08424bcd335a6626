"""Optimizing strength of a declared model: finite domains by tables, affine real ones by shape.

Decorrelating A from B at t is the intervention `replace(A at t, with an independent replica's)`.
What is evaluated under it is a law instead of a number.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from causalopt.entropy.continuous import gaussian_strength, planar_strength
from causalopt.entropy.decorrelation import Decorrelated, Decorrelation, at_once
from causalopt.entropy.entropies import Entropies
from causalopt.entropy.information import Unit
from causalopt.errors import QuestionError, SizeError
from causalopt.laws import gaussian, planar
from causalopt.laws.adapter import discrete, is_finite
from causalopt.laws.affine import AffineModel, affine, has_spread
from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.gaussian import GaussianLaw
from causalopt.laws.propagation import Engine, choose, instead, prepared
from causalopt.model.model import Model
from causalopt.model.model_kind import kind_of
from causalopt.model.selectors import Node, Selection, is_plain, parse_selection, whole_variables
from causalopt.model.template import Template
from causalopt.work.progress import Progress, long_work

_WHY = "a law is of all steps alike: name whole variables"


@long_work("following laws", direct=True)
def strength(
    model: Model | DiscreteModel,
    *,
    hold: str | Sequence[str | Node] | None = None,
    targets: str | Iterable[str] | None = None,
    at: int = 0,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | str = "model",
    progress: Progress | None = None,
    horizon: int = 1,
    lasting: int | None = 1,
    fresh: bool = False,
    unit: Unit = "bit",
    engine: Engine = "auto",
    exact: bool | None = None,
) -> Entropies:
    """Return how much entropy the correlation between A and B takes out of a model.

    Omega = S[P'_{t+1}] - S[P_{t+1}], P' the law with A at t from an independent replica.

    Args:
        model: Of finite domains; or real, with affine rules and a `spread` round each initial
            value, and then entropies are differential.
        hold: The set A that is replaced, whole variables; the partition's A by default.
        targets: The variables compared; all by default.
        at: The step t of the surgery.
        parameters: Values that replace the model's.
        initial: Start from the `model`'s own law at t = 0 or from the `uniform` one; or initial
            values that replace the model's.
        progress: Called with (done, total, what), in steps.
        horizon: How many steps after `at` the `next` entropies are taken.
        lasting: For how many steps A stays replaced; None for ever.
        fresh: While it lasts, take A from a new replica each step.
        unit: Bits or nats.
        engine: How laws are propagated: auto, dense, sparse, factorised or chain.
        exact: Keep Fractions; by default where the model has them and is small.

    Only finite domains take `targets` and what stands after `initial`, but for `unit`.

    Returns:
        The entropies; for finite domains with their engine, and as a `Strength` with the laws where
        these were formed.

    Raises:
        QuestionError: The laws cannot be followed exactly, or an option is out of range.

    Example:
        >>> from causalopt import load
        >>> found = strength(load("thermostat_smart"), at=1, initial="uniform")
        >>> round(found.optimizing_strength, 7), round(found.adjusted, 7)
        (1.1080054, 0.2846822)
    """
    del progress  # long_work tells it
    model, start = _changed(model, parameters, initial)
    if isinstance(model, Model) and has_spread(model):
        plain = targets is None and not fresh and (horizon, lasting, engine) == (1, 1, "auto")
        found = _continuous(model, at, start, hold, unit, plain=plain)
        inside = model.A if hold is None else whole_variables(model.selection(hold), _WHY)
        return dataclasses.replace(found, model=model.name, at=at, A=tuple(inside))
    return strengths(
        model,
        hold=hold,
        targets=targets,
        at=[at],
        initial=start,
        horizon=horizon,
        lasting=lasting,
        fresh=fresh,
        unit=unit,
        engine=engine,
        exact=exact,
    )[0]


@long_work("following laws")
def strengths(
    model: Model | DiscreteModel,
    *,
    hold: str | Sequence[str | Node] | None = None,
    targets: str | Iterable[str] | None = None,
    at: Sequence[int],
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | str = "model",
    progress: Progress | None = None,
    horizon: int = 1,
    lasting: int | None = 1,
    fresh: bool = False,
    unit: Unit = "bit",
    engine: Engine = "auto",
    exact: bool | None = None,
) -> tuple[Decorrelated, ...]:
    """Return the optimizing strength at some steps of a model of finite domains.

    The law is carried along once.

    Args:
        model: The model.
        hold: The set A that is replaced.
        targets: The variables whose entropies are compared.
        at: The steps, in any order.
        parameters: As for `strength`, like all that follow.
        initial: The law at t = 0, or initial values that replace the model's.
        progress: Called with (done, total, what), in steps.
        horizon: Steps from the surgery to the `next` entropies.
        lasting: For how many steps A stays replaced.
        fresh: A new replica each step.
        unit: Bits or nats.
        engine: How laws are propagated.
        exact: Keep Fractions.

    Raises:
        QuestionError: A step or a duration is out of range, an unknown engine or unit.
        UnknownNameError: `hold` or `targets` names no state variable.

    Example:
        >>> from causalopt import load
        >>> found = strengths(load("thermostat_smart"), at=range(4), initial="uniform")
        >>> [round(strength.adjusted, 4) for strength in found]
        [0.0, 0.2847, 0.7041, 0.0]
    """
    del progress  # long_work tells it
    model, start = _changed(model, parameters, initial)
    named = [hold, targets]
    tables = finite_model(model, static=True, counted=_noises(model, named))
    subject = prepared(tables, initial=start, exact=exact)
    if hold is not None:
        subject = dataclasses.replace(subject, A=_whole(subject, hold))
    wanted = subject.state.names if targets is None else _whole(subject, targets)
    if isinstance(model, Model) and model.is_static:
        if ([*at], horizon, lasting, fresh, start) != ([0], 1, 1, False, "model"):
            raise QuestionError(
                f"{model.name} has no time: at, horizon, lasting, fresh and another law at t = 0 "
                "belong to models with steps"
            )
        return (at_once(subject, wanted, unit),)
    choice = choose(subject, engine, targets=targets is not None)
    question = Decorrelation(subject, wanted, horizon, lasting, fresh, unit, choice)
    try:
        return question.at(at)
    except SizeError:
        other = instead(choice, targets=targets is not None)
        if other is None:
            raise
        return dataclasses.replace(question, choice=other).at(at)


def _noises(model: Model | DiscreteModel, said: Iterable[Any]) -> set[str]:
    """Return the noises that are named, which makes them part of the state."""
    if isinstance(model, DiscreteModel):
        return set()
    names, sets = tuple(model.variables), {"A": (), "B": ()}
    read = [_selected(s, names, sets) for s in said if s is not None]
    return {window.variable for selection in read for window in selection} & {*model.finite.noises}


def _whole(model: DiscreteModel, said: str | Iterable[str | Node]) -> tuple[str, ...]:
    """Return the state variables a selector names."""
    sets = {"A": model.A, "B": model.B}
    return whole_variables(_selected(said, model.state.names, sets), _WHY)


def _selected(said: Any, names: tuple[str, ...], sets: Mapping[str, Sequence[str]]) -> Selection:
    """Return the set that a selector names; laws have no graph to ask."""
    if is_plain(said):
        return parse_selection(said, names, static=False, sets=sets)
    from causalopt.model.regions.set_evaluation import read_selection  # most sets are plain
    from causalopt.model.regions.spacetime import Spacetime

    bare = Template(equations=(), names=names, parameters={}, dt=Fraction(1), is_static=False)
    return read_selection(Spacetime("the law", bare, {}, {}, None, sets=sets), said)


def _changed(
    model: Model | DiscreteModel,
    parameters: Mapping[str, int | float | str] | None,
    initial: Mapping[str, Any] | str,
) -> tuple[Model | DiscreteModel, str]:
    """Return the model under changes, and the word for the law it starts from."""
    start, values = (initial, None) if isinstance(initial, str) else ("model", initial)
    if isinstance(model, Model):
        return model.replace(parameters=parameters, initial=values), start
    if parameters or values:
        raise QuestionError("tables have no parameters and initial values to change")
    return model, start


def finite_model(
    model: Model | DiscreteModel, *, static: bool = False, counted: Collection[str] = ()
) -> DiscreteModel:
    """Return a model of finite domains as tables.

    Args:
        model: The model.
        static: Whether it may be without time.
        counted: Noise that is to be part of the state.

    Raises:
        QuestionError: A variable has no finite domain and no spread either.
    """
    if isinstance(model, DiscreteModel):
        return model
    if model.is_static and not static:
        raise QuestionError(f"{model.name} has no time, and what is asked is followed over a step")
    if not is_finite(model):
        bare = next(
            name
            for name, variable in model.variables.items()
            if name not in model.finite.domains and variable.kind != "integer"
        )
        raise QuestionError(
            f"the law of '{bare}' is not known: give it a finite domain (domain: [a, b] or 0..7), "
            f"or, for a real variable with an affine rule, spread: uniform(width) or normal(sd); "
            f"'{model.name}' is {kind_of(model).words}: {kind_of(model).instead(model)} for Op"
        )
    return discrete(model, counted=counted)


def _continuous(
    model: Model,
    at: int,
    initial: str,
    hold: str | Sequence[str | Node] | None,
    unit: Unit,
    *,
    plain: bool,
) -> Entropies:
    if not plain:
        raise QuestionError(
            "targets, horizon, lasting, fresh and engine belong to finite domains; continuous "
            "laws answer for one step of the whole state"
        )
    A = model.A if hold is None else whole_variables(model.selection(hold), _WHY)
    if initial not in ("model", "uniform"):
        raise QuestionError(f"initial is 'model' or 'uniform', got {initial!r}")
    if at < 0:
        raise QuestionError(f"steps count from 0, got {at}")
    moved = affine(model)
    if isinstance(moved.law, GaussianLaw):
        if initial == "uniform":
            raise QuestionError("there is no uniform law on the whole line: ask initial='model'")
        return _gaussian(moved, moved.law, at, A, unit)
    if set(A) in ({*moved.names}, set()):
        raise QuestionError("the surgery parts A from B: A holds one of the two variables")
    piece = planar.AffinePiece(moved.matrix, np.zeros(2))
    law = planar.centred(moved.law)  # entropies do not see shifts, and far from 0 digits are lost
    for _ in range(at):
        law = planar.step(law, [piece])
    return planar_strength(law, [piece], A=moved.names.index(A[0]), unit=unit)


def _gaussian(
    moved: AffineModel, law: GaussianLaw, at: int, A: tuple[str, ...], unit: Unit
) -> Entropies:
    for _ in range(at):
        law = gaussian.step(law, moved.matrix, shift=moved.shift, noise=moved.noise)
    return gaussian_strength(law, moved.matrix, A=A, noise=moved.noise, unit=unit)
