"""Axes as the command line writes them: `R[0]=5:45:401`, `k=log:1e-4:1:50`, `k=1,2,5`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from causalopt.engine.contract import Floats

MAX_POINTS = 100_000_000


def read_axes(texts: Sequence[str], option: str = "--grid") -> dict[str, Floats]:
    """Return axes by name, each once.

    Raises:
        QuestionError: One is not of that form, stands twice, or the grid has too many points.
    """
    axes: dict[str, Floats] = {}
    for text in texts:
        name, values = read_axis(text, option)
        if name in axes:
            raise QuestionError(f"{option} names the axis '{name}' twice")
        axes[name] = values
    count = math.prod(map(len, axes.values()))
    if count > MAX_POINTS:
        raise QuestionError(
            f"the grid has {count} points, the limit is {MAX_POINTS:,}: make COUNT smaller, or "
            "sweep in parts"
        )
    return axes


def read_axis(text: str, option: str = "--grid") -> tuple[str, Floats]:
    """Return an axis' name and its values.

    Args:
        text: `NAME=LO:HI:COUNT`, evenly spaced, both ends included; `NAME=log:LO:HI:COUNT`, evenly
            in the logarithm; or `NAME=V1,V2,...`.
        option: What the text was given by, for messages.

    Raises:
        QuestionError: It is not of that form, or its numbers do not fit.
    """
    from causalopt.effects.sweeps.axes import log_spaced, spaced

    name, _, span = text.rpartition("=")
    name, parts = name.strip(), [part.strip() for part in span.split(":")]
    if not name or not span.strip():
        raise _not_an_axis(text, option)
    if len(parts) == 1:
        return name, _listed(parts[0], text, option)
    is_log = parts[0] == "log"
    try:
        low, high, count = float(parts[-3]), float(parts[-2]), int(parts[-1])
    except (ValueError, IndexError):
        raise _not_an_axis(text, option) from None
    if len(parts) != 3 + is_log:
        raise _not_an_axis(text, option)
    if not (math.isfinite(low) and math.isfinite(high) and math.isfinite(high - low)):
        raise QuestionError(f"{option} {text}: LO and HI are finite numbers, not too far apart")
    if not 1 <= count <= MAX_POINTS:
        raise QuestionError(
            f"{option} {text}: COUNT must be at least 1"
            if count < 1
            else f"{option} {text}: the grid has {count} points, the limit is {MAX_POINTS:,}: make "
            "COUNT smaller"
        )
    if not is_log:
        return name, spaced(low, high, count)
    if low * high <= 0:
        raise QuestionError(
            f"{option} {text}: a log axis has LO and HI of one sign, neither of them 0"
        )
    return name, log_spaced(low, high, count)


def _listed(part: str, text: str, option: str) -> Floats:
    import numpy as np

    try:
        values = np.array([float(word) for word in part.split(",")], dtype=np.float64)
    except ValueError:
        raise _not_an_axis(text, option) from None
    if not np.isfinite(values).all():
        raise QuestionError(f"{option} {text}: values are finite numbers")
    return values


def _not_an_axis(text: str, option: str) -> QuestionError:
    return QuestionError(
        f"{option} takes NAME=LO:HI:COUNT, NAME=log:LO:HI:COUNT or NAME=V1,V2,... such as "
        f"R[0]=5:45:401, k=log:1e-4:1:50 or k=1,2,5; found '{text}'"
    )
