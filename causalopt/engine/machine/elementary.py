"""Elementary functions in LLVM text, on vectors of lanes.

Argument reduction and coefficients follow fdlibm (Sun Microsystems, 1993: exp, log, sin, cos, asin,
acos) and Cephes (Moshier, 1989: tan's quotient, tanh, sinh, atan); erf and ndtr are those of
`language.error_functions`. `ULPS` states the largest error each may have, in units of the last
place, over the whole range; tests hold it against mpmath.
Arguments of sin, cos and tan beyond 2**20 and every `pow` go to the C library, lane by lane.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from causalopt.engine.machine.emitter import Emitter, Value
from causalopt.engine.machine.exponential import (
    LN2_HI,
    LN2_LO,
    MAGIC,
    MAGIC_BITS,
    exponential,
    exponential_less_one,
)
from causalopt.language.error_functions import (
    CENTRE_END,
    ERF_END,
    FAR,
    FAR_START,
    GRID,
    MIDDLE,
    NDTR_END,
    NEAR,
    NEAR_END,
    PER_SQRT_PI,
    SQRT_HALF,
)

ULPS = {
    "exp": 1.0,
    "log": 1.0,
    "sin": 1.0,
    "cos": 1.0,
    "tan": 2.5,
    "tanh": 2.5,
    "sinh": 3.0,
    "cosh": 2.5,
    "asin": 1.5,
    "acos": 1.5,
    "atan": 2.0,
    "pow": 1.0,
    "log1p": 1.5,
    "expm1": 2.0,
    "sigmoid": 2.0,
    "softplus": 2.0,
    "erf": 1.5,
    "ndtr": 7.0,
}
_LOG = [
    1.479819860511658591e-01,
    1.531383769920937332e-01,
    1.818357216161805012e-01,
    2.222219843214978396e-01,
    2.857142874366239149e-01,
    3.999999999940941908e-01,
    6.666666666666735130e-01,
]
_PIO2 = (
    1.57079632673412561417e00,
    6.07710050630396597660e-11,
    2.02226624871116645580e-21,
    8.47842766036889956997e-32,
)
_SIN = [
    1.58969099521155010221e-10,
    -2.50507602534068634195e-08,
    2.75573137070700676789e-06,
    -1.98412698298579493134e-04,
    8.33333333332248946124e-03,
]
_COS = [
    -1.13596475577881948265e-11,
    2.08757232129817482790e-09,
    -2.75573143513906633035e-07,
    2.48015872894767294178e-05,
    -1.38888888888741095749e-03,
    4.16666666666666019037e-02,
]
_TANH = (
    [-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3],
    [1.0, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3],
)
_SINH = (
    [
        -7.89474443963537015605e-1,
        -1.63725857525983828727e2,
        -1.15614435765005216044e4,
        -3.51754964808151394800e5,
    ],
    [1.0, -2.77711081420602794433e2, 3.61578279834431989373e4, -2.11052978884890840399e6],
)
_ATAN = (
    [
        -8.750608600031904122785e-1,
        -1.615753718733365076637e1,
        -7.500855792314704667340e1,
        -1.228866684490136173410e2,
        -6.485021904942025371773e1,
    ],
    [
        1.0,
        2.485846490142306297962e1,
        1.650270098316988542046e2,
        4.328810604912902668951e2,
        4.853903996359136964868e2,
        1.945506571482613964425e2,
    ],
)
_ASIN = (
    [
        3.47933107596021167570e-05,
        7.91534994289814532176e-04,
        -4.00555345006794114027e-02,
        2.01212532134862925881e-01,
        -3.25565818622400915405e-01,
        1.66666666666666657415e-01,
        0.0,
    ],
    [
        7.70381505559019352791e-02,
        -6.88283971605453293030e-01,
        2.02094576023350569471e00,
        -2.40339491173441421878e00,
        1.0,
    ],
)
_MORE_BITS = 6.123233995736765886130e-17  # pi/2 - float(pi/2)
_LARGEST_ANGLE = 2.0**20


def _rounded(e: Emitter, x: Value) -> tuple[Value, Value]:
    """Return a float of modest size rounded to a whole number, as a float and as an integer."""
    shifted = e.add(x, e.const(MAGIC))
    whole = e.sub(shifted, e.const(MAGIC))
    return whole, e.binary("sub", e.bits(shifted), e.integer(MAGIC_BITS))


def _estrin(e: Emitter, x: Value, coefficients: list[float]) -> Value:
    """Return a polynomial by pairs: a shorter chain than Horner's, the same number of products."""
    terms: list[Value] = [e.const(c) for c in reversed(coefficients)]
    power = x
    while len(terms) > 1:
        paired = [
            e.fused(terms[i + 1], power, terms[i]) if i + 1 < len(terms) else terms[i]
            for i in range(0, len(terms), 2)
        ]
        power = e.mul(power, power)
        terms = paired
    return terms[0]


def _log(e: Emitter, x: Value) -> Value:
    tiny = e.compare("olt", x, e.const(2.0**-1022))
    scaled = e.select(tiny, e.mul(x, e.const(2.0**54)), x)
    bits = e.bits(scaled)
    # Shift the exponent so that the mantissa falls into [sqrt(1/2), sqrt(2)).
    moved = e.binary("sub", bits, e.integer(0x3FE6A09E667F3BCD))
    k = e.binary("ashr", moved, e.integer(52))
    mantissa = e.from_bits(e.binary("sub", bits, e.binary("shl", k, e.integer(52))))
    whole = e.from_bits(e.binary("add", k, e.integer(MAGIC_BITS)))
    exponent = e.sub(whole, e.const(MAGIC))
    exponent = e.select(tiny, e.sub(exponent, e.const(54.0)), exponent)
    f = e.sub(mantissa, e.const(1.0))
    s = e.div(f, e.add(e.const(2.0), f))
    z = e.mul(s, s)
    r = e.mul(z, _estrin(e, z, _LOG))
    half = e.mul(e.mul(e.const(0.5), f), f)
    inner = e.fused(s, e.add(half, r), e.mul(exponent, e.const(LN2_LO)))
    value = e.sub(e.mul(exponent, e.const(LN2_HI)), e.sub(e.sub(half, inner), f))
    value = e.select(e.compare("oeq", x, e.const(math.inf)), x, value)
    value = e.select(e.compare("oeq", x, e.const(0.0)), e.const(-math.inf), value)
    return e.select(e.compare("uge", x, e.const(0.0)), _nan_of(e, x, value), e.const(math.nan))


def _nan_of(e: Emitter, x: Value, value: Value) -> Value:
    """Return the value, NaN where the argument is NaN."""
    return e.select(e.compare("uno", x, x), x, value)


def _angle(e: Emitter, x: Value) -> tuple[Value, Value, Value]:
    """Return x - n pi/2 as a sum of two floats, and the integer n; |x| up to 2**20."""
    n, whole = _rounded(e, e.mul(x, e.const(0.6366197723675814)))
    # n has 20 bits and each part of pi/2 has 33: the products are exact.
    first = e.sub(x, e.mul(n, e.const(_PIO2[0])))
    a = e.mul(n, e.const(_PIO2[1]))
    second = e.sub(first, a)
    lost = e.sub(e.sub(first, second), a)
    b = e.mul(n, e.const(_PIO2[2]))
    third = e.sub(second, b)
    lost = e.add(lost, e.sub(e.sub(second, third), b))
    low = e.sub(lost, e.mul(n, e.const(_PIO2[3])))
    y = e.add(third, low)
    return y, e.add(e.sub(third, y), low), whole


def _sin_kernel(e: Emitter, x: Value, low: Value) -> Value:
    z = e.mul(x, x)
    v = e.mul(z, x)
    r = e.polynomial(z, _SIN)
    inner = e.sub(e.mul(z, e.sub(e.mul(e.const(0.5), low), e.mul(v, r))), low)
    return e.sub(x, e.sub(inner, e.mul(v, e.const(-1.66666666666666324348e-01))))


def _cos_kernel(e: Emitter, x: Value, low: Value) -> Value:
    z = e.mul(x, x)
    r = e.mul(z, e.polynomial(z, _COS))
    half = e.mul(e.const(0.5), z)
    w = e.sub(e.const(1.0), half)
    rest = e.add(e.sub(e.sub(e.const(1.0), w), half), e.sub(e.mul(z, r), e.mul(x, low)))
    return e.add(w, rest)


def _sine_and_cosine(e: Emitter, x: Value) -> tuple[Value, Value]:
    y, low, n = _angle(e, x)
    sine, cosine = _sin_kernel(e, y, low), _cos_kernel(e, y, low)
    odd = e.compare("i.ne", e.binary("and", n, e.integer(1)), e.integer(0))
    s, c = e.select(odd, cosine, sine), e.select(odd, sine, cosine)
    half_turn = e.compare("i.ne", e.binary("and", n, e.integer(2)), e.integer(0))
    after = e.binary("and", e.binary("add", n, e.integer(1)), e.integer(2))
    left = e.compare("i.ne", after, e.integer(0))
    # sin(-0.0) is -0.0, which a sum of parts forgets.
    s = e.select(e.compare("oeq", x, e.const(0.0)), x, e.select(half_turn, e.neg(s), s))
    return s, e.select(left, e.neg(c), c)


def _sin(e: Emitter, x: Value) -> Value:
    return _sine_and_cosine(e, x)[0]


def _cos(e: Emitter, x: Value) -> Value:
    return _sine_and_cosine(e, x)[1]


def _tan(e: Emitter, x: Value) -> Value:
    sine, cosine = _sine_and_cosine(e, x)
    return e.div(sine, cosine)


def _signed(e: Emitter, size: Value, x: Value) -> Value:
    return e.call("llvm.copysign", size, x)


def _ratio(e: Emitter, z: Value, pair: tuple[Sequence[float], Sequence[float]]) -> Value:
    return e.div(e.polynomial(z, pair[0]), e.polynomial(z, pair[1]))


def _tanh(e: Emitter, x: Value) -> Value:
    size = e.abs(x)
    z = e.mul(x, x)
    small = e.fused(e.mul(x, z), _ratio(e, z, _TANH), x)
    doubled = exponential(e, e.mul(e.const(2.0), size))
    large = e.sub(e.const(1.0), e.div(e.const(2.0), e.add(doubled, e.const(1.0))))
    value = e.select(e.compare("olt", size, e.const(0.625)), small, large)
    return _signed(e, value, x)


def _sinh(e: Emitter, x: Value) -> Value:
    size = e.abs(x)
    z = e.mul(x, x)
    small = e.fused(e.mul(x, z), _ratio(e, z, _SINH), x)
    big = _half_exp(e, size)
    half = e.sub(big, e.div(e.const(0.25), big))
    return _signed(e, e.select(e.compare("ole", size, e.const(1.0)), e.abs(small), half), x)


def _half_exp(e: Emitter, size: Value) -> Value:
    """Return exp(size)/2 for size from 0 up, without overflow before the result's own."""
    above = e.compare("ogt", size, e.const(700.0))
    value = exponential(e, e.select(above, e.mul(size, e.const(0.5)), size))
    half = e.mul(value, e.const(0.5))
    return e.select(above, e.mul(half, value), half)


def _cosh(e: Emitter, x: Value) -> Value:
    big = _half_exp(e, e.abs(x))
    return e.add(big, e.div(e.const(0.25), big))


def _atan(e: Emitter, x: Value) -> Value:
    size = e.abs(x)
    far = e.compare("ogt", size, e.const(2.41421356237309504880))
    middle = e.compare("ogt", size, e.const(0.66))
    base = e.select(far, e.const(math.pi / 2), e.select(middle, e.const(math.pi / 4), e.const(0.0)))
    more = e.select(
        far, e.const(_MORE_BITS), e.select(middle, e.const(_MORE_BITS / 2), e.const(0.0))
    )
    top = e.select(far, e.const(-1.0), e.select(middle, e.sub(size, e.const(1.0)), size))
    bottom = e.select(far, size, e.select(middle, e.add(size, e.const(1.0)), e.const(1.0)))
    r = e.div(top, bottom)
    z = e.mul(r, r)
    value = e.add(e.fused(e.mul(r, z), _ratio(e, z, _ATAN), r), more)
    return _signed(e, e.add(base, value), x)


def _asin_parts(e: Emitter, size: Value) -> tuple[Value, Value, Value]:
    """Return sqrt(z), its head and its correction for z = (1 - size)/2, as fdlibm does."""
    z = e.mul(e.sub(e.const(1.0), size), e.const(0.5))
    root = e.call("llvm.sqrt", z)
    head = e.from_bits(e.binary("and", e.bits(root), e.integer(-(1 << 32))))
    correction = e.div(e.sub(z, e.mul(head, head)), e.add(root, head))
    # At size 1 the root is 0 and so is its correction.
    correction = e.select(e.compare("oeq", root, e.const(0.0)), e.const(0.0), correction)
    return root, head, correction


def _asin_ratio(e: Emitter, size: Value) -> tuple[Value, Value]:
    near = e.compare("olt", size, e.const(0.5))
    z = e.select(near, e.mul(size, size), e.mul(e.sub(e.const(1.0), size), e.const(0.5)))
    return near, _ratio(e, z, _ASIN)


def _asin(e: Emitter, x: Value) -> Value:
    size = e.abs(x)
    near, ratio = _asin_ratio(e, size)
    small = e.fused(x, ratio, x)
    root, head, correction = _asin_parts(e, size)
    twice = e.const(2.0)
    p = e.sub(
        e.mul(e.mul(twice, root), ratio), e.sub(e.const(_MORE_BITS), e.mul(twice, correction))
    )
    q = e.sub(e.const(math.pi / 4), e.mul(twice, head))
    large = e.sub(e.const(math.pi / 4), e.sub(p, q))
    return e.select(near, small, _signed(e, large, x))


def _acos(e: Emitter, x: Value) -> Value:
    size = e.abs(x)
    near, ratio = _asin_ratio(e, size)
    inner = e.sub(e.const(_MORE_BITS), e.mul(x, ratio))
    middle = e.sub(e.const(math.pi / 2), e.sub(x, inner))
    root, head, correction = _asin_parts(e, size)
    twice = e.const(2.0)
    positive = e.mul(twice, e.add(head, e.add(e.mul(ratio, root), correction)))
    w = e.sub(e.mul(ratio, root), e.const(_MORE_BITS))
    negative = e.sub(e.const(math.pi), e.mul(twice, e.add(root, w)))
    negative = e.add(negative, e.const(0.0))
    far = e.select(e.compare("olt", x, e.const(0.0)), negative, positive)
    return e.select(near, middle, far)


def _log1p(e: Emitter, x: Value) -> Value:
    # log(u) + lost/u for u = 1 + x rounded and what the rounding lost (Knuth's two-sum).
    one = e.const(1.0)
    u = e.add(one, x)
    part = e.sub(u, one)
    lost = e.add(e.sub(one, e.sub(u, part)), e.sub(x, part))
    logarithm = _log(e, u)
    value = e.add(logarithm, e.div(lost, u))
    ends = e.binary("or", e.compare("oeq", u, e.const(0.0)), e.compare("oeq", u, e.const(math.inf)))
    # log1p(-0.0) is -0.0, which a sum of parts forgets.
    value = e.select(e.compare("oeq", x, e.const(0.0)), x, value)
    return e.select(ends, logarithm, value)


def _decayed(e: Emitter, x: Value) -> Value:
    """Return exp(-|x|)."""
    return exponential(e, e.neg(e.abs(x)))


def _sigmoid(e: Emitter, x: Value) -> Value:
    one, small = e.const(1.0), _decayed(e, x)
    top = e.select(e.compare("oge", x, e.const(0.0)), one, small)
    return e.div(top, e.add(one, small))


def _softplus(e: Emitter, x: Value) -> Value:
    above = e.select(e.compare("ogt", x, e.const(0.0)), x, e.const(0.0))
    return e.add(above, _log1p(e, _decayed(e, x)))


def _least(e: Emitter, x: Value, bound: float) -> Value:
    """Return the lesser of x and the bound; NaN stays."""
    return e.select(e.compare("ogt", x, e.const(bound)), e.const(bound), x)


def _erf_near(e: Emitter, z: Value) -> Value:
    return e.fused(z, _ratio(e, e.mul(z, z), NEAR), z)


def _erf(e: Emitter, x: Value) -> Value:
    size = e.abs(x)
    z = _least(e, size, ERF_END)
    tail = e.mul(exponential(e, e.neg(e.mul(z, z))), _ratio(e, z, MIDDLE))
    beyond = e.sub(e.const(1.0), tail)
    value = e.select(e.compare("olt", size, e.const(NEAR_END)), _erf_near(e, z), beyond)
    return _signed(e, value, x)


def _ndtr(e: Emitter, x: Value) -> Value:
    half, size = e.const(0.5), e.abs(x)
    bounded = _least(e, size, NDTR_END)
    z = e.mul(bounded, e.const(SQRT_HALF))
    centre = e.add(half, _signed(e, e.mul(half, _erf_near(e, z)), x))
    # exp(-x**2/2) by Cody: the square of x on a grid is exact, and the rest of it is small.
    whole = e.mul(e.call("llvm.floor", e.mul(bounded, e.const(GRID))), e.const(1 / GRID))
    rest = e.mul(e.sub(bounded, whole), e.add(bounded, whole))
    first = exponential(e, e.mul(e.const(-0.5), e.mul(whole, whole)))
    density = e.mul(first, exponential(e, e.mul(e.const(-0.5), rest)))
    v = e.div(e.const(1.0), e.mul(z, z))
    far = e.div(e.sub(e.const(PER_SQRT_PI), e.mul(v, _ratio(e, v, FAR))), z)
    scale = e.select(e.compare("olt", z, e.const(FAR_START)), _ratio(e, z, MIDDLE), far)
    tail = e.mul(e.mul(half, density), scale)
    side = e.select(e.compare("ogt", x, e.const(0.0)), e.sub(e.const(1.0), tail), tail)
    return e.select(e.compare("olt", size, e.const(CENTRE_END)), centre, side)


BODIES: dict[str, Callable[[Emitter, Value], Value]] = {
    "exp": exponential,
    "log": _log,
    "sin": _sin,
    "cos": _cos,
    "tan": _tan,
    "tanh": _tanh,
    "sinh": _sinh,
    "cosh": _cosh,
    "atan": _atan,
    "asin": _asin,
    "acos": _acos,
    "log1p": _log1p,
    "expm1": exponential_less_one,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "erf": _erf,
    "ndtr": _ndtr,
}
_ANGLES = frozenset({"sin", "cos", "tan"})


def function_text(
    name: str,
    lanes: int,
    *,
    fma: bool,
    symbol: str = "",
    inline: bool = True,
    avx512: bool | None = None,
) -> tuple[str, set[str]]:
    """Return the definition of `@co_<symbol>` on vectors of lanes, and what it declares.

    Instructions of AVX-512 are used where this processor has them, unless `avx512` says otherwise.
    """
    if avx512 is None:
        from causalopt.engine.machine.native import processor

        avx512 = processor().has_avx512
    e = Emitter(lanes, fma=fma, avx512=avx512 and fma)
    kind = e.type("double", True)
    x = Value("%x", "double", lanes > 1)
    how = "noinline"
    arguments = f"{kind} %x"
    if name == "pow":
        arguments += f", {kind} %y"
        result = _by_library(e, "pow", (x, Value("%y", "double", lanes > 1)))
    elif name in _ANGLES:
        result = _angle_function(e, name, x)
    else:
        result = BODIES[name](e, x)
        how = "alwaysinline" if inline else how
    body = "\n  ".join([*e.lines, f"ret {kind} {result.name}"])
    head = f"define internal {kind} @co_{symbol or name}({arguments}) {how}"
    return f"{head} {{\n  {body}\n}}\n", e.needs


def _angle_function(e: Emitter, name: str, x: Value) -> Value:
    """Take from the C library the lanes with an angle too large for three parts of pi/2."""
    kind = e.type("double", True)
    near = BODIES[name](e, x)
    large = e.compare("ogt", e.abs(x), e.const(_LARGEST_ANGLE))
    e.lines.append(f"br i1 {e.any(large).name}, label %far, label %near, !prof !0")
    e.label("far")
    # Lane by lane: a result must not depend on the neighbours in the vector.
    far = e.select(large, _by_library(e, name, (x,)), near)
    e.lines.append(f"ret {kind} {far.name}")
    e.label("near")
    return near


def _by_library(e: Emitter, name: str, args: tuple[Value, ...]) -> Value:
    """Call the C library once for each lane."""
    kinds = ", ".join(["double"] * len(args))
    e.needs.add(f"declare double @{name}({kinds})")
    if e.lanes == 1:
        listed = ", ".join(f"double {arg.name}" for arg in args)
        return e.let(f"call double @{name}({listed})", "double", False)
    kind = e.type("double", True)
    result = Value("poison", "double", True)
    for lane in range(e.lanes):
        parts = [
            e.let(f"extractelement {kind} {arg.name}, i64 {lane}", "double", False) for arg in args
        ]
        listed = ", ".join(f"double {part.name}" for part in parts)
        one = e.let(f"call double @{name}({listed})", "double", False)
        result = e.let(
            f"insertelement {kind} {result.name}, double {one.name}, i64 {lane}", "double", True
        )
    return result
