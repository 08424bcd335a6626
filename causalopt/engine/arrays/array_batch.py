"""Many worlds of one template at once: what differs between them gets a leading axis.

Random starts, seeds, points of a sweep, checkpoints of a training run and masks of A are such axes,
one within another where needed. What is the same in all worlds has no axis and is computed once, so
that a derivative by it is summed over the worlds.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable

import numpy as np

from causalopt.model.arrays.array_laws import ArrayLaw
from causalopt.model.arrays.array_template import ArrayTemplate, ArrayVariable
from causalopt.tensors.building import expanded, given
from causalopt.tensors.lifting import lifted
from causalopt.tensors.tensor import Tensor, inputs

LANE = "lane"


def batched(
    template: ArrayTemplate,
    varying: Iterable[str],
    count: int,
    parameters: frozenset[str] = frozenset(),
) -> ArrayTemplate:
    """Return a template of `count` worlds, in which some variables differ from world to world.

    Args:
        template: One world's variables.
        varying: The declared variables that differ by themselves; what reads them differs too.
        count: How many worlds.
        parameters: Those whose values differ too; their values have shape [world].

    Returns:
        The template with a first dim of that size on every variable that differs; initial laws and
        noises of those are drawn for each world.
    """
    return _batched(template, frozenset(varying), count, parameters)


@functools.lru_cache(maxsize=32)
def _batched(
    template: ArrayTemplate, varying: frozenset[str], count: int, parameters: frozenset[str]
) -> ArrayTemplate:
    reading = {v.name for v in template.variables if _reads(v, parameters)}
    differing = differs(template, varying | reading)
    variables = tuple(
        _wide(v, differing, count, parameters) if v.name in differing else v
        for v in template.variables
    )
    return dataclasses.replace(template, variables=variables)


def differs(template: ArrayTemplate, varying: Iterable[str]) -> frozenset[str]:
    """Return the variables and stages that differ where some declared ones do.

    Example:
        >>> from causalopt import Model
        >>> rules = {"x": {"rule": "x[t-1] + w[t]", "initial": 0}, "w": {"noise": "uniform"}}
        >>> still = {"k": {"rule": "k[t-1]", "initial": 1}, "l": {"shape": [2], "rule": "k[t]"}}
        >>> sorted(differs(Model(name="m", variables=rules | still).arrays, ["w"]))
        ['w', 'x']
    """
    found = set(varying)
    while True:
        more = {
            v.name
            for v in template.variables
            if v.name not in found and any(parent in found for parent, _ in v.parents)
        }
        if not more:
            return frozenset(found)
        found |= more


def _reads(variable: ArrayVariable, parameters: frozenset[str]) -> bool:
    """Whether a variable is made of some of the parameters."""
    texts = [variable.rule, variable.noise, *variable.initial]
    leaves = inputs(*(text for text in texts if text is not None))
    return any(leaf.payload[0] == "param" and leaf.payload[1] in parameters for leaf in leaves)


def _wide(
    variable: ArrayVariable, differing: frozenset[str], count: int, parameters: frozenset[str]
) -> ArrayVariable:
    shape = (count, *variable.shape)

    def lift(tensor: Tensor) -> Tensor:
        leaves = [x for x in inputs(tensor) if _moves(x, differing, parameters)]
        axes = {x: given(*x.payload, shape=(count, *x.shape)) for x in leaves}
        return lifted([tensor], axes, count)[0]

    def wide(tensor: Tensor) -> Tensor:
        return expanded(lift(tensor), shape)

    def wide_law(law: ArrayLaw) -> ArrayLaw:
        return dataclasses.replace(law, number=lift(law.number))

    stream = variable.stream
    if stream is not None:
        stream = np.broadcast_to(stream[:, None], (len(stream), *shape))
    return dataclasses.replace(
        variable,
        dims=(LANE, *variable.dims),
        shape=shape,
        rule=None if variable.rule is None else wide(variable.rule),
        initial=tuple(wide(tensor) for tensor in variable.initial),
        noise=None if variable.noise is None else wide(variable.noise),
        stream=stream,
        laws=tuple(wide_law(law) for law in variable.laws),
    )


def _moves(leaf: Tensor, differing: frozenset[str], parameters: frozenset[str]) -> bool:
    kind, *rest = leaf.payload
    if kind == "ref":
        return rest[0] in differing
    return kind == "draw" or (kind == "param" and rest[0] in parameters)


def is_random(variable: ArrayVariable) -> bool:
    """Whether a variable's noise or initial law draws numbers."""
    texts = [*variable.initial, *([] if variable.noise is None else [variable.noise])]
    return any(leaf.payload[0] == "draw" for text in texts for leaf in inputs(text))
