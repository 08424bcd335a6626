"""The question of escape: started here, beyond that level at step N?"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causalopt.descents.maps.random_map import Array, RandomMap

LONGEST = 10**15


@dataclasses.dataclass(frozen=True)
class Escape:
    """With what probability is a walker beyond a level at step N?

    Beyond means on the other side of the level than the start. `passage` asks instead whether the
    walker has stood beyond at any step up to N (first passage); the two differ where it may return.

    Args:
        start: The first state, one number a coordinate.
        beyond: The level, in units of the coordinate asked about.
        within: Numbers of steps N, answered in this order.
        passage: Ask for the first passage instead of the position at N.
        coordinate: Which coordinate the level is for.

    Raises:
        QuestionError: Not finite, no steps, steps below 0, or a start on the level itself.

    Example:
        >>> Escape((1.0,), 1.2, (100, 1000)).side
        1
    """

    start: tuple[float, ...]
    beyond: float
    within: tuple[int, ...]
    passage: bool = False
    coordinate: int = 0

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) for value in (*self.start, self.beyond)):
            raise QuestionError(
                f"start and level are finite numbers; {self.start} and {self.beyond} came"
            )
        if not self.within or min(self.within) < 0 or max(self.within) > LONGEST:
            raise QuestionError(
                f"escape needs one or more numbers of steps from 0 to 1e15; {self.within} came"
            )
        if not 0 <= self.coordinate < len(self.start):
            raise QuestionError(
                f"coordinate {self.coordinate} of a state with {len(self.start)} does not exist"
            )
        if self.start[self.coordinate] == self.beyond:
            raise QuestionError(
                f"the start {self.beyond} lies on the level itself; beyond has no side there"
            )

    @property
    def side(self) -> int:
        """1 when beyond means above the level, -1 when below."""
        return 1 if self.beyond > self.start[self.coordinate] else -1

    def holds(self, states: Array) -> NDArray[np.bool_]:
        """Whether each state, axes (coordinate, point), stands beyond the level."""
        return np.asarray(self.side * (states[self.coordinate] - self.beyond) > 0)

    def check(self, chain: RandomMap) -> None:
        """Refuse a start with another number of coordinates than the chain.

        Raises:
            QuestionError: The numbers differ.
        """
        if len(self.start) != chain.dimension:
            raise QuestionError(
                f"the state has {chain.dimension} coordinates ({', '.join(chain.names)}); "
                f"a start of {len(self.start)} came"
            )
