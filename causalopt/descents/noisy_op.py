"""Op of descent under noise: who draws which datapoint decides how a nudge of W_0 fares.

For n = W_0 and m = W_t with the gradient nodes held, the total effect is the product of the steps'
slopes, `prod (1 - T g_j'(W_i))`, over the datapoints j that were drawn; the direct effect is 1
(with momentum, whatever is left when gradients keep their values). Each walker has its own Op; the
mean over walkers is the mean over noise. Magnitudes are kept as logarithms, so nothing overflows.

Source: Defining Optimization in a Deeper Way, Part 4 (the measure); Modelling and Understanding SGD
(the system).
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.descents.maps.outcomes import noise_outcomes
from causalopt.descents.maps.random_map import as_points
from causalopt.descents.maps.step_map import state_slots, step_map, written_out
from causalopt.descents.walkers.joint_picks import picks_of
from causalopt.errors import QuestionError
from causalopt.language.algebra import ZERO
from causalopt.language.arrays import evaluate_arrays
from causalopt.language.gradient import gradient
from causalopt.language.specialise import specialise
from causalopt.language.term import Term, const, ref

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from causalopt.descents.maps.random_map import Array, RandomMap
    from causalopt.model.model import Model


@dataclasses.dataclass(frozen=True)
class NoisyOp:
    """Op of each walker, at each step.

    Args:
        op: -ln|Comp| in nats, axes (step, walker); infinite for perfect compression.
        sign: Sign of Comp, axes (step, walker).
        states: The walkers' coordinate m, axes (step, walker).
    """

    op: Array
    sign: Array
    states: Array

    @property
    def mean(self) -> Array:
        """Mean Op over walkers, axis (step,)."""
        return np.asarray(self.op.mean(axis=1))

    @property
    def standard_error(self) -> Array:
        """Standard error of the mean, axis (step,)."""
        return np.asarray(self.op.std(axis=1) / np.sqrt(self.op.shape[1]))


def noisy_op(
    model: Model,
    *,
    starts: Array | float,
    target: str | None = None,
    steps: int,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> NoisyOp:
    """Return Op(A; W_0, W_t) for walkers that each draw their own datapoints.

    Args:
        model: A model with finite noise whose A follows from its own step (gradient nodes).
        starts: First value of the target, one a walker, axis (walker,).
        target: The nudged and measured coordinate; by default the model's own target.
        steps: The last step.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: 0 to 2^64 - 1; the walkers are those of an ensemble with this seed.

    Raises:
        QuestionError: No partition, an unknown target, or a model without a chain.

    Example:
        >>> from causalopt.model.library import load
        >>> found = noisy_op(load("sgd_well"), starts=0.0, steps=1)
        >>> round(float(found.op[1, 0]), 6)
        -0.050012
    """
    model = model.replace(parameters=parameters, initial=initial)
    system = _linearised(model, target)
    first = as_points(starts)[0]
    states = np.tile(np.array(system.start)[:, np.newaxis], (1, len(first)))
    states[system.place] = first
    picks = picks_of(system.step, seed)
    picks.start(np.arange(len(first), dtype=np.uint64))
    worlds = [_Carried(system.place, states.shape) for _ in range(2)]
    rows = [(np.zeros(len(first)), np.ones(len(first)), states[system.place])]
    for step in range(steps):
        drawn = picks.at(step)
        moved = np.empty_like(states)
        slopes = np.empty((2, len(states), len(states), len(first)))
        for number, (image, jacobians) in enumerate(system.outcomes):
            lanes = np.flatnonzero(drawn == number)
            moved[:, lanes] = image(states[:, lanes])
            slopes[..., lanes] = jacobians(states[:, lanes])
        states = moved
        (total, one), (direct, other) = (
            world.advance(slope) for world, slope in zip(worlds, slopes, strict=True)
        )
        with np.errstate(invalid="ignore"):
            rows.append((direct - total, one * other, states[system.place]))
    op, sign, seen = (np.stack(column) for column in zip(*rows, strict=True))
    return NoisyOp(op, sign, seen)


class _Carried:
    """A tangent of every walker, its size kept apart as a logarithm."""

    def __init__(self, place: int, shape: tuple[int, ...]) -> None:
        self._place = place
        self._tangent = np.zeros(shape)
        self._tangent[place] = 1.0
        self._log = np.zeros(shape[1])

    def advance(self, slopes: Array) -> tuple[Array, Array]:
        """Apply one step's Jacobian; return log size and sign of the measured coordinate."""
        tangent = np.einsum("abw,bw->aw", slopes, self._tangent)
        size = np.abs(tangent).max(axis=0)
        scale = np.where(size > 0, size, 1.0)
        self._tangent, self._log = tangent / scale, self._log + np.log(scale)
        measured = self._tangent[self._place]
        with np.errstate(divide="ignore"):
            return np.log(np.abs(measured)) + self._log, np.sign(measured)


@dataclasses.dataclass(frozen=True)
class _System:
    place: int
    start: tuple[float, ...]
    step: RandomMap
    outcomes: list[tuple[Any, Any]]


def _linearised(model: Model, target: str | None) -> _System:
    from causalopt.descents.chain import chain_of

    if not model.A:
        raise QuestionError("Op needs a set A: give the model a partition such as A: [g]")
    chain = chain_of(model, target)
    noise = noise_outcomes(model)
    names = tuple(noise)
    total = written_out(model.template, names)
    direct = written_out(model.template, names, held=model.A)
    slots = state_slots(total, names)
    jacobians = []
    for combination in itertools.product(*noise.values()):
        drawn = {
            ref(name, 0): const(value) for name, (value, _) in zip(names, combination, strict=True)
        }
        jacobians.append(_jacobians(model, slots, (total, direct), drawn))
    step = step_map(model.template, noise)
    return _System(
        chain.coordinate, chain.start, step, list(zip(step.maps, jacobians, strict=True))
    )


def _jacobians(
    model: Model,
    slots: tuple[tuple[str, int], ...],
    both: tuple[Mapping[str, Term], Mapping[str, Term]],
    drawn: Mapping[Term, Term],
) -> Any:
    """Return a function from states to Jacobians, axes (total or direct, row, column, walker)."""
    columns = [ref(name, lag) for name, lag in slots]
    roots: list[Term] = []
    for rules in both:
        written = dict(drawn)
        for name, rule in rules.items():
            written[ref(name, 0)] = specialise(rule, written)
        for name, lag in slots:
            row = written[ref(name, 0)] if lag == 1 else ref(name, lag - 1)
            slopes = gradient(row, columns)
            roots += [slopes.get(column, ZERO) for column in columns]
    values = {name: np.float64(v) for name, v in model.template.parameter_values().items()}
    places = {column: place for place, column in enumerate(columns)}

    def jacobians(states: Array) -> Array:
        def leaf(term: Term) -> Any:
            if term in places:
                return states[places[term]]
            return values[str(term.payload or term.op)]

        found = evaluate_arrays(roots, leaf)
        flat = np.stack([np.broadcast_to(value, states.shape[1:]) for value in found])
        return flat.reshape(2, len(slots), len(slots), states.shape[1])

    return jacobians


def op_map(
    model: Model,
    starts: Array,
    temperatures: Sequence[float],
    *,
    steps: int,
    walkers: int = 200,
    seed: int = 0,
) -> Array:
    """Return the mean Op over noise for every start and T, axes (T, start), in nats.

    Args:
        model: A descent with a parameter T.
        starts: First values, axis (start,).
        temperatures: Learning rates.
        steps: The step at which Op is taken.
        walkers: Walkers a point; one is enough for a model without noise.
        seed: 0 to 2^64 - 1.

    Returns:
        Mean Op; infinite where some walker's Comp is 0.
    """
    rows = []
    for temperature in temperatures:
        at = {"T": float(temperature)}
        points = np.repeat(starts, walkers)
        found = noisy_op(model, starts=points, steps=steps, parameters=at, seed=seed)
        rows.append(found.op[-1].reshape(len(starts), walkers).mean(axis=1))
    return np.stack(rows)
