"""A graph as Python source: one straight line of array calls, for numpy or for jax.numpy.

For numpy contractions of two arrays are products of matrices, a temporary that nothing else reads
is written over, and large ones are let go as soon as they were read.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from causalopt.language.operations import OPERATIONS, bound
from causalopt.language.term import rounded
from causalopt.tensors.folding import apply, letters
from causalopt.tensors.tensor import Tensor

Compiled = Callable[..., tuple[Any, ...]]
_SIGNS = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "/",
    "lt": "<",
    "le": "<=",
    "eq": "==",
    "ne": "!=",
}
_IN_PLACE = {"add": "add", "sub": "subtract", "mul": "multiply", "div": "divide"}
_FRESH = frozenset({"place", "concat", "take", "put", "onehot", "hardmax"})
_COPY = frozenset({"sum", "amax", "argmax"})  # their values are no views either
_LARGE = 2048  # elements from which memory is worth thinking of


def compiled(
    outputs: Sequence[Tensor],
    arguments: Sequence[Tensor],
    *,
    module: Any = np,
    named: Mapping[Tensor, Tensor] | None = None,
    fixed: Mapping[Tensor, Hashable] | None = None,
) -> Compiled:
    """Return a function of arrays that gives the values of tensors.

    Args:
        outputs: What it returns, in order.
        arguments: The inputs that it takes, in order.
        module: numpy or jax.numpy.
        named: Input -> the tensor whose value it is, if that is not an argument.
        fixed: Input among `named` -> a key; the function then takes `fix` first, and the input is
            `fix(key, value)`.
    """
    writer = _Writer(module, arguments, named or {}, fixed or {})
    return writer.function(outputs)


@dataclasses.dataclass(frozen=True, eq=False)
class Loop:
    """What a loop over steps takes, carries from one step to the next, and stores.

    Attributes:
        constants: Inputs that are the same at every step.
        clock: The input that is the number of the step, None if nothing reads it.
        streams: Inputs that are given for every step.
        carried: (input, the tensor whose value it has at the step after) pairs.
        stored: Tensors whose values are kept for every step.
        disturbed: Inputs among `named` whose values are passed through a function.
    """

    constants: tuple[Tensor, ...]
    clock: Tensor | None
    streams: tuple[Tensor, ...]
    carried: tuple[tuple[Tensor, Tensor], ...]
    stored: tuple[Tensor, ...]
    disturbed: frozenset[Tensor] = frozenset()

    @property
    def results(self) -> list[Tensor]:
        """What one step has to compute."""
        return [*(new for _, new in self.carried), *self.stored]


@dataclasses.dataclass(frozen=True, eq=False)
class CompiledLoop:
    """A loop over steps that runs in numpy.

    Attributes:
        function: `f(count, first, disturb, constants, carried, streams, stores)`: runs `count`
            steps from step `first` on, writes stores[k][i], and returns what is carried on.
        overwritten: The places in `carried` of arrays that are written over: they must belong to
            the caller alone.
    """

    function: Callable[..., tuple[Any, ...]]
    overwritten: tuple[int, ...]


def looped(loop: Loop, named: Mapping[Tensor, Tensor]) -> CompiledLoop:
    """Return a loop over steps as one function of numpy.

    Args:
        loop: What it takes, carries and stores.
        named: Input -> the tensor whose value it is at the same step.
    """
    clock = [loop.clock] if loop.clock is not None else []
    carried = [before for before, _ in loop.carried]
    arguments = [*loop.constants, *clock, *loop.streams, *carried]
    fixed = {leaf: leaf.payload for leaf in loop.disturbed}
    writer = _Writer(np, arguments, named, fixed)
    return writer.loop(loop)


class _Writer:
    def __init__(
        self,
        module: Any,
        arguments: Sequence[Tensor],
        named: Mapping[Tensor, Tensor],
        fixed: Mapping[Tensor, Hashable],
    ) -> None:
        self._module = module
        self._is_numpy = module is np
        self._named, self._fixed = named, fixed
        self._names: dict[Tensor, str] = {a: f"a{i}" for i, a in enumerate(arguments)}
        self._arguments = list(self._names.values())
        self._lines: list[str] = []
        self._scope: dict[str, Any] = {"xp": module}
        self._spare: frozenset[Tensor] = frozenset()  # inputs that may be written over
        self._overwritten_inputs: set[Tensor] = set()

    def function(self, outputs: Sequence[Tensor]) -> Compiled:
        """Return a function of the arguments that gives the outputs."""
        self._write(outputs)
        head = ["fix"] * bool(self._fixed) + self._arguments
        body = [*self._lines, f"return {self._tuple(outputs)}"]
        return self._executed([f"def step({', '.join(head)}):", *_indented(body)])

    def loop(self, loop: Loop) -> CompiledLoop:
        """Return a function that runs steps one after another."""
        self._spare = _owned(loop, self._order(loop.results), self._named)
        self._write(loop.results)
        names = self._names
        body = [f"{names[x]} = streams{i}[i]" for i, x in enumerate(loop.streams)]
        if loop.clock is not None:
            body.append(f"{names[loop.clock]} = float(first + i)")
        body += self._lines
        body += [f"store{i}[i] = {names[x]}" for i, x in enumerate(loop.stored)]
        before = [x for x, _ in loop.carried]
        shifts = [(names[x], names[new]) for x, new in loop.carried if names[x] != names[new]]
        if shifts:
            left, right = zip(*shifts, strict=True)
            body.append(f"{', '.join(left)} = {', '.join(right)}")
        lines = ["def steps(count, first, fix, constants, carried, streams, stores):"]
        unpacked = [(loop.constants, "constants"), (before, "carried")]
        lines += [f"    {self._tuple(xs)} = {what}" for xs, what in unpacked if xs]
        for kind, xs in (("streams", loop.streams), ("store", loop.stored)):
            whole = "streams" if kind == "streams" else "stores"
            lines += [f"    {kind}{i} = {whole}[{i}]" for i in range(len(xs))]
        lines += ["    for i in range(count):", *_indented(_indented(body or ["pass"]))]
        lines.append(f"    return {self._tuple(before)}")
        taken = tuple(i for i, x in enumerate(before) if x in self._overwritten_inputs)
        return CompiledLoop(self._executed(lines), taken)

    def _write(self, outputs: Sequence[Tensor]) -> None:
        """Write the lines that compute some tensors."""
        order = self._updates_last(self._order(outputs))
        uses = Counter(arg for tensor in order for arg in tensor.args)
        uses.update(self._named[tensor] for tensor in order if tensor in self._named)
        kept = {*outputs, *self._names} - self._spare
        last = {arg: tensor for tensor in order for arg in tensor.args}
        for tensor in order:
            if tensor not in self._names:
                self._line(tensor, uses, kept, last)

    def _tuple(self, tensors: Iterable[Tensor]) -> str:
        names = [self._names[tensor] for tensor in tensors]
        return f"({', '.join(names)}{',' * (len(names) == 1)})"

    def _executed(self, lines: list[str]) -> Callable[..., Any]:
        text = "".join(f"{line}\n" for line in lines)
        exec(compile(text, "<arrays>", "exec"), self._scope)
        function: Callable[..., Any] = self._scope[lines[0].split("(")[0].removeprefix("def ")]
        function.__doc__ = text
        return function

    def _order(self, outputs: Sequence[Tensor]) -> list[Tensor]:
        """Return what is needed, arguments first; an input that is named comes after its value."""
        order: list[Tensor] = []
        seen: set[Tensor] = set()
        stack: list[tuple[Tensor, bool]] = [(output, False) for output in reversed(outputs)]
        while stack:
            tensor, entered = stack.pop()
            if entered:
                order.append(tensor)
            elif tensor not in seen:
                seen.add(tensor)
                stack.append((tensor, True))
                below = (self._named[tensor],) if tensor in self._named else tensor.args
                stack += [(arg, False) for arg in reversed(below)]
        return order

    def _updates_last(self, order: list[Tensor]) -> list[Tensor]:
        """Return an order in which an input is written over when all else has read it."""
        read = {arg for tensor in order for arg in tensor.args}
        nodes: dict[Tensor, list[Tensor]] = {}
        for x in order:
            if x in self._named:
                nodes.setdefault(self._named[x], []).append(x)
        late: set[Tensor] = set()
        for tensor in order:
            is_update = tensor.op in _IN_PLACE and any(arg in self._spare for arg in tensor.args)
            known_as = nodes.get(tensor, [])
            is_read = tensor in read or any(x in read or x in nodes for x in known_as)
            if is_update and not is_read:
                late |= {tensor, *known_as}
        return [x for x in order if x not in late] + [x for x in order if x in late]

    def _line(
        self, tensor: Tensor, uses: Counter[Tensor], kept: set[Tensor], last: dict[Tensor, Tensor]
    ) -> None:
        name = f"v{len(self._names)}"
        if tensor in self._named:
            value = self._names[self._named[tensor]]
            if tensor not in self._fixed:
                self._names[tensor] = value
                return
            self._names[tensor] = name
            key = f"k{len(self._scope)}"
            self._scope[key] = self._fixed[tensor]
            self._lines.append(f"{name} = fix({key}, {value})")
            return
        args = [self._names[arg] for arg in tensor.args]
        target = self._overwritten(tensor, uses, kept, last)
        text = self._text(tensor, args, target)
        if tensor.is_leaf:
            self._names[tensor] = text
            return
        self._names[tensor] = name
        self._lines.append(f"{name} = {text}")
        # A named input shares its value's name, so values that have one are not let go.
        gone = [
            self._names[arg]
            for arg in dict.fromkeys(tensor.args)
            if last.get(arg) is tensor
            and arg not in kept
            and arg.size >= _LARGE
            and not arg.is_leaf
            and arg not in self._named
            and arg not in set(self._named.values())
        ]
        if gone and self._is_numpy:
            self._lines.append(f"del {', '.join(gone)}")

    def _overwritten(
        self, tensor: Tensor, uses: Counter[Tensor], kept: set[Tensor], last: dict[Tensor, Tensor]
    ) -> str:
        """Return the name of an array that the result may be written into, "" for none."""
        if not self._is_numpy or tensor.op not in _IN_PLACE or tensor.size < _LARGE:
            return ""
        values = set(self._named.values())
        for arg in tensor.args:
            if arg in self._spare and last[arg] is tensor and arg.shape == tensor.shape:
                self._overwritten_inputs.add(arg)
                return self._names[arg]
        for arg in tensor.args:
            single = uses[arg] == 1 and arg not in kept and arg not in values
            if arg.shape == tensor.shape and single and _is_fresh(arg):
                return self._names[arg]
        return ""

    def _text(self, tensor: Tensor, args: list[str], target: str) -> str:
        op = tensor.op
        if op == "const":
            return f"({rounded(tensor.payload)!r})"
        if op == "literal":
            return self._bound("c", self._module.asarray(tensor.payload.values))
        if op == "div" and not tensor.shape:  # Python raises where its floats are divided by 0
            return f"xp.divide({args[0]}, {args[1]})"
        if op in _SIGNS:
            if target:
                return f"xp.{_IN_PLACE[op]}({args[0]}, {args[1]}, out={target})"
            return f"{args[0]} {_SIGNS[op]} {args[1]}"
        if op == "neg":
            return f"-{args[0]}"
        if op == "ipow" and tensor.payload == 2:
            return f"{args[0]}*{args[0]}"
        if op in OPERATIONS:
            function = self._bound("f", bound(OPERATIONS[op].arrays, self._module))
            payload = [repr(tensor.payload)] if tensor.payload is not None else []
            return f"{function}({', '.join([*args, *payload])})"
        if op == "einsum" and self._is_numpy and len(args) == 2:
            return _product(tensor, args)
        writer = _STRUCTURAL.get(op)
        if writer is not None:
            return writer(tensor, args)
        module = self._module
        function = self._bound("g", lambda *arrays: apply(module, tensor, list(arrays)))
        return f"{function}({', '.join(args)})"

    def _bound(self, prefix: str, value: Any) -> str:
        key = f"{prefix}{len(self._scope)}"
        self._scope[key] = value
        return key


def _is_fresh(tensor: Tensor) -> bool:
    """Whether a tensor's value is an array that nothing else has a view of yet."""
    if tensor.op == "einsum":
        return len(tensor.args) > 1  # of one array it may be a view: the diagonal
    return tensor.op in _FRESH or (tensor.op in OPERATIONS and not tensor.is_truth)


def _owned(
    loop: Loop, order: Sequence[Tensor], named: Mapping[Tensor, Tensor]
) -> frozenset[Tensor]:
    """Return the carried inputs whose arrays nothing else can be a view of, and no step gives on.

    Their values are fresh at the step before, no view is taken of them there or here, and they are
    no other carried value.
    """

    def value(tensor: Tensor) -> Tensor:
        while tensor in named:
            tensor = named[tensor]
        return tensor

    viewed = {value(arg) for x in order if not _is_fresh(x) for arg in x.args if x.op not in _COPY}
    given_on = Counter(value(new) for _, new in loop.carried)
    stored = {value(x) for x in loop.stored}
    aliased = {value(x) for x in order if x in named}
    found = set()
    for before, new in loop.carried:
        made = value(new)
        alone = given_on[made] == 1 and _is_fresh(made) and made not in viewed
        is_read_on = before in viewed or before in stored or before in aliased
        if alone and not is_read_on and not given_on[before]:
            found.add(before)
    return frozenset(found)


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _slice_text(axis: tuple[int, int, int], size: int) -> str:
    start, stop, step = axis
    if axis == (0, size, 1):
        return ":"
    return f"{start}:{stop}" + (f":{step}" if step != 1 else "")


_STRUCTURAL: dict[str, Callable[[Tensor, list[str]], str]] = {
    "sum": lambda u, a: f"{a[0]}.sum({_axes(u)})",
    "amax": lambda u, a: f"{a[0]}.max({_axes(u)})",
    "permute": lambda u, a: f"{a[0]}.transpose({u.payload})",
    "still": lambda _, a: a[0],
    "reshape": lambda u, a: (
        # A parameter may be one of Python's numbers, which has no method for it.
        f"xp.reshape({a[0]}, {u.shape})" if u.args[0].is_leaf else f"{a[0]}.reshape({u.shape})"
    ),
    "expand": lambda u, a: f"xp.broadcast_to({a[0]}, {u.shape})",
    "slice": lambda u, a: (
        f"{a[0]}["
        + ", ".join(_slice_text(x, n) for x, n in zip(u.payload, u.args[0].shape, strict=True))
        + "]"
    ),
    "concat": lambda u, a: f"xp.concatenate(({', '.join(a)},), axis={u.payload})",
    "einsum": lambda u, a: (
        f"xp.einsum('{letters(u.payload)}', {', '.join(a)}"
        + (", optimize=True)" if len(a) > 2 else ")")
    ),
}


def _axes(tensor: Tensor) -> str:
    axes = tensor.payload
    if len(axes) == len(tensor.args[0].shape):
        return ""
    return f"{axes[0]}" if len(axes) == 1 else f"{axes}"


def _product(tensor: Tensor, args: list[str]) -> str:
    """Return a contraction of two arrays as numpy computes it fastest."""
    (left, right), result = tensor.payload
    if any(len(set(axes)) < len(axes) for axes in (left, right)):
        return _STRUCTURAL["einsum"](tensor, args)
    shared = [i for i in left if i in right]
    alone = [i for axes, o in ((left, right), (right, left)) for i in axes if i not in o]
    if any(i not in result for i in alone):
        return _STRUCTURAL["einsum"](tensor, args)
    batch = [i for i in result if i in shared]
    summed = [i for i in left if i in right and i not in result]
    if not summed:
        return _spread(left, right, result, args)
    rows = [i for i in result if i in left and i not in shared]
    columns = [i for i in result if i in right and i not in shared]
    sizes = dict(zip(left, tensor.args[0].shape, strict=True))
    sizes |= dict(zip(right, tensor.args[1].shape, strict=True))
    a = _arranged(args[0], left, [batch, rows, summed], sizes)
    b = _arranged(args[1], right, [batch, summed, columns], sizes)
    text = f"xp.matmul({a}, {b})" if batch else f"{a}.dot({b})"
    made = [*batch, *rows, *columns]
    shape = tuple(sizes[i] for i in made)
    lengths = [len(batch) > 1, len(rows) > 1, len(columns) > 1, bool(batch) and not rows]
    if any(lengths) or (batch and not columns):
        text = f"{text}.reshape({shape})"
    if made == list(result):
        return text
    return f"{text}.transpose({tuple(made.index(i) for i in result)})"


def _spread(
    left: tuple[int, ...], right: tuple[int, ...], result: tuple[int, ...], args: list[str]
) -> str:
    """Return an outer or elementwise product by numpy's joining of shapes."""
    texts = []
    for axes, arg in ((left, args[0]), (right, args[1])):
        order = [i for i in result if i in axes]
        text = arg
        if order != list(axes):
            text = f"{arg}.transpose({tuple(axes.index(i) for i in order)})"
        first = min((k for k, i in enumerate(result) if i in axes), default=len(result))
        index = [":" if i in axes else "None" for i in result[first:]]
        if "None" in index:
            text = f"{text}[{', '.join(index)}]"
        texts.append(text)
    return f"{texts[0]} * {texts[1]}"


def _arranged(
    arg: str, axes: tuple[int, ...], groups: list[list[int]], sizes: dict[int, int]
) -> str:
    """Return an argument with its axes grouped; but for the batch an empty group is gone."""
    order = [i for group in groups for i in group]
    text = arg
    if order != list(axes):
        if len(order) == 2:
            text = f"{arg}.T"
        else:
            text = f"{arg}.transpose({tuple(axes.index(i) for i in order)})"
    if groups[0]:
        shape = tuple(math.prod(sizes[i] for i in group) for group in groups)
        plain = all(len(group) == 1 for group in groups)
    else:
        shape = tuple(math.prod(sizes[i] for i in group) for group in groups[1:] if group)
        plain = all(len(group) <= 1 for group in groups[1:])
    return text if plain else f"{text}.reshape({shape})"
