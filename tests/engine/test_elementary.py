"""The elementary functions against mpmath, over the whole range of floats."""

from __future__ import annotations

import functools
import math
from typing import Any

import mpmath
import numpy as np
import pytest

from causalopt.engine.machine.elementary import ULPS, function_text
from causalopt.engine.machine.kernel import METADATA
from causalopt.engine.machine.native import QUICK, load_library, processor
from causalopt.language import ieee

EDGES = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    math.inf,
    -math.inf,
    math.nan,
    5e-324,
    -5e-324,
    1e-310,
    2.0**-1022,
    -(2.0**-1022),
    1e308,
    -1e308,
    math.pi,
    709.782712893384,
    709.78271289338409,
    -708.4,
    -745.13,
    -745.2,
    710.4758600739439,
    710.475860073944,
    2.0**20,
    2.0**20 + 1,
]
# What mpmath has no function for, or has it by another name.
MEANINGS: dict[str, Any] = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "ndtr": mpmath.ncdf,
}
NAMES = [name for name in ULPS if name != "pow"]


@functools.cache
def mapped(name: str, lanes: int, fma: bool, avx512: bool | None) -> Any:
    text, needs = function_text(name, lanes, fma=fma, avx512=avx512)
    kind = "double" if lanes == 1 else f"<{lanes} x double>"
    loop = f"""
define i64 @map(i64 %in_, i64 %out_, i64 %n) {{
entry:
  %in = inttoptr i64 %in_ to ptr
  %out = inttoptr i64 %out_ to ptr
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%j, %loop]
  %a = getelementptr double, ptr %in, i64 %i
  %b = getelementptr double, ptr %out, i64 %i
  %x = load {kind}, ptr %a, align 8
  %y = call {kind} @co_{name}({kind} %x)
  store {kind} %y, ptr %b, align 8
  %j = add i64 %i, {lanes}
  %more = icmp slt i64 %j, %n
  br i1 %more, label %loop, label %done
done:
  ret i64 0
}}
"""
    return load_library("\n".join([text, loop, *sorted(needs), METADATA]), {"map": 3}, QUICK)


def computed(
    name: str, xs: np.ndarray, lanes: int, fma: bool, avx512: bool | None = None
) -> np.ndarray:
    padded = np.concatenate([xs, np.ones(-len(xs) % lanes)])
    out = np.empty_like(padded)
    library = mapped(name, lanes, fma, avx512)
    library.functions["map"](padded.ctypes.data, out.ctypes.data, len(padded))
    return out[: len(xs)]


def samples(name: str) -> np.ndarray:
    rng = np.random.default_rng(7)
    spans = {"asin": 1.0, "acos": 1.0, "exp": 745.0, "sinh": 711.0, "cosh": 711.0, "tanh": 25.0}
    spans |= {"expm1": 711.0, "sigmoid": 745.0, "softplus": 745.0, "erf": 6.0, "ndtr": 39.0}
    span = spans.get(name, 1e6)
    parts = [
        rng.uniform(-span, span, 400),
        rng.uniform(-1, 1, 300),
        rng.uniform(-12, 12, 300),
        10.0 ** rng.uniform(-300, 300, 200) * rng.choice([-1, 1], 200),
        np.arange(-60, 60) * (math.pi / 2),
        np.arange(-60, 60) * (math.pi / 4),
        1 + rng.uniform(-1e-7, 1e-7, 100),
        1 - 10.0 ** rng.uniform(-16, 0, 100),
        10.0 ** rng.uniform(-12, -1, 100),
        np.array(EDGES),
    ]
    return np.concatenate(parts)


@pytest.mark.parametrize("name", NAMES)
def test_functions_keep_to_their_ulps_over_the_whole_range(name: str) -> None:
    xs = samples(name)
    ys = computed(name, xs, 8, processor().has_fma)
    worst, where = 0.0, 0.0
    meaning = MEANINGS.get(name) or getattr(mpmath, name)
    with mpmath.workprec(1300):  # sines of arguments up to 1e300 need pi to a thousand bits
        for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
            reference = getattr(ieee, name)(x)
            if not math.isfinite(reference) or reference == y == 0.0 or not math.isfinite(x):
                assert (math.isnan(reference) and math.isnan(y)) or reference == y, (x, y)
                assert math.isnan(y) or math.copysign(1, reference) == math.copysign(1, y), x
                continue
            exact = meaning(mpmath.mpf(x))
            error = abs(exact - mpmath.mpf(y)) / mpmath.mpf(math.ulp(float(exact)))
            if error > worst:
                worst, where = float(error), x
    assert worst <= ULPS[name], (worst, where)


@pytest.mark.parametrize("name", NAMES)
def test_one_lane_eight_and_sixteen_agree_bit_for_bit(name: str) -> None:
    xs = samples(name)
    fma = processor().has_fma
    one = computed(name, xs, 1, fma)
    np.testing.assert_array_equal(one, computed(name, xs, 8, fma))
    np.testing.assert_array_equal(one, computed(name, xs, 16, fma))


def around_the_ends() -> np.ndarray:
    """Return arguments of exp where a reduction, a binade or the range ends."""
    rng = np.random.default_rng(3)
    turns = np.arange(-1080, 1026)[:, np.newaxis] * math.log(2)
    ends = (turns + np.log([0.75, 1.5, 1.0])).ravel()
    edges = np.array([-745.1332191019411, -708.3964185322641, 709.782712893384, 750.0, -750.0])
    near = edges[:, np.newaxis] * (1 + rng.uniform(-3e-16, 3e-16, (1, 200)))
    dense = rng.uniform(-745, 709.7, 6000)
    return np.concatenate([ends, np.nextafter(ends, 1e9), near.ravel(), dense])


def test_exp_keeps_to_one_ulp_where_its_reduction_and_its_range_end() -> None:
    xs = around_the_ends()
    ys = computed("exp", xs, 8, processor().has_fma)
    with mpmath.workprec(160):
        for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
            exact = mpmath.exp(mpmath.mpf(x))
            if exact >= mpmath.mpf(2) ** 1024 * (1 - mpmath.mpf(2) ** -54):
                assert y == math.inf, x
                continue
            ulp = mpmath.mpf(math.ulp(float(exact)))
            assert abs(exact - mpmath.mpf(y)) <= ulp, x


@pytest.mark.parametrize(
    "name", ["exp", "tanh", "sinh", "cosh", "expm1", "sigmoid", "softplus", "erf", "ndtr"]
)
def test_all_ways_to_powers_of_two_agree_bit_for_bit(name: str) -> None:
    xs = np.concatenate([samples(name), around_the_ends(), -around_the_ends()])
    plain = computed(name, xs, 1, processor().has_fma, avx512=False)
    ways = {False, processor().has_avx512}  # a processor without it has the other way alone
    for found in [computed(name, xs, 8, processor().has_fma, avx512=way) for way in ways]:
        np.testing.assert_array_equal(found, plain)
        numbers = ~np.isnan(plain)
        np.testing.assert_array_equal(np.signbit(found[numbers]), np.signbit(plain[numbers]))


@pytest.mark.parametrize(
    "name", ["exp", "log", "tanh", "log1p", "expm1", "sigmoid", "softplus", "erf", "ndtr"]
)
def test_processors_without_fma_keep_to_the_ulps_too(name: str) -> None:
    xs = samples(name)
    ys = computed(name, xs, 1, fma=False)
    meaning = MEANINGS.get(name) or getattr(mpmath, name)
    for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
        if math.isfinite(y) and y != 0.0 and math.isfinite(x):
            with mpmath.workprec(200):
                exact = meaning(mpmath.mpf(x))
                error = abs(exact - mpmath.mpf(y)) / mpmath.mpf(math.ulp(float(exact)))
            assert error <= ULPS[name] + 0.5, x
