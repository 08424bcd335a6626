"""The plot of a run of arrays: m's elements, sizes of its effects, Op, alignment and status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.heat_maps import (
    FEW_ELEMENTS,
    as_matrix,
    draw_film,
    draw_heat,
    heat_norm,
    is_field,
    signed_norm,
)
from causalopt.drawing.plots.panel_parts import (
    WIDE,
    draw_measure,
    draw_status,
    draw_world_line,
    largest_size,
    legend_above,
    plain_axes,
    spread_axis,
    time_label,
    typical_size,
)
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.drawing.plots.plot_style import SMALL
from causalopt.effects.arrays.array_run import ArrayRun
from causalopt.errors import QuestionError
from causalopt.results import plot
from causalopt.worlds.array_world import element_slices

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

    from causalopt.engine.contract import Floats

_UNEVEN = 100.0  # a ratio of sizes at which a linear axis of this height hides the smaller
_NAMES = ("all paths (x - w)", "paths that avoid A (y - w)")


@plot.register(ArrayRun)
@drawn
def plot_array_run(run: ArrayRun, t: int | None = None) -> PanelLayout:
    """Return a figure of a run of arrays.

    Over time: m's elements, up to eight as lines and more as a heat map; with a finite nudge also
    what X and Y differ by from W; the norms of total and direct effect; Op, with its standard error
    where probes stand for all directions, and op_total; alignment, or Comp of numbers; the status.

    Args:
        run: The run.
        t: A step: then m's elements and its total and direct effect there as heat maps.

    Returns:
        The figure, not shown. Panels: `worlds` (elements as lines), or `W`, `X - W` and `Y - W`
        (heat maps), or `W`, `x - w` and `y - w` (films of a plane); then `differences`, `op`,
        `comp` or `alignment`, `status`. At a step: `W`, `total` and `direct`.

    Raises:
        QuestionError: The step lies outside the run.
    """
    panels = _over_time(run) if t is None else _at_step(run, t)
    size = "δ → 0" if run.delta is None else f"δ = {run.delta:g}"
    return PanelLayout((run.model.title or run.model.name, f"{run.op_name}, {size}"), panels)


def _over_time(run: ArrayRun) -> list[Panel]:
    def timed(name: str, draw: Callable[[Axes, ArrayRun], None], height: float) -> Panel:
        def draw_plainly(axes: Axes) -> None:
            plain_axes(axes)
            axes.yaxis.get_offset_text().set(x=-0.1)  # beside the legend, not under it
            draw(axes, run)

        return Panel(name, draw_plainly, height, under=time_label(run.model), shares=True)

    films = _films(run)
    return [
        *(Panel(name, _film(run, *film), 1.2) for name, *film in films),
        *(timed(*element) for element in ([] if films else _elements(run))),
        timed("differences", _draw_sizes, 1.5),
        timed("op", _draw_op, 1.6),
        timed("comp" if run.is_scalar else "alignment", _draw_last, 1.15),
        timed("status", lambda axes, run: draw_status(axes, run.time, run.status), 0.3),
    ]


def _film(run: ArrayRun, values: Floats, norm: Any, name: str) -> Callable[[Axes], None]:
    return lambda axes: draw_film(axes, values, run.t, label=name, norm=norm)


def _films(run: ArrayRun) -> list[tuple[str, Floats, Any, str]]:
    """Return what is drawn of a plane of elements, frame by frame: W, and one direction's effects.

    Effects have a scale for each frame, for they may grow without bound.
    """
    w = measured(run, run.W)
    if not is_field(w.shape[1:]):
        return []
    films: list[tuple[str, Floats, Any, str]] = [("W", w, heat_norm(w), "W")]
    if len(run.directions) == 1:
        films += [
            (name, np.asarray(values).reshape(w.shape), signed_norm, name)
            for name, values in (("x - w", run.total), ("y - w", run.direct))
        ]
    return films


def measured(run: ArrayRun, world: Any) -> Floats:
    """Return the measured elements' values in one of a run's worlds, shape [t, *elements]."""
    values: Floats = world[run.measured.variable]
    if run.measured.elements is None:
        return values
    return values[(slice(None), *element_slices(run.measured.elements))]


def _label(run: ArrayRun) -> str:
    variable = run.model.variables[run.measured.variable]
    text = f"{run.target} ({variable.label})" if variable.label else run.target
    return f"{text} [{variable.unit}]" if variable.unit else text


def _elements(run: ArrayRun) -> list[tuple[str, Callable[[Axes, ArrayRun], None], float]]:
    """Return the panels of m's values: lines together, heat maps one by one."""
    worlds = {"W": measured(run, run.W)}
    if run.X is not None and run.Y is not None:
        worlds |= {"X": measured(run, run.X), "Y": measured(run, run.Y)}
    if worlds["W"][0].size <= FEW_ELEMENTS:
        return [("worlds", lambda axes, run: _draw_lines(axes, run, worlds), 1.6)]
    shown: dict[str, Floats] = {"W": worlds["W"]}
    with np.errstate(invalid="ignore", over="ignore"):
        shown |= {f"{n} - W": worlds[n] - worlds["W"] for n in worlds if n != "W"}
    norm = heat_norm(*(v for n, v in shown.items() if n != "W")) if len(shown) > 1 else None

    def map_of(name: str, values: Floats) -> Callable[[Axes, ArrayRun], None]:
        def draw(axes: Axes, run: ArrayRun) -> None:
            scale = None if name == "W" else norm
            draw_heat(axes, values.reshape(len(values), -1).T, x=run.time, norm=scale)
            axes.set_ylabel(_label(run) if name == "W" else name)

        return draw

    return [(name, map_of(name, values), 1.6) for name, values in shown.items()]


def _draw_lines(axes: Axes, run: ArrayRun, worlds: dict[str, Floats]) -> None:
    for name, values in worlds.items():
        labels = {"W": "W: baseline", "X": f"X: {run.node_name} nudged", "Y": "Y: and A from W"}
        for i, column in enumerate(values.reshape(len(values), -1).T):
            label = labels[name] if i == 0 else "_"
            draw_world_line(axes, run.time, column, name, label)
    axes.set_ylabel(_label(run))
    legend_above(axes)


def _draw_sizes(axes: Axes, run: ArrayRun) -> None:
    """Draw the derivatives of numbers with their sign, those of vectors by their norms."""
    if run.is_scalar:
        x, y = run.total, run.direct
        axes.set_ylabel("(difference)/δ")
    else:
        x, y = run.effect.total.value, run.effect.direct.value
        axes.set_ylabel("norm of difference/δ")
    draw_world_line(axes, run.time, x, "X", _NAMES[0])
    draw_world_line(axes, run.time, y, "Y", _NAMES[1])
    sizes = [s for s in (largest_size(x), largest_size(y)) if s > 0]
    typical = [typical_size(x), typical_size(y)]
    is_uneven = bool(sizes) and max(sizes) > _UNEVEN * min(t for t in typical if t > 0)
    if is_uneven and not run.is_scalar:
        axes.set_yscale("log", nonpositive="mask")
    else:
        axes.axhline(0, color=colours().faint, linewidth=0.8)
    if is_uneven and run.is_scalar:
        spread_axis(axes, min(t for t in typical if t > 0))
    legend_above(axes)


def _draw_op(axes: Axes, run: ArrayRun) -> None:
    draw_measure(axes, run.time, run.op, run.status, label="Op [nats]", rest=0.0)
    if run.is_probed:
        low, high = run.op - run.op_error, run.op + run.op_error
        axes.fill_between(
            run.time, low, high, color=colours().blue, alpha=0.2, label="± 1 standard error"
        )
        legend_above(axes)
    elif not run.is_scalar and len(run.directions) > 1:
        values = np.where(np.isfinite(run.op_total), run.op_total, np.nan)
        if np.isfinite(values).any():
            axes.plot(
                run.time, values, "--", color=colours().faint, linewidth=1.2, label="op_total"
            )
            legend_above(axes)


def _draw_last(axes: Axes, run: ArrayRun) -> None:
    if run.is_scalar:
        draw_measure(axes, run.time, run.comp, run.status, label="Comp", rest=1.0)
        if largest_size(run.comp) > WIDE:
            spread_axis(axes, 1.0)
        return
    values = np.where(np.isfinite(run.alignment), run.alignment, np.nan)
    axes.plot(run.time, values, color=colours().blue, linewidth=1.5)
    axes.set(ylabel="alignment", ylim=(-1.05, 1.05))
    axes.axhline(0, color=colours().faint, linewidth=0.8, linestyle=":")


def _at_step(run: ArrayRun, t: int) -> list[Panel]:
    run.jacobian(t)  # the step is in the run
    if run.is_probed:
        raise QuestionError(
            f"this run has {len(run.directions)} random directions, and what they show at a step "
            "is no Jacobian: nudge fewer elements, or say along"
        )
    shape = measured(run, run.W)[t].shape
    total, direct = _at(run.total[t], shape), _at(run.direct[t], shape)
    pictures: list[tuple[str, str, Floats, Any]] = []
    if len(run.directions) == 1:
        pictures.append(("W", "W", measured(run, run.W)[t], None))
    else:
        total, direct = jacobian_matrix(total), jacobian_matrix(direct)
    norms = [heat_norm(total), heat_norm(direct)]
    if run.comp[t] and WIDE > abs(run.comp[t]) > 1 / WIDE:
        norms = [heat_norm(total, direct)] * 2
    pictures += [("total", _NAMES[0], total, norms[0]), ("direct", _NAMES[1], direct, norms[1])]
    return [
        Panel(name, _matrix(run, f"{title}, t = {t}", values, norm), 2.2, column=place % 2)
        for place, (name, title, values, norm) in enumerate(pictures)
    ]


def _matrix(run: ArrayRun, title: str, values: Floats, norm: Any) -> Callable[[Axes], None]:
    declared = run.model.arrays.by_name[run.measured.variable].dims
    dims = [dim or f"dim{i}" for i, dim in enumerate(declared)]

    def draw(axes: Axes) -> None:
        axes.set_title(title, fontsize=SMALL)
        if len(run.directions) > 1:
            draw_heat(axes, values, norm=norm)
            axes.set(xlabel=f"directions of {run.node_name}", ylabel=run.target)
        elif values.ndim < 2:
            plain_axes(axes)
            axes.plot(np.atleast_1d(values), "o-", color=colours().blue, markersize=3, linewidth=1)
            axes.set_xlabel(dims[0] if dims else "")
        else:
            draw_heat(axes, as_matrix(values), norm=norm)
            axes.set(xlabel=dims[-1], ylabel=" × ".join(dims[:-1]))

    return draw


def _at(values: Floats, shape: tuple[int, ...]) -> Floats:
    """Return derivatives at a step, [*elements] for one direction, else [*elements, direction]."""
    found: Floats = np.asarray(values).reshape(*shape, -1)
    return found[..., 0] if found.shape[-1] == 1 else found


def jacobian_matrix(values: Floats) -> Floats:
    """Return derivatives [*elements, direction] as a matrix [element, direction]."""
    return values.reshape(-1, values.shape[-1])
