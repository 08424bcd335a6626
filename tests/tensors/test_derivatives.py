"""Tangents and cotangents of every operation: finite differences, and each other."""

from __future__ import annotations

import numpy as np
import pytest

from causalopt.tensors import building as b
from causalopt.tensors.cotangent import cotangents
from causalopt.tensors.folding import evaluate
from causalopt.tensors.lifting import lifted
from causalopt.tensors.tangent import tangents
from causalopt.tensors.tensor import Tensor
from causalopt.tensors.tensor_source import compiled
from tests.tensors.operations_of_arrays import EXPRESSIONS, INPUTS, values

MOVED = {x: b.given("moved", *x.payload, shape=x.shape) for x in INPUTS}


def looked(found: dict, root: Tensor) -> np.ndarray:
    return np.asarray(evaluate([root], found.__getitem__)[0])


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_tangent_is_the_slope_of_central_differences(name: str) -> None:
    root, found = EXPRESSIONS[name], values(np.random.default_rng(1))
    moves = {MOVED[x].payload: np.random.default_rng(2).normal(size=x.shape) for x in INPUTS}
    (tangent,) = tangents([root], MOVED)
    assert tangent is not None
    assert tangent.shape == root.shape
    step = 1e-6

    def at(size: float) -> np.ndarray:
        shifted = {k: v + size * moves[("moved", *k)] for k, v in found.items()}
        return looked(shifted, root)

    differences = (at(step) - at(-step)) / (2 * step)
    np.testing.assert_allclose(
        looked({**found, **moves}, tangent), differences, rtol=2e-7, atol=2e-8
    )


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_cotangents_are_the_tangents_transposed(name: str) -> None:
    root, found = EXPRESSIONS[name], values(np.random.default_rng(3))
    rng = np.random.default_rng(4)
    moves = {MOVED[x].payload: rng.normal(size=x.shape) for x in INPUTS}
    seed = b.given("seed", shape=root.shape)
    found |= {**moves, seed.payload: rng.normal(size=root.shape)}
    (tangent,) = tangents([root], MOVED)
    assert tangent is not None
    forward = np.sum(found[seed.payload] * looked(found, tangent))
    back = 0.0
    for leaf, cotangent in cotangents({root: seed}, INPUTS).items():
        if cotangent is not None:
            assert cotangent.shape == leaf.shape
            back += np.sum(looked(found, cotangent) * moves[("moved", *leaf.payload)])
    assert back == pytest.approx(forward, rel=1e-12)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_source_and_folding_give_the_same_arrays(name: str) -> None:
    root, found = EXPRESSIONS[name], values(np.random.default_rng(5))
    function = compiled([root], INPUTS)
    (value,) = function(*(found[x.payload] for x in INPUTS))
    folded = looked(found, root)
    assert np.shape(value) == root.shape == folded.shape
    np.testing.assert_allclose(value, folded, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", EXPRESSIONS)
@pytest.mark.parametrize("some", [False, True])
def test_a_lifted_graph_is_the_graph_at_each_point(name: str, some: bool) -> None:
    root, count, rng = EXPRESSIONS[name], 5, np.random.default_rng(6)
    chosen = INPUTS[:2] if some else INPUTS
    many = {x: b.given("many", *x.payload, shape=(count, *x.shape)) for x in chosen}
    found = values(rng)
    lanes = {m.payload: rng.normal(size=m.shape) for m in many.values()}
    (wide,) = lifted([root], many, count)
    value = looked({**found, **lanes}, wide)
    for lane in range(count):
        here = {**found, **{x.payload: lanes[m.payload][lane] for x, m in many.items()}}
        expected = looked(here, root)
        got = value[lane] if wide.shape != root.shape else value
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-13)


def test_a_second_derivative_is_made_of_the_same_operations() -> None:
    """Of sum(tanh(W x)^2) by W, along a direction: against differences of the first."""
    x, w = b.given("x", shape=(3,)), b.given("w", shape=(2, 3))
    height = b.elementwise("tanh", b.matmul(w, x))
    root = b.total(b.elementwise("mul", height, height))
    slope = cotangents({root: b.const(1)}, [w])[w]
    assert slope is not None
    moved = b.given("v", shape=(2, 3))
    (second,) = tangents([slope], {w: moved})
    assert second is not None
    rng = np.random.default_rng(7)
    found = {("x",): rng.normal(size=3), ("w",): rng.normal(size=(2, 3))}
    direction, step = rng.normal(size=(2, 3)), 1e-6

    def at(size: float) -> np.ndarray:
        return looked({**found, ("w",): found[("w",)] + size * direction}, slope)

    np.testing.assert_allclose(
        looked({**found, ("v",): direction}, second),
        (at(step) - at(-step)) / (2 * step),
        rtol=1e-7,
        atol=1e-9,
    )


def test_a_branch_that_is_not_taken_leaves_no_trace() -> None:
    x = b.given("x", shape=(2,))
    root = b.elementwise(
        "where",
        b.elementwise("lt", b.const(0), x),
        b.elementwise("log", b.elementwise("add", x, b.const(1))),
        b.const(0),
    )
    (tangent,) = tangents([root], {x: b.literal(np.ones(2))})
    back = cotangents({root: b.literal(np.ones(2))}, [x])[x]
    assert tangent is not None
    assert back is not None
    found = {("x",): np.array([1.0, -1.0])}
    assert looked(found, tangent).tolist() == [0.5, 0.0]
    assert looked(found, back).tolist() == [0.5, 0.0]


def test_numpys_convolution_is_what_convolved_gives() -> None:
    rng = np.random.default_rng(8)
    for size, width in ((7, 3), (7, 4), (5, 5), (6, 1)):
        x, k = b.given("x", shape=(size,)), b.given("k", shape=(width,))
        found = {("x",): rng.normal(size=size), ("k",): rng.normal(size=width)}
        expected = np.convolve(found[("x",)], found[("k",)], mode="same")
        np.testing.assert_allclose(looked(found, b.convolved(x, k, 0)), expected, atol=1e-14)


def test_shapes_that_do_not_fit_are_refused() -> None:
    x, w = b.given("x", shape=(4,)), b.given("w", shape=(3, 2))
    for make in (
        lambda: b.elementwise("add", x, w),
        lambda: b.matmul(w, x),
        lambda: b.reshaped(x, (3,)),
        lambda: b.windows(x, 0, 5),
        lambda: b.einsum(((0,), (0, 1)), (), x, w),
        lambda: b.joined([x, b.reshaped(w, (6, 1))], 0),
    ):
        with pytest.raises((b.ShapeError, IndexError)):
            make()
