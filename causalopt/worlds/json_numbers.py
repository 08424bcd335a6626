"""Numbers as strict JSON has them: infinities as "inf" and "-inf", what is undefined as null."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from causalopt.engine.plan import Floats


def plain(values: Floats) -> list[float | str | None]:
    """Return an array as JSON's types."""
    return [plain_number(value) for value in values.tolist()]


def plain_number(value: float) -> float | str | None:
    """Return one number as JSON's types.

    Example:
        >>> plain_number(float("-inf")), plain_number(float("nan")), plain_number(1.5)
        ('-inf', None, 1.5)
    """
    if math.isfinite(value):
        return value
    return None if value != value else "inf" if value > 0 else "-inf"
