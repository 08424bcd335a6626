"""What a sweep measures at a point: the shape that all measures of sweeps have.

A measure is a value, frozen and picklable: what is measured, with the settings that decide its
numbers. It is made from what the user says, completed once by `resolved` from the model and a few
points, and then evaluated on chunks of points, on any machine and in any order.

The numbers of a point are decided by the model, the settings and the point's own values alone: not
by its chunk, by its place in it, by the order of chunks or by the number of workers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, Protocol, Self, TypeAlias

from numpy.typing import NDArray

from causalopt.model.model import Model

# Axis name -> its value at each point, shape [point]: floats for a parameter such as `k` or a
# starting value such as `R[0]`, integers for `seed`, texts (dtype object) for `nudge`, `hold` and
# `target`, numbers for what a measure names itself in `own_axes`.
Points: TypeAlias = Mapping[str, NDArray[Any]]


@dataclasses.dataclass(frozen=True)
class SweptVariable:
    """One array of a sweep's result, a number at each point.

    Attributes:
        name: As in the dataset.
        dtype: `f8`, where NaN stands for what is undefined, or `i1`.
        attrs: What a dataset says of it, such as `units` and `long_name`.
    """

    name: str
    dtype: Literal["f8", "i1"]
    attrs: Mapping[str, str]


class SweptMeasure(Protocol):
    """What is found at each point of a sweep."""

    @property
    def name(self) -> str:
        """The word that asks for it: `op`, `rates`, `strength`, `escape` or `power`."""
        ...

    @property
    def title(self) -> str:
        """What is measured, as a heading says it, such as `Op(T; R[0], R) at step 500`."""
        ...

    @property
    def drawn(self) -> str:
        """The variable that a picture shows where nothing else is said."""
        ...

    @property
    def statuses(self) -> tuple[str, ...]:
        """Status words; a point's `status` is a place among them, and the first is `ok`."""
        ...

    @property
    def status_texts(self) -> tuple[str, ...]:
        """What each of those words means, in their order."""
        ...

    @property
    def own_axes(self) -> tuple[str, ...]:
        """Axes that it takes and that are neither parameters nor nodes, such as `seed`."""
        ...

    @property
    def whole_blocks(self) -> bool:
        """Whether chunks are whole blocks of the grid (`PointBlocks`), which settle doubts."""
        ...

    @property
    def python_bound(self) -> bool:
        """Whether processes speed it up and threads hardly do: most of it is Python."""
        ...

    @property
    def variables(self) -> tuple[SweptVariable, ...]:
        """What `evaluate` returns, known once the measure is resolved; the last is `status`."""
        ...

    def task_points(self, model: Model) -> int:
        """Return how many points take about a second; at most a million, so that chunks fit."""
        ...

    def settings(self) -> dict[str, Any]:
        """Return all that decides the numbers besides model and points, as JSON's types."""
        ...

    def resolved(self, model: Model, points: Points) -> Self:
        """Return the measure with what the model's question decides written into its settings.

        Done once, before any work, and of a resolved measure again without a change.

        Args:
            model: The model, under all changes that are not swept.
            points: A few points of the grid, with each word of each axis of words at least once.

        Raises:
            QuestionError: An axis or a setting makes no sense for this measure or model, or what is
                asked can be asked at none of the points; of words, at none that has that word.
            UnknownNameError: An axis is neither a parameter nor a node of the model.
        """
        ...

    def evaluate(
        self, model: Model, points: Points, *, workers: int | None = None
    ) -> dict[str, NDArray[Any]]:
        """Return each variable at each point, shape [point].

        A point at which nothing can be found has NaN and a status that says why; the others keep
        what they have.

        Args:
            model: The model, under all changes that are not swept.
            points: The points of one chunk.
            workers: Threads; one per processor when not given.
        """
        ...
