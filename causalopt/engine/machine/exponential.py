"""exp in LLVM text: one polynomial, two ways to the power of two, the same bits from both.

x = n ln 2 + r and exp(x) = 2^n (1 + r + r^2 q(r)). n is rounded from x/ln(2) - 0.085, so that r
runs from ln(3/4) to ln(3/2) and r + r^2 q(r) from -1/4 to 1/2: its rounding is then at most an
eighth of the result's last place, on both sides of 1. The coefficients of q are minimax, off by at
most 0.03 units in that place; the largest error found is 0.9.

A register of eight doubles on a processor with AVX-512 has instructions for the ends of the range:
one holds r in bounds where x is out of them, and one multiplies by 2^n with a single rounding,
overflow, subnormals and NaN included. Elsewhere x is held in bounds and 2^n comes in two factors.
"""

from __future__ import annotations

from causalopt.engine.machine.emitter import Emitter, Value

MAGIC = 6755399441055744.0  # 1.5 * 2**52: adding it rounds to a whole number
MAGIC_BITS = 0x4338000000000000
LN2_HI, LN2_LO = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_PER_LN2 = 1.4426950408889634
_SHIFT = -0.0849625007
_ENDS = (-0.28768, 0.40546)  # of r: within ln(3/4) and ln(3/2)
_Q = [
    0.5000000000000001,
    0.16666666666667784,
    0.04166666666666677,
    0.008333333332405412,
    0.0013888888890111536,
    0.00019841272478249717,
    2.48015709146516e-05,
    2.755416015057648e-06,
    2.75923657214981e-07,
    2.643492586634596e-08,
]


def exponential(e: Emitter, x: Value) -> Value:
    """Write exp(x)."""
    return _by_registers(e, x) if e.avx512 else _by_factors(e, x)


def exponential_less_one(e: Emitter, x: Value) -> Value:
    """Write exp(x) - 1, near 0 by the polynomial of exp alone, from which no 1 is then taken."""
    low, high = _ENDS
    near = e.binary("and", e.compare("ogt", x, e.const(low)), e.compare("olt", x, e.const(high)))
    square = e.mul(x, x)
    small = e.fused(square, _rest(e, x, square), x)
    # expm1(-0.0) is -0.0, which a sum of parts forgets.
    small = e.select(e.compare("oeq", x, e.const(0.0)), x, small)
    return e.select(near, small, e.sub(exponential(e, x), e.const(1.0)))


def _by_factors(e: Emitter, x: Value) -> Value:
    low = e.select(e.compare("olt", x, e.const(-750.0)), e.const(-750.0), x)
    bounded = e.select(e.compare("ogt", low, e.const(710.0)), e.const(710.0), low)
    shifted = e.add(_in_ln2(e, bounded), e.const(MAGIC))
    value = _series(e, _remainder(e, bounded, e.sub(shifted, e.const(MAGIC))))
    # Two factors: one alone cannot reach the subnormals, nor the last binade.
    bits = e.bits(shifted)
    half = e.binary("lshr", bits, e.integer(1))
    rest = e.binary("sub", bits, half)
    return e.mul(e.mul(value, _power_of_two(e, half)), _power_of_two(e, rest))


def _power_of_two(e: Emitter, n: Value) -> Value:
    """Return 2**n for n from -1022 to 1023, of which the last twelve bits are read."""
    top = e.binary("shl", n, e.integer(52))
    return e.from_bits(e.binary("add", top, e.integer(1023 << 52)))


def _by_registers(e: Emitter, x: Value) -> Value:
    whole = e.call("llvm.roundeven", _in_ln2(e, x))
    r = _remainder(e, x, whole)
    # Beyond the range r is anything, NaN included; the power of two alone decides there.
    bounded = e.avx512_call("range", r, e.const(1.0), immediate=_SMALLER_SIZE)
    return e.avx512_call("scalef", _series(e, bounded), whole)


_SMALLER_SIZE = 2  # of two numbers the one nearer to 0, with the first one's sign


def _in_ln2(e: Emitter, x: Value) -> Value:
    return e.fused(x, e.const(_PER_LN2), e.const(_SHIFT))


def _remainder(e: Emitter, x: Value, whole: Value) -> Value:
    high = e.fused(whole, e.const(-LN2_HI), x)
    return e.fused(whole, e.const(-LN2_LO), high)


def _series(e: Emitter, r: Value) -> Value:
    """Return 1 + r + r^2 q(r): even and odd terms by Horner's rule in r^2, two chains side by side.

    A step of either chain needs no constant copied into a register that it then overwrites.
    """
    square = e.mul(r, r)
    return e.add(e.const(1.0), e.fused(square, _rest(e, r, square), r))


def _rest(e: Emitter, r: Value, square: Value) -> Value:
    """Return q(r)."""
    even, odd = e.polynomial(square, _Q[-2::-2]), e.polynomial(square, _Q[-1::-2])
    return e.fused(odd, r, even)
