"""Axes of a sweep: numbers of a parameter or a node, seeds, and lists of n, A and m.

An axis is read where its values are asked for, so that a long one, evenly spaced, is never held.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.sweeps.axes import Spaced, axis_labels, axis_values
from causalopt.errors import QuestionError
from causalopt.model.asked_words import nudge_text
from causalopt.sweeps.point_designs import Design

CHOICES = ("nudge", "hold", "target")  # axes of words: n, A and m
SEED = "seed"
POINT = "point"
_LAST_SEED = 2**63 - 1  # as stores keep whole numbers
_HASHED = 1 << 20  # values that are read at once


class AxisValues(Protocol):
    """An axis' values, some of which are read at a time: an array, or one that computes them."""

    def __len__(self) -> int: ...

    def __getitem__(self, places: Any, /) -> NDArray[Any]: ...


@dataclasses.dataclass(frozen=True, eq=False)
class SweptAxis:
    """One dimension of a sweep, and the quantities that vary along it.

    Attributes:
        name: As the caller says it.
        label: As files allow it: `R_0` for `R[0]`.
        quantities: What varies -> its values along the axis: the axis itself, or those of a design.
        labels: The same quantities -> what their coordinates are called.
    """

    name: str
    label: str
    quantities: Mapping[str, AxisValues]
    labels: Mapping[str, str]

    def __len__(self) -> int:
        return len(next(iter(self.quantities.values())))

    @functools.cached_property
    def identity(self) -> dict[str, Any]:
        """What decides the axis' numbers, as JSON's types: ends, count and a hash of its values."""
        return {
            "name": self.name,
            "count": len(self),
            "values": {name: _described(values) for name, values in self.quantities.items()},
        }


def _described(values: AxisValues) -> dict[str, Any] | list[str]:
    if isinstance(values, np.ndarray) and values.dtype == object:
        return [str(text) for text in values]
    found = hashlib.sha256()
    count = len(values)
    if not isinstance(values, Spaced):
        for first in range(0, count, _HASHED):
            found.update(np.ascontiguousarray(values[first : first + _HASHED]).tobytes())
    else:
        found.update(repr((float(values.low), float(values.high), count)).encode())
    first, last = (values[np.array([k])].item() for k in (0, count - 1))
    return {"first": first, "last": last, "sha256": found.hexdigest()[:16]}


GridValues: TypeAlias = Any  # numbers, texts, sets of nodes, or a Design


def swept_axes(grid: Mapping[str, GridValues] | Design) -> tuple[SweptAxis, ...]:
    """Return the axes of a grid, each checked by itself.

    Args:
        grid: Axis -> its values. `nudge`, `hold` and `target` take texts, `seed` whole numbers, an
            axis of any name a `Design`, and others are numbers of what they name.

    Raises:
        QuestionError: An axis has no values, one twice, or values of another kind; or a quantity
            stands in two axes.
    """
    if isinstance(grid, Design):
        grid = {POINT: grid}
    if not grid:
        raise QuestionError("a sweep needs an axis: --grid R[0]=5:45:401, or grid={'R[0]': values}")
    read = {str(name): _quantities(str(name), values) for name, values in grid.items()}
    named = [name for quantities in read.values() for name in quantities]
    for name in named:
        if named.count(name) > 1:
            raise QuestionError(f"'{name}' is swept by two axes: leave one of them out")
    labels = dict(zip(named, axis_labels(named, also=["done", "task"]), strict=True))
    return tuple(
        SweptAxis(
            name=name,
            label=labels.get(name) or _dimension(name, labels.values()),
            quantities=quantities,
            labels={own: labels[own] for own in quantities},
        )
        for name, quantities in read.items()
    )


def _dimension(name: str, taken: Iterable[str]) -> str:
    """Return what the dimension of a design is called."""
    return axis_labels([name], also=[*taken, "done", "task"])[0]


def _quantities(name: str, values: GridValues) -> dict[str, AxisValues]:
    if isinstance(values, Design):
        return dict(values.quantities)
    if name in CHOICES:
        return {name: _texts(name, values)}
    if name == SEED:
        return {name: _seeds(values)}
    if isinstance(values, Spaced):
        axis_values(name, values[np.array([0, len(values) - 1])])
        return {name: values}
    return {name: axis_values(name, values)}


def _texts(name: str, values: Any) -> NDArray[np.object_]:
    """Return the texts of an axis of n, A or m."""
    example = {"nudge": "['R[0]', 'T[0]']", "hold": "['T', 'T, R']", "target": "['R', 'T']"}[name]
    if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray) or not len(values):
        raise QuestionError(
            f"the axis '{name}' takes a list of texts such as {example}, found {values!r}"
        )
    texts = [_text(name, one) for one in values]
    for text in texts:
        if texts.count(text) > 1:
            raise QuestionError(f"the axis '{name}' has '{text}' twice: list each once")
    found = np.empty(len(texts), dtype=object)
    found[:] = texts
    return found


def _text(name: str, one: Any) -> str:
    if isinstance(one, str):
        return one.strip()
    if name == "nudge":
        found = nudge_text(one)
        return found if isinstance(found, str) else f"{found.variable}[{found.t}]"
    if name == "hold" and isinstance(one, Sequence | set | frozenset):
        return ", ".join(sorted(map(str, one)) if not isinstance(one, Sequence) else map(str, one))
    raise QuestionError(f"the axis '{name}' takes texts, found {one!r}")


def _seeds(values: Any) -> NDArray[np.int64]:
    numbers = axis_values(SEED, values) if not isinstance(values, range) else values
    wrong = [v for v in numbers if v != int(v) or not 0 <= v <= _LAST_SEED]
    if wrong:
        raise QuestionError(f"the axis 'seed' takes whole numbers from 0 on, found {wrong[0]:g}")
    found = np.array([int(v) for v in numbers], dtype=np.int64)
    if not len(found) or len(np.unique(found)) < len(found):
        raise QuestionError("the axis 'seed' takes one or more seeds, each once")
    return found
