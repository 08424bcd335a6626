"""Comp and Op from two effects, as formulas and as numbers."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from typing import Any

import sympy


@dataclasses.dataclass(frozen=True)
class RatioValue:
    """Effects in numbers, one entry a step.

    Args:
        t: Steps.
        total: Derivative of the target over all paths.
        direct: The same over paths that avoid A.
        comp: Their ratio; infinite where only A conducts, NaN where nothing does.
        op: -ln |comp|, in nats.
    """

    t: tuple[int, ...]
    total: tuple[float, ...]
    direct: tuple[float, ...]
    comp: tuple[float, ...]
    op: tuple[float, ...]


def comp_of(total: sympy.Expr, direct: sympy.Expr) -> sympy.Expr:
    """Return total / direct; oo where only A conducts, nan where nothing does."""
    if direct == 0:
        return sympy.nan if total == 0 else sympy.oo
    if total == direct:
        return sympy.S.One
    ratio = total / direct
    return _joined(ratio) if ratio.has(sympy.exp) else ratio


def _joined(ratio: sympy.Expr) -> sympy.Expr:
    """Return a quotient with its exponentials in one, its exponent factored."""
    joined = sympy.powsimp(ratio, combine="exp")
    return joined.replace(
        lambda part: isinstance(part, sympy.exp), lambda part: sympy.exp(sympy.factor(part.args[0]))
    )


def whole_powers(expr: sympy.Expr, step: sympy.Symbol) -> sympy.Expr:
    """Return an expression with powers of exponentials, whole in the step, as exponentials.

    Example:
        >>> k, t = sympy.symbols("k t")
        >>> whole_powers(sympy.exp(-k) ** t, t)
        exp(-k*t)
    """
    whole = {step: sympy.Dummy(integer=True)}

    def is_power(part: sympy.Expr) -> bool:
        return (
            part.is_Pow
            and isinstance(part.base, sympy.exp)
            and bool(part.exp.xreplace(whole).is_integer)
        )

    return expr.replace(is_power, lambda part: sympy.exp(part.base.args[0] * part.exp))


def op_of(comp: sympy.Expr) -> sympy.Expr:
    """Return -ln |comp| in nats, powers taken out of the logarithm.

    Example:
        >>> a, t = sympy.symbols("a t")
        >>> op_of((1 - a) ** t)
        -t*log(Abs(a - 1))
    """
    if comp == 0:
        return sympy.oo
    if comp in (sympy.oo, sympy.zoo):
        return -sympy.oo
    if comp is sympy.nan:
        return sympy.nan
    if isinstance(comp, sympy.Piecewise):
        return sympy.Piecewise(*((op_of(value), condition) for value, condition in comp.args))
    if comp.has(sympy.exp) and any(not symbol.is_real for symbol in comp.free_symbols):
        # Else sympy takes an exponential's absolute value apart into real and imaginary parts.
        real = {symbol: sympy.Dummy(symbol.name, real=True) for symbol in comp.free_symbols}
        return op_of(comp.xreplace(real)).xreplace({new: old for old, new in real.items()})
    if comp.has(sympy.RootSum):
        # RatioValue would take the sum apart and factor its polynomial again, at length.
        return -sympy.log(sympy.Abs(comp, evaluate=False), evaluate=False)
    total = sympy.S.Zero
    rest = sympy.S.One
    for factor in sympy.Mul.make_args(comp):
        base, exponent = factor.as_base_exp()
        if exponent.is_number:
            rest *= factor
        else:
            total -= exponent * sympy.log(sympy.Abs(base))
    # sympy would write |piecewise| as the root of a product with its conjugate.
    size = sympy.Abs(rest, evaluate=not rest.has(sympy.Piecewise))
    return total - sympy.log(size)


def evaluate_ratio(total: Any, direct: Any) -> tuple[float, float, float, float]:
    """Return (total, direct, comp, op) in floats from exact or multiprecision numbers.

    The ratio is taken before rounding, so that effects beyond the range of floats still have
    their Op.
    """
    if direct == 0:
        comp = math.nan if total == 0 else math.inf
        op = math.nan if total == 0 else -math.inf
        return _float(total), 0.0, comp, op
    if total == 0:
        return 0.0, _float(direct), 0.0, math.inf
    ratio = total / direct
    return _float(total), _float(direct), _float(ratio), 0.0 - _log(abs(ratio))


def tabulate(start: int, pairs: list[tuple[Any, Any]]) -> RatioValue:
    """Return the evaluation of consecutive (total, direct) pairs from a first step."""
    rows = [evaluate_ratio(total, direct) for total, direct in pairs]
    columns = list(zip(*rows, strict=True)) or [()] * 4
    return RatioValue(tuple(range(start, start + len(rows))), *columns)


def _float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _log(ratio: Any) -> float:
    if 0.5 < ratio < 2:
        return math.log1p(float(ratio - 1))
    if isinstance(ratio, Fraction):
        return math.log(ratio.numerator) - math.log(ratio.denominator)
    return float(ratio.context.log(ratio))
