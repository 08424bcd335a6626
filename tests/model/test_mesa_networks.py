"""Networks that amortize and networks that optimize inside, against algebra."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import sympy

from causalopt import expand, load, run
from causalopt.effects.arrays.array_run import ArrayRun
from causalopt.engine.contract import Floats
from causalopt.symbolic.derive import derive

LAMBDA = 0.25 ** np.arange(3)
SLOPES = np.array([0.4, 0.7, 1.0, 1.3, 1.6])


def ask(name: str, steps: int, seed: int, **question: object) -> ArrayRun:
    """Run a shipped model of arrays, with its nudge at the last step."""
    model = load(name)
    nudged = str(model.question.nudge).partition("[")[0]
    found = run(model, nudge=f"{nudged}[{steps}]", steps=steps, seed=seed, **question)  # type: ignore[arg-type]
    assert isinstance(found, ArrayRun)
    return found


def fitted(x: Floats, w: Floats, eta: float, steps: int) -> Floats:
    """Return what a linear fit by gradient descent from 0 misses of the weights."""
    found = np.zeros_like(w)
    for _ in range(steps):
        found += eta * x.T @ (x @ w - x @ found) / len(x)
    return w - found


@pytest.mark.parametrize("eta", [0.3, 0.8, 1.7])
@pytest.mark.parametrize("K", [0, 1, 4])
def test_a_layer_of_linear_attention_is_a_step_of_gradient_descent(eta: float, K: int) -> None:
    found = run(load("attention_descent"), parameters={"eta": eta}, steps=K)
    assert isinstance(found, ArrayRun)
    x = found.W["x"][0]
    np.testing.assert_allclose(x.T @ x / len(x), np.diag(LAMBDA), atol=1e-15)
    missed = x.T @ x @ fitted(x, np.ones(3), eta, K) / len(x)
    np.testing.assert_allclose(found.W["r"][K], missed, atol=1e-13)
    jacobian = found.jacobian(K)
    np.testing.assert_allclose(
        jacobian.total, np.diag(LAMBDA * (1 - eta * LAMBDA) ** K), atol=1e-14
    )
    assert found.op_total[K] == pytest.approx(-K * np.log(abs(1 - eta * LAMBDA)).sum(), abs=1e-11)
    modes = np.sort(-K * np.log(abs(1 - eta * LAMBDA)))
    np.testing.assert_allclose(found.modes(K), modes, atol=1e-11)


def test_holding_the_first_layers_leaves_the_descent_to_the_others() -> None:
    found = run(load("attention_descent"), hold="u[t<=1]", steps=5)
    assert isinstance(found, ArrayRun)
    direct = LAMBDA * (1 - 0.8 * LAMBDA) ** 3
    np.testing.assert_allclose(found.jacobian(5).direct, np.diag(direct), atol=1e-14)


@pytest.mark.parametrize("feature", range(3))
def test_the_attention_written_out_has_the_closed_form_in_rationals(feature: int) -> None:
    written = expand(load("attention_descent"))
    held = [name for name in written.variables if name.startswith("u_")]
    found = derive(
        written,
        nudge=f"w_{feature}[0]",
        hold=held,
        target=f"r_{feature}",
        at=3,
        parameters={"eta": "4/5"},
    )
    assert found.verified
    assert found.comp == (1 - sympy.Rational(4, 5) / 4**feature) ** 3


def wishart_moments(n: int, p: int) -> list[float]:
    """Return E tr S^j, j = 0..4, of S = X'X/n, X an n by p matrix of normal numbers.

    Source: G. Letac, H. Massam, All invariant moments of the Wishart distribution (2004).
    """
    return [
        p,
        p,
        p * (n + p + 1) / n,
        p * (n**2 + p**2 + 3 * n * p + 3 * n + 3 * p + 4) / n**2,
        p * (n**3 + p**3 + 6 * n**2 * p + 6 * n * p**2 + 6 * n**2 + 6 * p**2) / n**3
        + p * (17 * n * p + 21 * n + 21 * p + 20) / n**3,
    ]


def best_steps() -> Floats:
    """Return the two step sizes that leave the least, on average over tasks, ascending."""
    moments = wishart_moments(16, 3)
    a, b = sympy.symbols("a b", positive=True)
    s = sympy.Symbol("s")
    left = sympy.Poly(((1 - a * s) * (1 - b * s)) ** 2, s).all_coeffs()[::-1]
    loss = sum(c * sympy.Float(m, 30) for c, m in zip(left, moments, strict=True)) / 2
    found = sympy.nsolve([loss.diff(a), loss.diff(b)], [a, b], [0.5, 1.2])
    return np.array([float(x) for x in found])


def test_the_moments_are_those_of_many_draws() -> None:
    x = np.random.default_rng(0).normal(size=(100_000, 16, 3))
    roots = np.linalg.eigvalsh(np.einsum("kif,kig->kfg", x, x) / 16)
    drawn = [(roots**j).sum(axis=1).mean() for j in range(5)]
    np.testing.assert_allclose(drawn, wishart_moments(16, 3), rtol=0.01)


@pytest.mark.parametrize("seed", [0, 3, *(pytest.param(s, marks=pytest.mark.slow) for s in (1, 2))])
def test_trained_attention_descends_with_the_best_two_step_sizes(seed: int) -> None:
    found = ask("trained_attention", 4000, seed)
    layers = [found.W[name][4000] for name in ("M_1", "M_2")]
    best = best_steps()
    steps = np.sort([-np.trace(layer) / 3 for layer in layers])
    np.testing.assert_allclose(steps, best, atol=0.04)
    for layer in layers:
        np.testing.assert_allclose(layer, np.trace(layer) / 3 * np.eye(3), atol=0.09)
    # Its own weights give its Jacobian exactly, and the closed form gives it nearly.
    S = np.diag(LAMBDA)
    first, second = layers
    own = np.eye(3) + first @ S + second @ S @ (np.eye(3) + first @ S)
    np.testing.assert_allclose(found.jacobian().total, own, atol=1e-13)
    np.testing.assert_allclose(found.jacobian().direct, np.eye(3), atol=1e-15)
    closed = np.prod([1 - eta * LAMBDA for eta in best], axis=0)
    np.testing.assert_allclose(np.diag(found.jacobian().total), closed, atol=0.03)


def test_untrained_attention_does_not() -> None:
    found = ask("trained_attention", 0, 0)
    assert abs(found.op[0]) < 0.15
    closed = np.prod([1 - eta * LAMBDA for eta in best_steps()], axis=0)
    assert abs(np.diag(found.jacobian(0).total) - closed).max() > 0.5


def by_shift(found: ArrayRun) -> Floats:
    """Return the rms Op for each slope of the new tasks."""
    jacobian = found.jacobian()
    total, direct = (part.reshape(5, -1) for part in (jacobian.total, jacobian.direct))
    ratios: Floats = np.log((direct**2).sum(axis=1) / (total**2).sum(axis=1)) / 2
    return ratios


def test_the_amortized_networks_jacobian_is_one_minus_b_times_the_networks() -> None:
    found = ask("amortized_network", 300, 1)
    W, c, V, d = (found.W[name][300] for name in ("W", "c", "V", "d_new"))
    total = found.jacobian().total.reshape(5, 8, 3, 8, 3)
    for task in range(8):
        slope = V.T @ np.diag(1 - np.tanh(d[task] @ W + c) ** 2) @ W.T
        for shift, b in enumerate(SLOPES):
            np.testing.assert_allclose(
                total[shift, task, :, task], np.eye(3) + b * slope, atol=1e-13
            )


def test_the_iterating_networks_jacobian_is_a_product_over_its_steps() -> None:
    found = ask("iterating_network", 300, 1)
    U, V, d = (found.W[name][300] for name in ("U", "V", "d_new"))
    total = found.jacobian().total.reshape(5, 8, 3, 8, 3)
    for shift, b in enumerate(SLOPES):
        for task in range(8):
            error, product = d[task], np.eye(3)
            for _ in range(3):
                h = np.tanh(error @ U)
                product = (np.eye(3) - b * V.T @ np.diag(1 - h**2) @ U.T) @ product
                error = error - b * h @ V
            np.testing.assert_allclose(total[shift, task, :, task], product, atol=1e-13)


@functools.cache
def networks(seed: int) -> tuple[Floats, Floats]:
    """Return Op by shift of the amortized and of the iterating network, both trained."""
    amortized = by_shift(ask("amortized_network", 4000, seed))
    return amortized, by_shift(ask("iterating_network", 3000, seed))


SEEDS = [*range(3), *(pytest.param(s, marks=pytest.mark.slow) for s in range(3, 20))]


@pytest.mark.parametrize("seed", SEEDS)
def test_both_networks_optimize_in_training(seed: int) -> None:
    amortized, iterating = networks(seed)
    assert amortized[2] > 2.4
    assert iterating[2] > 2.4


@pytest.mark.parametrize("seed", SEEDS)
def test_a_shift_leaves_the_amortized_network_one_step_and_the_iterating_one_more(
    seed: int,
) -> None:
    amortized, iterating = networks(seed)
    shifted = [0, 1, 3]  # at b = 1.6 three steps may overshoot as far as one does
    one_step = -np.log(abs(1 - SLOPES[shifted]))
    assert (abs(amortized[shifted] / one_step - 1) < 0.1).all()
    assert (iterating[shifted] > 1.4 * one_step).all()


def test_a_trained_conjugate_gives_out_what_training_put_in() -> None:
    H = np.diag([1.0, 2.0, 3.0]) + 0.3
    left = np.linalg.matrix_power(np.eye(3) - 0.08 * H, 25)
    model = load("trained_conjugate").replace(parameters={"lr": 0.08, "coupling": 0.3})
    given = run(model, nudge="y_new[25]", steps=25)
    put = run(model, nudge="W[0]", hold="G", target="W", steps=25)
    assert isinstance(given, ArrayRun)
    assert isinstance(put, ArrayRun)
    np.testing.assert_allclose(given.jacobian().total, left, atol=1e-14)
    assert given.op[25] == pytest.approx(-np.log(np.linalg.norm(left) / np.sqrt(3)), abs=1e-11)
    assert put.op[25] == pytest.approx(given.op[25], abs=1e-11)
    roots = np.linalg.eigvalsh(np.eye(3) - 0.08 * H)
    np.testing.assert_allclose(given.modes(), np.sort(-25 * np.log(roots)), atol=1e-6)
    assert put.op_total[25] == pytest.approx(3 * given.op_total[25], rel=1e-6)


@pytest.mark.parametrize("direction", range(3))
def test_a_gradient_of_gradients_is_the_hypergradient_written_out(direction: int) -> None:
    learner, curvature = load("meta_learner"), (direction + 1) / 2
    written = run(load("meta_optimizer"), parameters={"lambda": curvature})
    found = run(
        learner, nudge=f"eta[0, direction={direction}]", target=f"eta[direction={direction}]"
    )
    np.testing.assert_allclose(found.W["eta"][:, direction], written.W["eta"], atol=1e-14)
    np.testing.assert_allclose(found.W["H"][:, direction], written.W["H"], atol=1e-14)
    np.testing.assert_allclose(found.op[1:], written.op[1:], atol=1e-12)


def test_the_base_optimizers_op_is_what_the_meta_optimizer_has_made() -> None:
    found = run(
        load("meta_learner"), nudge="start[20]", hold="G_0, G_1", target="theta_2", steps=20
    )
    assert isinstance(found, ArrayRun)
    curvature = np.array([0.5, 1, 1.5])
    rates = found.W["eta"][20]
    expected = np.sort(-2 * np.log(abs(1 - curvature * rates)))
    np.testing.assert_allclose(found.modes(20), expected, atol=1e-11)


@pytest.mark.slow
def test_where_a_step_overshoots_the_shift_does_not_tell_them_apart() -> None:
    amortized, iterating = zip(*(networks(seed) for seed in range(20)), strict=True)
    assert min(found[4] for found in iterating) < max(found[4] for found in amortized)
