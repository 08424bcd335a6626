"""Axes as the command line writes them: `R[0]=5:45:401`, `k=log:1e-4:1:50`, `k=1,2,5`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
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
    name, _, span = text.rpartition("=")
    if not name.strip() or not span.strip():
        raise _Said(option, text).no_axis()
    return name.strip(), _values(span, _Said(option, text), is_log=False)


def read_frequencies(text: str, option: str = "--frequencies") -> Floats:
    """Return values of an axis without a name, `LO:HI:COUNT` or `W1,W2,...`.

    Frequencies are spaced evenly in their logarithm, with or without `log:`.

    Raises:
        QuestionError: The text is neither, or its numbers do not fit.
    """
    said = _Said(option, text, forms="LO:HI:COUNT or W1,W2,... such as 0.01:3:50 or 0.1,0.5")
    return _values(text, said, is_log=True)


@dataclasses.dataclass(frozen=True)
class _Said:
    """What was said by which option, for messages."""

    option: str
    text: str
    forms: str = (
        "NAME=LO:HI:COUNT, NAME=log:LO:HI:COUNT or NAME=V1,V2,... such as R[0]=5:45:401, "
        "k=log:1e-4:1:50 or k=1,2,5"
    )

    def no_axis(self) -> QuestionError:
        return QuestionError(f"{self.option} takes {self.forms}; found '{self.text}'")

    def wrong(self, why: str) -> QuestionError:
        return QuestionError(f"{self.option} {self.text}: {why}")


def _values(span: str, said: _Said, *, is_log: bool) -> Floats:
    """Return the values that stand after an axis' name."""
    from causalopt.effects.sweeps.axes import log_spaced, spaced

    parts = [part.strip() for part in span.split(":")]
    if len(parts) == 1:
        return _listed(parts[0], said)
    named = parts[0] == "log"
    try:
        low, high, count = float(parts[-3]), float(parts[-2]), int(parts[-1])
    except (ValueError, IndexError):
        raise said.no_axis() from None
    if len(parts) != 3 + named:
        raise said.no_axis()
    if not (math.isfinite(low) and math.isfinite(high) and math.isfinite(high - low)):
        raise said.wrong("LO and HI are finite numbers, not too far apart")
    if count < 1:
        raise said.wrong("COUNT must be at least 1")
    if count > MAX_POINTS:
        raise said.wrong(
            f"the grid has {count} points, the limit is {MAX_POINTS:,}: make COUNT smaller"
        )
    if not (named or is_log):
        return spaced(low, high, count)
    if low * high <= 0:
        raise said.wrong("a log axis has LO and HI of one sign, neither of them 0")
    return log_spaced(low, high, count)


def _listed(part: str, said: _Said) -> Floats:
    import numpy as np

    try:
        values = np.array([float(word) for word in part.split(",")], dtype=np.float64)
    except ValueError:
        raise said.no_axis() from None
    if not np.isfinite(values).all():
        raise said.wrong("values are finite numbers")
    return values


def refuse_both(
    axes: Mapping[str, object], sets: list[str] | None, initial: list[str] | None
) -> None:
    """Refuse a value that is both given and swept: one of them would be lost without a word."""
    for option, texts in (("--set", sets), ("--initial", initial)):
        for text in texts or []:
            name = text.partition("=")[0].strip()
            if name in axes or f"{name}[0]" in axes:
                raise QuestionError(
                    f"'{name}' is swept and given by {option} too: drop one of them"
                )
