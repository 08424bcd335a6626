"""The syntax of rules on arrays: names, steps, elements and dims, and calls of declared functions.

Every value carries the names of its dims, so that a contraction or a sum of arrays that do not
belong together is an error even where their sizes coincide. What the language's own functions do
is in `tensor_reader`.
"""

from __future__ import annotations

import ast
import dataclasses
import math
import re
from collections.abc import Hashable, Sequence
from fractions import Fraction
from typing import Any

from causalopt.errors import ExpressionError, suggestion
from causalopt.language.operations import OPERATIONS
from causalopt.language.reader import MAX_LENGTH, Reader, short, unmarked
from causalopt.tensors import building
from causalopt.tensors.building import ShapeError, const, elementwise
from causalopt.tensors.named import Dims, Named, dims_of, joint_dims, met
from causalopt.tensors.tensor import Shape, Tensor, postorder
from causalopt.tensors.tensor_scope import (
    STRUCTURE,
    MacroFunction,
    TensorScope,
    tensor_function_names,
)

MAX_ELEMENTS = 10**8
MAX_DIMS = 16
MAX_READ = 10 * MAX_LENGTH  # characters of function bodies read for one text, 50 more for each call
_POSITION = re.compile(r"dim(\d{1,3})")


class Calls:
    """The calls of declared functions while one text is read."""

    def __init__(self, scope: TensorScope) -> None:
        self.scope = scope
        self.active: list[str] = []
        self.done: dict[Hashable, Named] = {}
        self.characters = 0


class _FunctionError(ExpressionError):
    """An error in the body of a declared function, at the call of it."""


class TensorSyntax(Reader[Named]):
    """A rule on arrays being read, but for the functions of the language."""

    scope: TensorScope
    max_depth = 100
    faults = (ShapeError,)
    signs = {**Reader.signs, ast.MatMult: "matmul"}  # noqa: RUF012
    calls = {name: name for name in STRUCTURE} | {"max": "extremum", "min": "extremum"}
    hints = {  # noqa: RUF012
        **Reader.hints,
        ast.Tuple: "several values in a row are written stack(a, b, dim)",
        ast.List: "a list is written stack(a, b, dim)",
    }

    def __init__(
        self, text: str, scope: TensorScope, calls: Calls, words: dict[str, str] | None = None
    ) -> None:
        super().__init__(text, scope)
        self._calls = calls
        self._words = words or {}  # a function's argument -> the dim that it stands for

    def made(self, value: Fraction, /) -> Named:
        """Return a number as a tensor."""
        return Named(const(value), ())

    def reference(self, name: str, lag: int, /) -> Named:
        """Return the value of a variable some steps ago."""
        return Named(building.ref(name, lag, self.scope.shapes[name]), self.scope.dims[name])

    def delayed(self, node: ast.expr, name: str, lag: Fraction, /) -> Named:
        """Refuse a time ago that is no whole number of steps."""
        raise self.fail(
            node, f"an array has no value between steps, such as {name} {float(lag):g} steps ago"
        )

    def value_of(self, value: Named, /) -> Fraction | None:
        """Return a constant's number, None for other values."""
        return value.tensor.payload if value.tensor.op == "const" else None

    def steps_of(self, lag: Named, clock: str) -> Fraction | None:
        """Return how many steps a lag of numbers and sizes is; in time units it needs `dt`."""
        value = exact(lag.tensor)
        if clock == "t" or value is None:
            return value
        dt = self.scope.names.get("dt")
        step = None if dt is None else exact(dt.tensor)
        return value / step if step else None

    def is_truth(self, value: Named, /) -> bool:
        """Whether a value is a condition."""
        return value.tensor.is_truth

    def functions(self) -> set[str]:
        """Return the functions of the language."""
        return tensor_function_names()

    def _known(self) -> set[str]:
        return super()._known() | set(self.scope.sizes)

    # What is written

    def text_of(self, node: ast.AST) -> str:
        """Return what the user wrote for a node."""
        source = self.source.encode()
        first, last = (
            self.column(len(source[:byte].decode(errors="ignore")))
            for byte in (node.col_offset, node.end_col_offset)  # type: ignore[attr-defined]
        )
        return " ".join(self.text[first:last].split())

    def _misfit(self, args: Sequence[Named], problem: ShapeError) -> ExpressionError:
        """Return the error that the operands of the operation at hand are."""
        written = self.text_of(self.at)
        shown = written if len(written) <= 80 else "..." + written[-77:]
        shapes = [arg.shown for arg in args if arg.dims]
        more = f"; the shapes are {' and '.join(shapes)}" * any(len(a.dims) > 1 for a in args)
        place = self.at.right if isinstance(self.at, ast.BinOp) else self.at
        return self.fail(place, f"{shown}: {problem}{more}")

    def bounded(self, node: ast.AST, tensor: Tensor, dims: Dims) -> Named:
        """Return a value that is not too large to be held."""
        self.check_size(node, tensor.shape)
        return Named(tensor, dims)

    def check_size(self, node: ast.AST, shape: Shape) -> None:
        """Refuse a shape that is too large to be held."""
        size = math.prod(shape)
        if size > MAX_ELEMENTS:
            raise self.fail(
                node,
                f"{short(self.text_of(node))} has {size:,} elements, {list(shape)}, the limit is "
                f"{MAX_ELEMENTS:,}",
            )
        if len(shape) > MAX_DIMS:
            raise self.fail(node, f"the result has {len(shape)} dims, the limit is {MAX_DIMS}")

    def _no_such_syntax(self, node: ast.AST) -> str:
        if not isinstance(node, ast.Attribute):
            return super()._no_such_syntax(node)
        inner, name = short(self.text_of(node.value)), node.attr
        name = "transpose" if name == "T" else name
        known = name in self.functions() or name in self.scope.functions
        hint = f"write {name}({inner})" if known else "use plain names"
        return f"attributes are not part of the language: {hint}"

    def call(self, node: ast.Call, depth: int) -> Named:
        """Read a call; a method, as numpy has them, is an error that says what to write."""
        if isinstance(node.func, ast.Attribute):
            raise self.fail(node, self._no_such_syntax(node.func))
        return super().call(node, depth)

    # Operations

    def apply(self, op: str, /, *args: Named, payload: Any = None) -> Named:
        """Return an operation of values, shapes joined and the names of dims checked."""
        try:
            if op == "matmul":
                tensor, dims = _matmul(*args)
            else:
                dims = joint_dims(*map(dims_of, args))
                shape = building.joint_shape(*(arg.tensor.shape for arg in args))
                self.check_size(self.at, shape)
                tensor = elementwise(op, *(arg.tensor for arg in args), payload=payload)
        except ShapeError as error:
            raise self._misfit(args, error) from None
        return self.bounded(self.at, tensor, dims)

    def applied(self, node: ast.Call, function: MacroFunction, depth: int) -> Named:
        """Read the text of a declared function with these arguments."""
        values = [self.number(arg, depth) for arg in node.args]
        words = {
            name: word
            for name, arg in zip(function.arguments, node.args, strict=True)
            if (word := self.dim_word(arg)) is not None
        }
        return self.body(node, function, values, words, depth)

    def body(
        self,
        node: ast.Call,
        function: MacroFunction,
        values: Sequence[Named],
        words: dict[str, str],
        depth: int,
    ) -> Named:
        """Read a declared function's text with these values and dims as its arguments."""
        key = (function.name, *values, *words.items())
        calls = self._calls
        if key in calls.done:
            return calls.done[key]
        if function.name in calls.active:
            raise self.fail(node, f"'{function.name}' calls itself, which has no end")
        calls.characters += len(function.text) + 50
        if calls.characters > MAX_READ:
            raise self.fail(
                node,
                f"written out, the calls of functions are more than {MAX_READ} characters long: "
                "give parts variables of their own",
            )
        scope = dataclasses.replace(
            calls.scope,
            dims={},
            shapes={},
            names={**calls.scope.names, **dict(zip(function.arguments, values, strict=True))},
            bare=False,
            kind=f"function '{function.name}'",
        )
        calls.active.append(function.name)
        try:
            reader = type(self)(function.text, scope, calls, words)
            calls.done[key] = reader.number(reader.tree, depth)
        except _FunctionError as error:  # which says already where
            raise _FunctionError(error.message, self.fail(node, "").offset) from None
        except ExpressionError as error:
            body = short(function.text.strip())
            message = f"in {function.name} = {body}, column {error.offset + 1}: {error.message}"
            raise _FunctionError(message, self.fail(node, "").offset) from None
        finally:
            calls.active.pop()
        if function.told is not None:
            function.told(values)
        return calls.done[key]

    # Names, steps and elements

    def name(self, node: ast.Name, depth: int) -> Named:
        """Read a word that stands alone; the name of a size is a number."""
        name = unmarked(node.id)
        scope = self.scope
        if name in scope.sizes and name not in scope.names and name not in scope.variables:
            return self.made(Fraction(scope.sizes[name]))
        return super().name(node, depth)

    def subscript(self, node: ast.Subscript, depth: int) -> Named:
        """Read a step, or elements by their place."""
        target = node.value
        if not isinstance(target, ast.Name):
            return self._elements(node, self.number(target, depth), depth)
        name, scope = unmarked(target.id), self.scope
        found = scope.names.get(name)
        if found is not None and found.dims:
            return self._elements(node, found, depth)
        if found is not None or name not in scope.variables:
            return super().subscript(node, depth)
        if not scope.bare:
            if isinstance(node.slice, ast.Constant | ast.Slice | ast.Tuple):
                raise self.fail(
                    node,
                    f"the first bracket is the step, the second the elements: write "
                    f"{name}[t][{self.text_of(node.slice)}]",
                )
            return super().subscript(node, depth)
        if any(
            isinstance(word, ast.Name) and word.id in ("t", "time") for word in ast.walk(node.slice)
        ):
            raise self.fail(
                node, f"write {name} without a step here: brackets take elements by their place"
            )
        return self._elements(node, self.reference(name, 0), depth)

    def _elements(self, node: ast.Subscript, value: Named, depth: int) -> Named:
        """Return elements by their place, as numpy does; a dim that is cut loses its name."""
        inside = node.slice
        places = inside.elts if isinstance(inside, ast.Tuple) else [inside]
        if len(places) > len(value.dims):
            raise self.fail(
                node,
                f"{len(places)} places in brackets, but {short(self.text_of(node.value))} is "
                f"{value.described}",
            )
        slices, dims, shape = [], [], []
        for axis, (name, size) in enumerate(dims_of(value)):
            place = places[axis] if axis < len(places) else ast.Slice()
            if isinstance(place, ast.Slice):
                cut = self._cut(place, name, size, depth)
                count = len(range(*cut))
                slices.append(cut)
                shape.append(count)
                dims.append(name if count == size else None)
            else:
                at = self._place(place, name, size, depth)
                slices.append((at, at + 1, 1))
        cut_out = building.part(value.tensor, tuple(slices))
        return Named(building.reshaped(cut_out, tuple(shape)), tuple(dims))

    def _place(self, node: ast.expr, name: str | None, size: int, depth: int) -> int:
        place = self.whole(
            node, depth, "an element's place; write take(x, k, dim) for a place that changes"
        )
        if not -size <= place < size:
            raise self.fail(node, f"there is no element {place} of {sized(name, size)}")
        return place % size

    def _cut(
        self, node: ast.Slice, name: str | None, size: int, depth: int
    ) -> tuple[int, int, int]:
        ends = []
        for end, default in ((node.lower, 0), (node.upper, size)):
            place = default
            if end is not None:
                place = self.whole(end, depth, "an element's place")
                if not -size <= place <= size:
                    raise self.fail(end, f"there is no element {place} of {sized(name, size)}")
                place = place + size if place < 0 else place
            ends.append(place)
        step = 1
        if node.step is not None:
            step = self.whole(node.step, depth, "a step between elements")
            if step < 1:
                raise self.fail(node.step, "elements are taken forwards: write a step from 1 on")
        start, stop = ends
        if start >= stop:
            ends_at = node.lower or node.upper
            assert ends_at is not None
            raise self.fail(ends_at, f"there are no elements from {start} up to {stop}")
        return start, stop, step

    def whole(self, node: ast.expr, depth: int, what: str) -> int:
        """Read a whole number that does not change."""
        value = exact(self.number(node, depth).tensor)
        if value is None or value.denominator != 1:
            raise self.fail(
                node, f"expected a whole number for {what}, found {short(self.text_of(node))}"
            )
        if abs(value) > MAX_ELEMENTS:
            raise self.fail(node, f"the number is larger than {MAX_ELEMENTS:,}")
        return int(value)

    # Dims

    def dim_word(self, node: ast.expr) -> str | None:
        """Return the name of a dim, or dim0, dim1, ..., that a node is; None for others."""
        if not isinstance(node, ast.Name):
            return None
        name = unmarked(node.id)
        if name in self._words:
            return self._words[name]
        if name in self.scope.names or name in self.scope.variables:
            return None
        return name if name in self.scope.sizes or _POSITION.fullmatch(name) else None

    def axis(self, node: ast.expr, value: Named, shown: ast.expr) -> int:
        """Read the name of a dim of an array."""
        word = self.dim_word(node)
        text = short(self.text_of(shown))
        if word is None:
            found = short(self.text_of(node))
            hint = ""
            if isinstance(node, ast.Name) and unmarked(node.id) not in self._known():
                hint = suggestion(found, [name for name in value.dims if name is not None])
            raise self.fail(
                node, f"expected a dim of {text}, {value.described}, found {found}{hint}"
            )
        position = _POSITION.fullmatch(word)
        if position is not None and word not in self.scope.sizes:
            if int(position[1]) >= len(value.dims):
                raise self.fail(node, f"{text} has no {word}: it is {value.described}")
            return int(position[1])
        count = value.dims.count(word)
        if count != 1:
            places = [f"dim{axis}" for axis, name in enumerate(value.dims) if name == word]
            problem = (
                f"more than one dim {word}: write {' or '.join(places)} for its place"
                if count
                else f"no dim {word}: it is {value.described}"
            )
            raise self.fail(node, f"{text} has {problem}")
        return value.dims.index(word)

    def axes(self, nodes: Sequence[ast.expr], value: Named, shown: ast.expr) -> tuple[int, ...]:
        """Read the names of different dims of an array."""
        axes: list[int] = []
        for node in nodes:
            axis = self.axis(node, value, shown)
            if axis in axes:
                raise self.fail(node, f"the dim {short(self.text_of(node))} stands here twice")
            axes.append(axis)
        return tuple(axes)

    def new_dim(self, node: ast.expr, depth: int) -> tuple[str | None, int]:
        """Read a declared size's name, or a whole number for a dim without a name."""
        word = self.dim_word(node)
        if word is not None and word in self.scope.sizes:
            return word, self.scope.sizes[word]
        if isinstance(node, ast.Name) and unmarked(node.id) not in self.scope.names:
            hint = suggestion(unmarked(node.id), self.scope.sizes)
            raise self.fail(node, f"'{short(unmarked(node.id))}' is not declared in 'sizes:'{hint}")
        size = self.whole(node, depth, "a dim, or the name of one")
        if size < 1:
            raise self.fail(node, f"a dim has at least one element, found {size}")
        return None, size

    def array(self, node: ast.expr, depth: int, name: str) -> Named:
        """Read a node that must be an array."""
        value = self.number(node, depth)
        if not value.dims:
            raise self.fail(node, f"{name} takes an array, {short(self.text_of(node))} is a number")
        return value

    def at_least(self, node: ast.Call, count: int, example: str) -> None:
        """Refuse a call of too few arguments."""
        if len(node.args) < count:
            raise self.fail(node, f"write {example}, found {counted(len(node.args))}")

    def called(self, node: ast.Call, example: str, most: int | None = None) -> None:
        """Refuse a call of another number of arguments than its example, or than up to `most`."""
        count = example.count(",") + 1
        if not count <= len(node.args) <= (most or count):
            raise self.fail(node, f"write {example}, found {counted(len(node.args))}")


def _matmul(a: Named, b: Named) -> tuple[Tensor, Dims]:
    if not a.dims or not b.dims:
        raise ShapeError("'@' multiplies arrays: write * for a number")
    met(a.dim(-1), b.dim(-2 if len(b.dims) > 1 else -1))
    lead = joint_dims(dims_of(a)[:-2], dims_of(b)[:-2])
    dims = (*lead, *a.dims[-2:-1], *(b.dims[-1:] if len(b.dims) > 1 else ()))
    return building.matmul(a.tensor, b.tensor), dims


def sized(name: str | None, size: int) -> str:
    """Return a dim as it is told to users."""
    return f"{size} elements" if name is None else f"{name} ({size})"


def counted(count: int, noun: str = "argument") -> str:
    """Return so many of something in words."""
    return f"{count} {noun}{'s' * (count != 1)}"


def exact(root: Tensor) -> Fraction | None:
    """Return the value of a tensor of constants, where it is a rational number."""
    values: dict[Tensor, Fraction | None] = {}
    for tensor in postorder(root):
        if tensor.op == "const":
            values[tensor] = tensor.payload
            continue
        args = [values[arg] for arg in tensor.args]
        operation = OPERATIONS.get(tensor.op)
        if operation is None or operation.exact is None or None in args or tensor.is_truth:
            return None
        more = [tensor.payload] if tensor.payload is not None else []
        values[tensor] = operation.exact(*args, *more)
    return values[root]
