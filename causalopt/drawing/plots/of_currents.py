"""The plot of currents over time: what each variable carries on, stacked, and the largest paths."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from causalopt.drawing.influence.unrolled_diagram import title_of
from causalopt.drawing.palette import STATUS_HATCHES, colours
from causalopt.drawing.plots.op_maps import uneven_norm
from causalopt.drawing.plots.panel_parts import draw_status, legend_above, plain_axes, time_label
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.drawing.plots.plot_style import PAGE, ramp, wrapped
from causalopt.effects.asked import Asked
from causalopt.effects.measures import NAMES, STATUSES
from causalopt.influence.influence import Currents
from causalopt.influence.path_lines import path_rows
from causalopt.influence.relative_currents import (
    CODES,
    DOUBTED,
    GRAVE,
    RelativeCurrents,
    relative_currents,
    sign_words,
)
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from causalopt.engine.contract import Bools, Floats

EACH = 700  # steps up to which each has a column of its own
COLUMNS = 240  # of a longer run; each shows the few of its steps at which a band is largest
LONG = 3000  # steps from which the axis is logarithmic from both ends
STRONG = 20.0  # a gross current above which bands are drawn as parts of it
MOST_BANDS = 7
MOST_EXCHANGES = 10
MOST_PATHS = 8
MOST_NODES = 40
LEAST_NAMED = 0.06  # of the axis: a thinner band is named in the legend only
PALEST = 0.62  # of the way to the paper, of the last variable's colour


@plot.register(Currents)
@drawn
def plot_currents(found: Currents) -> PanelLayout:
    """Return a figure of what each variable carries from step to step, and of the largest paths.

    Bands above 0 go with the total effect, those below it against. Steps of a long run share a
    column: it shows those of them at which a band is largest. What goes from one variable to
    another is below, edge by edge, the largest of each column.

    Args:
        found: The currents.

    Returns:
        The figure, not shown. Panels: `bands`, `gross` (where currents are strong), `exchanges`
        (where there are edges between variables), `status`, `paths`; of a model without time
        `nodes` and `paths`.

    Example:
        >>> from causalopt import currents, load
        >>> figure = plot_currents(currents(load("thermostat"), steps=9))
        >>> figure.axes[0].get_ylabel()
        'current, of the total effect'
    """
    relative = relative_currents(found)
    if found.model.is_static:
        height = 0.6 + 0.2 * len(_live(relative))
        panels = [Panel("nodes", lambda axes: _draw_bars(axes, relative), height)]
    else:
        panels = _courses(relative)
    lines = _path_lines(found)
    paths = Panel("paths", lambda axes: _write_paths(axes, lines), 0.3 + 0.14 * len(lines))
    return PanelLayout([title_of(relative), *_through(found)], [*panels, paths])


def _through(found: Currents) -> list[str]:
    if not found.hold:
        return []
    part = found.through()
    share = f"{part.share:.4g} of it" if math.isfinite(part.share) else "what goes"
    doubt = "" if part.status == "ok" else f", {part.status}"
    return [f"{share} through A = {{{part.hold}}}: Op = {part.op:.4g} nats{doubt}"]


@dataclasses.dataclass(frozen=True, eq=False)
class _Columns:
    """Steps put together into columns.

    Attributes:
        first: The first step of each column, shape [column].
        count: How many steps each has.
        edges: Where columns begin and end on the axis, shape [column + 1].
        is_long: Whether the axis is logarithmic from both ends.
        place: Step -> place on the axis.
    """

    first: NDArray[np.int64]
    count: NDArray[np.int64]
    edges: Floats
    is_long: bool
    place: Callable[[Floats], Floats]

    def largest(self, values: Floats) -> Floats:
        """Return the entry largest in size of each column, shape [column, ...], of [t, ...]."""
        low = np.minimum.reduceat(values, self.first - self.first[0], axis=0)
        high = np.maximum.reduceat(values, self.first - self.first[0], axis=0)
        found: Floats = np.where(-low > high, low, high)
        return found

    def any(self, values: Bools) -> Bools:
        """Return whether it holds at any step of each column."""
        found: Bools = np.logical_or.reduceat(values, self.first - self.first[0], axis=0)
        return found


def columns_of(first: int, last: int, scale: float) -> _Columns:
    """Return the columns of the steps from n to m.

    Args:
        first: n's step.
        last: m's step.
        scale: Units of time per step on a linear axis.
    """
    steps, length = np.arange(first, last + 1, dtype=np.int64), last - first
    is_long = length > LONG

    def place(t: Floats) -> Floats:
        if not is_long:
            return np.asarray(t) * scale
        since, until = np.asarray(t) - first, last - np.asarray(t)
        half = np.log1p(length / 2)
        near = np.log1p(np.clip(np.minimum(since, until), 0, None))
        found: Floats = np.where(since <= until, near, 2 * half - near) / (2 * half)
        return found

    if length < EACH:
        starts = steps
    else:
        places = place(steps.astype(float))
        bins = np.floor((places - places[0]) / (places[-1] - places[0]) * COLUMNS)
        starts = steps[np.concatenate(([True], np.diff(bins) > 0))]
    count = np.diff(np.append(starts, last + 1))
    borders = np.append(starts, last + 1) - 0.5
    if is_long:  # half a step beyond either end lies outside of the logarithms
        borders[0], borders[-1] = first, last
    return _Columns(starts, count, place(borders), is_long, place)


def _courses(relative: RelativeCurrents) -> list[Panel]:
    """Return the panels over time."""
    found = relative.asked
    first, last = found.nudge.t, found.steps
    columns = columns_of(first, last, float(found.model.template.time(np.array([1]))[0]))
    bands = _bands_of(relative, columns)
    exchanges = _exchanges(relative)
    under = time_label(found.model) if not columns.is_long else (
        "step, by logarithms from n on and towards m"
    )  # fmt: skip

    def timed(name: str, draw: Callable[[Axes], None], height: float) -> Panel:
        def draw_in_time(axes: Axes) -> None:
            draw(axes)
            axes.set_xlim(columns.edges[0], columns.edges[-1])
            _mark_time(axes, found, columns)

        return Panel(name, draw_in_time, height, under=under, shares=True)

    panels = [timed("bands", lambda axes: _draw_bands(axes, relative, columns, bands), 2.6)]
    if bands.is_strong:
        panels.append(timed("gross", lambda axes: _draw_gross(axes, relative, bands), 0.8))
    if exchanges:
        height = 0.3 + 0.15 * len(exchanges)
        panels.append(
            timed("exchanges", lambda a: _draw_exchanges(a, relative, columns, exchanges), height)
        )
    codes = relative.node_codes
    panels.append(timed("status", lambda axes: _draw_statuses(axes, codes, columns), 0.22))
    return panels


@dataclasses.dataclass(frozen=True, eq=False)
class _Bands:
    """What is stacked.

    Attributes:
        names: Of the bands.
        edges: Where the slices that are shown begin and end on the axis, shape [slice + 1].
        column: Of each slice the column that it is one of, shape [slice].
        values: Currents, shape [slice, band]; where they are strong, parts of the gross.
        gross: The sum of the currents' sizes, shape [slice].
        is_strong: Whether the gross is so large at its largest that bands are parts of it.
    """

    names: list[str]
    edges: Floats
    column: NDArray[np.int64]
    values: Floats
    gross: Floats
    is_strong: bool


def _bands_of(relative: RelativeCurrents, columns: _Columns) -> _Bands:
    carried = np.nan_to_num(relative.carried, nan=0.0, posinf=0.0, neginf=0.0)[columns.first[0] :]
    names, carried = _few(relative, carried)
    rows, column, edges = _slices(carried, columns)
    shown = carried[rows]
    gross = np.abs(shown).sum(axis=1)
    is_strong = bool(gross.max(initial=0.0) > STRONG)
    if is_strong:
        shown = shown / np.where(gross > 0, gross, 1.0)[:, None]
    return _Bands(names, edges, column, shown, gross, is_strong)


def _slices(
    carried: Floats, columns: _Columns
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return the rows that are shown, their columns, and where they begin and end.

    Of a column of several steps those are shown, in their order, at which one of the bands, or all
    of them together, are largest in size: a mean would hide a peak, and the bands of a single step
    sum to what they should.
    """
    if (columns.count == 1).all():
        rows = np.arange(len(carried))
        return rows, rows, columns.edges
    size = np.abs(carried)
    picks = [_largest_of(size.sum(axis=1), columns)]
    picks += [_largest_of(size[:, k], columns) for k in range(size.shape[1])]
    places, owners, edges = [], [], [columns.edges[:1]]
    for c, chosen in enumerate(np.stack(picks, axis=1)):
        steps = np.unique(chosen)
        places.append(steps)
        owners.append(np.full(len(steps), c))
        edges.append(np.linspace(columns.edges[c], columns.edges[c + 1], len(steps) + 1)[1:])
    return np.concatenate(places), np.concatenate(owners), np.concatenate(edges)


def _draw_bands(axes: Axes, relative: RelativeCurrents, columns: _Columns, bands: _Bands) -> None:
    found, names = relative.asked, bands.names
    plain_axes(axes)
    up, down = np.zeros(len(bands.gross)), np.zeros(len(bands.gross))
    gains, losses = np.maximum(bands.values, 0.0), np.minimum(bands.values, 0.0)
    room = float(gains.sum(axis=1).max() - losses.sum(axis=1).min())
    for k, name in enumerate(names):
        gain, loss = gains[:, k], losses[:, k]
        signs = ((up, gain, colours().red), (down, loss, colours().blue))
        for base, part, colour in signs:
            if part.any():
                _fill(axes, bands, (base, base + part), _shade(colour, k, len(names)))
                _hatch(axes, bands, (base, base + part), _doubts(relative, name, columns))
                _name_band(axes, bands, (base, part), name, room)
        up, down = up + gain, down + loss
    axes.axhline(0, color=colours().ink, linewidth=0.8)
    if not bands.is_strong:
        axes.axhline(1, color=colours().ink, linewidth=0.8, linestyle=":")
    axes.set_ylabel("part of what flows" if bands.is_strong else f"current, {relative.unit}")
    held = {window.variable for window in found.hold}
    handles = [
        Patch(
            facecolor=_shade(colours().red, k, len(names)),
            label=f"{name}{' (in A)' * (name in held)}",
        )
        for k, name in enumerate(names)
    ]
    words = "red {}, blue {}".format(*sign_words(relative.unit))
    legend_above(axes, handles, title=words, alignment="left")


def _few(relative: RelativeCurrents, carried: Floats) -> tuple[list[str], Floats]:
    """Return the variables that carry most and their currents; the rest are one band."""
    size = np.abs(carried).sum(axis=0)
    live = [k for k in range(len(size)) if size[k] > 0] or [
        relative.variables.index(relative.target)
    ]
    if len(live) <= MOST_BANDS + 1:
        return [relative.variables[k] for k in live], carried[:, live]
    chosen = sorted(sorted(live, key=lambda k: -size[k])[:MOST_BANDS])
    rest = [k for k in live if k not in chosen]
    names = [*(relative.variables[k] for k in chosen), f"{len(rest)} others"]
    return names, np.column_stack((carried[:, chosen], carried[:, rest].sum(axis=1)))


def _largest_of(sizes: Floats, columns: _Columns) -> NDArray[np.int64]:
    """Return the row of each column at which something is largest."""
    starts = columns.first - columns.first[0]
    most = np.repeat(np.maximum.reduceat(sizes, starts), columns.count)
    candidates = np.flatnonzero(sizes == most)
    owner = np.searchsorted(starts, candidates, side="right") - 1
    _, first = np.unique(owner, return_index=True)
    return candidates[first]


def _fill(
    axes: Axes, bands: _Bands, span: tuple[Floats, Floats], colour: tuple[float, float, float]
) -> None:
    low, high = (np.append(part, part[-1]) for part in span)
    axes.fill_between(
        bands.edges,
        low,
        high,
        step="post",
        facecolor=colour,
        edgecolor=colours().paper,
        linewidth=0.3 if len(bands.gross) <= EACH else 0.0,
    )


def _hatch(
    axes: Axes, bands: _Bands, span: tuple[Floats, Floats], doubts: dict[str, Bools]
) -> None:
    # Both ends of each bar: of steps that matplotlib draws a stretch lacks its last bar.
    edges = np.repeat(bands.edges, 2)[1:-1]
    low, high = (np.repeat(part, 2) for part in span)
    for status, where in doubts.items():
        axes.fill_between(
            edges,
            low,
            high,
            where=np.repeat(where[bands.column], 2),
            facecolor="none",
            edgecolor=f"{colours().ink}70",
            hatch=STATUS_HATCHES[status],
            linewidth=0,
        )


def _doubts(relative: RelativeCurrents, name: str, columns: _Columns) -> dict[str, Bools]:
    """Return the statuses that doubt a variable's current, with the columns where they do."""
    if name not in relative.variables:
        return {}
    codes = relative.node_codes[columns.first[0] :, relative.variables.index(name)]
    where = {kind: columns.any(codes == CODES[kind]) for kind in DOUBTED}
    return {kind: columns for kind, columns in where.items() if columns.any()}


def _name_band(
    axes: Axes, bands: _Bands, span: tuple[Floats, Floats], name: str, room: float
) -> None:
    """Write a variable's name where its band is thickest, if it has room there.

    Where another name stands already it is left to the legend.
    """
    base, part = span
    window = max(1, len(part) // 40)
    thick = np.convolve(np.abs(part), np.ones(window) / window, mode="same")
    at = int(thick.argmax())
    if min(thick[at], abs(part[at])) < LEAST_NAMED * room:
        return
    x, y = (bands.edges[at] + bands.edges[at + 1]) / 2, base[at] + part[at] / 2
    wide = (0.012 * len(name) + 0.01) * (bands.edges[-1] - bands.edges[0])
    for other in axes.texts:
        (p, q), reach = other.get_position(), max(len(other.get_text()), len(name)) / len(name)
        if abs(x - p) < wide * reach and abs(y - q) < LEAST_NAMED * room:
            return
    text = axes.text(x, y, name, ha="center", va="center", color=colours().ink)
    text.set_path_effects([effects.withStroke(linewidth=2, foreground=colours().paper)])


def _draw_gross(axes: Axes, relative: RelativeCurrents, bands: _Bands) -> None:
    """Draw the sum of the currents' sizes, of which bands are parts."""
    plain_axes(axes)
    axes.stairs(bands.gross, bands.edges, color=colours().ink, linewidth=1.1, baseline=None)
    axes.set_yscale("log")
    axes.set_ylabel(f"all that flows,\n{relative.times}")


def _shade(colour: str, place: int, count: int) -> tuple[float, float, float]:
    """Return a colour, paler from variable to variable."""
    part = PALEST * place / max(count - 1, 1)
    paper = to_rgb(colours().paper)
    red, green, blue = (v + (p - v) * part for v, p in zip(to_rgb(colour), paper, strict=True))
    return red, green, blue


def _exchanges(relative: RelativeCurrents) -> list[int]:
    """Return the edges between different variables that carry most."""
    size = np.nansum(np.abs(relative.edges), axis=0)
    edges = relative.edge_names
    live = [e for e, (p, c, _) in enumerate(edges) if p != c and size[e] > 0]
    return sorted(sorted(live, key=lambda e: -size[e])[:MOST_EXCHANGES])


def _draw_exchanges(
    axes: Axes, relative: RelativeCurrents, columns: _Columns, chosen: list[int]
) -> None:
    edges = relative.edge_names
    values = np.nan_to_num(relative.edges[columns.first[0] :, chosen], nan=0.0)
    shown = columns.largest(values).T
    mesh = axes.pcolormesh(
        columns.edges,
        np.arange(len(chosen) + 1) - 0.5,
        shown,
        cmap=ramp("currents", [colours().blue, colours().paper, colours().red]),
        norm=uneven_norm(shown),
        rasterized=True,
    )
    same = len({edges[e][2] for e in chosen}) == 1
    labels = [
        f"{edges[e][0]} → {edges[e][1]}" + ("" if same else f" (lag {edges[e][2]})") for e in chosen
    ]
    axes.set_yticks(range(len(chosen)), labels)
    axes.invert_yaxis()
    axes.set_ylabel("from variable\nto variable")
    assert axes.figure is not None
    bar = axes.figure.colorbar(mesh, ax=axes, pad=0.01, aspect=12)
    largest = float(np.abs(shown).max())
    bar.set_ticks([-largest, 0.0, largest], labels=[f"{v:.2g}" for v in (-largest, 0, largest)])
    bar.ax.minorticks_off()


def _draw_statuses(axes: Axes, codes: NDArray[np.int8], columns: _Columns) -> None:
    """Draw the gravest status of each column's currents, with how many steps have which."""
    nothing = CODES["no_influence"]
    rank = np.zeros(len(STATUSES), dtype=np.int8)  # the graver, the higher
    order = [nothing, *(CODES[name] for name in GRAVE)]
    rank[order] = np.arange(len(order))
    ranks = rank[codes[columns.first[0] :]].max(axis=1)
    names = NAMES[order]
    counts = dict(zip(names, np.bincount(ranks, minlength=len(order)).tolist(), strict=True))
    starts = columns.first - columns.first[0]
    gravest = names[np.maximum.reduceat(ranks, starts)]
    middles = (columns.edges[1:] + columns.edges[:-1]) / 2
    draw_status(axes, middles, gravest, edges=columns.edges, counts=counts)


def _mark_time(axes: Axes, found: Asked, columns: _Columns) -> None:
    if not columns.is_long:
        axes.xaxis.set_major_locator(MaxNLocator(integer=found.model.dt is None))
        return
    first, last = found.nudge.t, found.steps
    decades = range(1, int(math.log10((last - first) / 2)) + 1)
    powers = [p for p in decades if 10**p <= (last - first) / 3]
    powers = powers[:: max(1, len(powers) // 3)]
    steps = [first, *(first + 10**p for p in powers), *(last - 10**p for p in powers[::-1]), last]
    texts = [f"{first}", *(f"+{10**p:,}" for p in powers), *(f"-{10**p:,}" for p in powers[::-1])]
    axes.set_xticks(columns.place(np.array(steps, dtype=float)), [*texts, f"{last:,}"])


def _path_lines(found: Currents) -> list[str]:
    """Return the paths that carry most, with their products and shares."""
    rows = path_rows(found, MOST_PATHS, width=96)
    lines = ["largest paths" if rows else "no path carries anything"]
    for path, product, share in rows:
        lines += [*wrapped(path, 0.94 * PAGE), f"  product {product}, share {share}"]
    return lines


def _write_paths(axes: Axes, lines: list[str]) -> None:
    axes.set_axis_off()
    axes.text(0, 1, "\n".join(lines), va="top", transform=axes.transAxes)


def _live(relative: RelativeCurrents) -> list[int]:
    """Return which nodes of a model without time carry anything."""
    values = np.nan_to_num(relative.nodes[0])
    chosen = [k for k in range(len(values)) if values[k]][:MOST_NODES]
    return chosen or [relative.variables.index(relative.target)]


def _draw_bars(axes: Axes, relative: RelativeCurrents) -> None:
    """Draw the currents of a model without time: a bar for each node."""
    values, chosen = np.nan_to_num(relative.nodes[0]), _live(relative)
    plain_axes(axes)
    status = NAMES[relative.node_codes[0, chosen]]
    for row, k in enumerate(chosen):
        kind = str(status[row])
        axes.barh(
            row,
            values[k],
            color=colours().red if values[k] > 0 else colours().blue,
            hatch=STATUS_HATCHES[kind] if kind in DOUBTED else None,
            edgecolor=colours().ink if kind in DOUBTED else colours().faint,
            linewidth=0.4,
        )
    axes.set_yticks(range(len(chosen)), [relative.variables[k] for k in chosen])
    axes.invert_yaxis()
    axes.axvline(0, color=colours().ink, linewidth=0.8)
    axes.set_xlabel(f"current, {relative.unit}")
