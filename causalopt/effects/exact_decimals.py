"""W in decimals, by generated Python: some fifty times faster than in fractions, and as exact.

Sums, products and branches of decimals are decimals. The context lets nothing be rounded: what has
no such value (a third, a sine, more digits than are kept) stops it, and fractions go on from there.
"""

from __future__ import annotations

import decimal
import functools
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from causalopt.language.operations import BRANCHES, COMPARISONS, LOGIC, OPERATIONS
from causalopt.language.term import Term, operands, postorder
from causalopt.model.template import Structure, leaf_name

Row: TypeAlias = Sequence[Decimal]
_DIGITS = 616  # 2,048 bits before the point and after it
_MOST_RULES = 500  # of which code is made; fractions suit the few steps of a larger model
_LONGEST_POWER = 64
_LONGEST_LINE = 400
_ALIKE = COMPARISONS | LOGIC | BRANCHES | {"add", "sub", "mul", "neg"}  # written as for floats
_OWN = {"div": "({} / {})", "abs": "abs({})"}
_CONTEXT = decimal.Context(
    prec=_DIGITS,
    traps=[
        decimal.Inexact,
        decimal.InvalidOperation,
        decimal.DivisionByZero,
        decimal.Overflow,
        decimal.Subnormal,
    ],
)


_UNKNOWN = Decimal("sNaN")  # whatever reads it stops


def in_decimals(value: Fraction | None) -> Decimal | None:
    """Return a number as a decimal, None for what is none.

    Example:
        >>> in_decimals(Fraction(1, 50)), in_decimals(Fraction(1, 3))
        (Decimal('0.02'), None)
    """
    if value is None:
        return None
    with decimal.localcontext(_CONTEXT):
        try:
            return Decimal(value.numerator) / Decimal(value.denominator)
        except decimal.DecimalException:
            return None


class DecimalWorld:
    """The rules of a template in decimals.

    Args:
        structure: The template's rules.
        parameters: Their values, by name.
    """

    def __init__(self, structure: Structure, parameters: dict[str, Fraction | None]) -> None:
        code = _code(structure) if len(structure.names) <= _MOST_RULES else None
        self._code, self._rows = code, list[Row]()
        known = [in_decimals(parameters[name]) for name in structure.parameters]
        self._parameters = [_UNKNOWN if value is None else value for value in known]

    def put(self, row: Sequence[Fraction | None]) -> None:
        """Give a step that `row` does not know; once it is none of decimals, no later one is."""
        found = [in_decimals(value) for value in row] if self._code is not None else []
        known = [value for value in found if value is not None]
        if len(known) < len(row):
            self._code = None
        self._rows.append(known)

    def row(self, t: int) -> Row | None:
        """Return the values of the next step; None where decimals do not know them."""
        if self._code is None:
            return None
        with decimal.localcontext(_CONTEXT):
            try:
                row = self._code(self._rows, t, Decimal(t), self._parameters)
            except decimal.DecimalException:
                row = None
        if row is None or not all(map(Decimal.is_finite, row)):
            return None
        self._rows.append(row)
        return row


@functools.lru_cache(maxsize=64)
def _code(structure: Structure) -> Callable[..., Row]:
    """Return `step(rows, t, now, c)`: the values of a step; w3 is equation 3, c[2] parameter 2."""
    writer = _Writer(structure)
    for i, rule in enumerate(structure.rules):
        own = "unknown" if rule is None else writer.write(rule)
        is_truth = rule is not None and rule.is_boolean
        writer.lines.append(f"w{i} = {f'Decimal(bool({own}))' if is_truth else own}")
    values = "".join(f"w{i}, " for i in range(len(structure.rules)))
    text = "\n    ".join(["def step(rows, t, now, c):", *writer.lines, f"return ({values})"])
    names: dict[str, object] = {**writer.constants, "unknown": _UNKNOWN, "Decimal": Decimal}
    exec(compile(text, "<rules in decimals>", "exec"), names)
    return names["step"]  # type: ignore[return-value]


class _Writer:
    """Lines of one step; what is used once stands where it is used, so that a branch is lazy."""

    def __init__(self, structure: Structure) -> None:
        self._index = {name: i for i, name in enumerate(structure.names)}
        self._parameters = {name: i for i, name in enumerate(structure.parameters)}
        roots = [rule for rule in structure.rules if rule is not None]
        self._uses = Counter(arg for term in postorder(*roots) for arg in term.args)
        self._text: dict[Term, str] = {}
        self.constants: dict[str, Decimal] = {}
        self.lines: list[str] = []

    def write(self, root: Term) -> str:
        """Return the text of a term, after the lines it needs."""
        for term in postorder(root):
            if term in self._text:
                continue
            text = self._leaf(term) if term.is_leaf else self._applied(term)
            if not term.is_leaf and (self._uses[term] > 1 or len(text) > _LONGEST_LINE):
                name = f"v{len(self.lines)}"
                self.lines.append(f"{name} = {text}")
                text = name
            self._text[term] = text
        return self._text[root]

    def _applied(self, term: Term) -> str:
        args = operands(term, self._text)
        if term.op in _ALIKE:
            return OPERATIONS[term.op].python.format(*args)
        if term.op in _OWN:
            return _OWN[term.op].format(*args)
        power = term.payload
        if term.op == "ipow" and isinstance(power, int) and 0 < power <= _LONGEST_POWER:
            return f"({' * '.join([args[0]] * power)})"
        return "unknown"

    def _leaf(self, term: Term) -> str:
        if isinstance(term.payload, Fraction):
            value = in_decimals(term.payload)
            if value is None:
                return "unknown"
            name = f"k{len(self.constants)}"
            self.constants[name] = value
            return name
        if isinstance(term.payload, tuple):
            name, lag = term.payload
            place = self._index[name]
            return f"rows[t - {lag}][{place}]" if lag else f"w{place}"
        if term.op in {"t", "pi"}:
            return "now" if term.op == "t" else "unknown"
        return f"c[{self._parameters[leaf_name(term)]}]"
