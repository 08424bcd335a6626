"""Text to values, by a whitelist over Python's syntax tree: what all readers of rules share.

The text is parsed, never evaluated: a node of the tree that is not listed here is an error with its
place and a hint. Every name is looked up in the caller's scope, so `E`, `S`, `beta` or `lambda` are
whatever the model declares, and an undeclared name is an error, never a new symbol. Limits on
length, depth and the size of numbers keep hostile input cheap.
"""

from __future__ import annotations

import abc
import ast
import bisect
import itertools
import keyword
import math
import re
from collections.abc import Callable, Mapping, Set
from fractions import Fraction
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from causalopt.errors import ExpressionError, suggestion
from causalopt.language.operations import OPERATIONS, SHORTHANDS
from causalopt.language.scope import CLOCK, function_names, normalized
from causalopt.language.term import decimal

MAX_LENGTH = 50_000
MAX_DEPTH = 150
MAX_EXPONENT = 1024
MAX_LAG = 10_000
MAX_DIGITS = 1_000
MAX_TERMS = 100_000

Value = TypeVar("Value")


_SPACES = re.compile(r"[\n\r\t\f]")
_WORD = re.compile(r"\b[^\W\d][\w\xb7]*")  # a middle dot may stand in Python's names
_KEYWORDS = sorted(set(keyword.kwlist) - {"and", "or", "not"})
_KEYWORD = re.compile(rf"\b(?:{'|'.join(_KEYWORDS)})_*\b")


def _marked(text: str) -> tuple[str, list[int]]:
    """Return the text with a _ added to Python's keywords, and the places of these.

    That makes names of them. A keyword that ends in _ already gets one more, so that `lambda` and
    `lambda_` stay different names.
    """
    if not _KEYWORD.search(normalized(text)):
        return text, []
    ends = [w.end() for w in _WORD.finditer(text) if _KEYWORD.fullmatch(normalized(w.group()))]
    parts = [text[start:end] for start, end in itertools.pairwise([0, *ends, len(text)])]
    return "_".join(parts), [end + added for added, end in enumerate(ends)]


def unmarked(name: str) -> str:
    """Return a name as the user wrote it."""
    return name[:-1] if name.endswith("_") and _KEYWORD.fullmatch(name) else name


_COMPARE = {
    ast.Lt: ("lt", False),
    ast.LtE: ("le", False),
    ast.Gt: ("lt", True),
    ast.GtE: ("le", True),
    ast.Eq: ("eq", False),
    ast.NotEq: ("ne", False),
}
_HINTS: dict[type[ast.AST], str] = {
    ast.FloorDiv: "'//' is not part of the language: write floor(a/b)",
    ast.Mod: "'%' is not part of the language: write a - b*floor(a/b)",
    ast.BitXor: "'^' is not part of the language: write ** for a power, as in x**2",
    ast.BitAnd: "'&' is not part of the language: write and, as in x > 0 and y > 0",
    ast.BitOr: "'|' is not part of the language: write or, as in x > 0 or y > 0",
    ast.Tuple: "a comma stands between the arguments of a function alone: drop it",
    ast.List: "a list is not part of the language: max(a, b) takes its numbers one by one",
    ast.Set: "braces are not part of the language: write (...) to group, x[t-1] for a step",
    ast.Dict: "braces are not part of the language: write (...) to group, x[t-1] for a step",
    ast.IfExp: "write where(cond, a, b) for a choice",
    ast.Attribute: "attributes are not part of the language: use plain names",
    ast.Lambda: "declare functions under 'functions:'",
    ast.MatMult: "'@' is not part of the language",
}


class ReaderScope(Protocol):
    """What a reader asks of a scope: see `language.scope.Scope`."""

    @property
    def kind(self) -> str:
        """What the text is, for messages."""

    @property
    def bare(self) -> bool:
        """Whether variables are written without a step."""

    @property
    def variables(self) -> Set[str]:
        """Names that may be referred to."""

    @property
    def names(self) -> Mapping[str, Any]:
        """Other names, with their values."""

    @property
    def functions(self) -> Mapping[str, Any]:
        """Declared functions."""

    @property
    def steps(self) -> Callable[[Any, str], Fraction | None] | None:
        """How many steps a lag is."""


class Reader(abc.ABC, Generic[Value]):
    """One text being read; methods take a node and the depth it stands at.

    A reader of one kind of value says how values are made and what its functions mean; the rest,
    from the marking of keywords to lags and limits, is the same for all.

    Attributes:
        syntax: The nodes that are read, each with the name of the method that reads it.
        at: The node whose operation is made next, for messages.
        max_depth: How many levels deep a text may be nested.
        faults: Exceptions without a place that making a value may raise.
        calls: Functions that are no operations, likewise.
        hints: What to write in place of a node that is not read.
        signs: The operators, each with the name of its operation.
    """

    syntax: ClassVar[Mapping[type[ast.AST], str]] = {
        ast.Constant: "constant",
        ast.Name: "name",
        ast.Subscript: "subscript",
        ast.UnaryOp: "unary",
        ast.BinOp: "binary",
        ast.Compare: "compare",
        ast.BoolOp: "logic",
        ast.Call: "call",
    }
    at: ast.expr
    max_depth: ClassVar[int] = MAX_DEPTH
    faults: ClassVar[tuple[type[Exception], ...]] = ()
    calls: ClassVar[Mapping[str, str]]
    hints: ClassVar[Mapping[type[ast.AST], str]] = _HINTS
    signs: ClassVar[Mapping[type[ast.AST], str]] = {
        ast.Add: "add",
        ast.Sub: "sub",
        ast.Mult: "mul",
        ast.Div: "div",
    }

    _methods: ClassVar[Mapping[type[ast.AST], Callable[..., Any]]]

    def __init_subclass__(cls) -> None:
        cls._methods = {kind: getattr(cls, name) for kind, name in cls.syntax.items()}

    def __init__(self, text: str, scope: ReaderScope) -> None:
        if len(text) > MAX_LENGTH:
            raise ExpressionError(
                f"the {scope.kind} has {len(text)} characters, the limit is {MAX_LENGTH}: "
                "split it over several variables"
            )
        self.text = text
        self.scope = scope
        self._margin = len(text) - len(text.lstrip())
        self.source, self._marks = _marked(_SPACES.sub(" ", text)[self._margin :])
        self.tree = self._syntax_tree()

    def _syntax_tree(self) -> ast.expr:
        if not self.source.strip():
            raise ExpressionError(f"the {self.scope.kind} is empty: write an expression")
        try:
            return ast.parse(self.source, mode="eval").body
        except SyntaxError as error:
            raise self._no_syntax(error) from None
        except (RecursionError, MemoryError, ValueError) as error:
            raise ExpressionError(
                f"the {self.scope.kind} is nested too deeply or holds a number too long to read: "
                "split it over several variables"
            ) from error

    def _no_syntax(self, error: SyntaxError) -> ExpressionError:
        """Return the error of a text that Python cannot read: what to write, or Python's words."""
        scope = self.scope
        advice = _advice().spelling_advice(
            self.text, scope.variables, scope.names, {*scope.functions, *self.functions()}
        )
        if advice is not None:
            return ExpressionError(*advice)
        column = min(self.column((error.offset or 1) - 1), len(self.text))
        message = (error.msg or "not an expression").partition(";")[0]
        return ExpressionError(f"cannot read the {scope.kind}: {message}", column)

    @abc.abstractmethod
    def made(self, value: Fraction, /) -> Value:
        """Return a number as a value."""

    def written(self, value: float | str, /) -> Value:
        """Return a number as it is written as a value."""
        number = decimal(value).payload
        assert isinstance(number, Fraction)
        return self.made(number)

    @abc.abstractmethod
    def reference(self, name: str, lag: int, /) -> Value:
        """Return the value of a variable some steps ago."""

    @abc.abstractmethod
    def delayed(self, node: ast.expr, name: str, lag: Fraction, /) -> Value:
        """Return the value of a variable a time ago, where names are bare; the lag is in steps."""

    @abc.abstractmethod
    def apply(self, op: str, /, *args: Value, payload: Any = None) -> Value:
        """Return an operation of values; `at` is the node that stands for it."""

    @abc.abstractmethod
    def value_of(self, value: Value, /) -> Fraction | None:
        """Return a constant's number, None for other values."""

    def steps_of(self, lag: Value, clock: str) -> Fraction | None:  # noqa: ARG002
        """Return how many steps a lag is where the scope does not say, None for no number."""
        return self.value_of(lag)

    @abc.abstractmethod
    def is_truth(self, value: Value, /) -> bool:
        """Whether a value is a condition."""

    @abc.abstractmethod
    def applied(self, node: ast.Call, function: Any, depth: int) -> Value:
        """Return what a declared function gives; the number of arguments is right."""

    def as_truth(self, value: Value) -> Value | None:  # noqa: ARG002
        """Return the condition that a number stands for, None where it stands for none."""
        return None

    def functions(self) -> Set[str]:
        """Return the functions of the language."""
        return function_names()

    def fail(self, node: ast.AST, message: str) -> ExpressionError:
        """Return the error that a node is."""
        byte = getattr(node, "col_offset", 0)
        column = len(self.source.encode()[:byte].decode(errors="ignore"))
        return ExpressionError(message, self.column(column))

    def column(self, place: int) -> int:
        """Return where a place of the marked source is in the text."""
        return place - bisect.bisect_left(self._marks, place) + self._margin

    def number(self, node: ast.expr, depth: int) -> Value:
        """Read a node that must be a number."""
        value = self.read(node, depth)
        if self.is_truth(value):
            raise self.fail(
                node, "expected a number, found a condition: write where(condition, 1, 0)"
            )
        return value

    def condition(self, node: ast.expr, depth: int) -> Value:
        """Read a node that must be a truth value."""
        value = self.read(node, depth)
        if self.is_truth(value):
            return value
        meant = self.as_truth(value)
        if meant is None:
            raise self.fail(node, "expected a condition such as x > 0, found a number")
        return meant

    def read(self, node: ast.expr, depth: int) -> Value:
        """Read a node that may be a number or a truth value."""
        if depth > self.max_depth:
            raise self.fail(
                node,
                f"nested more than {self.max_depth} levels deep: split it over several variables",
            )
        method = self._methods.get(type(node))
        if method is None:
            raise self.fail(node, self._no_such_syntax(node))
        try:
            value: Value = method(self, node, depth + 1)
        except self.faults as error:
            raise self.fail(node, str(error)) from None
        return value

    def _no_such_syntax(self, node: ast.AST) -> str:
        default = "only numbers, names, operators and function calls are part of the language"
        foreign = self._foreign(node) or (
            _advice().comma_advice(self.source) if isinstance(node, ast.Tuple) else ""
        )
        return foreign or self.hints.get(type(node), default)

    def _foreign(self, node: ast.AST) -> str:
        """Return what is written in place of numpy's own name for something, such as np.exp."""
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            return ""
        module = unmarked(node.value.id)
        known = module in self.scope.variables or module in self.scope.names
        functions = {*self.scope.functions, *self.functions()}
        return "" if known else _advice().module_advice(module, node.attr, functions)

    def constant(self, node: ast.Constant, _: int) -> Value:
        """Read a number as it is written."""
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            known = isinstance(value, str) and value in {*self.scope.variables, *self.scope.names}
            hint = f": write {value!s} without quotes" if known else ""
            raise self.fail(node, f"expected a number, found {value!r}{hint}")
        try:
            finite = math.isfinite(value)
        except OverflowError:
            finite = False
        if not finite:
            raise self.fail(node, "the number is larger than a float holds (about 1.8e308)")
        return self.written(value if isinstance(value, int) else self._digits(node))

    def _digits(self, node: ast.Constant) -> str | float:
        """Return a decimal as it is written: a float would not keep more than 17 digits of it."""
        written = self.source.encode()[node.col_offset : node.end_col_offset].decode()
        if len(written) > MAX_DIGITS:
            raise self.fail(
                node, f"the number has {len(written)} characters, the limit is {MAX_DIGITS}"
            )
        return written if node.value else 0.0  # what is too small for a float is 0

    def name(self, node: ast.Name, _: int) -> Value:
        """Read a word that stands alone."""
        name = unmarked(node.id)
        found = self.scope.names.get(name)
        if found is not None:
            named: Value = found
            return named
        if name in self.scope.variables:
            if self.scope.bare:
                return self.reference(name, 0)
            raise self.fail(
                node, f"variable '{name}' needs its step here: write {name}[t-1] or {name}[t]"
            )
        if name in self.scope.functions or name in self.functions():
            raise self.fail(node, f"'{name}' is a function: write {name}(...)")
        if self.scope.bare and name in CLOCK:
            raise self.fail(node, f"'{name}' means nothing here: {self._timeless()}")
        advice = _advice().name_advice(name, self.scope.variables, self.scope.names)
        if advice:
            raise self.fail(node, f"unknown name '{short(name)}': {advice}")
        hint = suggestion(name, self._known())
        declare = "" if "did you mean" in hint else ": declare it under 'parameters:'"
        raise self.fail(node, f"unknown name '{short(name)}'{declare}{hint}")

    def _timeless(self) -> str:
        return _TIMELESS.get(self.scope.kind, f"a {self.scope.kind} has no steps")

    def _known(self) -> set[str]:
        scope = self.scope
        return set(scope.variables) | set(scope.names) | set(scope.functions)

    def subscript(self, node: ast.Subscript, depth: int) -> Value:
        """Read a variable with its step."""
        if not isinstance(node.value, ast.Name):
            raise self.fail(node, "only a variable takes a step, as in R[t-1]")
        name = unmarked(node.value.id)
        if name not in self.scope.variables:
            if name in self.scope.names:
                raise self.fail(
                    node,
                    f"'{name}' is not a variable, it is the same at every step: write {name} "
                    "without the []",
                )
            if name in {*self.scope.functions, *self.functions()}:
                raise self.fail(node, f"'{name}' is a function: write {name}(...), in parentheses")
            hint = suggestion(name, self.scope.variables)
            raise self.fail(node, f"unknown variable '{short(name)}'{hint}")
        if self.scope.bare and self.scope.steps is None:
            raise self.fail(node, f"write {name} without a step here: {self._timeless()}")
        return self._past(node.slice, name, depth)

    def _past(self, node: ast.expr, name: str, depth: int) -> Value:
        """Read what stands in the brackets: t, t-k, or time-s."""
        bare = self.scope.bare
        match node:
            case ast.Name(id="t") if not bare:
                return self.reference(name, 0)
            case ast.BinOp(left=ast.Name(id="time" | "t" as clock), op=ast.Sub(), right=back) if (
                clock == "time" or not bare
            ):
                return self._ago(node, name, clock, self.number(back, depth))
            case ast.BinOp(left=ast.Name(id="time" | "t" as clock), op=ast.Add()):
                raise self.fail(
                    node,
                    f"a rule cannot look into the future: write {name}[{clock}-1]"
                    + (f" or {name}[t]" if clock == "t" else ""),
                )
        if bare:
            raise self.fail(
                node,
                f"write {name} without a step here, or {name}[time - s] for its value a time s "
                f"ago: {self._timeless()}",
            )
        raise self.fail(
            node,
            f"the step must be t or t-k (k a whole number up to {MAX_LAG}), or time-s (s a time): "
            f"write {name}[t-1] for the value one step ago{self._no_step(node)}",
        )

    def _no_step(self, node: ast.expr) -> str:
        """Return what a step that is none may have meant."""
        if isinstance(node, ast.Constant | ast.UnaryOp):
            return "; a value at t = 0 is said by 'initial:'"
        if isinstance(node, ast.Tuple):
            return "; elements are for variables with a 'shape:'"
        names = [unmarked(n.id) for n in ast.walk(node) if isinstance(n, ast.Name)]
        return f"; the step is called t, not {names[0]}" if names and names[0] != "t" else ""

    def _ago(self, node: ast.expr, name: str, clock: str, lag: Value) -> Value:
        measured = self.scope.steps
        steps = self.steps_of(lag, clock) if measured is None else measured(lag, clock)
        if steps is None:
            raise self.fail(
                node, "a lag is fixed before the run: write it in numbers and parameters alone"
            )
        if steps < 0:
            raise self.fail(
                node, f"the lag is {float(steps):g} steps: a rule cannot look into the future"
            )
        if steps > MAX_LAG:
            raise self.fail(
                node, f"the lag is {float(steps):g} steps, the limit is {MAX_LAG}: use a larger dt"
            )
        if self.scope.bare and (steps >= 1 or steps == 0):
            return self.delayed(node, name, steps) if steps else self.reference(name, 0)
        if steps.denominator == 1:
            return self.reference(name, int(steps))
        if self.scope.bare:
            raise self.fail(
                node, f"the lag is {float(steps):g} steps: choose a dt that is no longer than it"
            )
        hint = "choose a dt that divides it" if clock == "time" else f"write {name}[t-1]"
        raise self.fail(
            node, f"the lag is {float(steps):.6g} steps, and a rule reads whole steps: {hint}"
        )

    def unary(self, node: ast.UnaryOp, depth: int) -> Value:
        """Read signs and `not`."""
        sign, inner = 1, node
        while isinstance(inner.op, ast.USub | ast.UAdd):
            sign = -sign if isinstance(inner.op, ast.USub) else sign
            if not isinstance(inner.operand, ast.UnaryOp):
                break
            inner = inner.operand
        if isinstance(inner.op, ast.Not):
            if inner is not node:
                raise self.fail(inner, "expected a number, found a condition")
            truth = self.condition(inner.operand, depth)
            self.at = inner
            return self.apply("not", truth)
        if isinstance(inner.op, ast.Invert):
            raise self.fail(inner, "'~' is not part of the language: write not")
        operand = self.number(inner.operand, depth)
        self.at = node
        value = self.value_of(operand)
        if value is not None:
            return operand if sign > 0 else self.made(-value)
        return operand if sign > 0 else self.apply("neg", operand)

    def binary(self, node: ast.BinOp, depth: int) -> Value:
        """Read sums, products and powers."""
        # Python nests a sum to the left: walking that spine in a loop keeps a long sum shallow.
        spine, signs = [node], self.signs
        while type(spine[-1].op) in signs and isinstance(spine[-1].left, ast.BinOp):
            spine.append(spine[-1].left)
        result = self.number(spine[-1].left, depth)
        for step in reversed(spine):
            right = self.number(step.right, depth)
            self.at = step
            if isinstance(step.op, ast.Pow):
                result = self._power(step, result, right)
            elif type(step.op) in signs:
                result = self.apply(signs[type(step.op)], result, right)
            else:
                raise self.fail(step, self._no_such_syntax(step.op))
        return result

    def _power(self, node: ast.BinOp, base: Value, exponent: Value) -> Value:
        value, number = self.value_of(exponent), self.value_of(base)
        if value is None:
            return self.apply("pow", base, exponent)
        if value == Fraction(1, 2):
            return self.apply("sqrt", base)
        if value.denominator != 1:
            return self.apply("pow", base, exponent)
        if abs(value) > MAX_EXPONENT:
            raise self.fail(
                node, f"the exponent {float(value):.4g} is larger than {MAX_EXPONENT} in size"
            )
        power = int(value)
        if number is None or (number == 0 and power < 0):
            return self.apply("ipow", base, payload=power)
        bits = max(number.numerator.bit_length(), number.denominator.bit_length())
        if bits * abs(power) > MAX_EXPONENT:
            raise self.fail(node, "the power is larger than a float holds (about 1.8e308)")
        return self.made(number**power)

    def compare(self, node: ast.Compare, depth: int) -> Value:
        """Read a comparison, or a chain of them."""
        operands = [self.number(operand, depth) for operand in (node.left, *node.comparators)]
        self.at = node
        result: Value | None = None
        for op, a, b in zip(node.ops, operands, operands[1:], strict=False):
            if type(op) not in _COMPARE:
                raise self.fail(node, "compare numbers with <, <=, ==, !=, >= or >")
            name, swapped = _COMPARE[type(op)]
            link = self.apply(name, b, a) if swapped else self.apply(name, a, b)
            result = link if result is None else self.apply("and", result, link)
        assert result is not None
        return result

    def logic(self, node: ast.BoolOp, depth: int) -> Value:
        """Read `and` and `or`."""
        op = "and" if isinstance(node.op, ast.And) else "or"
        result = self.condition(node.values[0], depth)
        for value in node.values[1:]:
            right = self.condition(value, depth)
            self.at = node
            result = self.apply(op, result, right)
        return result

    def call(self, node: ast.Call, depth: int) -> Value:
        """Read a call of a declared function, or of one of the language."""
        if not isinstance(node.func, ast.Name):
            raise self.fail(node, self._foreign(node.func) or self._no_callee(node.func))
        if node.keywords or any(isinstance(arg, ast.Starred) for arg in node.args):
            raise self.fail(node, "functions take plain arguments in order")
        name = unmarked(node.func.id)
        declared = self.scope.functions.get(name)
        if declared is not None:
            self.expect(node, name, len(declared.arguments))
            return self.applied(node, declared, depth)
        method = self.calls.get(name)
        if method is not None:
            value: Value = getattr(self, method)(node, depth)
            return value
        shorthand = SHORTHANDS.get(name)
        if shorthand is not None:
            self.expect(node, name, shorthand.arity)
            args = [self.number(arg, depth) for arg in node.args]
            self.at = node
            written: Value = shorthand.meaning(self.apply, self.made, *args)
            return written
        operation = OPERATIONS.get(name)
        if operation is not None and not operation.text:
            self.expect(node, name, operation.arity)
            args = [self.number(arg, depth) for arg in node.args]
            self.at = node
            return self.apply(name, *args)
        raise self._unknown_function(node, name)

    def _no_callee(self, node: ast.expr) -> str:
        """Return what a pair of parentheses after something that is no name may have meant."""
        if isinstance(node, ast.Attribute):
            return (
                f"methods are not part of the language: '.{node.attr}()' is no function of a rule"
            )
        if isinstance(node, ast.Constant):
            return f"a product needs its sign: write {node.value!r}*(...)"
        return "a product needs its sign: write (...)*(...)"

    def _unknown_function(self, node: ast.Call, name: str) -> ExpressionError:
        """Return the error of a call of something that is no function."""
        if name in self.scope.variables and _speaks_of_steps(node):
            inner = ast.unparse(node.args[0]).replace(" ", "")
            step = inner if inner.startswith("t") else f"t{inner}" if inner[:1] == "-" else "t-1"
            return self.fail(
                node,
                f"a variable takes its step in brackets: write {name}[{step}], not {name}(...)",
            )
        if name in self.scope.variables or name in self.scope.names:
            return self.fail(node, f"'{name}' is not a function: for a product write {name}*(...)")
        advice = _advice().function_advice(name)
        if self.scope.kind == "initial value" and "draws nothing" in advice:
            advice = "a law at the start is said by 'spread:', as in initial: 0, spread: normal(1)"
        if advice:
            return self.fail(node, f"unknown function '{short(name)}': {advice}")
        hint = suggestion(name, {*self.scope.functions, *self.functions()})
        declare = "" if "did you mean" in hint else ": declare it under 'functions:'"
        return self.fail(node, f"unknown function '{short(name)}'{declare}{hint}")

    def expect(self, node: ast.Call, name: str, count: int) -> None:
        """Refuse a call with another number of arguments."""
        if len(node.args) != count:
            form = _FORMS.get(name, "")
            comma = _advice().comma_advice(ast.get_source_segment(self.source, node) or "")
            hint = f"; {comma}" if comma else f": write {form}" if form else ""
            raise self.fail(
                node,
                f"{name} takes {count} argument{'s' * (count != 1)}, found {len(node.args)}{hint}",
            )

    def where(self, node: ast.Call, depth: int) -> Value:
        """Read a choice."""
        self.expect(node, "where", 3)
        condition, a, b = node.args
        values = self.condition(condition, depth), self.number(a, depth), self.number(b, depth)
        self.at = node
        return self.apply("where", *values)

    def extremum(self, node: ast.Call, depth: int) -> Value:
        """Read min or max of numbers."""
        assert isinstance(node.func, ast.Name)
        if len(node.args) < 2:
            raise self.fail(
                node, f"{node.func.id} takes two or more arguments: write {node.func.id}(a, b)"
            )
        result = self.number(node.args[0], depth)
        for arg in node.args[1:]:
            right = self.number(arg, depth)
            self.at = node
            result = self.apply(node.func.id, result, right)
        return result


def _speaks_of_steps(node: ast.Call) -> bool:
    """Whether a call's one argument reads like a step: t, t-1, t+1, -1, 0."""
    if len(node.args) != 1:
        return False
    return bool(re.fullmatch(r"t|\(?t ?[-+] ?\w+\)?|-?\d+", ast.unparse(node.args[0])))


_FORMS = {
    "clip": "clip(x, lo, hi)",
    "where": "where(condition, a, b)",
    "log": "log(x), and log(x)/log(10) for another base",
}
_TIMELESS = {
    "rule": "no rule of this model reads a [t] or [t-1], so it is a model without time",
    "flow": "a flow is written with bare names, and 'time' for the time",
    "algebraic": "it is written with bare names, and 'time' for the time",
}


def _advice() -> Any:
    """Return the module that says what to write; a text that is right does without it."""
    from causalopt.language import advice

    return advice


def short(name: str) -> str:
    """Return a name, or where it is very long its beginning."""
    return name if len(name) <= 60 else name[:57] + "..."
