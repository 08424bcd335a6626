"""The directions in which a nudged array is moved: all of them, one, or random ones for many."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from causalopt.effects.arrays.rounding_twins import TWINS
from causalopt.engine.arrays.array_plan import ArrayPlan, Values
from causalopt.errors import QuestionError, SizeError
from causalopt.model.model import machine_memory
from causalopt.model.selectors import Node
from causalopt.worlds.array_world import element_slices
from causalopt.worlds.streams import uniforms

MAX_DIRECTIONS = 512
_PROBES = 32


def chosen_directions(
    plan: ArrayPlan, node: Node, along: Any, probes: int | None, seed: int
) -> tuple[Values, bool]:
    """Return the directions of n, [direction, *shape], and whether they are random ones.

    Raises:
        QuestionError: The direction does not fit, or is 0.
    """
    shape = plan.template.by_name[node.variable].shape
    where: tuple[slice, ...] = () if node.elements is None else element_slices(node.elements)
    inner = np.zeros(shape)[where].shape
    size = math.prod(inner)
    if along is not None:
        return _one_direction(along, shape, where, inner), False
    if probes is not None and probes < 2:
        raise QuestionError(f"probes is a whole number from 2 up, found {probes}")
    if probes is None and size > MAX_DIRECTIONS:
        probes = _PROBES
    count = size if probes is None else min(probes, size)
    directions = np.zeros((count, *shape))
    if probes is None or count == size:
        units = np.eye(size).reshape(size, *inner)
    else:
        # Hutchinson's probes: signs, whose outer product is the unit matrix on average.
        draws = [uniforms(seed, np.arange(size, dtype=np.uint64), i, 1 << 33) for i in range(count)]
        units = np.where(np.array(draws) < 0.5, -1.0, 1.0).reshape(count, *inner)
    places: tuple[slice, ...] = (slice(None), *where)
    directions[places] = units
    return directions, count < size


def _one_direction(
    along: Any, shape: tuple[int, ...], where: tuple[slice, ...], inner: tuple[int, ...]
) -> Values:
    direction = np.asarray(along, dtype=float)
    if direction.shape not in {inner, shape}:
        raise QuestionError(
            f"along has the shape {list(direction.shape)}, and the nudged node {list(inner)}"
        )
    if not np.isfinite(direction).all() or not direction.any():
        raise QuestionError("along must be finite, and not 0 everywhere")
    whole = np.zeros((1, *shape))
    if direction.shape == shape:
        whole[0] = direction
    else:
        whole[0][where] = direction
    return whole


def check_memory(plan: ArrayPlan, directions: Values, target: str, names: Sequence[str]) -> None:
    """Refuse a run whose courses and derivatives do not fit into memory, its twins' included.

    Raises:
        SizeError: With what each part takes.
    """
    template, count, steps = plan.template, len(directions), plan.steps + 1
    size = template.by_name[target].size
    parts = {
        "courses": 8.0 * steps * sum(template.by_name[name].size for name in names),
        "derivatives and two disturbed twins": 16.0 * count * steps * size * (1 + TWINS),
        "one step": 16.0 * template.numbers * (1 + 2 * count),
    }
    needed = sum(parts.values())
    if needed > machine_memory():
        texts = ", ".join(f"{name} {part / 1e9:.3g} GB" for name, part in parts.items())
        raise SizeError(
            f"the derivatives of {size:,} numbers along {count} directions over {plan.steps:,} "
            f"steps take {needed / 1e9:.3g} GB ({texts}) and this machine has "
            f"{machine_memory() / 1e9:.3g} GB: measure or keep fewer elements, or say along or "
            "probes"
        )
