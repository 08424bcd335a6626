from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

import causalopt
from causalopt.errors import QuestionError
from causalopt.importers.sklearn_networks import from_sklearn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))


def fitted(estimator: Any, y: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.set_params(max_iter=20, random_state=0).fit(X, y)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("classes", [2, 3, 0])
def test_a_perceptron_predicts_what_the_estimator_predicts(activation: str, classes: int) -> None:
    y = np.arange(60) % classes if classes else X @ RNG.normal(size=(4, 2))
    kind: Any = MLPClassifier if classes else MLPRegressor
    net = fitted(kind(hidden_layer_sizes=(5, 3), activation=activation), y)
    row = X[7]
    found = causalopt.world(from_sklearn(net, row))["output"]
    if classes:
        expected = net.predict_proba([row])[0]
        expected = expected[1:] if classes == 2 else expected
    else:
        expected = net.predict([row])[0]
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)


def test_the_slope_through_half_of_the_units_is_that_of_the_weights() -> None:
    net = fitted(MLPRegressor(hidden_layer_sizes=(6,), activation="tanh"), X[:, 0])
    row = X[3]
    (w1, w2), (b1, _) = net.coefs_, net.intercepts_
    slope = 1 - np.tanh(row @ w1 + b1) ** 2
    through = w1[2] * slope * w2[:, 0]
    run = causalopt.run(
        from_sklearn(net, row),
        nudge="x[feature=2]",
        hold="hidden_1[hidden_1_unit=0:3]",
        target="output",
    )
    assert float(run.total[-1]) == pytest.approx(through.sum(), rel=1e-13)
    assert float(run.direct[-1]) == pytest.approx(through[3:].sum(), rel=1e-13)


def test_weights_are_called_as_the_estimator_calls_them() -> None:
    net = fitted(MLPRegressor(hidden_layer_sizes=(6,)), X[:, 0])
    model = from_sklearn(net)
    assert model.variable("coefs_.1") == "coefs_1"
    assert dict(model.arrays.sizes) == {"feature": 4, "hidden_1_unit": 6}


def test_other_estimators_and_unfitted_ones_are_refused() -> None:
    with pytest.raises(QuestionError, match="not fitted: call fit first"):
        from_sklearn(MLPRegressor())
    with pytest.raises(QuestionError, match="expected an MLPClassifier or MLPRegressor, found int"):
        from_sklearn(3)
    net = fitted(MLPRegressor(hidden_layer_sizes=(6,)), X[:, 0])
    with pytest.raises(QuestionError, match="the example has 3 features, 4 are expected"):
        from_sklearn(net, [1, 2, 3])
