"""How far rounding may have moved a term's value along W, to first order, for all steps at once.

What W gives counts as exact, so that the bound is that of one evaluation. An operation whose result
is exact adds nothing: sums and products are checked for what they left out (Knuth's two-sum, and
Dekker's product), and a constant counts where its decimals are not a float's.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from causalopt.engine.contract import Floats, Plan
from causalopt.language.arrays import array_function
from causalopt.language.operations import COMPARISONS, LOGIC, OPERATIONS
from causalopt.language.term import Term, postorder, rounded
from causalopt.model.template import Structure, leaf_name

UNIT = 2.0**-53
EPSILON = 2 * UNIT
TINY = 2.0**-1074
_SPLITTER = 2.0**27 + 1
_SMALL = 2.0**-960  # products below it may have lost what they left out
_LONGEST_POWER = 8
_EXACT_AT = {"exp": 0.0, "cos": 0.0, "cosh": 0.0, "log": 1.0, "acos": 1.0}
_EXACT_AT |= dict.fromkeys(["sin", "tan", "asin", "atan", "sinh", "tanh"], 0.0)
_EXACT_AT |= dict.fromkeys(["log1p", "expm1", "sigmoid", "erf", "ndtr"], 0.0)


def bounds_along(
    structure: Structure, plan: Plan, values: Floats, terms: Sequence[Term]
) -> list[tuple[Any, Any]]:
    """Return (value, error) of terms along W, shape [t] each or one number.

    Args:
        structure: The template's rules.
        plan: The run.
        values: W, shape [t, equation].
        terms: Rules or slopes.
    """
    index = {name: i for i, name in enumerate(structure.names)}
    constants = dict(zip(structure.parameters, plan.parameters.tolist(), strict=True))
    steps = np.arange(len(values))
    done: dict[Term, tuple[Any, Any]] = {}
    with np.errstate(all="ignore"):
        for term in postorder(*terms):
            if isinstance(term.payload, tuple):
                name, lag = term.payload
                column = values[:, index[name]]
                shifted = np.concatenate([np.full(min(lag, len(steps)), np.nan), column])
                done[term] = shifted[: len(steps)], 0.0
            elif term.is_leaf:
                done[term] = _leaf(term, steps, constants)
            else:
                done[term] = _bounded(term, [done[arg] for arg in term.args])
    return [done[term] for term in terms]


def is_decimal(value: float) -> bool:
    """Whether a float is the decimal number that it is written as.

    Example:
        >>> is_decimal(0.25), is_decimal(0.1)
        (True, False)
    """
    return not np.isfinite(value) or Fraction(repr(float(value))) == Fraction(float(value))


def _leaf(term: Term, steps: Any, constants: dict[str, float]) -> tuple[Any, Any]:
    if term.op == "t":
        return steps.astype(float), 0.0
    if isinstance(term.payload, Fraction):
        value = rounded(term.payload)
        is_exact = np.isfinite(value) and Fraction(value) == term.payload
    elif term.op == "pi":
        value, is_exact = float(np.pi), False
    else:
        value = constants[leaf_name(term)]
        is_exact = is_decimal(value)
    return np.float64(value), 0.0 if is_exact else UNIT * abs(value)


def _bounded(term: Term, args: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    """Return an operation's value and a bound on its error, to first order."""
    values, errors = [value for value, _ in args], [error for _, error in args]
    payload = () if term.payload is None else (term.payload,)
    value = array_function(term.op)(*values, *payload)
    if term.op == "where":
        return value, np.where(values[0] != 0, errors[1], errors[2])
    if term.op in COMPARISONS | LOGIC or OPERATIONS[term.op].kink == "whole" or term.op == "sign":
        return value, 0.0
    if term.op in {"neg", "abs"}:
        return value, errors[0]
    if term.op in {"min", "max"}:
        chosen = np.where(value == values[0], *errors)
        is_close = np.abs(values[0] - values[1]) <= errors[0] + errors[1]
        return value, np.where(is_close, np.maximum(*errors), chosen)
    own = np.where(_is_exact(term, value, values), 0.0, UNIT * np.abs(value) + TINY)
    if term.op in {"add", "sub"}:
        return value, errors[0] + errors[1] + own
    if term.op == "mul":
        return value, np.abs(values[0]) * errors[1] + np.abs(values[1]) * errors[0] + own
    if term.op == "div":
        carried = (errors[0] + np.abs(value) * errors[1]) / np.abs(values[1])
        return value, carried + own
    return value, _sensitivity(term, value, values, errors) + 2 * own


def _is_exact(term: Term, value: Any, values: list[Any]) -> Any:
    """Return where an operation rounded nothing; False where that is not known."""
    op, x = term.op, values[0]
    if op in {"add", "sub"}:
        y = values[1] if op == "add" else -values[1]
        part = value - x
        return (x - (value - part)) + (y - part) == 0
    if op == "mul":
        return _is_product(value, x, values[1])
    if op == "div":
        return _is_product(x, value, values[1])
    if op == "sqrt":
        return _is_product(x, value, value)
    if op == "ipow" and isinstance(term.payload, int) and 1 < term.payload <= _LONGEST_POWER:
        power, exact = x, True
        for _ in range(term.payload - 1):
            exact = exact & _is_product(power * x, power, x)
            power = power * x
        return exact
    return x == _EXACT_AT[op] if op in _EXACT_AT else np.zeros(np.shape(value), dtype=bool)


def _is_product(value: Any, x: Any, y: Any) -> Any:
    """Return where a float is x times y exactly."""
    high, low = _halves(x)
    left, right = _halves(y)
    missing = low * right - (((value - high * left) - low * left) - high * right)
    whole = (missing == 0) & ((np.abs(value) > _SMALL) | (x == 0) | (y == 0))
    return (value == x * y) & whole


def _halves(x: Any) -> tuple[Any, Any]:
    """Return a float as a sum of two with 26 bits each (Veltkamp)."""
    scaled = _SPLITTER * x
    high = scaled - (scaled - x)
    return high, x - high


def _sensitivity(term: Term, value: Any, values: list[Any], errors: list[Any]) -> Any:
    """Return how far an elementary function carries its arguments' errors."""
    if not any(np.any(error) for error in errors):
        return 0.0
    x, error = values[0], errors[0]
    if term.op == "ipow":
        exponent = float(term.payload)  # type: ignore[arg-type]
        return np.abs(exponent * value / x) * error
    if term.op in {"exp", "expm1", "sinh", "cosh"}:
        return np.abs(value) * error + error
    if term.op == "sqrt":
        return error / (2 * np.abs(value))
    if term.op in {"log", "pow"}:
        scale = 1.0 if term.op == "log" else np.abs(value * values[1])
        more = 0.0 if term.op == "log" else np.abs(value * np.log(np.abs(x))) * errors[1]
        return scale * error / np.abs(x) + more
    if term.op == "log1p":
        return error / np.abs(1 + x)
    if term.op == "erf":  # its slope is at most 2/sqrt(pi); those of all below at most 1
        return 1.2 * error
    if term.op == "tan":
        return (1 + value * value) * error
    return error / np.sqrt(np.abs(1 - x * x)) if term.op in {"asin", "acos"} else error
