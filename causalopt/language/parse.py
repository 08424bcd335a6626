"""Text to terms, by a whitelist over Python's syntax tree.

The text is parsed, never evaluated: a node of the tree that is not listed here is an error with its
place and a hint. Every name is looked up in the caller's scope, so `E`, `S`, `beta` or `lambda` are
whatever the model declares, and an undeclared name is an error, never a new symbol. Limits on
length, depth and the size of numbers keep hostile input cheap.
"""

from __future__ import annotations

import ast
import bisect
import itertools
import keyword
import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import cast

from causalopt.errors import ExpressionError, suggestion
from causalopt.language.algebra import constant
from causalopt.language.gradient import gradient
from causalopt.language.operations import OPERATIONS, SHORTHANDS
from causalopt.language.scope import CLOCK, Function, Scope, function_names, normalized
from causalopt.language.term import Term, const, decimal, delayed, postorder, ref, substitute

MAX_LENGTH = 50_000
MAX_DEPTH = 150
MAX_EXPONENT = 1024
MAX_LAG = 10_000
MAX_DIGITS = 1_000
MAX_TERMS = 100_000


def parse(text: str, scope: Scope, *, truth: bool = False) -> Term:
    """Return the number-valued term a text stands for.

    Args:
        text: One expression in Python's notation.
        scope: What its names mean.
        truth: Whether a condition may stand for 1 where it holds and 0 where not.

    Raises:
        ExpressionError: The text is no expression of this language; its `offset` says where.

    Example:
        >>> scope = Scope(variables=frozenset("RT"), names={"k": Term.of("param", payload="k")})
        >>> parse("R[t-1] - k*T[t-1]", scope)
        sub(ref(('R', 1)), mul(param(k), ref(('T', 1))))
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"the {scope.kind} has {len(text)} characters, the limit is {MAX_LENGTH}: "
            "split it over several variables"
        )
    reader = _Reader(text, scope)
    if not truth:
        return reader.number(reader.tree, 0)
    term = reader.read(reader.tree, 0)
    return Term.of("where", term, const(1), const(0)) if term.is_boolean else term


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


def _unmarked(name: str) -> str:
    return name[:-1] if name.endswith("_") and _KEYWORD.fullmatch(name) else name


_ARITHMETIC = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}
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
    ast.BitXor: "'^' is not part of the language: write ** for a power",
    ast.IfExp: "write where(cond, a, b) for a choice",
    ast.Attribute: "attributes are not part of the language: use plain names",
    ast.Lambda: "declare functions under 'functions:'",
    ast.MatMult: "'@' is not part of the language",
}


class _Reader:
    """One text being read; methods take a node and the depth it stands at."""

    def __init__(self, text: str, scope: Scope) -> None:
        self._text = text
        self._scope = scope
        self._margin = len(text) - len(text.lstrip())
        self._source, self._marks = _marked(_SPACES.sub(" ", text)[self._margin :])
        self.tree = self._syntax_tree()

    def _syntax_tree(self) -> ast.expr:
        if not self._source.strip():
            raise ExpressionError(f"the {self._scope.kind} is empty: write an expression")
        try:
            return ast.parse(self._source, mode="eval").body
        except SyntaxError as error:
            column = self._column((error.offset or 1) - 1)
            message = (error.msg or "not an expression").partition(";")[0]
            hint = ""
            if re.search(r"(?<![=<>!])=(?!=)", self._source):
                hint = "; '=' assigns nothing here: compare with '=='"
            elif re.search(r"\b(if|else)\b", self._text):
                hint = "; write where(cond, a, b) for a choice"
            raise ExpressionError(
                f"cannot read the {self._scope.kind}: {message}{hint}", min(column, len(self._text))
            ) from None
        except (RecursionError, MemoryError, ValueError) as error:
            raise ExpressionError(
                f"the {self._scope.kind} is nested too deeply or holds a number too long to read: "
                "split it over several variables"
            ) from error

    def _fail(self, node: ast.AST, message: str) -> ExpressionError:
        byte = getattr(node, "col_offset", 0)
        column = len(self._source.encode()[:byte].decode(errors="ignore"))
        return ExpressionError(message, self._column(column))

    def _column(self, place: int) -> int:
        """Return where a place of the marked source is in the text."""
        return place - bisect.bisect_left(self._marks, place) + self._margin

    def number(self, node: ast.expr, depth: int) -> Term:
        """Read a node that must be a number."""
        term = self.read(node, depth)
        if term.is_boolean:
            raise self._fail(
                node, "expected a number, found a condition: write where(condition, 1, 0)"
            )
        return term

    def condition(self, node: ast.expr, depth: int) -> Term:
        """Read a node that must be a truth value."""
        term = self.read(node, depth)
        if isinstance(term.payload, tuple) and term.payload[0] in self._scope.truths:
            return Term.of("lt", const(Fraction(1, 2)), term)  # no kink at 0 or at 1
        if not term.is_boolean:
            raise self._fail(node, "expected a condition such as x > 0, found a number")
        return term

    def read(self, node: ast.expr, depth: int) -> Term:
        """Read a node that may be a number or a truth value."""
        if depth > MAX_DEPTH:
            raise self._fail(
                node, f"nested more than {MAX_DEPTH} levels deep: split it over several variables"
            )
        method = _READERS.get(type(node))
        if method is None:
            raise self._fail(node, self._no_such_syntax(node))
        return method(self, node, depth + 1)

    def _no_such_syntax(self, node: ast.AST) -> str:
        default = "only numbers, names, operators and function calls are part of the language"
        return _HINTS.get(type(node), default)

    def constant(self, node: ast.Constant, _: int) -> Term:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._fail(node, f"expected a number, found {value!r}")
        try:
            finite = math.isfinite(value)
        except OverflowError:
            finite = False
        if not finite:
            raise self._fail(node, "the number is larger than a float holds (about 1.8e308)")
        return decimal(value if isinstance(value, int) else self._digits(node))

    def _digits(self, node: ast.Constant) -> str | float:
        """Return a decimal as it is written: a float would not keep more than 17 digits of it."""
        written = self._source.encode()[node.col_offset : node.end_col_offset].decode()
        if len(written) > MAX_DIGITS:
            raise self._fail(
                node, f"the number has {len(written)} characters, the limit is {MAX_DIGITS}"
            )
        return written if node.value else 0.0  # what is too small for a float is 0

    def name(self, node: ast.Name, _: int) -> Term:
        name = _unmarked(node.id)
        found = self._scope.names.get(name)
        if found is not None:
            return found
        if name in self._scope.variables:
            if self._scope.bare:
                return ref(name, 0)
            raise self._fail(
                node, f"variable '{name}' needs its step here: write {name}[t-1] or {name}[t]"
            )
        if name in self._scope.functions or name in function_names():
            raise self._fail(node, f"'{name}' is a function: write {name}(...)")
        if self._scope.bare and name in CLOCK:
            raise self._fail(node, f"'{name}' means nothing here: {_TIMELESS[self._scope.kind]}")
        hint = suggestion(name, self._known())
        raise self._fail(node, f"unknown name '{_short(name)}'{hint}")

    def _known(self) -> set[str]:
        scope = self._scope
        return set(scope.variables) | set(scope.names) | set(scope.functions)

    def subscript(self, node: ast.Subscript, depth: int) -> Term:
        if not isinstance(node.value, ast.Name):
            raise self._fail(node, "only a variable takes a step, as in R[t-1]")
        name = _unmarked(node.value.id)
        if name not in self._scope.variables:
            if name in self._scope.names:
                raise self._fail(node, f"'{name}' is not a variable and takes no step: drop the []")
            hint = suggestion(name, self._scope.variables)
            raise self._fail(node, f"unknown variable '{_short(name)}'{hint}")
        if self._scope.bare and self._scope.steps is None:
            raise self._fail(
                node, f"write {name} without a step here: {_TIMELESS[self._scope.kind]}"
            )
        return self._past(node.slice, name, depth)

    def _past(self, node: ast.expr, name: str, depth: int) -> Term:
        """Read what stands in the brackets: t, t-k, or time-s."""
        bare = self._scope.bare
        match node:
            case ast.Name(id="t") if not bare:
                return ref(name, 0)
            case ast.BinOp(left=ast.Name(id="time" | "t" as clock), op=ast.Sub(), right=back) if (
                clock == "time" or not bare
            ):
                return self._ago(node, name, clock, self.number(back, depth))
            case ast.BinOp(left=ast.Name(id="time" | "t" as clock), op=ast.Add()):
                raise self._fail(
                    node,
                    f"a rule cannot look into the future: write {name}[{clock}-1]"
                    + (f" or {name}[t]" if clock == "t" else ""),
                )
        if bare:
            raise self._fail(
                node,
                f"write {name} without a step here, or {name}[time - s] for its value a time s "
                f"ago: {_TIMELESS[self._scope.kind]}",
            )
        raise self._fail(
            node,
            f"the step must be t or t-k with a whole number k up to {MAX_LAG}, or time-s with a "
            f"time s: {name}[t-1]",
        )

    def _ago(self, node: ast.expr, name: str, clock: str, lag: Term) -> Term:
        measured = self._scope.steps
        steps = constant(lag) if measured is None else measured(lag, clock)
        if steps is None:
            raise self._fail(
                node, "a lag is fixed before the run: write it in numbers and parameters alone"
            )
        if steps < 0:
            raise self._fail(
                node, f"the lag is {float(steps):g} steps: a rule cannot look into the future"
            )
        if steps > MAX_LAG:
            raise self._fail(
                node, f"the lag is {float(steps):g} steps, the limit is {MAX_LAG}: use a larger dt"
            )
        if self._scope.bare and (steps >= 1 or steps == 0):
            return delayed(name, steps) if steps else ref(name, 0)
        if steps.denominator == 1:
            return ref(name, int(steps))
        if self._scope.bare:
            raise self._fail(
                node, f"the lag is {float(steps):g} steps: choose a dt that is no longer than it"
            )
        hint = "choose a dt that divides it" if clock == "time" else f"write {name}[t-1]"
        raise self._fail(
            node, f"the lag is {float(steps):.6g} steps, and a rule reads whole steps: {hint}"
        )

    def unary(self, node: ast.UnaryOp, depth: int) -> Term:
        sign, inner = 1, node
        while isinstance(inner.op, ast.USub | ast.UAdd):
            sign = -sign if isinstance(inner.op, ast.USub) else sign
            if not isinstance(inner.operand, ast.UnaryOp):
                break
            inner = inner.operand
        if isinstance(inner.op, ast.Not):
            if inner is not node:
                raise self._fail(inner, "expected a number, found a condition")
            return Term.of("not", self.condition(inner.operand, depth))
        if isinstance(inner.op, ast.Invert):
            raise self._fail(inner, "'~' is not part of the language: write not")
        operand = self.number(inner.operand, depth)
        value = constant(operand)
        if value is not None:
            return operand if sign > 0 else const(-value)
        return operand if sign > 0 else Term.of("neg", operand)

    def binary(self, node: ast.BinOp, depth: int) -> Term:
        # Python nests a sum to the left: walking that spine in a loop keeps a long sum shallow.
        spine = [node]
        while type(spine[-1].op) in _ARITHMETIC and isinstance(spine[-1].left, ast.BinOp):
            spine.append(spine[-1].left)
        result = self.number(spine[-1].left, depth)
        for step in reversed(spine):
            right = self.number(step.right, depth)
            if isinstance(step.op, ast.Pow):
                result = self._power(step, result, right)
            elif type(step.op) in _ARITHMETIC:
                result = Term.of(_ARITHMETIC[type(step.op)], result, right)
            else:
                raise self._fail(step, self._no_such_syntax(step.op))
        return result

    def _power(self, node: ast.BinOp, base: Term, exponent: Term) -> Term:
        value, number = constant(exponent), constant(base)
        if value is None:
            return Term.of("pow", base, exponent)
        if value == Fraction(1, 2):
            return Term.of("sqrt", base)
        if value.denominator != 1:
            return Term.of("pow", base, exponent)
        if abs(value) > MAX_EXPONENT:
            raise self._fail(
                node, f"the exponent {float(value):.4g} is larger than {MAX_EXPONENT} in size"
            )
        power = int(value)
        if number is None or (number == 0 and power < 0):
            return Term.of("ipow", base, payload=power)
        bits = max(number.numerator.bit_length(), number.denominator.bit_length())
        if bits * abs(power) > MAX_EXPONENT:
            raise self._fail(node, "the power is larger than a float holds (about 1.8e308)")
        return const(number**power)

    def compare(self, node: ast.Compare, depth: int) -> Term:
        operands = [self.number(operand, depth) for operand in (node.left, *node.comparators)]
        result: Term | None = None
        for op, a, b in zip(node.ops, operands, operands[1:], strict=False):
            if type(op) not in _COMPARE:
                raise self._fail(node, "compare numbers with <, <=, ==, !=, >= or >")
            name, swapped = _COMPARE[type(op)]
            link = Term.of(name, b, a) if swapped else Term.of(name, a, b)
            result = link if result is None else Term.of("and", result, link)
        assert result is not None
        return result

    def logic(self, node: ast.BoolOp, depth: int) -> Term:
        op = "and" if isinstance(node.op, ast.And) else "or"
        result = self.condition(node.values[0], depth)
        for value in node.values[1:]:
            result = Term.of(op, result, self.condition(value, depth))
        return result

    def call(self, node: ast.Call, depth: int) -> Term:
        if not isinstance(node.func, ast.Name):
            raise self._fail(node, "only named functions can be called")
        if node.keywords or any(isinstance(arg, ast.Starred) for arg in node.args):
            raise self._fail(node, "functions take plain arguments in order")
        name = _unmarked(node.func.id)
        declared = self._scope.functions.get(name)
        if declared is not None:
            self._expect(node, name, len(declared.arguments))
            return self._apply(node, declared, [self.number(arg, depth) for arg in node.args])
        if name in _CALLS:
            return _CALLS[name](self, node, depth)
        shorthand = SHORTHANDS.get(name)
        if shorthand is not None:
            self._expect(node, name, shorthand.arity)
            values = (self.number(arg, depth) for arg in node.args)
            return cast(Term, shorthand.meaning(Term.of, const, *values))
        operation = OPERATIONS.get(name)
        if operation is not None and not operation.text:
            self._expect(node, name, operation.arity)
            return Term.of(name, *(self.number(arg, depth) for arg in node.args))
        if name in self._scope.variables or name in self._scope.names:
            raise self._fail(node, f"'{name}' is not a function: did you mean {name}*(...)?")
        hint = suggestion(name, {*self._scope.functions, *function_names()})
        raise self._fail(node, f"unknown function '{_short(name)}'{hint}")

    def _expect(self, node: ast.Call, name: str, count: int) -> None:
        if len(node.args) != count:
            raise self._fail(
                node, f"{name} takes {count} argument{'s' * (count != 1)}, found {len(node.args)}"
            )

    def where(self, node: ast.Call, depth: int) -> Term:
        self._expect(node, "where", 3)
        condition, a, b = node.args
        return Term.of(
            "where", self.condition(condition, depth), self.number(a, depth), self.number(b, depth)
        )

    def extremum(self, node: ast.Call, depth: int) -> Term:
        assert isinstance(node.func, ast.Name)
        if len(node.args) < 2:
            raise self._fail(node, f"{node.func.id} takes two or more arguments")
        result = self.number(node.args[0], depth)
        for arg in node.args[1:]:
            result = Term.of(node.func.id, result, self.number(arg, depth))
        return result

    def diff(self, node: ast.Call, depth: int) -> Term:
        if not node.args or not isinstance(node.args[0], ast.Name):
            raise self._fail(node, "write diff(f, x): the derivative of a declared function f at x")
        name = _unmarked(node.args[0].id)
        declared = self._scope.functions.get(name)
        if declared is None:
            hint = suggestion(name, self._scope.functions)
            raise self._fail(node.args[0], f"'{name}' is not declared under 'functions:'{hint}")
        self._expect(node, "diff", 1 + len(declared.arguments))
        values = [self.number(arg, depth) for arg in node.args[1:]]
        return self._apply(node, _derivative(declared), values)

    def _apply(self, node: ast.AST, function: Function, values: list[Term]) -> Term:
        arguments = (Term.of("argument", payload=name) for name in function.arguments)
        written = substitute(function.body, dict(zip(arguments, values, strict=True)))
        if sum(1 for _ in postorder(written)) > MAX_TERMS:
            raise self._fail(
                node,
                f"written out, this call of '{function.name}' is more than {MAX_TERMS} "
                "operations long: give its parts variables of their own",
            )
        return written


_TIMELESS = {
    "rule": "no rule of this model reads a [t] or [t-1], so it is a model without time",
    "flow": "a flow is written with bare names, and 'time' for the time",
    "algebraic": "it is written with bare names, and 'time' for the time",
}


def _short(name: str) -> str:
    return name if len(name) <= 60 else name[:57] + "..."


def _derivative(function: Function) -> Function:
    """Return the derivative of a function by its first argument."""
    first = Term.of("argument", payload=function.arguments[0])
    slope = gradient(function.body, [first]).get(first, const(0))
    return Function(f"diff({function.name})", function.arguments, slope)


_READERS: dict[type[ast.expr], Callable[..., Term]] = {
    ast.Constant: _Reader.constant,
    ast.Name: _Reader.name,
    ast.Subscript: _Reader.subscript,
    ast.UnaryOp: _Reader.unary,
    ast.BinOp: _Reader.binary,
    ast.Compare: _Reader.compare,
    ast.BoolOp: _Reader.logic,
    ast.Call: _Reader.call,
}
_CALLS: dict[str, Callable[..., Term]] = {
    "where": _Reader.where,
    "min": _Reader.extremum,
    "max": _Reader.extremum,
    "diff": _Reader.diff,
}
