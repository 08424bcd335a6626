"""Text to tensors: the reader of rules on arrays.

It shares syntax, lags, limits and errors with the reader of rules on numbers (`language.reader`).
Every value carries the names of its dims, so that a contraction or a sum of arrays that do not
belong together is an error even where their sizes coincide.
"""

from __future__ import annotations

import ast
import dataclasses
import math
import re
from collections.abc import Hashable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from causalopt.errors import ExpressionError, suggestion
from causalopt.language.operations import OPERATIONS
from causalopt.language.reader import MAX_LENGTH, MAX_TERMS, Reader, short, unmarked
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

__all__ = ["MacroFunction", "Named", "TensorScope", "read_tensor"]

MAX_ELEMENTS = 10**8
MAX_DIMS = 16
_MAX_READ = 20 * MAX_LENGTH  # characters of function bodies read for one text
_POSITION = re.compile(r"dim(\d{1,3})")


def read_tensor(text: str, scope: TensorScope) -> Named:
    """Return the tensor a text stands for, with the names of its dims.

    Args:
        text: One expression in Python's notation.
        scope: What its names mean.

    Raises:
        ExpressionError: The text is no expression of this language, or its shapes do not fit; its
            `offset` says where.

    Example:
        >>> scope = TensorScope(
        ...     dims={"W": ("hidden", "pixel"), "x": ("pixel",)},
        ...     shapes={"W": (3, 4), "x": (4,)},
        ...     sizes={"hidden": 3, "pixel": 4},
        ... )
        >>> read_tensor("W[t-1] @ x[t]", scope).shown
        '[hidden]'
        >>> read_tensor("W[t-1] + x[t] @ W[t-1]", scope)
        Traceback (most recent call last):
        causalopt.errors.ExpressionError: x[t] @ W[t-1]: pixel is not hidden
    """
    reader = _TensorReader(text, scope, _Calls(scope))
    value = reader.number(reader.tree, 0)
    if sum(1 for _ in postorder(value.tensor)) > MAX_TERMS:
        raise ExpressionError(
            f"written out, the {scope.kind} is more than {MAX_TERMS} operations long: "
            "give its parts variables of their own"
        )
    return value


class _Calls:
    """The calls of declared functions while one text is read."""

    def __init__(self, scope: TensorScope) -> None:
        self.scope = scope
        self.active: list[str] = []
        self.done: dict[Hashable, Named] = {}
        self.characters = 0


class _TensorReader(Reader[Named]):
    scope: TensorScope
    faults = (ShapeError,)
    signs = {**Reader.signs, ast.MatMult: "matmul"}  # noqa: RUF012
    calls = {name: name for name in STRUCTURE} | {"max": "extremum", "min": "extremum"}
    hints = {  # noqa: RUF012
        **Reader.hints,
        ast.Tuple: "several values in a row are written stack(a, b, dim)",
        ast.List: "a list is written stack(a, b, dim)",
    }

    def __init__(
        self, text: str, scope: TensorScope, calls: _Calls, words: dict[str, str] | None = None
    ) -> None:
        super().__init__(text, scope)
        self._calls = calls
        self._words = words or {}  # a function's argument -> the dim that it stands for

    def made(self, value: Fraction, /) -> Named:
        return Named(const(value), ())

    def reference(self, name: str, lag: int, /) -> Named:
        return Named(building.ref(name, lag, self.scope.shapes[name]), self.scope.dims[name])

    def delayed(self, node: ast.expr, name: str, lag: Fraction, /) -> Named:
        raise self.fail(
            node, f"an array has no value between steps, such as {name} {float(lag):g} steps ago"
        )

    def value_of(self, value: Named, /) -> Fraction | None:
        return value.tensor.payload if value.tensor.op == "const" else None

    def is_truth(self, value: Named, /) -> bool:
        return value.tensor.is_truth

    def functions(self) -> set[str]:
        return tensor_function_names()

    def _known(self) -> set[str]:
        return super()._known() | set(self.scope.sizes)

    # What is written

    def _written(self, node: ast.AST) -> str:
        """Return what the user wrote for a node."""
        source = self.source.encode()
        first, last = (
            self.column(len(source[:byte].decode(errors="ignore")))
            for byte in (node.col_offset, node.end_col_offset)  # type: ignore[attr-defined]
        )
        return " ".join(self.text[first:last].split())

    def _operation(self, node: ast.expr) -> str:
        """Return an operation as it is written, in the middle where it is long."""
        if not isinstance(node, ast.BinOp):
            return short(self._written(node))
        left, right = self._written(node.left), self._written(node.right)
        whole = self._written(node)
        sign = whole[len(left) : len(whole) - len(right)].strip() if len(whole) < 200 else "..."
        left = left if len(left) <= 40 else "..." + left[-37:]
        return f"{left} {sign.strip('() ')} {short(right)}"

    def _bounded(self, node: ast.AST, tensor: Tensor, dims: Dims) -> Named:
        self._check_size(node, tensor.shape)
        return Named(tensor, dims)

    def _check_size(self, node: ast.AST, shape: Shape) -> None:
        size = math.prod(shape)
        if size > MAX_ELEMENTS:
            raise self.fail(
                node,
                f"{short(self._written(node))} has {size:,} elements, {list(shape)}, the limit is "
                f"{MAX_ELEMENTS:,}",
            )
        if len(shape) > MAX_DIMS:
            raise self.fail(node, f"the result has {len(shape)} dims, the limit is {MAX_DIMS}")

    def _no_such_syntax(self, node: ast.AST) -> str:
        if not isinstance(node, ast.Attribute):
            return super()._no_such_syntax(node)
        inner, name = short(self._written(node.value)), node.attr
        name = "transpose" if name == "T" else name
        known = name in self.functions() or name in self.scope.functions
        hint = f"write {name}({inner})" if known else "use plain names"
        return f"attributes are not part of the language: {hint}"

    def call(self, node: ast.Call, depth: int) -> Named:
        if isinstance(node.func, ast.Attribute):
            raise self.fail(node, self._no_such_syntax(node.func))
        return super().call(node, depth)

    # Operations

    def apply(self, op: str, /, *args: Named, payload: Any = None) -> Named:
        try:
            if op == "matmul":
                tensor, dims = _matmul(*args)
            else:
                dims = joint_dims(*map(dims_of, args))
                shape = building.joint_shape(*(arg.tensor.shape for arg in args))
                self._check_size(self.at, shape)
                tensor = elementwise(op, *(arg.tensor for arg in args), payload=payload)
        except ShapeError as error:
            place = self.at.right if isinstance(self.at, ast.BinOp) else self.at
            raise self.fail(place, f"{self._operation(self.at)}: {error}") from None
        return self._bounded(self.at, tensor, dims)

    def applied(self, node: ast.Call, function: MacroFunction, depth: int) -> Named:
        values = [self.number(arg, depth) for arg in node.args]
        words = {
            name: word
            for name, arg in zip(function.arguments, node.args, strict=True)
            if (word := self._dim_word(arg)) is not None
        }
        key = (function.name, *values, *words.items())
        calls = self._calls
        if key in calls.done:
            return calls.done[key]
        if function.name in calls.active:
            raise self.fail(node, f"'{function.name}' calls itself, which has no end")
        calls.characters += len(function.text)
        if calls.characters > _MAX_READ:
            raise self.fail(
                node,
                f"written out, the calls of functions are more than {_MAX_READ} characters long: "
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
            reader = _TensorReader(function.text, scope, calls, words)
            calls.done[key] = reader.number(reader.tree, depth)
        except ExpressionError as error:
            body = short(function.text.strip())
            raise self.fail(
                node, f"in {function.name} = {body}, column {error.offset + 1}: {error.message}"
            ) from None
        finally:
            calls.active.pop()
        return calls.done[key]

    # Names, steps and elements

    def name(self, node: ast.Name, depth: int) -> Named:
        name = unmarked(node.id)
        scope = self.scope
        if name in scope.sizes and name not in scope.names and name not in scope.variables:
            return self.made(Fraction(scope.sizes[name]))
        return super().name(node, depth)

    def subscript(self, node: ast.Subscript, depth: int) -> Named:
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
                    f"{name}[t][{self._written(node.slice)}]",
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
                f"{len(places)} places in brackets, but {short(self._written(node.value))} is "
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
        place = self._whole(
            node, depth, "an element's place; write take(x, k, dim) for a place that changes"
        )
        if not -size <= place < size:
            raise self.fail(node, f"there is no element {place} of {_sized(name, size)}")
        return place % size

    def _cut(
        self, node: ast.Slice, name: str | None, size: int, depth: int
    ) -> tuple[int, int, int]:
        ends = []
        for end, default in ((node.lower, 0), (node.upper, size)):
            place = default
            if end is not None:
                place = self._whole(end, depth, "an element's place")
                if not -size <= place <= size:
                    raise self.fail(end, f"there is no element {place} of {_sized(name, size)}")
                place = place + size if place < 0 else place
            ends.append(place)
        step = 1
        if node.step is not None:
            step = self._whole(node.step, depth, "a step between elements")
            if step < 1:
                raise self.fail(node.step, "elements are taken forwards: write a step from 1 on")
        start, stop = ends
        if start >= stop:
            ends_at = node.lower or node.upper
            assert ends_at is not None
            raise self.fail(ends_at, f"there are no elements from {start} up to {stop}")
        return start, start + (stop - start - 1) // step * step + 1, step

    def _whole(self, node: ast.expr, depth: int, what: str) -> int:
        """Read a whole number that does not change."""
        value = _exact(self.number(node, depth).tensor)
        if value is None or value.denominator != 1:
            raise self.fail(
                node, f"expected a whole number for {what}, found {short(self._written(node))}"
            )
        if abs(value) > MAX_ELEMENTS:
            raise self.fail(node, f"the number is larger than {MAX_ELEMENTS:,}")
        return int(value)

    # Dims

    def _dim_word(self, node: ast.expr) -> str | None:
        """Return the name of a dim, or dim0, dim1, ..., that a node is; None for others."""
        if not isinstance(node, ast.Name):
            return None
        name = unmarked(node.id)
        if name in self._words:
            return self._words[name]
        if name in self.scope.names or name in self.scope.variables:
            return None
        return name if name in self.scope.sizes or _POSITION.fullmatch(name) else None

    def _axis(self, node: ast.expr, value: Named, shown: ast.expr) -> int:
        """Read the name of a dim of an array."""
        word = self._dim_word(node)
        text = short(self._written(shown))
        if word is None:
            found = short(self._written(node))
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

    def _axes(self, nodes: Sequence[ast.expr], value: Named, shown: ast.expr) -> tuple[int, ...]:
        axes: list[int] = []
        for node in nodes:
            axis = self._axis(node, value, shown)
            if axis in axes:
                raise self.fail(node, f"the dim {short(self._written(node))} stands here twice")
            axes.append(axis)
        return tuple(axes)

    def _new_dim(self, node: ast.expr, depth: int) -> tuple[str | None, int]:
        """Read a declared size's name, or a whole number for a dim without a name."""
        word = self._dim_word(node)
        if word is not None and word in self.scope.sizes:
            return word, self.scope.sizes[word]
        if isinstance(node, ast.Name) and unmarked(node.id) not in self.scope.names:
            hint = suggestion(unmarked(node.id), self.scope.sizes)
            raise self.fail(node, f"'{short(unmarked(node.id))}' is not declared in 'sizes:'{hint}")
        size = self._whole(node, depth, "a dim, or the name of one")
        if size < 1:
            raise self.fail(node, f"a dim has at least one element, found {size}")
        return None, size

    def _array(self, node: ast.expr, depth: int, name: str) -> Named:
        value = self.number(node, depth)
        if not value.dims:
            raise self.fail(
                node, f"{name} takes an array, {short(self._written(node))} is a number"
            )
        return value

    def _at_least(self, node: ast.Call, count: int, example: str) -> None:
        if len(node.args) < count:
            raise self.fail(node, f"write {example}, found {len(node.args)} arguments")

    def _called(self, node: ast.Call, example: str, most: int | None = None) -> None:
        """Refuse a call of another number of arguments than its example, or than up to `most`."""
        count = example.count(",") + 1
        if not count <= len(node.args) <= (most or count):
            raise self.fail(node, f"write {example}, found {_arguments(len(node.args))}")

    # Reductions

    def sum(self, node: ast.Call, depth: int) -> Named:
        """Read a sum over dims, or over everything."""
        value, axes = self._reduced(node, depth)
        return Named(building.total(value.tensor, axes), _without(value.dims, axes))

    def mean(self, node: ast.Call, depth: int) -> Named:
        """Read a mean over dims, or over everything."""
        value, axes = self._reduced(node, depth)
        count = const(math.prod(value.tensor.shape[axis] for axis in axes))
        tensor = elementwise("div", building.total(value.tensor, axes), count)
        return Named(tensor, _without(value.dims, axes))

    def _reduced(self, node: ast.Call, depth: int) -> tuple[Named, tuple[int, ...]]:
        name = unmarked(node.func.id)  # type: ignore[attr-defined]
        self._at_least(node, 1, f"{name}(x) or {name}(x, dim)")
        value = self.number(node.args[0], depth)
        axes = self._axes(node.args[1:], value, node.args[0])
        return value, axes or tuple(range(len(value.dims)))

    def extremum(self, node: ast.Call, depth: int) -> Named:
        """Read max and min: over dims, or of several values element by element."""
        name = unmarked(node.func.id)  # type: ignore[attr-defined]
        self._at_least(node, 1, f"{name}(x), {name}(x, dim) or {name}(a, b)")
        result = self.number(node.args[0], depth)
        rest = node.args[1:]
        if not rest or (result.dims and all(self._dim_word(arg) is not None for arg in rest)):
            axes = self._axes(rest, result, node.args[0]) or tuple(range(len(result.dims)))
            return Named(_extremum(name, result.tensor, axes), _without(result.dims, axes))
        for arg in rest:
            other = self.number(arg, depth)
            self.at = node
            result = self.apply(name, result, other)
        return result

    def _along(self, node: ast.Call, depth: int) -> tuple[Named, int]:
        """Read f(x) or f(x, dim): by default along the last dim."""
        name = unmarked(node.func.id)  # type: ignore[attr-defined]
        self._called(node, f"{name}(x)", 2)
        value = self._array(node.args[0], depth, name)
        if len(node.args) == 1:
            return value, len(value.dims) - 1
        return value, self._axis(node.args[1], value, node.args[0])

    def logsumexp(self, node: ast.Call, depth: int) -> Named:
        """Read the logarithm of a sum of exponentials along a dim."""
        value, axis = self._along(node, depth)
        largest, scaled = _scaled(value.tensor, axis)
        total = elementwise("log", building.total(scaled, (axis,)))
        flat = building.reshaped(largest, total.shape)
        return Named(elementwise("add", flat, total), _without(value.dims, (axis,)))

    def softmax(self, node: ast.Call, depth: int) -> Named:
        """Read exponentials along a dim, divided by their sum."""
        value, axis = self._along(node, depth)
        _, scaled = _scaled(value.tensor, axis)
        total = _kept(building.total(scaled, (axis,)), axis)
        return Named(elementwise("div", scaled, total), value.dims)

    def argmax(self, node: ast.Call, depth: int) -> Named:
        """Read the place of the first largest along a dim."""
        value, axis = self._along(node, depth)
        return Named(building.first_largest(value.tensor, axis), _without(value.dims, (axis,)))

    # Choosing elements

    def _index(self, node: ast.expr, name: str | None, size: int, depth: int) -> Named:
        """Read places along a dim."""
        value = self.number(node, depth)
        fixed = _exact(value.tensor)
        if fixed is not None and (fixed.denominator != 1 or not 0 <= fixed < size):
            raise self.fail(
                node, f"there is no element {short(self._written(node))} of {_sized(name, size)}"
            )
        return value

    def onehot(self, node: ast.Call, depth: int) -> Named:
        """Read 1 at a place along a new dim."""
        self._called(node, "onehot(k, dim)")
        name, size = self._new_dim(node.args[1], depth)
        index = self._index(node.args[0], name, size, depth)
        self._check_size(node, (*index.tensor.shape, size))
        return Named(building.onehot(index.tensor, size), (*index.dims, name))

    def take(self, node: ast.Call, depth: int) -> Named:
        """Read the elements at places along a dim."""
        self._called(node, "take(x, k, dim)")
        value = self._array(node.args[0], depth, "take")
        axis = self._axis(node.args[2], value, node.args[0])
        index = self._index(node.args[1], *value.dim(axis), depth)
        dims = (*value.dims[:axis], *index.dims, *value.dims[axis + 1 :])
        return self._bounded(node, building.taken(value.tensor, index.tensor, axis), dims)

    # Products and shapes

    def einsum(self, node: ast.Call, depth: int) -> Named:
        """Read a sum of products, given by indices."""
        example = "einsum('ij,j->i', x, y)"
        if not node.args or not _is_text(node.args[0]):
            place = node.args[0] if node.args else node
            raise self.fail(place, f"the indices come first, in quotes: {example}")
        indices, result = self._indices(node.args[0], example)
        if len(indices) != len(node.args) - 1:
            raise self.fail(
                node,
                f"indices for {_arguments(len(indices), 'array')}, found "
                f"{len(node.args) - 1}: {example}",
            )
        seen: dict[str, tuple[str | None, int]] = {}
        values = []
        for letters, arg in zip(indices, node.args[1:], strict=True):
            value = self.number(arg, depth)
            text = short(self._written(arg))
            if len(letters) != len(value.dims):
                raise self.fail(arg, f"the indices '{letters}' for {text}, {value.described}")
            for letter, dim in zip(letters, dims_of(value), strict=True):
                before = seen.setdefault(letter, dim)
                try:
                    met(before, dim)
                except ShapeError as error:
                    raise self.fail(arg, f"index {letter} of {text}: {error}") from None
                seen[letter] = (before[0] or dim[0], dim[1])
            values.append(value.tensor)
        numbers = {letter: number for number, letter in enumerate(seen)}
        shape = tuple(seen[letter][1] for letter in result)
        self._check_size(node, shape)
        coded = tuple(tuple(numbers[i] for i in letters) for letters in indices)
        tensor = building.einsum(coded, tuple(numbers[i] for i in result), *values)
        return Named(tensor, tuple(seen[letter][0] for letter in result))

    def _indices(self, node: ast.expr, example: str) -> tuple[list[str], str]:
        written = self._written(node)
        found = re.fullmatch(r"""(["'])([A-Za-z, ]*)(?:(->)([A-Za-z ]*))?\1""", written)
        if found is None:
            raise self.fail(
                node,
                f"indices are letters, one for each dim, as in {example}: found {short(written)}",
            )
        indices = found[2].replace(" ", "").split(",")
        letters = "".join(indices)
        if found[3] is None:  # numpy's rule: what stands once, in the order of the alphabet
            return indices, "".join(sorted(i for i in set(letters) if letters.count(i) == 1))
        result = found[4].replace(" ", "")
        for letter in result:
            if letter not in letters:
                raise self.fail(node, f"index {letter} of the result is no index of an array")
            if result.count(letter) > 1:
                raise self.fail(node, f"index {letter} stands twice in the result")
        return indices, result

    def transpose(self, node: ast.Call, depth: int) -> Named:
        """Read dims in another order."""
        self._at_least(node, 1, "transpose(x) or transpose(x, b, a)")
        value = self.number(node.args[0], depth)
        axes = self._axes(node.args[1:], value, node.args[0])
        if not axes:
            axes = tuple(reversed(range(len(value.dims))))
        elif len(axes) < len(value.dims):
            raise self.fail(
                node, f"name all dims of {short(self._written(node.args[0]))}, {value.described}"
            )
        dims = tuple(value.dims[axis] for axis in axes)
        return Named(building.permuted(value.tensor, axes), dims)

    def reshape(self, node: ast.Call, depth: int) -> Named:
        """Read elements in another shape."""
        self._at_least(node, 1, "reshape(x, a, b)")
        value = self.number(node.args[0], depth)
        new = [self._new_dim(arg, depth) for arg in node.args[1:]]
        shape = tuple(size for _, size in new)
        if math.prod(shape) != value.tensor.size:
            raise self.fail(
                node,
                f"{short(self._written(node.args[0]))} has {value.tensor.size} elements, "
                f"the new shape {list(shape)} has {math.prod(shape)}",
            )
        return Named(building.reshaped(value.tensor, shape), tuple(name for name, _ in new))

    def concat(self, node: ast.Call, depth: int) -> Named:
        """Read arrays one after another."""
        self._at_least(node, 2, "concat(a, b, dim)")
        *args, last = node.args
        parts = [self._array(arg, depth, "concat") for arg in args]
        rank = len(parts[0].dims)
        for arg, part in zip(args, parts, strict=True):
            if len(part.dims) != rank:
                raise self.fail(
                    arg,
                    f"{short(self._written(args[0]))} is {parts[0].described}, "
                    f"{short(self._written(arg))} {part.described}: the parts have as many dims",
                )
        axis, name = self._join_axis(last, args, parts)
        dims = list(parts[0].dims)
        for arg, part in zip(args, parts, strict=True):
            for other in range(rank):
                if other != axis:
                    try:
                        met(parts[0].dim(other), part.dim(other))
                    except ShapeError as error:
                        raise self.fail(arg, f"{short(self._written(node))}: {error}") from None
                    dims[other] = dims[other] or part.dims[other]
        dims[axis] = name
        tensor = building.joined([part.tensor for part in parts], axis)
        return self._bounded(node, tensor, tuple(dims))

    def _join_axis(
        self, node: ast.expr, args: Sequence[ast.expr], parts: Sequence[Named]
    ) -> tuple[int, str | None]:
        """Return the axis that parts are joined along, and the name of the result's dim.

        The dim is one that the parts have, or the result's, whose size is the sum of theirs.
        """
        word = self._dim_word(node)
        sizes = self.scope.sizes
        if word is None or word not in sizes or any(word in part.dims for part in parts):
            axes = {self._axis(node, part, arg) for arg, part in zip(args, parts, strict=True)}
            if len(axes) > 1:
                raise self.fail(node, f"{short(self._written(node))} is not the same dim of all")
            (axis,) = axes
            total = sum(part.tensor.shape[axis] for part in parts)
            return axis, word if word is not None and sizes.get(word) == total else None
        fitting = [
            axis
            for axis in range(len(parts[0].dims))
            if sum(part.tensor.shape[axis] for part in parts) == sizes[word]
        ]
        if len(fitting) != 1:
            shown = " and ".join(part.shown for part in parts)
            raise self.fail(
                node,
                f"{word} ({sizes[word]}) is no dim of {shown}, nor the sum of their sizes along "
                f"{'one dim alone' if fitting else 'any'}",
            )
        return fitting[0], word

    def stack(self, node: ast.Call, depth: int) -> Named:
        """Read arrays along a new first dim."""
        self._at_least(node, 2, "stack(a, b, dim)")
        *args, last = node.args
        parts = [self.number(arg, depth) for arg in args]
        name, size = self._new_dim(last, depth)
        if size != len(parts):
            raise self.fail(
                last,
                f"{_sized(name, size)} for {_arguments(len(parts), 'part')}: its size is "
                "the number of parts",
            )
        dims = list(parts[0].dims)
        for arg, part in zip(args, parts, strict=True):
            if len(part.dims) != len(dims):
                raise self.fail(
                    arg,
                    f"{short(self._written(arg))} is {part.described}, the first part "
                    f"{parts[0].described}",
                )
            for axis in range(len(dims)):
                try:
                    met(parts[0].dim(axis), part.dim(axis))
                except ShapeError as error:
                    raise self.fail(arg, f"{short(self._written(node))}: {error}") from None
                dims[axis] = dims[axis] or part.dims[axis]
        tensor = building.stacked([part.tensor for part in parts])
        return self._bounded(node, tensor, (name, *dims))

    # Neighbours

    def shift(self, node: ast.Call, depth: int) -> Named:
        """Read neighbours, zeros coming in."""
        value, by, axis = self._moved(node, depth)
        return Named(building.shifted(value.tensor, by, axis), value.dims)

    def roll(self, node: ast.Call, depth: int) -> Named:
        """Read neighbours on a ring."""
        value, by, axis = self._moved(node, depth)
        return Named(building.rolled(value.tensor, by, axis), value.dims)

    def _moved(self, node: ast.Call, depth: int) -> tuple[Named, int, int]:
        name = unmarked(node.func.id)  # type: ignore[attr-defined]
        self._called(node, f"{name}(x, k, dim)")
        value = self._array(node.args[0], depth, name)
        by = self._whole(node.args[1], depth, "the places to move by")
        return value, by, self._axis(node.args[2], value, node.args[0])

    def convolve(self, node: ast.Call, depth: int) -> Named:
        """Read a convolution along a dim."""
        self._called(node, "convolve(x, kernel, dim)")
        value = self._array(node.args[0], depth, "convolve")
        kernel = self._array(node.args[1], depth, "convolve")
        axis = self._axis(node.args[2], value, node.args[0])
        if len(kernel.dims) > 1:
            raise self.fail(
                node.args[1],
                f"a kernel has one dim, {short(self._written(node.args[1]))} is {kernel.described}",
            )
        width, size = kernel.tensor.shape[0], value.tensor.shape[axis]
        if width > size:
            raise self.fail(
                node.args[1],
                f"the kernel has {width} elements, more than {_sized(*value.dim(axis))}",
            )
        self._check_size(node, (*value.tensor.shape, width))
        self._check_width(node, width)
        return Named(building.convolved(value.tensor, kernel.tensor, axis), value.dims)

    def windows(self, node: ast.Call, depth: int) -> Named:
        """Read the windows along a dim."""
        self._called(node, "windows(x, dim, tap)", 4)
        value = self._array(node.args[0], depth, "windows")
        axis = self._axis(node.args[1], value, node.args[0])
        tap, width = self._new_dim(node.args[2], depth)
        count = value.tensor.shape[axis] - width + 1
        if count < 1:
            raise self.fail(
                node.args[2],
                f"a window of {_sized(tap, width)} is wider than {_sized(*value.dim(axis))}",
            )
        out = None
        if len(node.args) == 4:
            out, size = self._new_dim(node.args[3], depth)
            if size != count:
                raise self.fail(
                    node.args[3], f"there are {count} windows, and {_sized(out, size)} is not"
                )
        shape = list(value.tensor.shape)
        shape[axis] = count
        self._check_size(node, (*shape, width))
        self._check_width(node, width)
        dims = (*value.dims[:axis], out, *value.dims[axis + 1 :], tap)
        return Named(building.windows(value.tensor, axis, width), dims)

    def _check_width(self, node: ast.Call, width: int) -> None:
        self._calls.characters += width
        if self._calls.characters > _MAX_READ or 3 * width > MAX_TERMS:
            raise self.fail(node, f"windows of {width} elements are too many to write out")

    # Arrays of numbers

    def index(self, node: ast.Call, depth: int) -> Named:
        """Read the places along a dim."""
        self._called(node, "index(dim)")
        name, size = self._new_dim(node.args[0], depth)
        self._check_size(node, (size,))
        return Named(building.literal(np.arange(float(size))), (name,))

    def identity(self, node: ast.Call, depth: int) -> Named:
        """Read a unit matrix."""
        self._called(node, "identity(dim)")
        name, size = self._new_dim(node.args[0], depth)
        self._check_size(node, (size, size))
        places = building.literal(np.arange(float(size)))
        return Named(building.onehot(places, size), (name, name))

    def ones(self, node: ast.Call, depth: int) -> Named:
        """Read an array of ones."""
        return self._filled(node, 1, depth)

    def zeros(self, node: ast.Call, depth: int) -> Named:
        """Read an array of zeros."""
        return self._filled(node, 0, depth)

    def _filled(self, node: ast.Call, value: int, depth: int) -> Named:
        name = unmarked(node.func.id)  # type: ignore[attr-defined]
        self._at_least(node, 1, f"{name}(dim, ...)")
        new = [self._new_dim(arg, depth) for arg in node.args]
        shape = tuple(size for _, size in new)
        self._check_size(node, shape)
        return Named(building.full(shape, value), tuple(name for name, _ in new))

    # Derivatives

    def grad(self, node: ast.Call, depth: int) -> Named:
        """Read a derivative; how a loss comes about is known when all rules are read."""
        self._called(node, "grad(loss, w)")
        loss, wanted = (self.number(arg, depth) for arg in node.args)
        if loss.dims:
            raise self.fail(
                node.args[0],
                f"grad is of a number, {short(self._written(node.args[0]))} is {loss.described}: "
                "write grad(sum(...), w)",
            )
        if wanted.tensor.op != "input" or wanted.tensor.payload[0] != "ref":
            raise self.fail(
                node.args[1],
                "grad is along a variable such as W[t-1], found "
                + short(self._written(node.args[1])),
            )
        shape = wanted.tensor.shape
        return Named(Tensor.of("grad", loss.tensor, wanted.tensor, shape=shape), wanted.dims)


def _matmul(a: Named, b: Named) -> tuple[Tensor, Dims]:
    if not a.dims or not b.dims:
        raise ShapeError("'@' multiplies arrays: write * for a number")
    met(a.dim(-1), b.dim(-2 if len(b.dims) > 1 else -1))
    lead = joint_dims(dims_of(a)[:-2], dims_of(b)[:-2])
    dims = (*lead, *a.dims[-2:-1], *(b.dims[-1:] if len(b.dims) > 1 else ()))
    return building.matmul(a.tensor, b.tensor), dims


def _extremum(name: str, x: Tensor, axes: tuple[int, ...]) -> Tensor:
    if not axes:
        return x
    if name == "max":
        return building.largest(x, axes)
    return elementwise("neg", building.largest(elementwise("neg", x), axes))


def _kept(x: Tensor, axis: int) -> Tensor:
    """Return an array with an axis of size 1 put in."""
    return building.reshaped(x, (*x.shape[:axis], 1, *x.shape[axis:]))


def _scaled(x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Return the largest m along an axis, kept, and exp(x - m), which does not overflow."""
    largest = _kept(building.largest(x, (axis,)), axis)
    return largest, elementwise("exp", elementwise("sub", x, largest))


def _without(dims: Dims, axes: Sequence[int]) -> Dims:
    return tuple(name for axis, name in enumerate(dims) if axis not in axes)


def _sized(name: str | None, size: int) -> str:
    return f"{size} elements" if name is None else f"{name} ({size})"


def _arguments(count: int, noun: str = "argument") -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _exact(root: Tensor) -> Fraction | None:
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
