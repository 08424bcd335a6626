"""Many steps of an operator: one by one, by repeated squaring, or until nothing changes.

Which is cheaper depends on the number of steps alone once the grid is chosen: a sparse step costs
its non-zero entries, a dense squaring the cube of the size, and squarings number log2 of the steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.errors import QuestionError
from causalopt.work.progress import through, tick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from causalopt.descents.maps.random_map import Array
    from causalopt.descents.transfer.operator import Operator

DENSE_LIMIT = 2048


def prefers_squaring(operator: Operator, steps: int) -> bool:
    """Whether repeated squaring beats single steps: by costs measured once.

    Example:
        >>> from causalopt.descents.transfer.operator import transfer_operator
        >>> from causalopt.descents.maps.random_map import RandomMap
        >>> line = transfer_operator(RandomMap((lambda w: w,), (1.0,)), (np.linspace(0, 1, 50),))
        >>> prefers_squaring(line, 10), prefers_squaring(line, 10**9)
        (False, True)
    """
    if operator.size > DENSE_LIMIT:
        return False
    single = steps * (1.5e-9 * operator.matrix.nnz + 1.2e-5)
    squaring = np.log2(max(steps, 2)) * (5e-11 * operator.size**3 + 1e-4)
    return bool(squaring < single)


def pull_many(operator: Operator, values: Array, steps: Sequence[int]) -> Array:
    """Return the expectation of `values` after each number of steps, axes (steps, state).

    Args:
        operator: The transfer operator.
        values: What is expected, axis (state,).
        steps: Numbers of steps in any order, none negative.

    Returns:
        One row for each entry of `steps`, in the order given.

    Raises:
        QuestionError: A negative number of steps.

    Example:
        >>> from causalopt.descents.transfer.operator import transfer_operator
        >>> from causalopt.descents.maps.random_map import RandomMap
        >>> grid = np.linspace(0, 1, 9)
        >>> line = transfer_operator(RandomMap((lambda w: w / 2,), (1.0,)), (grid,))
        >>> bool(abs(pull_many(line, np.append(grid, 0.0), [1])[0, 8] - 0.5) < 1e-12)
        True
    """
    if min(steps) < 0:
        raise QuestionError(f"numbers of steps are 0 or more; {list(steps)} came")
    if prefers_squaring(operator, max(steps)):
        return _by_squaring(operator, values, steps)
    rows = {0: values}
    current, done = values, 0
    for target in sorted(set(steps)):
        current = operator.pull(current, steps=target - done)
        tick(target, max(steps))
        rows[target], done = current, target
    return np.stack([rows[target] for target in steps])


def _by_squaring(operator: Operator, values: Array, steps: Sequence[int]) -> Array:
    """Apply the binary digits of each number of steps, each power squared once for all."""
    rows = np.tile(values, (len(steps), 1))
    power = operator.matrix.toarray()
    for digit in through(range(int(max(steps)).bit_length())):
        for place, count in enumerate(steps):
            if count >> digit & 1:
                rows[place] = power @ rows[place]
        power = power @ power
        # Rows sum to 1; leaving the rounding in would double it at every squaring. Small escape
        # probabilities stand as entries of their own, so no digit of theirs is lost here.
        power /= power.sum(axis=1, keepdims=True)
    return rows
