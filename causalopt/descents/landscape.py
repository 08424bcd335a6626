"""The landscape a descent sees: mean gradient G, its covariance S^2, and their slopes, as terms.

`G(W) = mean_j g_j(W)` and `S^2(W)` = the variance of `g_j(W)` over the datapoints (population
variance, a matrix for several parameters). Both are derived symbolically from the model's own
gradient nodes, and so are their derivatives.

Source: SGD Understood through Probability Current, Gradient Variance.
"""

from __future__ import annotations

import dataclasses
import itertools
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.descents.maps.outcomes import noise_outcomes
from causalopt.descents.maps.step_map import written_nodes
from causalopt.errors import QuestionError
from causalopt.language.algebra import ZERO, add, mul, neg
from causalopt.language.arrays import evaluate_arrays
from causalopt.language.gradient import gradient
from causalopt.language.specialise import specialise
from causalopt.language.term import Term, const, leaves, ref

if TYPE_CHECKING:
    from causalopt.descents.maps.random_map import Array
    from causalopt.model.model import Model


@dataclasses.dataclass(frozen=True)
class Landscape:
    """Gradients of a model as terms in its parameters at one step.

    Args:
        names: The learned parameters, W.
        gradients: g_j, axes (outcome, parameter).
        shares: The outcomes' probabilities.
        mean: G, axis (parameter,).
        covariance: S^2, axes (parameter, parameter).
        values: The model's constants.
    """

    names: tuple[str, ...]
    gradients: tuple[tuple[Term, ...], ...]
    shares: tuple[float, ...]
    mean: tuple[Term, ...]
    covariance: tuple[tuple[Term, ...], ...]
    values: dict[str, float]

    def slope(self, term: Term, name: str) -> Term:
        """Return the derivative of a term by a parameter."""
        at = ref(name, 0)
        return gradient(term, [at]).get(at, ZERO)

    def evaluate(self, term: Term, points: Array) -> Array:
        """Return a term's values at points, axes (parameter, point) -> (point,)."""
        places = {ref(name, 0): place for place, name in enumerate(self.names)}

        def leaf(found: Term) -> Any:
            if found in places:
                return points[places[found]]
            return np.float64(self.values[str(found.payload or found.op)])

        value = evaluate_arrays([term], leaf)[0]
        return np.asarray(np.broadcast_to(value, points.shape[1:]))


def landscape(model: Model) -> Landscape:
    """Return the gradients of a model whose A holds one gradient node for each parameter.

    Args:
        model: A model such as `sgd_model` writes: A = gradient nodes.

    Raises:
        QuestionError: A is empty, or a node of it is not read by exactly one variable.

    Example:
        >>> from causalopt.descents.sgd import sgd_model
        >>> from causalopt.language.text import to_text
        >>> found = landscape(sgd_model({"one": "(W - 2)**2"}))
        >>> to_text(found.slope(found.mean[0], "W"), static=True)
        '2'
    """
    outcomes = noise_outcomes(model)
    nodes = written_nodes(model.template, tuple(outcomes), model.A)
    owners = _owners(model, nodes)
    rows, shares = [], []
    for combination in itertools.product(*outcomes.values()):
        drawn = {
            ref(name, 0): const(value)
            for name, (value, _) in zip(outcomes, combination, strict=True)
        }
        rows.append(tuple(specialise(nodes[node], drawn) for node in owners))
        shares.append(float(np.prod([share for _, share in combination])))
    names = tuple(owners.values())
    mean = tuple(_mean([row[place] for row in rows], shares) for place in range(len(names)))
    covariance = tuple(
        tuple(_covariance(rows, shares, mean, first, second) for second in range(len(names)))
        for first in range(len(names))
    )
    return Landscape(
        names, tuple(rows), tuple(shares), mean, covariance, model.template.parameter_values()
    )


def _owners(model: Model, nodes: dict[str, Term]) -> dict[str, str]:
    """Return gradient node -> the parameter it moves, for nodes at the parameters themselves."""
    if not nodes:
        raise QuestionError(
            "a landscape needs the gradient nodes as the partition's A, such as A: [g]"
        )
    owners = {}
    for name, term in nodes.items():
        readers = [
            equation.name for equation in model.template.equations if (name, 1) in equation.parents
        ]
        if len(readers) != 1:
            raise QuestionError(
                f"the gradient node '{name}' is read one step later by {readers or 'nothing'}; "
                "a landscape needs exactly one reader of each"
            )
        owners[name] = _moved(model, readers[0], term)
    return owners


def _moved(model: Model, reader: str, term: Term) -> str:
    """Return the parameter a node moves: its reader, or through momentum the reader's reader."""
    read = {leaf.payload[0] for leaf in leaves(term) if isinstance(leaf.payload, tuple)}
    if reader in read:
        return reader
    for equation in model.template.equations:
        if (reader, 0) in equation.parents and equation.name in read:
            return equation.name
    raise QuestionError(
        f"'{reader}' is moved by a gradient that is not taken at it: inner steps have no single "
        "landscape; ask the model without them"
    )


def _mean(terms: list[Term], shares: list[float]) -> Term:
    total = ZERO
    for term, share in zip(terms, shares, strict=True):
        total = add(total, mul(_share(share), term))
    return total


def _share(value: float) -> Term:
    return const(Fraction(value).limit_denominator(10**9))


def _covariance(
    rows: list[tuple[Term, ...]],
    shares: list[float],
    mean: tuple[Term, ...],
    first: int,
    second: int,
) -> Term:
    """Return the mean of products of deviations, which no cancellation can turn negative."""
    total = ZERO
    for row, share in zip(rows, shares, strict=True):
        one, other = add(row[first], neg(mean[first])), add(row[second], neg(mean[second]))
        total = add(total, mul(_share(share), mul(one, other)))
    return total
