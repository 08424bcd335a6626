"""A sweep's store on a terminal, also while it runs: chunks done, rate, statuses, a coarse picture.

Nothing here reads a store: `StoreState` is what is known of one, and `store_view` lays it out for
rich, as wide as the terminal is.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group
from rich.panel import Panel
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from causalopt.drawing.palette import LIGHT
from causalopt.work.bars import rate_text, span_text

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.console import Console, ConsoleOptions, RenderableType

    from causalopt.engine.contract import Bools, Floats

_SHARES = " ░▒▓█"  # of the chunks under one letter: none, some, half, most, all
_MAP_LINES = 4
_HIGH = 16  # lines of a map of two axes
_LOW = 8  # lines of a curve
_WIDEST = 96
_NARROWEST = 16
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # of a braille letter: column, row


@dataclasses.dataclass(frozen=True, eq=False)
class CoarsePicture:
    """A measure at few points of a grid of one or two axes.

    Attributes:
        label: What the measure is called.
        values: Shape [x], or [y, x] with the first row the first value of y; NaN where undefined.
        missing: Where nothing was computed so far, likewise.
        axes: For each dim its axis, its first and its last value.
        middle: The value that stands in the middle of the colours, None for a measure that has
            none.
    """

    label: str
    values: Floats
    missing: Bools
    axes: tuple[tuple[str, float, float], ...]
    middle: float | None = 0.0


@dataclasses.dataclass(frozen=True, eq=False)
class StoreState:
    """What is known of a store at one moment.

    Attributes:
        heading: What is asked, over which axes.
        done: Which tasks are marked done, shape [task].
        points: How many points these have.
        total: How many points the grid has.
        statuses: Status -> how many of the computed points have it.
        ranges: Measure -> its least and its largest finite value so far.
        rate: Points a second at present; None where nobody computes, or it is not known yet.
        failed: Computed points that have no finite numbers.
        picture: A coarse picture, where there are one or two axes.
        note: A last line, such as that nothing came for a minute.
    """

    heading: str
    done: Bools
    points: int
    total: int
    statuses: Mapping[str, int]
    ranges: Mapping[str, tuple[float, float]]
    rate: float | None = None
    failed: int = 0
    picture: CoarsePicture | None = None
    note: str = ""


def store_view(state: StoreState) -> RenderableType:
    """Return a store as something that rich prints, or shows anew in a `rich.live.Live`.

    Example:
        >>> import numpy as np
        >>> from rich.console import Console
        >>> state = StoreState(
        ...     "Op(T; R[0], R) in thermostat, k: 4", np.array([1, 1, 0, 0], dtype=bool), 2, 4,
        ...     {"ok": 2}, {"Op [nats]": (0.5, 2.0)}, rate=1.0,
        ... )
        >>> console = Console(width=60, color_system=None)
        >>> with console.capture() as shown:
        ...     console.print(store_view(state))
        >>> [line.strip("│ ") for line in shown.get().splitlines()[1:3]]
        ['2 of 4 chunks, 2 of 4 points, 1 points/s, 2 s left', 'chunks  ██']
    """
    parts: list[RenderableType] = [Text(progress_text(state)), _ChunkMap(state.done)]
    for name, (low, high) in state.ranges.items():
        is_known = not math.isnan(low)
        parts.append(Text(f"{name} from {low:.6g} to {high:.6g}" if is_known else f"{name}: none"))
    if state.statuses:
        parts.append(Text(", ".join(f"{name}: {n:,}" for name, n in state.statuses.items())))
    if state.picture is not None:
        parts += [Text(), _Picture(state.picture)]
    if state.note:
        parts += [Text(), Text(state.note, style="italic")]
    return Panel(Group(*parts), title=Text(state.heading), title_align="left")


def progress_text(state: StoreState) -> str:
    """Return how far a store is, how fast it fills, when it will be full, and what went wrong.

    Example:
        >>> done = np.arange(1000) < 250
        >>> progress_text(StoreState("", done, 2500, 10000, {}, {}, rate=12.0))
        '250 of 1,000 chunks, 2,500 of 10,000 points, 12 points/s, 10 min left'
    """
    done, count = int(state.done.sum()), len(state.done)
    said = [f"{done:,} of {count:,} chunks", f"{state.points:,} of {state.total:,} points"]
    if done < count and state.rate:
        left = (state.total - state.points) / state.rate
        said += [rate_text(state.rate, "points"), f"{span_text(left)} left"]
    if state.failed:
        said.append(f"{state.failed:,} without finite numbers")
    return ", ".join(said)


class _ChunkMap:
    """Which chunks are done, in their order: a letter stands for an equal share of them."""

    def __init__(self, done: Bools) -> None:
        self._done = done

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        del console
        name = "chunks  "
        wide = max(options.max_width - len(name), _NARROWEST)
        letters = chunk_letters(self._done, wide * _MAP_LINES)
        for start in range(0, len(letters), wide):
            yield Text((name if not start else " " * len(name)) + letters[start : start + wide])


def chunk_letters(done: Bools, most: int) -> str:
    """Return at most so many letters, each for an equal share of the tasks: fuller is more done.

    Only a letter all of whose tasks are done is full, and one of which any is done is not blank.

    Example:
        >>> chunk_letters(np.array([True, True, True, False, False, False]), 3)
        '█▒ '
    """
    cells = min(most, len(done))
    if not cells:
        return ""
    ends = np.linspace(0, len(done), cells + 1).round().astype(int)
    counts = np.add.reduceat(done.astype(np.int64), ends[:-1])
    shares = counts / np.diff(ends)
    places = np.ceil(shares * (len(_SHARES) - 2)).astype(int)  # 0 for none, 3 for nearly all
    places[shares == 1.0] = len(_SHARES) - 1
    return "".join(_SHARES[place] for place in places)


class _Picture:
    """A coarse picture, as wide as there is room."""

    def __init__(self, picture: CoarsePicture) -> None:
        self._picture = picture

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        picture = self._picture
        wide = max(min(options.max_width - 12, _WIDEST), _NARROWEST)
        if picture.values.ndim == 1:
            yield from _curve_lines(picture, wide)
        elif console.color_system is None:
            yield Text(f"a map of {picture.label} needs a terminal with colours, or --plot FILE")
        else:
            yield _map_table(picture, wide)


def _curve_lines(picture: CoarsePicture, wide: int) -> Iterator[Text]:
    """Yield a curve in braille dots, its ends written beside it; dots below are missing points."""
    found = np.where(np.isfinite(picture.values), picture.values, np.nan)
    known = found[np.isfinite(found)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    lines = braille_lines(found, wide, _LOW, low, high)
    margin = 10
    for k, line in enumerate(lines):
        said = f"{high:.4g}" if k == 0 else f"{low:.4g}" if k == len(lines) - 1 else ""
        yield Text(f"{said if known.size else '':>{margin}} {line}")
    if picture.missing.any():
        letters = _any_under(picture.missing, wide)
        below = "".join("·" if none else " " for none in letters)
        yield Text(f"{'missing':>{margin}} {below}", style="dim")
    yield Text(f"{'':>{margin}} {_axis_text(wide, picture.axes[0])}")
    yield Text(f"{'':>{margin}} {picture.label}")


def _axis_text(wide: int, axis: tuple[str, float, float]) -> str:
    """Return what stands below a picture: the axis's ends and, between them, its name."""
    name, first, last = axis[0], f"{axis[1]:.4g}", f"{axis[2]:.4g}"
    return first + name.center(max(wide - len(first) - len(last), len(name) + 2)) + last


def braille_lines(values: Floats, wide: int, high: int, low: float, top: float) -> list[str]:
    """Return a curve as lines of braille letters, two by four dots each; NaN leaves a gap.

    Args:
        values: Shape [x], evenly spread over the width.
        wide: Letters of a line.
        high: How many lines.
        low: The value at the lower edge.
        top: The value at the upper edge.
    """
    dots = np.zeros((4 * high, 2 * wide), dtype=bool)
    places = np.round(np.linspace(0, 2 * wide - 1, len(values))).astype(int)
    reach = top - low
    for k in np.flatnonzero(np.isfinite(values)):
        share = (values[k] - low) / reach if reach > 0 else 0.5
        here = round((1.0 - share) * (4 * high - 1))
        dots[here, places[k]] = True
        if k and np.isfinite(values[k - 1]):
            _join(dots, places[k - 1], places[k], (values[k - 1] - low) / (reach or 1.0), share)
    return [
        "".join(_letter(dots[4 * row : 4 * row + 4, 2 * k : 2 * k + 2]) for k in range(wide))
        for row in range(high)
    ]


def _join(dots: Bools, left: int, right: int, one: float, other: float) -> None:
    """Set the dots between two points, so that a steep curve has no gaps."""
    tall = len(dots) - 1
    steps = max(right - left, int(abs(one - other) * tall), 1)
    share = np.arange(1, steps) / steps
    rows = np.round((1.0 - (one + share * (other - one))) * tall).astype(int)
    dots[np.clip(rows, 0, tall), np.round(left + share * (right - left)).astype(int)] = True


def _letter(dots: Bools) -> str:
    """Return a braille letter; four rows of two dots."""
    bits = sum(_DOTS[column][row] for row in range(4) for column in range(2) if dots[row, column])
    return chr(0x2800 + bits)


def _map_table(picture: CoarsePicture, wide: int) -> Table:
    """Return a map in half blocks: two rows of points in a line, the last value of y on top."""
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", width=9, no_wrap=True)
    table.add_column(no_wrap=True)
    up, first, last = picture.axes[0]
    cells = map_cells(picture, wide, 2 * _HIGH)
    lines = [_HalfBlocks(cells[k : k + 2]) for k in range(0, len(cells), 2)]
    for k, line in enumerate(lines):
        said = {0: f"{last:.4g}", len(lines) - 1: f"{first:.4g}", len(lines) // 2: up}.get(k, "")
        table.add_row(Text(said, overflow="ellipsis"), line)
    table.add_row("", Text(_axis_text(cells.shape[1], picture.axes[1])))
    table.add_row("", Text(_key(picture)))
    return table


def _key(picture: CoarsePicture) -> str:
    known = picture.values[np.isfinite(picture.values)]
    if not known.size:
        return f"{picture.label}: no point so far has a number"
    ends = f"{picture.label} from {known.min():.4g} to {known.max():.4g}"
    middle = "" if picture.middle is None else f", white at {picture.middle:g}"
    return ends + middle + ("; · is missing" if picture.missing.any() else "")


def map_cells(picture: CoarsePicture, wide: int, high: int) -> NDArray[np.str_]:
    """Return the colours of a map's cells as `#rrggbb`, row 0 on top; "" where points are missing.

    A point that was computed and has no number has the grey of the status without an influence.
    """
    values = np.where(np.isfinite(picture.values), picture.values, np.nan)[::-1]
    missing = picture.missing[::-1]
    infinite = picture.values[::-1]
    rows = np.linspace(0, len(values) - 1, min(high, len(values))).round().astype(int)
    columns = np.linspace(0, values.shape[1] - 1, min(wide, values.shape[1])).round().astype(int)
    picked = np.ix_(rows, columns)
    known = values[np.isfinite(values)]
    shares = _shares(values[picked], known, picture.middle)
    shares = np.where(np.isinf(infinite[picked]), (np.sign(infinite[picked]) + 1) / 2, shares)
    stops = LIGHT.op_stops if picture.middle is not None else LIGHT.size_stops
    names = np.array([*_ramp(stops), LIGHT.statuses["no_influence"], ""])
    places = np.where(np.isnan(shares), 256, np.nan_to_num(shares) * 255).astype(int)
    found: NDArray[np.str_] = names[np.where(missing[picked], 257, places)]
    return found


def _shares(values: Floats, known: Floats, middle: float | None) -> Floats:
    """Return where values stand between the ends of the colours, from 0 to 1."""
    if not known.size:
        return np.full(values.shape, np.nan)
    if middle is None:
        low, reach = float(known.min()), float(np.ptp(known)) or 1.0
        return (values - low) / reach
    reach = float(np.abs(known - middle).max()) or 1.0
    return (values - middle) / reach / 2 + 0.5


def _ramp(stops: tuple[str, ...]) -> list[str]:
    """Return 256 colours through stops that are equally far apart."""
    parts = np.array([[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in stops])
    at = np.linspace(0, len(stops) - 1, 256)
    mixed = np.stack([np.interp(at, np.arange(len(stops)), parts[:, i]) for i in range(3)], axis=1)
    return ["#{:02x}{:02x}{:02x}".format(*row) for row in mixed.round().astype(int)]


class _HalfBlocks:
    """One line of a map: the upper row of cells in the letters' colour, the lower behind them."""

    def __init__(self, rows: NDArray[np.str_]) -> None:
        self._rows = rows.tolist() if len(rows) == 2 else [rows[0].tolist(), [""] * rows.shape[1]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        del console, options
        for above, below in zip(*self._rows, strict=True):
            if above and below:
                yield Segment("▀", Style(color=above, bgcolor=below))
            elif above or below:
                yield Segment("▀" if above else "▄", Style(color=above or below))
            else:
                yield Segment("·", Style(dim=True))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Any:
        from rich.measure import Measurement

        del console, options
        return Measurement(len(self._rows[0]), len(self._rows[0]))


def _any_under(where: Bools, wide: int) -> Bools:
    """Return under which of so many letters any of the points lies."""
    places = np.round(np.linspace(0, wide - 1, len(where))).astype(int)
    found = np.zeros(wide, dtype=bool)
    found[places[where]] = True
    return found
