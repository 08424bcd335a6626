"""Text to tensors: the reader of rules on arrays, and what the functions of such rules mean.

It shares syntax, lags, limits and errors with the reader of rules on numbers (`language.reader`).
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Sequence

import numpy as np

from causalopt.errors import ExpressionError, suggestion
from causalopt.language.operations import OPERATIONS
from causalopt.language.reader import MAX_TERMS, short, unmarked
from causalopt.tensors import building
from causalopt.tensors.building import ShapeError, const, elementwise
from causalopt.tensors.cotangent import cotangents
from causalopt.tensors.named import Dims, Named, dims_of, joint_dims, met
from causalopt.tensors.tensor import Tensor, postorder, rebuilt
from causalopt.tensors.tensor_scope import TensorScope
from causalopt.tensors.tensor_syntax import MAX_READ, Calls, TensorSyntax, counted, exact, sized


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
        >>> read_tensor("x[t] + W[t-1] @ x[t]", scope)
        Traceback (most recent call last):
        causalopt.errors.ExpressionError: x[t] + W[t-1] @ x[t]: pixel is not hidden
    """
    reader = _TensorReader(text, scope, Calls(scope))
    value = reader.number(reader.tree, 0)
    if sum(1 for _ in postorder(value.tensor)) > MAX_TERMS:
        raise ExpressionError(
            f"written out, the {scope.kind} is more than {MAX_TERMS} operations long: "
            "give its parts variables of their own"
        )
    return value


class _TensorReader(TensorSyntax):
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
        self.at_least(node, 1, f"{name}(x) or {name}(x, dim)")
        value = self.number(node.args[0], depth)
        axes = self.axes(node.args[1:], value, node.args[0])
        return value, axes or tuple(range(len(value.dims)))

    def extremum(self, node: ast.Call, depth: int) -> Named:
        """Read max and min: over dims, or of several values element by element."""
        name = unmarked(node.func.id)  # type: ignore[attr-defined]
        self.at_least(node, 1, f"{name}(x), {name}(x, dim) or {name}(a, b)")
        result = self.number(node.args[0], depth)
        rest = node.args[1:]
        if not rest or (result.dims and all(self.dim_word(arg) is not None for arg in rest)):
            axes = self.axes(rest, result, node.args[0]) or tuple(range(len(result.dims)))
            return Named(_extremum(name, result.tensor, axes), _without(result.dims, axes))
        for arg in rest:
            other = self.number(arg, depth)
            self.at = node
            result = self.apply(name, result, other)
        return result

    def _along(self, node: ast.Call, depth: int) -> tuple[Named, int]:
        """Read f(x) or f(x, dim): by default along the last dim."""
        name = unmarked(node.func.id)  # type: ignore[attr-defined]
        self.called(node, f"{name}(x)", 2)
        value = self.array(node.args[0], depth, name)
        if len(node.args) == 1:
            return value, len(value.dims) - 1
        return value, self.axis(node.args[1], value, node.args[0])

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
        fixed = exact(value.tensor)
        if fixed is not None and (fixed.denominator != 1 or not 0 <= fixed < size):
            raise self.fail(
                node, f"there is no element {short(self.text_of(node))} of {sized(name, size)}"
            )
        return value

    def onehot(self, node: ast.Call, depth: int) -> Named:
        """Read 1 at a place along a new dim."""
        self.called(node, "onehot(k, dim)")
        name, size = self.new_dim(node.args[1], depth)
        index = self._index(node.args[0], name, size, depth)
        self.check_size(node, (*index.tensor.shape, size))
        return Named(building.onehot(index.tensor, size), (*index.dims, name))

    def take(self, node: ast.Call, depth: int) -> Named:
        """Read the elements at places along a dim."""
        self.called(node, "take(x, k, dim)")
        value = self.array(node.args[0], depth, "take")
        axis = self.axis(node.args[2], value, node.args[0])
        index = self._index(node.args[1], *value.dim(axis), depth)
        dims = (*value.dims[:axis], *index.dims, *value.dims[axis + 1 :])
        return self.bounded(node, building.taken(value.tensor, index.tensor, axis), dims)

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
                f"indices for {counted(len(indices), 'array')}, found "
                f"{len(node.args) - 1}: {example}",
            )
        seen: dict[str, tuple[str | None, int]] = {}
        values = []
        for letters, arg in zip(indices, node.args[1:], strict=True):
            value = self.number(arg, depth)
            text = short(self.text_of(arg))
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
        self.check_size(node, shape)
        coded = tuple(tuple(numbers[i] for i in letters) for letters in indices)
        tensor = building.einsum(coded, tuple(numbers[i] for i in result), *values)
        return Named(tensor, tuple(seen[letter][0] for letter in result))

    def _indices(self, node: ast.expr, example: str) -> tuple[list[str], str]:
        written = self.text_of(node)
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
        self.at_least(node, 1, "transpose(x) or transpose(x, b, a)")
        value = self.number(node.args[0], depth)
        axes = self.axes(node.args[1:], value, node.args[0])
        if not axes:
            axes = tuple(reversed(range(len(value.dims))))
        elif len(axes) < len(value.dims):
            raise self.fail(
                node, f"name all dims of {short(self.text_of(node.args[0]))}, {value.described}"
            )
        dims = tuple(value.dims[axis] for axis in axes)
        return Named(building.permuted(value.tensor, axes), dims)

    def reshape(self, node: ast.Call, depth: int) -> Named:
        """Read elements in another shape."""
        self.at_least(node, 2, "reshape(x, a, b)")
        value = self.number(node.args[0], depth)
        new = [self.new_dim(arg, depth) for arg in node.args[1:]]
        shape = tuple(size for _, size in new)
        if math.prod(shape) != value.tensor.size:
            raise self.fail(
                node,
                f"{short(self.text_of(node.args[0]))} has {value.tensor.size} elements, "
                f"the new shape {list(shape)} has {math.prod(shape)}",
            )
        return Named(building.reshaped(value.tensor, shape), tuple(name for name, _ in new))

    def concat(self, node: ast.Call, depth: int) -> Named:
        """Read arrays one after another."""
        self.at_least(node, 3, "concat(a, b, dim)")
        *args, last = node.args
        parts = [self.array(arg, depth, "concat") for arg in args]
        rank = len(parts[0].dims)
        for arg, part in zip(args, parts, strict=True):
            if len(part.dims) != rank:
                raise self.fail(
                    arg,
                    f"{short(self.text_of(args[0]))} is {parts[0].described}, "
                    f"{short(self.text_of(arg))} {part.described}: the parts have as many dims",
                )
        axis, name = self._join_axis(last, args, parts)
        dims = list(parts[0].dims)
        for arg, part in zip(args, parts, strict=True):
            for other in range(rank):
                if other != axis:
                    try:
                        met(parts[0].dim(other), part.dim(other))
                    except ShapeError as error:
                        raise self.fail(arg, f"{short(self.text_of(node))}: {error}") from None
                    dims[other] = dims[other] or part.dims[other]
        dims[axis] = name
        tensor = building.joined([part.tensor for part in parts], axis)
        return self.bounded(node, tensor, tuple(dims))

    def _join_axis(
        self, node: ast.expr, args: Sequence[ast.expr], parts: Sequence[Named]
    ) -> tuple[int, str | None]:
        """Return the axis that parts are joined along, and the name of the result's dim.

        The dim is one that the parts have, or the result's, whose size is the sum of theirs.
        """
        word = self.dim_word(node)
        sizes = self.scope.sizes
        if word is None or word not in sizes or any(word in part.dims for part in parts):
            axes = {self.axis(node, part, arg) for arg, part in zip(args, parts, strict=True)}
            if len(axes) > 1:
                raise self.fail(node, f"{short(self.text_of(node))} is not the same dim of all")
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
        self.at_least(node, 2, "stack(a, b, dim)")
        *args, last = node.args
        parts = [self.number(arg, depth) for arg in args]
        name, size = self.new_dim(last, depth)
        if size != len(parts):
            raise self.fail(
                last,
                f"{sized(name, size)} for {counted(len(parts), 'part')}: its size is "
                "the number of parts",
            )
        dims = list(parts[0].dims)
        for arg, part in zip(args, parts, strict=True):
            if len(part.dims) != len(dims):
                raise self.fail(
                    arg,
                    f"{short(self.text_of(arg))} is {part.described}, the first part "
                    f"{parts[0].described}",
                )
            for axis in range(len(dims)):
                try:
                    met(parts[0].dim(axis), part.dim(axis))
                except ShapeError as error:
                    raise self.fail(arg, f"{short(self.text_of(node))}: {error}") from None
                dims[axis] = dims[axis] or part.dims[axis]
        tensor = building.stacked([part.tensor for part in parts])
        return self.bounded(node, tensor, (name, *dims))

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
        self.called(node, f"{name}(x, k, dim)")
        value = self.array(node.args[0], depth, name)
        by = self.whole(node.args[1], depth, "the places to move by")
        return value, by, self.axis(node.args[2], value, node.args[0])

    def convolve(self, node: ast.Call, depth: int) -> Named:
        """Read a convolution along a dim."""
        self.called(node, "convolve(x, kernel, dim)")
        value = self.array(node.args[0], depth, "convolve")
        kernel = self.array(node.args[1], depth, "convolve")
        axis = self.axis(node.args[2], value, node.args[0])
        if len(kernel.dims) > 1:
            raise self.fail(
                node.args[1],
                f"a kernel has one dim, {short(self.text_of(node.args[1]))} is {kernel.described}",
            )
        width, size = kernel.tensor.shape[0], value.tensor.shape[axis]
        if width > size:
            raise self.fail(
                node.args[1],
                f"the kernel has {width} elements, more than {sized(*value.dim(axis))}",
            )
        self.check_size(node, (*value.tensor.shape, width))
        self._check_width(node, width)
        return Named(building.convolved(value.tensor, kernel.tensor, axis), value.dims)

    def windows(self, node: ast.Call, depth: int) -> Named:
        """Read the windows along a dim."""
        self.called(node, "windows(x, dim, tap)", 4)
        value = self.array(node.args[0], depth, "windows")
        axis = self.axis(node.args[1], value, node.args[0])
        tap, width = self.new_dim(node.args[2], depth)
        count = value.tensor.shape[axis] - width + 1
        if count < 1:
            raise self.fail(
                node.args[2],
                f"a window of {sized(tap, width)} is wider than {sized(*value.dim(axis))}",
            )
        out = None
        if len(node.args) == 4:
            out, size = self.new_dim(node.args[3], depth)
            if size != count:
                raise self.fail(
                    node.args[3], f"there are {count} windows, and {sized(out, size)} is not"
                )
        shape = list(value.tensor.shape)
        shape[axis] = count
        self.check_size(node, (*shape, width))
        self._check_width(node, width)
        dims = (*value.dims[:axis], out, *value.dims[axis + 1 :], tap)
        return Named(building.windows(value.tensor, axis, width), dims)

    def _check_width(self, node: ast.Call, width: int) -> None:
        self._calls.characters += width
        if self._calls.characters > MAX_READ or 3 * width > MAX_TERMS:
            raise self.fail(node, f"windows of {width} elements are too many to write out")

    # Arrays of numbers

    def index(self, node: ast.Call, depth: int) -> Named:
        """Read the places along a dim."""
        self.called(node, "index(dim)")
        name, size = self.new_dim(node.args[0], depth)
        self.check_size(node, (size,))
        return Named(building.literal(np.arange(float(size))), (name,))

    def identity(self, node: ast.Call, depth: int) -> Named:
        """Read a unit matrix."""
        self.called(node, "identity(dim)")
        name, size = self.new_dim(node.args[0], depth)
        self.check_size(node, (size, size))
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
        self.at_least(node, 1, f"{name}(dim, ...)")
        new = [self.new_dim(arg, depth) for arg in node.args]
        shape = tuple(size for _, size in new)
        self.check_size(node, shape)
        return Named(building.full(shape, value), tuple(name for name, _ in new))

    # Derivatives

    def grad(self, node: ast.Call, depth: int) -> Named:
        """Read a derivative; how a loss comes about is known when all rules are read."""
        self.called(node, "grad(loss, w)")
        loss, wanted = (self.number(arg, depth) for arg in node.args)
        if loss.dims:
            raise self.fail(
                node.args[0],
                f"grad is of a number, {short(self.text_of(node.args[0]))} is {loss.described}: "
                "write grad(sum(...), w)",
            )
        if wanted.tensor.op != "input" or wanted.tensor.payload[0] != "ref":
            raise self.fail(
                node.args[1],
                "grad is along a variable such as W[t-1], found "
                + short(self.text_of(node.args[1])),
            )
        shape = wanted.tensor.shape
        return Named(Tensor.of("grad", loss.tensor, wanted.tensor, shape=shape), wanted.dims)

    def diff(self, node: ast.Call, depth: int) -> Named:
        """Read the derivative of a declared function of numbers by its first argument."""
        if not node.args or not isinstance(node.args[0], ast.Name):
            raise self.fail(node, "write diff(f, x): the derivative of a declared function f at x")
        name = unmarked(node.args[0].id)
        declared = self.scope.functions.get(name)
        if declared is None:
            hint = suggestion(name, self.scope.functions)
            raise self.fail(node.args[0], f"'{name}' is not declared under 'functions:'{hint}")
        self.expect(node, "diff", 1 + len(declared.arguments))
        values = [self.number(arg, depth) for arg in node.args[1:]]
        dims = joint_dims(*map(dims_of, values))
        shape = building.joint_shape(*(value.tensor.shape for value in values))
        self.check_size(node, shape)
        place = building.given("argument", name, shape=shape)
        at_place = [Named(place, dims), *values[1:]]
        body = self.body(node, declared, at_place, {}, depth).tensor
        if not _acts_on_elements(body, place):
            raise self.fail(
                node, f"diff is of functions that act on each element, and '{name}' does not"
            )
        (slope,) = cotangents({body: building.full(body.shape, 1)}, [place]).values()
        if slope is None:
            return Named(building.full(shape, 0), dims)
        at = building.expanded(values[0].tensor, shape)
        return Named(rebuilt([slope], {place: at})[0], dims)


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
    largest = building.still(_kept(building.largest(x, (axis,)), axis))
    return largest, elementwise("exp", elementwise("sub", x, largest))


def _without(dims: Dims, axes: Sequence[int]) -> Dims:
    return tuple(name for axis, name in enumerate(dims) if axis not in axes)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _acts_on_elements(root: Tensor, place: Tensor) -> bool:
    """Whether a tensor is made of an input's elements one by one."""
    above = {place}
    for tensor in postorder(root):
        if any(arg in above for arg in tensor.args):
            if tensor.op not in OPERATIONS or tensor.shape != place.shape:
                return False
            above.add(tensor)
    return True
