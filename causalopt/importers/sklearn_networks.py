"""Multilayer perceptrons of scikit-learn as models."""

from __future__ import annotations

from typing import Any

import numpy as np

from causalopt.errors import QuestionError
from causalopt.importers.activations import activation
from causalopt.importers.network_builder import NetworkAxis, NetworkBuilder, Signal
from causalopt.importers.normalizations import softmax
from causalopt.importers.products import dense
from causalopt.model.model import Model

_ACTIVATIONS = {"relu": "relu", "logistic": "sigmoid", "tanh": "tanh"}


def from_sklearn(estimator: Any, example: Any = None, *, name: str | None = None) -> Model:
    """Return a fitted MLPClassifier or MLPRegressor of scikit-learn as a model.

    Its variables are `x` [feature], for each layer the sum `hidden_1_sum` and the activation
    `hidden_1`, and `output`: the probabilities of the classes (of the second class alone where
    there are two), or the values of a regression. Weights are labelled `coefs_.0`, ...

    Args:
        estimator: The fitted estimator. Of a Pipeline give the last step: its x is what the steps
            before it give.
        example: The features of one row, that x starts from.
        name: The model's name; the class's when not given.

    Raises:
        QuestionError: It is no such estimator, or it is not fitted.

    Example:
        >>> from sklearn.neural_network import MLPRegressor
        >>> net = MLPRegressor(hidden_layer_sizes=(3,), tol=9, n_iter_no_change=1)
        >>> net = net.fit([[0.0], [1.0]], [0.0, 1.0])
        >>> list(from_sklearn(net).variables)[0]
        'x'
    """
    kind = type(estimator).__name__
    if kind not in {"MLPClassifier", "MLPRegressor"}:
        raise QuestionError(f"expected an MLPClassifier or MLPRegressor, found {kind}")
    if not hasattr(estimator, "coefs_"):
        raise QuestionError(f"the {kind} is not fitted: call fit first")
    net = NetworkBuilder()
    weights = list(zip(estimator.coefs_, estimator.intercepts_, strict=True))
    feature = NetworkAxis(len(weights[0][0]), "feature")
    values = None if example is None else np.asarray(example, dtype=float).reshape(-1)
    if values is not None and len(values) != feature.size:
        raise QuestionError(f"the example has {len(values)} features, {feature.size} are expected")
    x = net.given("x", (feature,), values)
    for number, (coefs, intercepts) in enumerate(weights):
        last = number == len(weights) - 1
        label = "output" if last else f"hidden_{number + 1}"
        x = _layer(net, x, (coefs, intercepts), number, label)
        own = estimator.out_activation_ if last else estimator.activation
        x = _activated(net, own, x, label)
    return net.model([x], name=name or kind, source=f"scikit-learn {kind}")


def _layer(
    net: NetworkBuilder, x: Signal, weights: tuple[np.ndarray, np.ndarray], number: int, label: str
) -> Signal:
    coefs = net.constant(weights[0], f"coefs_.{number}")
    coefs.axes[1].suggest(f"{label}_unit")
    bias = net.constant(weights[1], f"intercepts_.{number}")
    return dense(net, x, coefs, bias, f"{label}.sum", turned=False)


def _activated(net: NetworkBuilder, kind: str, x: Signal, label: str) -> Signal:
    if kind == "identity":
        return net.variable(label, x.axes, net.read(x))
    if kind == "softmax":
        return softmax(net, x, -1, label)
    return activation(net, _ACTIVATIONS[kind], x, label)
