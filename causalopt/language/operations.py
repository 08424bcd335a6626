"""Operations: one record for each, from which every way to use it takes its part.

To add an operation, add its record to the table below and its machine code to a table of
`engine.machine` (`term_code.CODE`, or `elementary.BODIES`). The checker of formulas, in
`symbolic.arithmetic`, needs a line too: on purpose it computes derivatives on its own.

A function that can be written out in operations without loss is a shorthand: it has no record.

numpy and sympy are named and not imported, since most runs need at most one of them; so is
`language.algebra`, which builds the slopes and stands above this file.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from causalopt.language import ieee

Function: TypeAlias = Callable[..., Any]
ATOM = 9  # the level of what never needs brackets
_MOST_BITS = 1 << 14


@dataclasses.dataclass(frozen=True, kw_only=True)
class Operation:
    """What an operation means, and how it is written.

    Attributes:
        name: Its name in terms; rules call it by this name unless it has a `text` of its own.
        arity: How many terms it applies to.
        kind: Takes and gives a `number`, gives a truth value (`comparison`), or takes and gives
            truth values (`logic`). `where` takes one of each.
        floats: On floats, with the results of IEEE 754. Like `exact`, `arrays` and `sympy` it gets
            the payload, if there is one, after the arguments.
        exact: On rationals: None for a value that is none, or that is too long. None: never exact.
        arrays: On arrays: the name of numpy's function, or a function of numpy and the arguments.
        sympy: The name of sympy's function, or a function of sympy and the arguments.
        slopes: The derivatives by each argument, as terms, from (algebra, term, *arguments). None
            for what has no slope or is differentiated branch by branch.
        kink: Where the slope or the value jumps: where the arguments are `equal`, or where the
            argument is `zero` or `whole` (equal to the value).
        jumps: Whether the value itself jumps at the kink, so that nothing below it has a slope.
        choice: The condition and the two branches it stands for, from the
            same.
        text: How it is written in a rule, with a place for each argument; a call if empty.
        level: How strongly that text binds, from 1 (or) to `ATOM`.
        inner: The level each argument needs to go without brackets.
        python: How generated Python writes it; a call of `floats` if empty.
    """

    name: str
    arity: int
    kind: Literal["number", "comparison", "logic"] = "number"
    floats: Function
    exact: Function | None = None
    arrays: str | Function
    sympy: str | Function
    slopes: Function | None = None
    kink: Literal["equal", "zero", "whole"] | None = None
    jumps: bool = False
    choice: Function | None = None
    text: str = ""
    level: int = ATOM
    inner: tuple[int, ...] = ()
    python: str = ""


@dataclasses.dataclass(frozen=True)
class Shorthand:
    """A function that the reader of rules writes out in operations.

    Attributes:
        arity: How many arguments it takes.
        meaning: What it stands for, from (of, number, *arguments): `of(name, *arguments)` applies
            an operation and `number(value)` makes a constant, of numbers or of arrays.
    """

    arity: int
    meaning: Function


def bound(form: str | Function, module: Any) -> Function:
    """Return the function that a record's `arrays` or `sympy` means in the module."""
    return getattr(module, form) if isinstance(form, str) else functools.partial(form, module)


def _signed(
    name: str,
    meaning: Function,
    text: str,
    level: int,
    inner: tuple[int, ...],
    arrays: str | Function,
    slopes: Function | None = None,
    **other: Any,
) -> Operation:
    """Return an operation written with a sign that means the same for numbers of every kind."""
    form: dict[str, Any] = {
        "floats": meaning,
        "exact": meaning,
        "sympy": lambda _, *args: meaning(*args),
        "python": f"({text})",
        **other,
    }
    form |= {"text": text, "level": level, "inner": inner, "arrays": arrays, "slopes": slopes}
    return Operation(name=name, arity=len(inner), **form)


def _function(name: str, slope: Function, arrays: str | Function = "", **other: Any) -> Operation:
    """Return a function of one number; its slope is made from (algebra, term, argument)."""
    floats = other.pop("floats", None) or getattr(ieee, name)
    form: dict[str, Any] = {"arrays": arrays or name, "sympy": name, **other}
    slopes: Function = lambda a, u, x: (slope(a, u, x),)  # noqa: E731
    return Operation(name=name, arity=1, floats=floats, slopes=slopes, **form)


def _step(name: str, whole: Function, arrays: Function, kink: str, **other: Any) -> Operation:
    """Return a function that is constant between jumps; `whole` gives its value as an integer."""
    form: dict[str, Any] = {"kink": kink, "jumps": True, **other}
    return _function(name, lambda a, *_: a.ZERO, arrays, exact=lambda x: Fraction(whole(x)), **form)


def _extremum(name: str, floats: Function, exact: Function, first: int) -> Operation:
    """Return min or max: x where the argument `first`, 0 or 1, is at most the other, else y.

    A NaN that is read stays one, whichever argument it is.
    """
    last = 1 - first
    return Operation(
        name=name,
        arity=2,
        floats=floats,
        exact=exact,
        arrays=lambda np, *xy: np.where((xy[first] <= xy[last]) | (xy[0] != xy[0]), *xy),
        sympy=name.capitalize(),
        kink="equal",
        choice=lambda a, u, *xy: (a.Term.of("le", xy[first], xy[last]), *xy),
        python=f"({{0}} if {{{first}}} <= {{{last}}} or {{0}} != {{0}} else {{1}})",
    )


def _choose(condition: Any, then: Any, otherwise: Any) -> Any:
    return then if condition else otherwise


def _exact_power(base: Fraction, exponent: int) -> Fraction | None:
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if (exponent < 0 and not base) or bits * abs(exponent) > _MOST_BITS:
        return None
    return base**exponent


def _quotient_slopes(a: Any, u: Any, x: Any, y: Any) -> tuple[Any, Any]:
    return a.div(a.ONE, y), a.neg(a.div(u, y))


def _power_slopes(a: Any, u: Any, base: Any, exponent: Any) -> tuple[Any, Any]:
    value = a.constant(exponent)
    lowered = a.const(value - 1) if value is not None else a.Term.of("sub", exponent, a.ONE)
    by_base = a.mul(exponent, a.Term.of("pow", base, lowered))
    if not a.can_move(exponent):
        return by_base, a.ZERO
    # 0**b has no slope in b, and 0 * log(0) would be NaN.
    at_zero = a.Term.of("eq", base, a.ZERO)
    return by_base, a.where(at_zero, a.ZERO, a.mul(u, a.Term.of("log", base)))


def _whole_power_slopes(a: Any, u: Any, x: Any) -> tuple[Any]:
    return (a.mul(a.const(u.payload), a.power(x, u.payload - 1)),)


def _one_plus_square(a: Any, x: Any) -> Any:
    return a.add(a.ONE, a.Term.of("mul", x, x))


def _arcsine_slope(a: Any, u: Any, x: Any) -> Any:
    # (1 - x)(1 + x), where 1 - x**2 would cancel near 1.
    factors = a.Term.of("sub", a.ONE, x), a.add(a.ONE, x)
    return a.div(a.ONE, a.Term.of("sqrt", a.Term.of("mul", *factors)))


def _tanh_slope(a: Any, u: Any, x: Any) -> Any:
    # 1/cosh**2, where 1 - tanh**2 would cancel.
    return a.div(a.ONE, a.power(a.Term.of("cosh", x), 2))


def _sigmoid_slope(a: Any, u: Any, x: Any) -> Any:
    # sigmoid(x) * sigmoid(-x), where u * (1 - u) would cancel.
    return a.mul(u, a.Term.of("sigmoid", a.neg(x)))


def _gaussian(a: Any, square: Any, area: Any) -> Any:
    """Return exp(-square) / sqrt(area)."""
    return a.div(a.Term.of("exp", a.neg(square)), a.Term.of("sqrt", area))


def _erf_slope(a: Any, u: Any, x: Any) -> Any:
    return a.mul(a.const(2), _gaussian(a, a.Term.of("mul", x, x), a.PI))


def _ndtr_slope(a: Any, u: Any, x: Any) -> Any:
    half = a.div(a.Term.of("mul", x, x), a.const(2))
    return _gaussian(a, half, a.mul(a.const(2), a.PI))


def _sigmoid_of_array(np: Any, x: Any) -> Any:
    small = np.exp(-np.abs(x))  # 1 at most, so that nothing overflows
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def _softplus_of_array(np: Any, x: Any) -> Any:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def _erf_of_array(np: Any, x: Any) -> Any:
    from causalopt.language.error_functions import erf

    return erf(np, x)


def _ndtr_of_array(np: Any, x: Any) -> Any:
    from causalopt.language.error_functions import ndtr

    return ndtr(np, x)


def _sign_of_array(np: Any, x: Any) -> Any:
    return np.where(x > 0, 1.0, np.where(x < 0, -1.0, x))


def _exponential(*arguments: Any) -> float:
    from causalopt.language.matrix_exponential import element  # few models have any

    return element(*arguments)


def _exponential_of_arrays(np: Any, *arguments: Any) -> Any:
    from causalopt.language.matrix_exponential import element_of_arrays

    return element_of_arrays(np, *arguments)


def _closed_exponential(_: Any, *arguments: Any) -> Any:
    from causalopt.language.exponential_form import closed_element

    *entries, place = arguments
    return closed_element(entries, place)


def _positive_zero(np: Any, whole: Any) -> Any:
    # A whole number has no negative zero; a compiler of arrays (XLA) drops the sum whole + 0.0.
    return np.where(whole == 0, 0.0, whole)


_COMPARED: dict[str, Any] = {"kind": "comparison", "kink": "equal", "jumps": True}
_TABLE = (
    _signed("add", operator.add, "{} + {}", 5, (5, 6), "add", lambda a, *_: (a.ONE, a.ONE)),
    _signed(
        "sub", operator.sub, "{} - {}", 5, (5, 6), "subtract", lambda a, *_: (a.ONE, a.MINUS_ONE)
    ),
    _signed("mul", operator.mul, "{}*{}", 6, (6, 7), "multiply", lambda a, u, x, y: (y, x)),
    _signed(
        "div",
        operator.truediv,
        "{}/{}",
        6,
        (6, 7),
        "divide",
        _quotient_slopes,
        floats=ieee.div,
        exact=lambda x, y: x / y if y else None,
        python="_div({}, {})",
    ),
    _signed("neg", operator.neg, "-{}", 7, (7,), "negative", lambda a, u, x: (a.MINUS_ONE,)),
    _signed(
        "pow",
        operator.pow,
        "{}**{}",
        8,
        (ATOM, ATOM),
        "power",
        _power_slopes,
        floats=ieee.power,
        exact=None,
        python="_pow({}, {})",
    ),
    _signed(  # a power that is a whole number, which is the payload
        "ipow",
        ieee.ipow,
        "{}**{}",
        8,
        (ATOM,),
        lambda _, x, n: ieee.ipow(x, n),
        _whole_power_slopes,
        exact=_exact_power,
        sympy=lambda sympy, x, n: x ** sympy.Integer(n),
        python="_ipow({}, {})",
    ),
    _function("sqrt", lambda a, u, x: a.div(a.ONE, a.add(u, u))),
    _function("exp", lambda a, u, x: u),
    _function("log", lambda a, u, x: a.div(a.ONE, x)),
    _function("sin", lambda a, u, x: a.Term.of("cos", x)),
    _function("cos", lambda a, u, x: a.neg(a.Term.of("sin", x))),
    _function("tan", lambda a, u, x: _one_plus_square(a, u)),
    _function("asin", _arcsine_slope, "arcsin"),
    _function("acos", lambda a, u, x: a.neg(_arcsine_slope(a, u, x)), "arccos"),
    _function("atan", lambda a, u, x: a.div(a.ONE, _one_plus_square(a, x)), "arctan"),
    _function("sinh", lambda a, u, x: a.Term.of("cosh", x)),
    _function("cosh", lambda a, u, x: a.Term.of("sinh", x)),
    _function("tanh", _tanh_slope),
    _function(
        "log1p",
        lambda a, u, x: a.div(a.ONE, a.add(a.ONE, x)),
        sympy=lambda sympy, x: sympy.log(1 + x),
    ),
    _function(
        "expm1", lambda a, u, x: a.Term.of("exp", x), sympy=lambda sympy, x: sympy.exp(x) - 1
    ),
    _function(
        "sigmoid", _sigmoid_slope, _sigmoid_of_array, sympy=lambda sympy, x: 1 / (1 + sympy.exp(-x))
    ),
    _function(
        "softplus",
        lambda a, u, x: a.Term.of("sigmoid", x),
        _softplus_of_array,
        sympy=lambda sympy, x: sympy.log(1 + sympy.exp(x)),
    ),
    _function("erf", _erf_slope, _erf_of_array),
    _function(  # the distribution function of the standard normal, by scipy's and torch's name
        "ndtr",
        _ndtr_slope,
        _ndtr_of_array,
        sympy=lambda sympy, x: sympy.erfc(-x / sympy.sqrt(2)) / 2,
    ),
    _function(
        "abs", lambda a, u, x: a.Term.of("sign", x), floats=abs, exact=abs, sympy="Abs", kink="zero"
    ),
    _step("sign", lambda x: (x > 0) - (x < 0), _sign_of_array, "zero"),
    _step("floor", math.floor, lambda np, x: _positive_zero(np, np.floor(x)), "whole"),
    _step(
        "ceil", math.ceil, lambda np, x: _positive_zero(np, np.ceil(x)), "whole", sympy="ceiling"
    ),
    _signed("lt", operator.lt, "{} < {}", 4, (5, 5), "less", sympy="Lt", **_COMPARED),
    _signed("le", operator.le, "{} <= {}", 4, (5, 5), "less_equal", sympy="Le", **_COMPARED),
    _signed("eq", operator.eq, "{} == {}", 4, (5, 5), "equal", sympy="Eq", **_COMPARED),
    _signed("ne", operator.ne, "{} != {}", 4, (5, 5), "not_equal", sympy="Ne", **_COMPARED),
    _signed(
        "and",
        lambda x, y: x and y,
        "{} and {}",
        2,
        (2, 3),
        lambda _, x, y: (x != 0) & (y != 0),
        kind="logic",
        sympy="And",
    ),
    _signed(
        "or",
        lambda x, y: x or y,
        "{} or {}",
        1,
        (1, 2),
        lambda _, x, y: (x != 0) | (y != 0),
        kind="logic",
        sympy="Or",
    ),
    _signed(
        "not", operator.not_, "not {}", 3, (4,), lambda _, x: x == 0, kind="logic", sympy="Not"
    ),
    _extremum("min", ieee.minimum, min, 0),
    _extremum("max", ieee.maximum, max, 1),
    Operation(
        name="where",
        arity=3,
        floats=_choose,
        exact=_choose,
        arrays=lambda np, c, x, y: np.where(c != 0, x, y),
        sympy=lambda sympy, c, x, y: sympy.Piecewise((x, c), (y, True)),
        choice=lambda a, u, *args: args,
        python="({1} if {0} else {2})",
    ),
)
OPERATIONS = {operation.name: operation for operation in _TABLE}
# What no rule can say: coefficients that are computed from parameters, once.
COMPUTED = {
    "expm": Operation(
        name="expm",
        arity=-1,
        floats=_exponential,
        arrays=_exponential_of_arrays,
        sympy=_closed_exponential,
    )
}


def meaning(name: str) -> Operation:
    """Return the record of an operation that may stand in a rule or in a computed parameter."""
    return OPERATIONS.get(name) or COMPUTED[name]


COMPARISONS = frozenset(o.name for o in _TABLE if o.kind == "comparison")
LOGIC = frozenset(o.name for o in _TABLE if o.kind == "logic")
BRANCHES = frozenset(o.name for o in _TABLE if o.choice is not None)
SHORTHANDS = {
    "clip": Shorthand(3, lambda of, _, x, low, high: of("min", of("max", x, low), high)),
    "relu": Shorthand(1, lambda of, number, x: of("max", x, number(0))),
    # ndtr is accurate in its lower tail, where (1 + erf)/2 cancels.
    "gelu": Shorthand(1, lambda of, _, x: of("mul", x, of("ndtr", x))),
}
