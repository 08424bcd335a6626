"""Optimizing strength of a declared model: finite domains by tables, affine real ones by shape.

Decorrelating A from B at t is the intervention `replace(A at t, with an independent replica's)`.
What is evaluated under it is a law instead of a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from causalopt.entropy.continuous import gaussian_strength, planar_strength
from causalopt.entropy.decorrelation import Strength, strength_of, strengths_of
from causalopt.entropy.entropies import Entropies
from causalopt.entropy.information import Unit
from causalopt.errors import QuestionError
from causalopt.laws import gaussian, planar
from causalopt.laws.adapter import discrete, is_finite
from causalopt.laws.affine import AffineModel, affine, has_spread
from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.gaussian import GaussianLaw
from causalopt.laws.propagation import Engine
from causalopt.model.model import Model
from causalopt.model.selectors import Node


def strength(
    model: Model | DiscreteModel,
    *,
    hold: str | Sequence[str | Node] | None = None,
    targets: Iterable[str] | None = None,
    at: int = 0,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | str = "model",
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
        horizon: How many steps after `at` the `next` entropies are taken.
        lasting: For how many steps A stays replaced; None for ever.
        fresh: While it lasts, take A from a new replica each step.
        unit: Bits or nats.
        engine: How laws are propagated: auto, dense, sparse or factorised.
        exact: Keep Fractions; by default where the model has them and is small.

    Returns:
        The entropies; for finite domains a `Strength`, with its laws and its engine.

    Raises:
        QuestionError: The laws cannot be followed exactly, or an option is out of range.

    Example:
        >>> from causalopt import load
        >>> found = strength(load("thermostat_smart"), at=1, initial="uniform")
        >>> round(found.optimizing_strength, 7), round(found.adjusted, 7)
        (1.1080054, 0.2846822)
    """
    model, start = _changed(model, parameters, initial)
    A = _held(model, hold)
    if isinstance(model, Model) and has_spread(model):
        plain = targets is None and not fresh and (horizon, lasting, engine) == (1, 1, "auto")
        return _continuous(model, at, start, A, unit, plain=plain)
    return strength_of(
        finite_model(model),
        at=at,
        initial=start,
        A=A,
        targets=targets,
        horizon=horizon,
        lasting=lasting,
        fresh=fresh,
        unit=unit,
        engine=engine,
        exact=exact,
    )


def strengths(
    model: Model | DiscreteModel,
    *,
    hold: str | Sequence[str | Node] | None = None,
    targets: Iterable[str] | None = None,
    at: Sequence[int],
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | str = "model",
    horizon: int = 1,
    lasting: int | None = 1,
    unit: Unit = "bit",
    engine: Engine = "auto",
) -> tuple[Strength, ...]:
    """Return the optimizing strength as a function of the step, of a model of finite domains.

    Args:
        model: The model.
        hold: The set A that is replaced; as for `strength`, like all that follow.
        targets: The variables whose entropies are compared.
        at: The steps.
        parameters: Values that replace the model's.
        initial: The law at t = 0, or initial values that replace the model's.
        horizon: Steps from the surgery to the `next` entropies.
        lasting: For how many steps A stays replaced.
        unit: Bits or nats.
        engine: How laws are propagated.

    Example:
        >>> from causalopt import load
        >>> found = strengths(load("thermostat_smart"), at=range(4), initial="uniform")
        >>> [round(strength.adjusted, 4) for strength in found]
        [0.0, 0.2847, 0.7041, 0.0]
    """
    model, start = _changed(model, parameters, initial)
    return strengths_of(
        finite_model(model),
        at=at,
        initial=start,
        A=_held(model, hold),
        targets=targets,
        horizon=horizon,
        lasting=lasting,
        unit=unit,
        engine=engine,
    )


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


def _held(
    model: Model | DiscreteModel, hold: str | Sequence[str | Node] | None
) -> tuple[str, ...] | None:
    """Return the variables of the set A, None for the model's own."""
    if hold is None:
        return None
    if isinstance(model, DiscreteModel):
        return (hold,) if isinstance(hold, str) else tuple(map(str, hold))
    windows = model.selection(hold)
    for window in windows:
        if not window.is_whole:
            raise QuestionError(
                f"A is replaced at one step or for some (at, lasting), and {window} is held for "
                f"others: name whole variables, such as {window.variable}"
            )
    return tuple(window.variable for window in windows)


def finite_model(model: Model | DiscreteModel) -> DiscreteModel:
    """Return a model of finite domains as tables.

    Raises:
        QuestionError: A variable has no finite domain and no spread either.
    """
    if isinstance(model, DiscreteModel):
        return model
    if not model.is_static and not is_finite(model):
        bare = next(
            name
            for name, variable in model.variables.items()
            if name not in model.finite.domains and variable.kind != "integer"
        )
        raise QuestionError(
            f"the law of '{bare}' is not known: give it a finite domain (domain: [a, b] or 0..7), "
            f"or, for a real variable with an affine rule, spread: uniform(width) or normal(sd)"
        )
    return discrete(model)


def _continuous(
    model: Model, at: int, initial: str, named: Iterable[str] | None, unit: Unit, *, plain: bool
) -> Entropies:
    if not plain:
        raise QuestionError(
            "targets, horizon, lasting, fresh and engine belong to finite domains; continuous "
            "laws answer for one step of the whole state"
        )
    A = tuple(model.A if named is None else named)
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
