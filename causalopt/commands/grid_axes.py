"""Axes as the command line writes them.

Numbers are `R[0]=5:45:401`, `k=log:1e-4:1:50` or `k=1,2,5`; texts `hold=T; T, R`; and ranges that a
design fills `k=0:1`, with `--design sobol:1024`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from causalopt.effects.sweeps.axes import Spaced
    from causalopt.engine.contract import Floats
    from causalopt.sweeps.point_designs import Design

MAX_POINTS = 100_000_000
WORDS = ("nudge", "hold", "target")  # axes of texts, apart by semicolons


def read_grid(
    texts: Sequence[str], own: Collection[str] = (), design: str | None = None
) -> dict[str, Any]:
    """Return the axes of a sweep by name, each once; evenly spaced ones compute their values.

    Args:
        texts: What `--grid` said.
        own: The model's parameters and variables: one called `hold` is a number.
        design: What `--design` said: ranges without a COUNT are filled by it.

    Raises:
        QuestionError: One is not of these forms, or stands twice.
    """
    axes: dict[str, Any] = {}
    ranges: dict[str, tuple[Any, ...]] = {}
    for text in texts:
        name, _, span = text.partition("=") if _is_words(text, own) else text.rpartition("=")
        name = name.strip()
        if name in axes or name in ranges:
            raise QuestionError(f"--grid names the axis '{name}' twice")
        if name in WORDS and name not in own:
            axes[name] = _words(span, _Said("--grid", text))
            continue
        bounds = None if design is None else _range(span)
        if bounds is not None:
            ranges[name] = bounds
        elif not name or not span.strip():
            raise _Said("--grid", text).no_axis()
        else:
            axes[name] = _spaced_values(span, _Said("--grid", text), is_log=False)
    if design is None:
        return axes
    return {_free_name(axes, own): _designed(ranges, design), **axes}


def _words(span: str, said: _Said) -> list[str]:
    """Return the texts of an axis, the empty set A written {}."""
    found = [part.strip() for part in span.split(";")]
    if "" in found:
        raise said.wrong("texts stand apart by semicolons, the empty set is {}: hold=T; T, R; {}")
    return ["" if text == "{}" else text for text in found]


def _is_words(text: str, own: Collection[str]) -> bool:
    name = text.partition("=")[0].strip()
    return name in WORDS and name not in own


def _free_name(axes: Mapping[str, Any], own: Collection[str]) -> str:
    """Return what the axis of a design is called: `point`, unless something else is."""
    return next(n for n in ("point", "points", "point_") if n not in axes and n not in own)


def _range(span: str) -> tuple[Any, ...] | None:
    """Return a range without a count, `LO:HI` or `log:LO:HI`; None where it is none."""
    parts = [part.strip() for part in span.split(":")]
    is_log = parts[0] == "log"
    try:
        bounds = [float(part) for part in parts[is_log:]]
    except ValueError:
        return None
    if len(bounds) != 2:
        return None
    return (*bounds, "log") if is_log else tuple(bounds)


def _designed(ranges: dict[str, tuple[Any, ...]], text: str) -> Design:
    """Return the design that `--design` says over ranges."""
    import causalopt

    if not ranges:
        raise QuestionError(
            f"--design {text} fills axes without a COUNT, such as --grid k=0:1, and there are none"
        )
    kind, *counts = text.split(":")
    try:
        numbers = [int(count) for count in counts]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2):
        raise QuestionError(
            f"--design takes KIND:COUNT or KIND:COUNT:SEED such as sobol:1024, found '{text}'"
        )
    seed = numbers[1] if len(numbers) > 1 else 0
    return causalopt.design(ranges, numbers[0], kind=kind.strip(), seed=seed)  # type: ignore[arg-type]


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
    """Return the values that stand after an axis' name, each computed."""
    found = _spaced_values(span, said, is_log=is_log)
    if len(found) > MAX_POINTS:
        raise said.wrong(
            f"the grid has {len(found)} points, the limit is {MAX_POINTS:,}: make COUNT smaller"
        )
    return found[:]


def _spaced_values(span: str, said: _Said, *, is_log: bool) -> Floats | Spaced:
    """Return the values that stand after an axis' name, evenly spaced ones not yet computed."""
    from causalopt.effects.sweeps.axes import Spaced, log_spaced
    from causalopt.effects.sweeps.point_blocks import LARGEST

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
    if count > LARGEST:
        raise said.wrong("COUNT is at most 2^62")
    if not (named or is_log):
        return Spaced(low, high, count)
    if count > MAX_POINTS:
        raise said.wrong(
            f"an axis spaced in its logarithm has at most {MAX_POINTS:,} values, found {count}"
        )
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


def refuse_both(axes: Mapping[str, Any], sets: list[str] | None, initial: list[str] | None) -> None:
    """Refuse a value that is both given and swept: one of them would be lost without a word."""
    swept = {
        name for axis, values in axes.items() for name in getattr(values, "quantities", [axis])
    }
    for option, texts in (("--set", sets), ("--initial", initial)):
        for text in texts or []:
            name = text.partition("=")[0].strip()
            if name in swept or f"{name}[0]" in swept:
                raise QuestionError(
                    f"'{name}' is swept and given by {option} too: drop one of them"
                )
