"""A loop over steps: which of a step's inputs are constant, given, or carried from step to step.

Keys name them as in `array_step`; what is carried is a node's value of one or more steps ago.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from causalopt.engine.arrays.array_step import Moves, is_rounded, ruled
from causalopt.model.arrays.array_template import ArrayTemplate
from causalopt.tensors.building import given, ref
from causalopt.tensors.tensor import Shape, Tensor, inputs, postorder
from causalopt.tensors.tensor_source import CompiledLoop, Loop, looped

Key: TypeAlias = tuple[Any, ...]
_NODES = frozenset({"ref", "total", "direct"})


@dataclasses.dataclass(frozen=True, eq=False)
class StepGraph:
    """One step as tensors.

    Attributes:
        nodes: Node of the step, such as ("ref", "h", 0) -> the tensor whose value it is.
        shapes: The shape of every (kind, name), those of variables without a rule included.
    """

    nodes: Mapping[Key, Tensor]
    shapes: Mapping[tuple[str, Any], Shape]

    @functools.cached_property
    def named(self) -> dict[Tensor, Tensor]:
        """The nodes as inputs, with the tensors whose values they are."""
        return {self.leaf(key): tensor for key, tensor in self.nodes.items()}

    @functools.cached_property
    def inputs(self) -> list[Tensor]:
        """What a step reads, but for its own nodes."""
        return [leaf for leaf in inputs(*self.nodes.values()) if leaf not in self.named]

    @functools.cached_property
    def lags(self) -> dict[tuple[str, str], int]:
        """(kind, variable) -> how many steps back it is read; without those that are not."""
        found: dict[tuple[str, str], int] = {}
        for kind, name, lag in (x.payload for x in self.inputs if x.payload[0] in _NODES):
            if lag:
                found[kind, name] = max(lag, found.get((kind, name), 0))
        return found

    def leaf(self, key: Key) -> Tensor:
        """Return the input that stands for a node, by its key."""
        kind, name, lag = key
        return given(kind, name, lag, shape=self.shapes[kind, name])


@functools.lru_cache(maxsize=64)
def value_graph(template: ArrayTemplate) -> StepGraph:
    """Return a step that gives every variable with a rule."""
    shapes = {("ref", v.name): v.shape for v in template.variables}
    nodes = {ref(v.name, 0, v.shape).payload: rule for v, rule in ruled(template)}
    return StepGraph(nodes, shapes)


@functools.lru_cache(maxsize=64)
def tangent_graph(moves: Moves) -> StepGraph:
    """Return a step that gives every variable with a rule, and the tangents of what moves."""
    values = value_graph(moves.template)
    nodes = dict(values.nodes)
    shapes = dict(values.shapes)
    for kind, names in moves.moving.items():
        shapes |= {(kind, name): moves.shape(name) for name in names}
    for (kind, name), tangent in moves.derivatives.items():
        nodes[kind, name, 0] = tangent
    return StepGraph(nodes, shapes)


@functools.lru_cache(maxsize=64)
def watched_graph(moves: Moves, watched: tuple[Tensor, ...]) -> StepGraph:
    """Return a step that gives values, tangents, and what is watched: numbers made of both."""
    plain = tangent_graph(moves)
    nodes = {**plain.nodes, **{("watched", i, 0): x for i, x in enumerate(watched)}}
    return StepGraph(nodes, {**plain.shapes, **{("watched", i): () for i in range(len(watched))}})


@functools.lru_cache(maxsize=64)
def pruned(graph: StepGraph, wanted: frozenset[Key]) -> StepGraph:
    """Return a step without the nodes on which none of the wanted ones depends, at any lag."""
    needed: set[Key] = set()
    stack = [key for key in wanted if key in graph.nodes]
    while stack:
        key = stack.pop()
        if key in needed:
            continue
        needed.add(key)
        below = (x.payload for x in inputs(graph.nodes[key]) if x.payload[0] in _NODES)
        stack += [at for kind, name, _ in below if (at := (kind, name, 0)) in graph.nodes]
    if len(needed) == len(graph.nodes):
        return graph
    nodes = {key: tensor for key, tensor in graph.nodes.items() if key in needed}
    return StepGraph(nodes, graph.shapes)


@dataclasses.dataclass(frozen=True, eq=False)
class ArrayLoop:
    """A loop over steps, and the keys of what it takes, carries and stores, in order.

    Attributes:
        loop: The same as tensors.
        named: The step's nodes, with the tensors whose values they are.
        constants: Keys of what is the same at every step.
        streams: Keys of what is given for every step.
        carried: Keys of what is carried; those of one node by lag.
        stored: Keys of what is stored.
    """

    loop: Loop
    named: Mapping[Tensor, Tensor]
    constants: tuple[Key, ...]
    streams: tuple[Key, ...]
    carried: tuple[Key, ...]
    stored: tuple[Key, ...]

    @functools.cached_property
    def compiled(self) -> CompiledLoop:
        """The loop in numpy."""
        return looped(self.loop, self.named)


@functools.lru_cache(maxsize=64)
def array_loop(graph: StepGraph, stored: tuple[Key, ...], *, disturbed: bool = False) -> ArrayLoop:
    """Return the loop that runs a step again and again.

    Args:
        graph: The step.
        stored: Keys of the nodes whose values are kept.
        disturbed: Whether W's rounded values are passed through a function.
    """
    carried = [
        (kind, name, lag) for (kind, name), far in graph.lags.items() for lag in range(1, far + 1)
    ]
    pairs = [(graph.leaf(key), graph.leaf((*key[:2], key[2] - 1))) for key in carried]
    read = [*graph.inputs, *(new for _, new in pairs), *(graph.leaf(key) for key in stored)]
    taken = dict.fromkeys(x for x in read if x not in graph.named)
    given_now = [x for x in taken if x.payload[0] == "ref" and x.payload[2] == 0]
    clock = [x for x in taken if x.payload[0] == "t"]
    before = {x for x, _ in pairs}
    constants = [x for x in taken if x not in before and x not in given_now and x not in clock]
    loop = Loop(
        constants=tuple(constants),
        clock=clock[0] if clock else None,
        streams=tuple(given_now),
        carried=tuple(pairs),
        stored=tuple(graph.leaf(key) for key in stored),
        disturbed=_computed(graph.named) if disturbed else frozenset(),
    )
    return ArrayLoop(
        loop, graph.named, _keys(constants), _keys(given_now), tuple(carried), tuple(stored)
    )


def is_disturbed(tensor: Tensor) -> bool:
    """Whether rounding goes into a node: not where each operation of its rule is exact."""
    return any(is_rounded(part) for part in postorder(tensor))


def _computed(named: Mapping[Tensor, Tensor]) -> frozenset[Tensor]:
    return frozenset(
        node for node, x in named.items() if node.payload[0] == "ref" and is_disturbed(x)
    )


def _keys(tensors: Iterable[Tensor]) -> tuple[Key, ...]:
    return tuple(tensor.payload for tensor in tensors)
