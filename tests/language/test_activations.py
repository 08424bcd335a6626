"""The functions of neural networks: accurate, stable where they saturate, and alike on arrays."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from causalopt import Model, run
from causalopt.errors import ExpressionError, ModelError
from causalopt.language import ieee
from causalopt.language.gradient import gradient, kinks
from causalopt.language.operations import OPERATIONS, SHORTHANDS, bound
from causalopt.language.parse import parse
from causalopt.language.scope import CLOCK, Scope
from causalopt.language.term import const, evaluate, ref
from causalopt.tensors.building import const as tensor_const
from causalopt.tensors.building import elementwise, full
from causalopt.tensors.building import ref as tensor_ref
from causalopt.tensors.cotangent import cotangents
from causalopt.tensors.tangent import tangents
from causalopt.tensors.tensor_source import compiled

X = ref("x", 0)
SCOPE = Scope(variables=frozenset("x"), names=CLOCK, bare=True)
MEANINGS: dict[str, Callable[[Any], Any]] = {
    "log1p": mpmath.log1p,
    "expm1": mpmath.expm1,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "erf": mpmath.erf,
    "ndtr": mpmath.ncdf,
}
# Errors in units of the last place: (floats, arrays).
ULPS = {
    "log1p": (1, 1),
    "expm1": (1, 1),
    "sigmoid": (2, 2),
    "softplus": (2, 2),
    "erf": (1, 1.5),
    "ndtr": (4, 8),
}
# At -inf, -0.0, 0.0, inf.
ENDS = {
    "log1p": (math.nan, -0.0, 0.0, math.inf),
    "expm1": (-1.0, -0.0, 0.0, math.inf),
    "sigmoid": (0.0, 0.5, 0.5, 1.0),
    "softplus": (0.0, math.log(2), math.log(2), math.inf),
    "erf": (-1.0, -0.0, 0.0, 1.0),
    "ndtr": (0.0, 0.5, 0.5, 1.0),
}
SATURATED = {  # the slopes far below and far above
    "sigmoid": (0.0, 0.0),
    "softplus": (0.0, 1.0),
    "erf": (0.0, 0.0),
    "ndtr": (0.0, 0.0),
    "relu": (0.0, 1.0),
    "gelu": (0.0, 1.0),
}


def samples(name: str) -> np.ndarray:
    rng = np.random.default_rng(11)
    parts = [
        rng.uniform(-1, 1, 500),
        rng.uniform(-7, 7, 700),
        rng.uniform(-39, 39, 700),
        rng.uniform(-745, 709, 200),
        10.0 ** rng.uniform(-300, 0, 200) * rng.choice([-1, 1], 200),
        # where one quotient ends and the next begins
        *(
            at * (1 + rng.uniform(-1e-3, 1e-3, 100))
            for at in (0.84375, 0.67449, -0.67449, -5.65685)
        ),
        np.array([-38.4, 37.6, 8.3, -8.3, 5.9, 6.1, 39.9, 40.1, -37.5]),
    ]
    xs = np.concatenate(parts)
    return xs[xs > -1] if name == "log1p" else xs


def worst(name: str, xs: np.ndarray, ys: np.ndarray) -> tuple[float, float]:
    errors = []
    with mpmath.workprec(200):
        for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
            exact = MEANINGS[name](mpmath.mpf(x))
            ulp = mpmath.mpf(math.ulp(float(exact)))
            errors.append((float(abs(exact - mpmath.mpf(y)) / ulp), x))
    return max(errors)


def of(name: str, x: Any) -> Any:
    with np.errstate(all="ignore"):
        return bound(OPERATIONS[name].arrays, np)(x)


@pytest.mark.parametrize("name", MEANINGS)
def test_floats_and_arrays_are_accurate_over_the_whole_range(name: str) -> None:
    xs = samples(name)
    floats, arrays = ULPS[name]
    assert worst(name, xs, np.array([getattr(ieee, name)(x) for x in xs.tolist()]))[0] <= floats
    found = of(name, xs)
    assert worst(name, xs, found)[0] <= arrays
    np.testing.assert_array_equal(of(name, xs[:24].reshape(2, 3, 4)), found[:24].reshape(2, 3, 4))


@pytest.mark.parametrize("name", MEANINGS)
def test_infinities_zeros_and_nan(name: str) -> None:
    xs = [-math.inf, -0.0, 0.0, math.inf, math.nan]
    expected = np.array([*ENDS[name], math.nan])
    for found in (np.array([getattr(ieee, name)(x) for x in xs]), of(name, np.array(xs))):
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(np.signbit(found[1:4]), np.signbit(expected[1:4]))


@pytest.mark.parametrize("x", [800.0, 1e308])
def test_softplus_and_sigmoid_do_not_overflow(x: float) -> None:
    found = [of(name, np.array([-x, x])) for name in ("softplus", "sigmoid")]
    np.testing.assert_array_equal(found, [[0.0, x], [0.0, 1.0]])
    assert [ieee.softplus(-x), ieee.softplus(x), ieee.sigmoid(-x), ieee.sigmoid(x)] == [0, x, 0, 1]


def test_log1p_ends_at_minus_one() -> None:
    xs = [-1.0, -1.5]
    for found in ([ieee.log1p(x) for x in xs], of("log1p", np.array(xs))):
        np.testing.assert_array_equal(found, [-math.inf, math.nan])


@pytest.mark.parametrize("far", [40.0, 800.0, 1e200])
@pytest.mark.parametrize("name", SATURATED)
def test_slopes_are_numbers_where_a_function_saturates(name: str, far: float) -> None:
    slope = gradient(parse(f"{name}(x)", SCOPE))[X]
    curvature = gradient(slope).get(X, const(0))
    for x, expected in zip((-far, far), SATURATED[name], strict=True):
        assert evaluate(slope, lambda _, x=x: x) == pytest.approx(expected, abs=1e-17)
        assert evaluate(curvature, lambda _, x=x: x) == pytest.approx(0.0, abs=1e-16)


@pytest.mark.parametrize("x", [-37.0, -20.0, -5.0, -0.75, -1e-9, 0.0, 0.3, 2.0, 30.0])
def test_gelu_and_its_slope_keep_their_digits_in_the_lower_tail(x: float) -> None:
    term = parse("gelu(x)", SCOPE)
    with mpmath.workdps(50):
        at = mpmath.mpf(x)
        value = float(at * mpmath.ncdf(at))
        slope = float(mpmath.ncdf(at) + at * mpmath.npdf(at))
    assert evaluate(term, lambda _: x) == pytest.approx(value, rel=2e-15)
    # exp carries half an ulp of x**2/2
    assert evaluate(gradient(term)[X], lambda _: x) == pytest.approx(slope, rel=1e-13)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("relu(x - 1)", "max(x - 1, 0)"),
        ("gelu(2*x)", "2*x*ndtr(2*x)"),
        ("clip(x, -1, 2)", "min(max(x, -1), 2)"),
    ],
)
def test_a_shorthand_is_what_it_stands_for(written: str, meant: str) -> None:
    assert parse(written, SCOPE) is parse(meant, SCOPE)


def test_relu_bends_at_zero() -> None:
    term = parse("relu(x)", SCOPE)
    (kink,) = kinks(term)
    assert {kink.left, kink.right} == {X, const(0)}
    variables = {"x": {"initial": 0}, "y": {"initial": 1}, "u": {"rule": "relu(x) + y"}}
    found = run(Model(name="m", variables=variables), nudge="x", hold="y", target="u")
    assert found.status[0] == "kink"


@pytest.mark.parametrize("name", ["relu", "gelu", "sigmoid", "ndtr"])
def test_the_new_words_are_words_of_the_language(name: str) -> None:
    with pytest.raises(ExpressionError, match=f"{name} takes 1 argument, found 2"):
        parse(f"{name}(x, x)", SCOPE)
    with pytest.raises(ModelError, match=f"'{name}' is a word of the language"):
        Model(name="m", variables={name: {"initial": 1}})


@pytest.mark.parametrize("name", [*MEANINGS, "gelu", "relu"])
def test_derivatives_of_arrays_are_those_of_numbers(name: str) -> None:
    values = np.array([[-800.0, -6.0, -0.4], [0.3, 5.0, 700.0]])
    if name in {"log1p", "expm1"}:
        values = np.abs(values) / 2
    x = tensor_ref("x", 0, values.shape)
    if name in SHORTHANDS:
        y = SHORTHANDS[name].meaning(elementwise, tensor_const, x)
    else:
        y = elementwise(name, x)
    seed = full(values.shape, 1)
    forwards, backwards = tangents([y], {x: seed})[0], cotangents({y: seed}, [x])[x]
    assert forwards is not None
    assert backwards is not None
    slope = gradient(parse(f"{name}(x)", SCOPE))[X]
    expected = [[evaluate(slope, lambda _, v=v: v) for v in row] for row in values.tolist()]
    for found in compiled([forwards, backwards], [x])(values):
        np.testing.assert_allclose(np.broadcast_to(found, values.shape), expected, rtol=1e-13)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("way", ["eager", "jit"])
def test_records_of_arrays_mean_the_same_to_jax(name: str, way: str) -> None:
    jax = pytest.importorskip("jax")
    record = OPERATIONS[name]
    x = np.array([0.0, -0.0, math.inf, -math.inf, math.nan, 1.5, -1.5, 2.0, -0.3, 0.7, 80.0, -80.0])
    x = x.astype(np.float32)
    args: list[Any] = [np.roll(x, 3 * i) for i in range(record.arity)]
    if record.kind == "logic":
        args = [arg > 0 for arg in args]
    if name == "where":
        args[0] = args[0] > 0
    payload = (-3,) if name == "ipow" else ()
    with np.errstate(all="ignore"):
        expected = bound(record.arrays, np)(*args, *payload)

    def applied(*args: Any) -> Any:
        return bound(record.arrays, jax.numpy)(*args, *payload)

    found = np.asarray(
        (jax.jit(applied) if way == "jit" else applied)(*map(jax.numpy.asarray, args))
    )
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-37)
    if expected.dtype != bool:
        numbers = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(found)[numbers], np.signbit(expected)[numbers])
