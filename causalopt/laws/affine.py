"""From a declaration of real variables with affine rules to matrices and a law at t = 0.

A variable's `spread` says how its law starts round its initial value: `uniform(width)` or
`normal(sd)`; the variables start independent. Noise that is normal stays in the family.
"""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import numpy.typing as npt

from causalopt.errors import ModelError, QuestionError
from causalopt.language.gradient import gradient
from causalopt.language.term import Term, evaluate, leaves
from causalopt.laws.gaussian import GaussianLaw
from causalopt.laws.planar import PlanarLaw, uniform_box
from causalopt.model.labels.domains import parameter_term
from causalopt.model.labels.noise_words import noise_parts
from causalopt.model.model import Model
from causalopt.model.template import Equation, Template, leaf_name

Array = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class AffineModel:
    """x[t] = matrix x[t-1] + shift + noise, started from independent laws.

    Args:
        names: The state variables.
        matrix: Shape (variables, variables).
        shift: Shape (variables,).
        noise: Covariance of the normal noise, zero without any.
        law: The law at t = 0: uniform on a rectangle, or normal.
    """

    names: tuple[str, ...]
    matrix: Array
    shift: Array
    noise: Array
    law: PlanarLaw | GaussianLaw


def has_spread(model: Model) -> bool:
    """Whether a model's variables start from continuous laws."""
    return any(variable.spread is not None for variable in model.variables.values())


def affine(model: Model) -> AffineModel:
    """Return the affine model that a declaration is.

    Args:
        model: Real variables with affine rules, each with an initial value and a spread.

    Raises:
        QuestionError: A rule is not affine or reads further back than a step, or the spreads do
            not make one law that can be moved exactly.
        ModelError: A spread is not written as one.
    """
    equations = [e for e in model.template.equations if model.variables[e.owner].noise is None]
    names = tuple(equation.name for equation in equations)
    drawn = tuple(name for name, v in model.variables.items() if v.noise is not None)
    rows = [_row(equation, model.template) for equation in equations]
    before = np.array([[row.get((n, 1), 0.0) for n in names] for row, _ in rows])
    within = np.array([[row.get((n, 0), 0.0) for n in names] for row, _ in rows])
    fed = _fed([row for row, _ in rows], drawn)
    solve = np.linalg.inv(np.eye(len(names)) - within)  # rules that read within the step
    means, deviations = _noises(model, drawn)
    # What lies between two steps is read within the step alone, and is no part of the state.
    own = [i for i, equation in enumerate(equations) if equation.name == equation.owner]
    shift = (solve @ (np.array([constant for _, constant in rows]) + fed @ means))[own]
    factor = (solve @ fed * deviations)[own]
    law = _law(model, [equations[i] for i in own])
    noise = factor @ factor.T
    if isinstance(law, PlanarLaw) and noise.any():
        raise QuestionError("normal noise blurs uniform pieces: start from spread: normal(sd)")
    matrix = (solve @ before)[np.ix_(own, own)]
    return AffineModel(tuple(names[i] for i in own), matrix, shift, noise, law)


def _fed(rows: list[dict[tuple[str, int], float]], drawn: tuple[str, ...]) -> Array:
    """Return the coefficients of noise, each read at one lag: a draw moves one step's state."""
    for name in drawn:
        lags = sorted({lag for row in rows for read, lag in row if read == name})
        if len(lags) > 1 or any(lag > 1 for lag in lags):
            texts = " and ".join(f"{name}[t-{lag}]" if lag else f"{name}[t]" for lag in lags)
            raise QuestionError(
                f"rules read {texts}: a law keeps one step of the state and no noise; read it at "
                "one lag, 0 or 1, alone"
            )
    return np.array(
        [[row.get((n, 0), 0.0) + row.get((n, 1), 0.0) for n in drawn] for row in rows]
    ).reshape(len(rows), len(drawn))


def _row(equation: Equation, template: Template) -> tuple[dict[tuple[str, int], float], float]:
    """Return a rule's coefficients by (variable, lag), and its constant."""
    if equation.rule is None:
        raise QuestionError(f"'{equation.name}' has no rule: its law after t = 0 is not known")
    coefficients = {}
    slopes = gradient(equation.rule)
    for (name, lag), slope in ((_pair(leaf), slope) for leaf, slope in slopes.items()):
        if any(inner.op in {"ref", "t", "time"} for inner in leaves(slope)):
            raise QuestionError(
                f"the rule of '{equation.name}' is not affine in {name}: exact continuous laws "
                f"need affine rules; use causalopt.entropy.continuous.sampled_strength"
            )
        if lag > 1:
            raise QuestionError(
                f"the rule of '{equation.name}' reads {name}[t-{lag}]; a law keeps one step of the "
                "state"
            )
        coefficients[name, lag] = template.number(slope)
    if any(leaf.op in {"t", "time"} for leaf in leaves(equation.rule)):
        raise QuestionError(f"the rule of '{equation.name}' reads the clock")
    values = template.values
    constant = evaluate(
        equation.rule, lambda leaf: 0.0 if leaf.op == "ref" else values[leaf_name(leaf)]
    )
    return coefficients, constant


def _pair(leaf: Term) -> tuple[str, int]:
    assert isinstance(leaf.payload, tuple)
    return leaf.payload


def _noises(model: Model, drawn: tuple[str, ...]) -> tuple[Array, Array]:
    means, deviations = [], []
    for name in drawn:
        path = ("variables", name, "noise")
        noise = model.variables[name].noise
        kind, arguments = noise_parts(noise, path) if isinstance(noise, str) else ("labels", ())
        if kind != "normal":
            raise QuestionError(f"'{name}' is not normal: only normal noise keeps a Gaussian law")
        mean, deviation = (_number(text, model, "noise", path) for text in arguments)
        means.append(mean)
        deviations.append(deviation)
    return np.array(means), np.array(deviations)


def _law(model: Model, equations: list[Equation]) -> PlanarLaw | GaussianLaw:
    kinds, centres, widths = [], [], []
    for equation in equations:
        kind, width = _spread(model, equation.name)
        if len(equation.initial) != 1:
            raise QuestionError(f"'{equation.name}' needs one initial value, its law's centre")
        kinds.append(kind)
        widths.append(width)
        centres.append(model.template.number(equation.initial[0]))
    if set(kinds) == {"normal"}:
        names = tuple(equation.name for equation in equations)
        return GaussianLaw(names, np.array(centres), np.diag(np.square(widths)))
    if set(kinds) == {"uniform"} and len(kinds) == 2:
        (x, y), (a, b) = centres, widths
        return uniform_box((x - a / 2.0, y - b / 2.0), (x + a / 2.0, y + b / 2.0))
    raise QuestionError(
        "laws move exactly when all spreads are normal, or when they are uniform over two "
        "variables; use causalopt.entropy.continuous.sampled_strength"
    )


def _spread(model: Model, name: str) -> tuple[str, float]:
    text = model.variables[name].spread
    path = ("variables", name, "spread")
    match = re.fullmatch(r"\s*(uniform|normal)\s*\((.*)\)\s*", text or "", re.DOTALL)
    if match is None:
        raise ModelError(
            f"expected spread: uniform(width) or normal(sd), found {text or 'none'}: every "
            f"variable of a continuous law has one",
            path if text else path[:2],
        )
    width = _number(match[2], model, "spread", path)
    if not width > 0:
        raise ModelError(f"a spread is wider than 0, found {width}", path)
    return match[1], width


def _number(text: str, model: Model, kind: str, path: tuple[str, ...]) -> float:
    return model.template.number(parameter_term(text, model.template.values, kind, path))
