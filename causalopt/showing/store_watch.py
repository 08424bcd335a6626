"""A store that is followed while it fills: read again and again, each time only what came since.

A look costs little however large the store is: the ledger is read where it changed, and of the
numbers a few chunks, each once, from which a coarse picture is made.
"""

from __future__ import annotations

import collections
import itertools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.live import Live

from causalopt.drawing.plots.swept_titles import identity_lines
from causalopt.showing.store_view import CoarsePicture, StoreState, progress_text, store_view
from causalopt.work.bars import span_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causalopt.engine.contract import Bools
    from causalopt.sweeps.sweep_store import SweepStore

_ROWS, _COLUMNS = 32, 96  # points of a coarse picture
_WINDOW = 30.0  # seconds over which the rate is taken
_BUDGET = 0.3  # seconds of a look that go into reading numbers
_QUIET = 60.0  # seconds without a chunk that are worth a word
_BETWEEN_LINES = 10.0
_SHARE = 0.2  # of the time at most that goes into drawing a picture anew
_LABELS = {"op": "Op [nats]", "comp": "Comp"}
_MIDDLES = {"op": 0.0, "op_rate": 0.0, "comp": 1.0}


class StoreWatch:
    """What is known of a store, brought up to date by each look.

    Args:
        store: The store.
        clock: Tells seconds; it never goes back.
    """

    def __init__(self, store: SweepStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._samples = _Samples.of(store)
        self._seen: collections.deque[tuple[float, int]] = collections.deque()
        self._changed = clock()

    def look(self) -> StoreState:
        """Read what came since the last look, and return what is known now.

        Raises:
            FileError: The store is damaged.
        """
        store = self._store
        store.refresh()
        marks, now = store.marks.astype(bool), self._clock()
        points = sum(store.total.counts)
        if not self._seen or points != self._seen[-1][1]:
            self._changed = now
        self._seen.append((now, points))
        while len(self._seen) > 2 and self._seen[1][0] < now - _WINDOW:
            self._seen.popleft()
        drawn = store.layout.drawn
        label = _LABELS.get(drawn, drawn)
        return StoreState(
            heading=_heading(store),
            done=marks,
            points=points,
            total=int(np.prod(store.shape, dtype=object)),
            statuses=store.statuses,
            ranges={label: store.ranges[drawn]} if marks.any() else {},
            rate=self._rate(),
            failed=store.failed,
            picture=None if self._samples is None else self._samples.picture(marks, label),
            note=self._note(marks, now),
        )

    def _rate(self) -> float | None:
        """Return points a second over the last half minute, None while nothing came."""
        (begun, before), (now, points) = self._seen[0], self._seen[-1]
        return (points - before) / (now - begun) if points > before and now > begun else None

    def _note(self, marks: Bools, now: float) -> str:
        if marks.all():
            return "complete"
        quiet = now - self._changed
        since = f"; no chunk came for {span_text(quiet)}" if quiet >= _QUIET else ""
        if self._store.driven:
            return f"being computed{since}"
        return f"not being computed; sweep with --resume goes on{since}"


class _Samples:
    """A few points of a store of one or two axes of numbers, read as their chunks are done.

    Args:
        store: The store.
        axes: For each dim its axis, its first and its last value.
    """

    def __init__(self, store: SweepStore, axes: tuple[tuple[str, float, float], ...]) -> None:
        self._store, self._axes = store, axes
        layout, most = store.layout, (_ROWS, _COLUMNS)[-len(axes) :]
        self._places = [_spread(n, m) for n, m in zip(layout.shape, most, strict=True)]
        shape = tuple(map(len, self._places))
        self._values, self._missing = np.full(shape, np.nan), np.ones(shape, dtype=bool)
        owners = [at // step for at, step in zip(self._places, layout.chunk, strict=True)]
        self._waiting = {
            int(np.ravel_multi_index(chunk, layout.grid)): tuple(
                np.flatnonzero(own == at) for own, at in zip(owners, chunk, strict=True)
            )
            for chunk in itertools.product(*(np.unique(own).tolist() for own in owners))
        }

    @classmethod
    def of(cls, store: SweepStore) -> _Samples | None:
        """Return the samples of a store; None where its axes are others, or more."""
        axes = []
        for axis in store.identity.get("axes", []):
            ends = axis["values"].get(axis["name"])  # a design has its quantities alone
            if not isinstance(ends, dict):
                return None
            axes.append((str(axis["name"]), float(ends["first"]), float(ends["last"])))
        return cls(store, tuple(axes)) if len(axes) in (1, 2) else None

    def picture(self, marks: Bools, label: str) -> CoarsePicture:
        """Return the picture, with what is done by now as far as there is time to read it."""
        begun = time.monotonic()
        for task in [task for task in self._waiting if marks[task]]:
            self._read(task)
            if time.monotonic() - begun > _BUDGET:
                break
        drawn = self._store.layout.drawn
        return CoarsePicture(
            label, self._values.copy(), self._missing.copy(), self._axes, _MIDDLES.get(drawn)
        )

    def _read(self, task: int) -> None:
        layout, inside = self._store.layout, self._waiting.pop(task)
        found: NDArray[np.float64] = self._store.read(task, (layout.drawn,))[layout.drawn]
        own = [
            places[here] - part.start
            for places, here, part in zip(self._places, inside, layout.slices(task), strict=True)
        ]
        self._values[np.ix_(*inside)] = found[np.ix_(*own)]
        self._missing[np.ix_(*inside)] = False


def watch_store(
    store: SweepStore,
    *,
    redraw: Callable[[], object] | None = None,
    console: Console | None = None,
    every: float = 1.0,
) -> StoreState:
    """Show a store until it is complete: on a terminal one view in place, lines elsewhere.

    Args:
        store: The store.
        redraw: Draws a picture anew; called as chunks come, so that it takes a fifth of the time at
            most, and once more in the end.
        console: Where the view is shown; stdout when not given.
        every: Seconds between two looks.

    Returns:
        The last state.

    Raises:
        FileError: The store is damaged.
    """
    shown = Console() if console is None else console
    if not shown.is_terminal:
        return _through_states(StoreWatch(store), _line_by_line(shown), redraw, every)
    with Live(console=shown, auto_refresh=False, vertical_overflow="crop") as live:

        def show(state: StoreState) -> None:
            live.update(store_view(state), refresh=True)

        return _through_states(StoreWatch(store), show, redraw, every)


def _through_states(
    watch: StoreWatch,
    show: Callable[[StoreState], object],
    redraw: Callable[[], object] | None,
    every: float,
) -> StoreState:
    """Look, show and draw until a store is complete."""
    drawn_at, took, drawn = -np.inf, 0.0, -1
    while True:
        state = watch.look()
        show(state)
        is_last = bool(state.done.all())
        now = time.monotonic()
        is_due = state.points != drawn and (is_last or now - drawn_at > took / _SHARE)
        if redraw is not None and is_due:
            redraw()
            drawn_at, drawn = time.monotonic(), state.points
            took = drawn_at - now
        if is_last:
            return state
        time.sleep(every)


def _line_by_line(console: Console) -> Callable[[StoreState], None]:
    """Return what prints a line where something changed, and not too often."""
    last: list[tuple[float, str]] = []

    def show(state: StoreState) -> None:
        text, now = f"{progress_text(state)}: {state.note}", time.monotonic()
        is_old = not last or now - last[-1][0] >= _BETWEEN_LINES or bool(state.done.all())
        if is_old and (not last or text != last[-1][1]):
            console.print(text, soft_wrap=True, highlight=False)
            last[:] = [(now, text)]

    return show


def _spread(count: int, most: int) -> NDArray[np.intp]:
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.intp))


def _heading(store: SweepStore) -> str:
    """Return what is measured, of which model, over which axes."""
    axes = store.identity.get("axes", [])
    over = " x ".join(f"{axis['name']}: {axis['count']:,}" for axis in axes)
    return f"{' in '.join(reversed(identity_lines(store.identity)))}; {over}"
