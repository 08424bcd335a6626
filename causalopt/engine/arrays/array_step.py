"""One step of a template of arrays as compiled code: values, and tangents for directions.

What a step reads is named by keys: `("ref", variable, lag)`, `("param", name)`, `("t",)`, and for
tangents `("total", variable, lag)` and `("direct", variable, lag)`; `("held", variable)` is which
elements of a variable are in A.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from causalopt.language.operations import OPERATIONS
from causalopt.model.arrays.array_template import ArrayTemplate, ArrayVariable
from causalopt.tensors import tensor_algebra as algebra
from causalopt.tensors.building import const, elementwise, expanded, given, ref
from causalopt.tensors.lifting import lifted
from causalopt.tensors.tangent import tangents, whole
from causalopt.tensors.tensor import Tensor, inputs, postorder
from causalopt.tensors.tensor_algebra import ZERO
from causalopt.tensors.tensor_source import Compiled, compiled

KINDS = ("total", "direct")
_UNITS = 8  # of the last place, by which a disturbed operation is off at most
_EXACT = frozenset({"neg", "abs", "sign", "where", "min", "max", "floor", "ceil"})


@dataclasses.dataclass(frozen=True, eq=False)
class ArrayStep:
    """A step to be run: a function, what it takes and what it gives.

    Attributes:
        function: Takes the values of `arguments`, gives those of `outputs`.
        arguments: Keys.
        outputs: Keys, such as ("ref", "h", 0) or ("total", "h", 0).
    """

    function: Compiled
    arguments: tuple[tuple[Any, ...], ...]
    outputs: tuple[tuple[Any, ...], ...]


@functools.lru_cache(maxsize=64)
def value_step(template: ArrayTemplate, module: Any = np) -> ArrayStep:
    """Return a step that gives every variable with a rule."""
    ruled = [v for v in template.variables if v.rule is not None]
    roots = [_rule(v) for v in ruled]
    named = {ref(v.name, 0, v.shape): _rule(v) for v in ruled}
    return _step(roots, [("ref", v.name, 0) for v in ruled], named, module)


def ruled(template: ArrayTemplate) -> list[tuple[ArrayVariable, Tensor]]:
    """Return the variables that have a rule, with it."""
    return [(v, v.rule) for v in template.variables if v.rule is not None]


def single(tensor: Tensor, look: Callable[[tuple[Any, ...]], Any]) -> Any:
    """Return one tensor's value by the same operations as in a step, so with the same digits."""
    function, keys = _single(tensor)
    return function(*(look(key) for key in keys))[0]


@functools.lru_cache(maxsize=512)
def _single(tensor: Tensor) -> tuple[Compiled, tuple[tuple[Any, ...], ...]]:
    arguments = inputs(tensor)
    return compiled([tensor], arguments), tuple(leaf.payload for leaf in arguments)


def _rule(variable: ArrayVariable) -> Tensor:
    assert variable.rule is not None
    return variable.rule


def _step(
    roots: list[Tensor], keys: list[tuple[Any, ...]], named: Mapping[Tensor, Tensor], module: Any
) -> ArrayStep:
    arguments = [leaf for leaf in inputs(*roots, *named.values()) if leaf not in named]
    function = compiled(roots, arguments, module=module, named=named)
    return ArrayStep(function, tuple(leaf.payload for leaf in arguments), tuple(keys))


@dataclasses.dataclass(frozen=True, eq=False)
class Moves:
    """What a nudge moves, step by step, as tensors: W's tangents over all paths and beside A.

    Attributes:
        template: The variables.
        count: The number of directions; a single one has no axis of its own.
        moving: For each kind the variables that the nudge reaches.
        derivatives: (kind, variable) -> its tangent made of those it reads.
    """

    template: ArrayTemplate
    count: int
    moving: Mapping[str, frozenset[str]]
    derivatives: Mapping[tuple[str, str], Tensor]

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a variable's tangents."""
        own = self.template.by_name[name].shape
        return own if self.count == 1 else (self.count, *own)


def moves(
    template: ArrayTemplate,
    source: str,
    count: int,
    held: frozenset[str] = frozenset(),
    masked: tuple[str, ...] = (),
    kinds: tuple[str, ...] = KINDS,
    apart: bool = False,
) -> Moves:
    """Return what a nudge of a variable moves.

    Args:
        template: The variables.
        source: The nudged variable.
        count: The number of directions.
        held: Variables that are wholly in A at every step.
        masked: Variables of which a part is in A; that part is an input of the step.
        kinds: Which tangents: total, direct or both.
        apart: Whether each direction has a part of its own in A, so that these inputs have the
            directions' axis too.
    """
    return _moves(template, source, count, held, tuple(masked), kinds, apart)


@functools.lru_cache(maxsize=64)
def _moves(
    template: ArrayTemplate,
    source: str,
    count: int,
    held: frozenset[str],
    masked: tuple[str, ...],
    kinds: tuple[str, ...],
    apart: bool,
) -> Moves:
    without = {"total": frozenset[str](), "direct": held}
    moving = {kind: reached(template, source, without[kind]) for kind in kinds}
    derivatives: dict[tuple[str, str], Tensor] = {}
    for kind in kinds:
        for variable in template.variables:
            if variable.name in moving[kind] and variable.rule is not None:
                tangent = _derivative(variable, kind, moving[kind], count)
                if kind == "direct" and variable.name in masked:
                    shape = tangent.shape if apart else variable.shape
                    mask = given("held", variable.name, shape=shape)
                    tangent = elementwise("where", mask, ZERO, tangent)
                derivatives[kind, variable.name] = tangent
    return Moves(template, count, moving, derivatives)


def reached(template: ArrayTemplate, source: str, held: frozenset[str]) -> frozenset[str]:
    """Return the variables that a nudge reaches at any later step without passing held ones."""
    children: dict[str, list[str]] = {}
    for variable in template.variables:
        for parent, _ in variable.parents:
            children.setdefault(parent, []).append(variable.name)
    seen, stack = {source}, [source]
    while stack:
        for child in children.get(stack.pop(), ()):
            if child not in seen and child not in held:
                seen.add(child)
                stack.append(child)
    return frozenset(seen)


def _derivative(variable: ArrayVariable, kind: str, moving: frozenset[str], count: int) -> Tensor:
    rule = _rule(variable)
    seeds = {
        leaf: given(kind, *leaf.payload[1:], shape=leaf.shape)
        for leaf in inputs(rule)
        if leaf.payload[0] == "ref" and leaf.payload[1] in moving
    }
    tangent = whole(tangents([rule], seeds)[0], variable.shape)
    if count == 1:
        return tangent
    wide = {seed: given(*seed.payload, shape=(count, *seed.shape)) for seed in seeds.values()}
    (many,) = lifted([tangent], wide, count)
    return expanded(many, (count, *variable.shape))


def is_rounded(tensor: Tensor) -> bool:
    """Whether an operation's result is rounded, its arguments taken as they are."""
    if tensor.op in {"einsum", "sum"}:
        return True
    operation = OPERATIONS.get(tensor.op)
    if operation is None or operation.kind != "number" or tensor.op in _EXACT:
        return False
    if tensor.op in {"mul", "div"}:
        factors = tensor.args if tensor.op == "mul" else tensor.args[1:]
        return not any(f.op == "const" and _is_power_of_two(f.payload) for f in factors)
    return True


def _is_power_of_two(value: Fraction) -> bool:
    return value != 0 and abs(math.frexp(float(value))[0]) == 0.5


@functools.lru_cache(maxsize=64)
def disturbed(found: Moves, number: int) -> Moves:
    """Return the same with every operation of the tangents off by some units of its last place.

    Several, for operations that are off by the same may cancel as the exact ones do. A sum that is
    0 because its parts cancel is then none any more; one whose parts are 0 stays.

    Args:
        found: What a nudge moves.
        number: Which of many disturbances.
    """
    rng = np.random.default_rng(number)
    done: dict[Tensor, Tensor] = {}
    for tensor in postorder(*found.derivatives.values()):
        args = tuple(done[arg] for arg in tensor.args)
        made = (
            tensor
            if not args
            else Tensor.of(tensor.op, *args, payload=tensor.payload, shape=tensor.shape)
        )
        if is_rounded(tensor):
            units = rng.integers(1, _UNITS + 1) * rng.choice([-1, 1])
            factor = const(Fraction(1) + Fraction(int(units), 2**52))
            made = expanded(algebra.mul(factor, made), made.shape)
        done[tensor] = made
    return dataclasses.replace(
        found, derivatives={key: done[root] for key, root in found.derivatives.items()}
    )


@functools.lru_cache(maxsize=64)
def held_step(template: ArrayTemplate, held: frozenset[str]) -> ArrayStep:
    """Return a step whose function takes `fix(key, value)` first, and asks it for held nodes."""
    ruled = [v for v in template.variables if v.rule is not None]
    named = {ref(v.name, 0, v.shape): _rule(v) for v in ruled}
    nodes = [ref(v.name, 0, v.shape) for v in ruled]
    fixed = {node: node.payload for node, v in zip(nodes, ruled, strict=True) if v.name in held}
    roots = [node if v.name in held else _rule(v) for node, v in zip(nodes, ruled, strict=True)]
    arguments = [leaf for leaf in inputs(*named.values()) if leaf not in named]
    function = compiled(roots, arguments, named=named, fixed=fixed)
    keys = tuple(node.payload for node in nodes)
    return ArrayStep(function, tuple(leaf.payload for leaf in arguments), keys)
