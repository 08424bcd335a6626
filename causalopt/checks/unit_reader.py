"""Rules read for their units: what a text's unit is, and where it joins units that do not fit.

The same syntax as the reader of numbers (`language.reader`), with a unit in place of a value. What
has no unit declared is unknown and fits everything; a bare number takes the unit of what it is
added to, and scales in a product. The units are pint's.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from causalopt.errors import ExpressionError
from causalopt.language.operations import OPERATIONS
from causalopt.language.reader import Reader, unmarked

if TYPE_CHECKING:
    from causalopt.checks.unit_system import Unit, UnitSystem

_JOINS = {"add", "sub", "min", "max", "lt", "le", "eq", "ne"}
_VERBS = {
    "add": "adds",
    "sub": "subtracts",
    "min": "takes the smaller of",
    "max": "takes the larger of",
    "where": "chooses between",
}
_SAME = {"neg", "abs", "floor", "ceil"}


@dataclasses.dataclass(frozen=True)
class UnitValue:
    """What is known of an expression's unit.

    Attributes:
        unit: The unit, None where it is not known.
        bare: Whether it is made of numbers alone, which take the unit of what they are added to.
        constant: The number that the text writes there, if it is one.
        number: The number it comes to in this model, if it is made of numbers and parameters.
        truth: Whether it is a condition.
    """

    unit: Unit | None = None
    bare: bool = False
    constant: Fraction | None = None
    number: float | None = None
    truth: bool = False


UNKNOWN = UnitValue()
BARE = UnitValue(bare=True)


@dataclasses.dataclass(frozen=True)
class UnitFunction:
    """A declared function: its arguments, its text, and where it is declared."""

    name: str
    arguments: tuple[str, ...]
    text: str
    path: tuple[str | int, ...]


@dataclasses.dataclass(frozen=True)
class UnitScope:
    """What the names of a text are measured in; the rest as in `language.scope.Scope`."""

    system: UnitSystem
    units: Mapping[str, UnitValue]  # of the variables
    names: Mapping[str, UnitValue]
    functions: Mapping[str, UnitFunction]
    bare: bool
    kind: str
    say: Callable[[str, tuple[str | int, ...], int], None]  # a message, where, how far in
    time: UnitValue = UNKNOWN

    @property
    def variables(self) -> frozenset[str]:
        """The variables that may be named."""
        return frozenset(self.units)

    @property
    def steps(self) -> Callable[[UnitValue, str], Fraction | None]:
        """How many steps a lag is: one, for all that units know."""
        return lambda *_: Fraction(1)


def unit_of(text: str, scope: UnitScope, path: tuple[str | int, ...]) -> UnitValue:
    """Return what is known of a text's unit; units that do not fit are said to the scope."""
    try:
        reader = _UnitReader(text, scope, path)
        return reader.read(reader.tree, 0)
    except ExpressionError:
        return UNKNOWN  # the text was read before: what is no part of this reader has no unit


class _UnitReader(Reader[UnitValue]):
    scope: UnitScope
    calls = {  # noqa: RUF012
        "where": "where",
        "min": "extremum",
        "max": "extremum",
        "diff": "diff",
    }

    def __init__(self, text: str, scope: UnitScope, path: tuple[str | int, ...]) -> None:
        super().__init__(text, scope)
        self._path = path
        self._system = scope.system

    # Values

    def made(self, value: Fraction, /) -> UnitValue:
        return UnitValue(bare=True, constant=value, number=float(value))

    def reference(self, name: str, lag: int, /) -> UnitValue:  # noqa: ARG002
        return self.scope.units[name]

    def delayed(self, node: ast.expr, name: str, lag: Fraction, /) -> UnitValue:  # noqa: ARG002
        return self.scope.units[name]

    def _ago(self, node: ast.expr, name: str, clock: str, lag: UnitValue) -> UnitValue:
        time = self.scope.time.unit
        if clock == "time" and lag.unit is not None and time is not None:
            problem = self._system.problem(lag.unit, time)
            if problem:
                a, b = self._system.text(lag.unit), self._system.text(time)
                self._say(node, f"this lag is in {a}, and time is in {b}: {problem}")
        return self.scope.units[name]

    def value_of(self, value: UnitValue, /) -> Fraction | None:
        return value.constant

    def is_truth(self, value: UnitValue, /) -> bool:
        return value.truth

    def as_truth(self, value: UnitValue) -> UnitValue:
        return dataclasses.replace(value, truth=True)

    # Operations

    def apply(self, op: str, /, *args: UnitValue, payload: Any = None) -> UnitValue:
        if op in {"and", "or", "not"}:
            return UnitValue(truth=True)
        if op in _JOINS or op == "where":
            return self._joined(op, args[1:] if op == "where" else args)
        if op in _SAME:
            return dataclasses.replace(args[0], constant=None, number=None)
        if op == "sign":
            return UnitValue(self._system.one)
        if op in {"mul", "div"}:
            return self._product(op, *args)
        if op in {"pow", "ipow", "sqrt"}:
            exponent = {"sqrt": Fraction(1, 2), "ipow": Fraction(payload or 0)}.get(op)
            return self._power_of(args[0], self.made(exponent) if exponent is not None else args[1])
        return self._function(op, args[0])

    def _say(self, node: ast.AST, message: str) -> None:
        self.scope.say(message, self._path, self.fail(node, message).offset)

    def _joined(self, op: str, args: Sequence[UnitValue]) -> UnitValue:
        place = self.at.right if isinstance(self.at, ast.BinOp) else self.at
        if isinstance(self.at, ast.Compare) and isinstance(self.at.ops[0], ast.Gt | ast.GtE):
            args = args[::-1]  # a > b is read as b < a
        result = self._met(place, _VERBS.get(op, "compares"), args)
        if op in _JOINS and OPERATIONS[op].kind == "comparison":
            return UnitValue(truth=True)
        if op == "sub" and result.unit is not None and self._system.is_offset(result.unit):
            first, second = args[0].unit, args[1].unit
            if second is None or first is None or self._system.is_offset(second):
                return UnitValue(self._system.difference(result.unit))
        return result

    def _met(self, node: ast.AST, verb: str, args: Sequence[UnitValue]) -> UnitValue:
        """Return the unit of things that must have one unit, and say where they have not."""
        known = [arg.unit for arg in args if arg.unit is not None]
        for other in known[1:]:
            problem = self._system.problem(known[0], other)
            if problem:
                a, b = self._system.text(known[0]), self._system.text(other)
                self._say(node, f"{verb} {a} and {b}: {problem}")
                return UNKNOWN
        if known:
            offsets = [unit for unit in known if self._system.is_offset(unit)]
            return UnitValue((offsets or known)[0])
        return BARE if all(arg.bare for arg in args) else UNKNOWN

    def _product(self, op: str, a: UnitValue, b: UnitValue) -> UnitValue:
        if a.bare and b.bare:
            return BARE
        if op == "mul" and (a.bare or b.bare):
            return UnitValue((b if a.bare else a).unit)
        if op == "div" and b.bare:
            return UnitValue(a.unit)
        if (a.unit is None and not a.bare) or b.unit is None:
            return UNKNOWN
        scales = (
            a.unit is not None and self._system.is_offset(a.unit) and b.unit == self._system.one
        )
        if scales:
            return UnitValue(a.unit)
        left = self._system.one if a.unit is None else self._system.difference(a.unit)
        right = self._system.difference(b.unit)
        return UnitValue(left * right if op == "mul" else left / right)

    def _power_of(self, base: UnitValue, exponent: UnitValue) -> UnitValue:
        system = self._system
        if exponent.unit is not None:
            problem = system.no_number(exponent.unit)
            if problem:
                unit = system.text(exponent.unit)
                self._say(self.at, f"an exponent is a number, and this is in {unit}: {problem}")
                return UNKNOWN
        if base.unit is None:
            return BARE if base.bare and exponent.bare else UNKNOWN
        if system.is_offset(base.unit):
            self._say(
                self.at, f"a power of {system.text(base.unit)} depends on its zero: use K, from 0"
            )
            return UNKNOWN
        if exponent.number is not None:
            return UnitValue(base.unit ** float(exponent.number))
        if base.unit == system.one:
            return base
        self._say(
            self.at,
            f"the unit of a power of {system.text(base.unit)} changes with its exponent: divide by "
            "a parameter of that unit first",
        )
        return UNKNOWN

    def _function(self, op: str, argument: UnitValue) -> UnitValue:
        """A function of a number, such as exp: its argument has no unit, and neither has it."""
        system = self._system
        if argument.unit is not None:
            problem = system.no_number(argument.unit)
            if problem:
                self._say(
                    self.at,
                    f"{op} takes a number, and this is in {system.text(argument.unit)}: {problem}",
                )
                return UNKNOWN
        return (
            BARE if argument.bare else UnitValue(system.one if argument.unit is not None else None)
        )

    # Functions

    def applied(self, node: ast.Call, function: UnitFunction, depth: int) -> UnitValue:
        values = [self.number(arg, depth) for arg in node.args]
        return self._called(function, values)

    def _called(self, function: UnitFunction, values: Sequence[UnitValue]) -> UnitValue:
        """Read a declared function's text with the units of its arguments; once for the same."""
        scope = self.scope
        key = (function.name, *values)
        memo = scope.system.called
        if key not in memo:
            memo[key] = UNKNOWN
            names = {**scope.names, **dict(zip(function.arguments, values, strict=True))}
            above = {k: f for k, f in scope.functions.items() if k != function.name}
            inner = dataclasses.replace(
                scope, units={}, names=names, functions=above, bare=True, kind="function"
            )
            memo[key] = unit_of(function.text, inner, function.path)
        found: UnitValue = memo[key]
        return found

    def diff(self, node: ast.Call, depth: int) -> UnitValue:
        """A derivative of a declared function: the function's unit per that of its argument."""
        assert isinstance(node.args[0], ast.Name)
        function = self.scope.functions[unmarked(node.args[0].id)]
        values = [self.number(arg, depth) for arg in node.args[1:]]
        self.at = node
        result = self._called(function, values)
        return UNKNOWN if result.bare or values[0].bare else self._product("div", result, values[0])
