"""Expressions of the oracle: small trees, written as rules' text and evaluated with tangents.

The tangents are one-sided: slot by slot, the derivative in the direction of an infinitesimal nudge.
Where a comparison ties, that direction decides. None stands where there is no such derivative (a
jump), or where the first order does not tell which branch the nudge takes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction

from tests.truth.exact_numbers import (
    FUNCTIONS,
    ONE,
    ZERO,
    InfiniteError,
    Number,
    RangeError,
    UndefinedError,
    add,
    apply,
    div,
    floor_of,
    integer_power,
    is_whole,
    mul,
    sign_of,
    slope_of,
    sub,
)

Slope = Number | None
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


@dataclasses.dataclass(frozen=True)
class Tree:
    """One operation.

    Attributes:
        op: `const`, `name` (a parameter), `ref` (a variable), `clock`, or an operation.
        args: Its operands.
        payload: A fraction, a name, or (variable, lag).
    """

    op: str
    args: tuple[Tree, ...] = ()
    payload: Fraction | str | tuple[str, int] | None = None


@dataclasses.dataclass(frozen=True)
class Dual:
    """A value with one tangent a slot, and whether the nudge reaches it there at all."""

    value: Number
    slopes: tuple[Slope, ...]
    touched: tuple[bool, ...]


@dataclasses.dataclass(frozen=True)
class Truth:
    """A condition: its value, and the one an infinitesimal nudge makes; None where untold."""

    value: bool
    sides: tuple[bool | None, ...]


Lookup = Callable[[Tree], Dual]


def constant(value: Fraction, slots: int) -> Dual:
    return Dual(value, (ZERO,) * slots, (False,) * slots)


def evaluate(tree: Tree, lookup: Lookup, slots: int) -> Dual:
    """Return the dual of a tree.

    Args:
        tree: The expression.
        lookup: What a leaf that is no constant is.
        slots: How many tangents are carried.

    Raises:
        UndefinedError: A value that is read does not exist.
    """
    if tree.op == "const":
        assert isinstance(tree.payload, Fraction)
        return constant(tree.payload, slots)
    if tree.op in {"name", "ref", "clock"}:
        return lookup(tree)
    if tree.op == "where":
        return _where(tree, lookup, slots)
    args = [evaluate(arg, lookup, slots) for arg in tree.args]
    if tree.op == "clip":
        return _extreme(_extreme(args[0], args[1], 1), args[2], -1)
    if tree.op in {"max", "min"}:
        return _extreme(args[0], args[1], 1 if tree.op == "max" else -1)
    if tree.op in {"abs", "sign", "floor", "ceil"}:
        return _STEPPED[tree.op](args[0])
    value, partials = _smooth(tree, [arg.value for arg in args])
    touched = tuple(any(arg.touched[k] for arg in args) for k in range(slots))
    slopes = tuple(_chain(partials, [arg.slopes[k] for arg in args]) for k in range(slots))
    return Dual(value, slopes, touched)


def _smooth(tree: Tree, values: list[Number]) -> tuple[Number, list[Callable[[], Number]]]:
    """Return a smooth operation's value, and its partial derivatives where they are asked for."""
    a = values[0]
    if tree.op == "neg":
        return -a, [lambda: -ONE]
    if tree.op == "power":
        n = int(tree.payload)  # type: ignore[arg-type]
        return integer_power(a, n), [lambda: mul(Fraction(n), integer_power(a, n - 1))]
    if tree.op in FUNCTIONS:
        return apply(tree.op, a), [lambda: slope_of(tree.op, a)]
    b = values[1]
    if tree.op == "+":
        return add(a, b), [lambda: ONE, lambda: ONE]
    if tree.op == "-":
        return sub(a, b), [lambda: ONE, lambda: -ONE]
    if tree.op == "*":
        return mul(a, b), [lambda: b, lambda: a]
    assert tree.op == "/"
    return div(a, b), [lambda: div(ONE, b), lambda: -div(a, mul(b, b))]


def _chain(partials: list[Callable[[], Number]], slopes: list[Slope]) -> Slope:
    total: Number = ZERO
    for partial, slope in zip(partials, slopes, strict=True):
        if slope is None:
            return None
        if slope != 0:
            try:
                total = add(total, mul(partial(), slope))
            except InfiniteError:
                return None
            except RangeError:
                raise
            except UndefinedError:
                return None
    return total


def _extreme(a: Dual, b: Dual, sign: int) -> Dual:
    """Return the larger of two (sign 1), or the smaller."""
    order = sign_of(sub(a.value, b.value)) * sign
    if order:
        return a if order > 0 else b

    def side(p: Slope, q: Slope) -> Slope:
        if p is None or q is None:
            return None
        return p if sign_of(sub(p, q)) * sign >= 0 else q

    slopes = tuple(side(p, q) for p, q in zip(a.slopes, b.slopes, strict=True))
    return Dual(a.value, slopes, _either(a, b))


def _either(a: Dual, b: Dual) -> tuple[bool, ...]:
    return tuple(p or q for p, q in zip(a.touched, b.touched, strict=True))


def _absolute(a: Dual) -> Dual:
    sign = sign_of(a.value)
    slopes = tuple(
        None if s is None else (abs(s) if sign == 0 else mul(Fraction(sign), s)) for s in a.slopes
    )
    return Dual(abs(a.value), slopes, a.touched)


def _jumping(a: Dual, value: Fraction, *, at_edge: bool, jumps: Callable[[int], bool]) -> Dual:
    """Return a step function's dual: constant, but for a jump towards some side of an edge."""

    def side(slope: Slope, touched: bool) -> Slope:
        if not touched or not at_edge:
            return ZERO
        if slope is None or slope == 0:
            return None
        return None if jumps(sign_of(slope)) else ZERO

    slopes = tuple(side(s, t) for s, t in zip(a.slopes, a.touched, strict=True))
    return Dual(value, slopes, a.touched)


def _sign(a: Dual) -> Dual:
    sign = sign_of(a.value)
    return _jumping(a, Fraction(sign), at_edge=sign == 0, jumps=lambda _: True)


def _floor(a: Dual) -> Dual:
    edge = is_whole(a.value)
    return _jumping(a, floor_of(a.value), at_edge=edge, jumps=lambda side: side < 0)


def _ceil(a: Dual) -> Dual:
    edge = is_whole(a.value)
    value = floor_of(a.value) + (0 if edge else 1)
    return _jumping(a, value, at_edge=edge, jumps=lambda side: side > 0)


_STEPPED = {"abs": _absolute, "sign": _sign, "floor": _floor, "ceil": _ceil}


def _where(tree: Tree, lookup: Lookup, slots: int) -> Dual:
    condition = _truth(tree.args[0], lookup, slots)
    taken = evaluate(tree.args[1 if condition.value else 2], lookup, slots)
    if all(side == condition.value for side in condition.sides):
        return taken
    # A nudge goes to the other branch, or may: there it is read.
    touched = tuple(
        t or side != condition.value for t, side in zip(taken.touched, condition.sides, strict=True)
    )
    try:
        other = evaluate(tree.args[2 if condition.value else 1], lookup, slots)
    except UndefinedError:
        other = None
    slopes: list[Slope] = []
    for k, side in enumerate(condition.sides):
        own = taken.slopes[k]
        if side == condition.value:
            slopes.append(own)
        elif other is None or sub(other.value, taken.value) != 0:
            slopes.append(None)
        elif side is None:
            there = other.slopes[k]
            same = own is not None and there is not None and sub(own, there) == 0
            slopes.append(own if same else None)
        else:
            slopes.append(other.slopes[k])
    return Dual(taken.value, tuple(slopes), touched)


def _truth(tree: Tree, lookup: Lookup, slots: int) -> Truth:
    if tree.op in {"and", "or"}:
        a, b = (_truth(arg, lookup, slots) for arg in tree.args)
        absorbing = tree.op == "or"
        sides = tuple(_joined(p, q, absorbing) for p, q in zip(a.sides, b.sides, strict=True))
        joined = _joined(a.value, b.value, absorbing)
        assert joined is not None
        return Truth(joined, sides)
    if tree.op == "not":
        a = _truth(tree.args[0], lookup, slots)
        return Truth(not a.value, tuple(None if s is None else not s for s in a.sides))
    a, b = (evaluate(arg, lookup, slots) for arg in tree.args)
    order = sign_of(sub(a.value, b.value))
    holds = _HOLDS[tree.op]
    sides = tuple(
        holds(order) if order or not (a.touched[k] or b.touched[k]) else _tied(holds, a, b, k)
        for k in range(slots)
    )
    return Truth(holds(order), sides)


def _tied(holds: Callable[[int], bool], a: Dual, b: Dual, k: int) -> bool | None:
    p, q = a.slopes[k], b.slopes[k]
    if p is None or q is None:
        return None
    side = sign_of(sub(p, q))
    return holds(side) if side else None


def _joined(a: bool | None, b: bool | None, absorbing: bool) -> bool | None:
    if absorbing in (a, b):
        return absorbing
    return None if a is None or b is None else not absorbing


_HOLDS: dict[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
    "==": lambda order: order == 0,
    "!=": lambda order: order != 0,
}


def written(tree: Tree, *, bare: bool) -> str:
    """Return a tree as a rule's text; with bare names in flows, algebraics and static models."""
    if tree.op == "const":
        assert isinstance(tree.payload, Fraction)
        return _number(tree.payload)
    if tree.op in {"name", "clock"}:
        return str(tree.payload)
    if tree.op == "ref":
        assert isinstance(tree.payload, tuple)
        name, lag = tree.payload
        return name if bare else f"{name}[t-{lag}]" if lag else f"{name}[t]"
    parts = [written(arg, bare=bare) for arg in tree.args]
    if tree.op == "neg":
        return f"(-{parts[0]})"
    if tree.op == "not":
        return f"(not {parts[0]})"
    if tree.op == "power":
        return f"({parts[0]})**({tree.payload})"
    if tree.op in {*"+-*/", *COMPARISONS, "and", "or"}:
        return f"({parts[0]} {tree.op} {parts[1]})"
    return f"{tree.op}({', '.join(parts)})"


def _number(value: Fraction) -> str:
    """Return a decimal where there is a short one, else a quotient in brackets."""
    for digits in range(4):
        if (value * 10**digits).denominator == 1:
            text = f"{abs(float(value)):.{digits}f}"
            return f"(-{text})" if value < 0 else text
    return f"({value.numerator}/{value.denominator})"
