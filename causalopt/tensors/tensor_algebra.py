"""Constructors that simplify: what derivatives of tensors are built with.

It has the names of `language.algebra`, so that an operation's slopes, which are written in that
algebra, apply to arrays as they do to numbers.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from fractions import Fraction

from causalopt.tensors.building import const, einsum, elementwise, reshaped
from causalopt.tensors.tensor import Tensor as _Tensor
from causalopt.tensors.tensor import postorder

ZERO = const(0)
ONE = const(1)
MINUS_ONE = const(-1)
PI = const(Fraction(math.pi))


class _Operations:
    """Makes an operation, as `language.term.Term` does for numbers."""

    @staticmethod
    def of(op: str, *args: _Tensor, payload: Hashable = None) -> _Tensor:
        """Return the operation of these arguments."""
        return elementwise(op, *args, payload=payload)


Term = _Operations


def constant(a: _Tensor) -> Fraction | None:
    """Return the value of a constant, None for any other tensor."""
    return a.payload if a.op == "const" else None


def can_move(a: _Tensor) -> bool:
    """Whether a tensor depends on any input."""
    return any(tensor.op == "input" for tensor in postorder(a))


def neg(a: _Tensor) -> _Tensor:
    """Return -a."""
    value = constant(a)
    if value is not None:
        return const(-value)
    return a.args[0] if a.op == "neg" else elementwise("neg", a)


def add(a: _Tensor, b: _Tensor) -> _Tensor:
    """Return a + b."""
    if a is ZERO or b is ZERO:
        return b if a is ZERO else a
    x, y = constant(a), constant(b)
    if x is not None and y is not None:
        return const(x + y)
    if b.op == "neg":
        return elementwise("sub", a, b.args[0])
    return elementwise("add", a, b)


def mul(a: _Tensor, b: _Tensor) -> _Tensor:
    """Return a * b; a number goes to the smallest factor of a contraction."""
    a, b = _thin(a, b), _thin(b, a)
    if a is ZERO or b is ZERO:
        return ZERO
    if a is ONE or b is ONE:
        return b if a is ONE else a
    if a is MINUS_ONE or b is MINUS_ONE:
        return neg(b if a is MINUS_ONE else a)
    x, y = constant(a), constant(b)
    if x is not None and y is not None:
        return const(x * y)
    for number, other in ((a, b), (b, a)):
        if not number.shape and other.op == "einsum":
            smallest = min(range(len(other.args)), key=lambda i: other.args[i].size)
            if other.args[smallest].size < other.size:
                return _scaled(number, other, smallest)
    return elementwise("mul", a, b)


def _thin(a: _Tensor, b: _Tensor) -> _Tensor:
    """Return a number in place of an array that repeats it in b's shape."""
    if a.op == "expand" and a.shape == b.shape and a.args[0].size == 1 and b.op != "expand":
        return reshaped(a.args[0], ())
    return a


def _scaled(number: _Tensor, product: _Tensor, place: int) -> _Tensor:
    args = [mul(number, arg) if i == place else arg for i, arg in enumerate(product.args)]
    return einsum(*product.payload, *args)


def div(a: _Tensor, b: _Tensor) -> _Tensor:
    """Return a / b."""
    if a is ZERO:
        return ZERO
    if b is ONE:
        return a
    x, y = constant(a), constant(b)
    if x is not None and y:
        return const(x / y)
    return elementwise("div", a, b)


def where(condition: _Tensor, a: _Tensor, b: _Tensor) -> _Tensor:
    """Return a where the condition holds, else b."""
    return a if a is b else elementwise("where", condition, a, b)


def power(a: _Tensor, exponent: int) -> _Tensor:
    """Return a to an integer power."""
    if exponent == 0:
        return ONE
    return a if exponent == 1 else elementwise("ipow", a, payload=exponent)
