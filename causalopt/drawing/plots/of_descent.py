"""The posts' pictures of descent, each made from a model: what is computed, and drawn.

`descent` draws any of them by name.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from causalopt.descents.chain import chain_of
from causalopt.descents.diffusions.plane_diffusion import plane_diffusion, plane_stationary
from causalopt.descents.escape.evolution import (
    evolve_by_diffusion,
    evolve_by_ensemble,
    evolve_by_operator,
    normal_points,
)
from causalopt.descents.escape.steps_to_escape import fit_log_line, steps_to_escape
from causalopt.descents.landscape import landscape
from causalopt.descents.noisy_op import op_map
from causalopt.descents.walkers.ensemble import run_ensemble
from causalopt.drawing.palette import colours
from causalopt.drawing.plots.of_escape import (
    plot_current,
    plot_evolution,
    plot_moments,
    plot_steps_to_escape,
)
from causalopt.drawing.plots.of_landscape import plot_landscape, plot_losses, plot_op_map
from causalopt.drawing.plots.panel_parts import plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.errors import CausaloptError, QuestionError
from causalopt.model.model_kind import kind_of
from causalopt.work.progress import Progress, long_work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from causalopt.descents.maps.random_map import Array, RandomMap
    from causalopt.model.model import Model
    from causalopt.results import Places


@dataclasses.dataclass(frozen=True)
class DescentFigure:
    """What a picture of descent covers; see `descent`."""

    span: tuple[float, float]
    steps: int
    law: tuple[float, float]
    beyond: float | None
    temperatures: tuple[float, float]
    seed: int

    def points(self, count: int) -> Array:
        """Return evenly spaced values of W."""
        return np.linspace(*self.span, count)


def draw_losses(model: Model, scene: DescentFigure) -> PanelLayout:
    """Draw every declared loss and their mean, integrated from the gradients.

    A loss's constant does not matter to descent: all are drawn to meet at the right end.
    """
    found = landscape(model)
    if len(found.names) != 1:
        raise QuestionError("losses are drawn over one parameter")
    points = scene.points(2001)
    curves = {}
    for number, row in enumerate([found.mean, *found.gradients]):
        slope = found.evaluate(row[0], points[np.newaxis])
        heights = np.concatenate([[0.0], np.cumsum((slope[1:] + slope[:-1]) / 2)])
        heights = heights * (points[1] - points[0])
        curves["L" if number == 0 else f"l_{number - 1}"] = heights - heights[-1]
    return plot_losses.layout(points, curves, name=found.names[0])


def draw_gradients(model: Model, scene: DescentFigure) -> PanelLayout:
    """Draw G, S^2 and their derivatives."""
    return plot_landscape.layout(landscape(model), scene.points(1201))


def draw_trajectories(model: Model, scene: DescentFigure) -> PanelLayout:
    """Draw W over time from evenly spread starts, each with its own draws."""
    chain = chain_of(model)
    starts = _many_starts(chain.start, chain.coordinate, scene.points(31))
    run = run_ensemble(chain.step, starts, range(scene.steps + 1), seed=scene.seed)

    def draw(axes: Axes) -> None:
        plain_axes(axes)
        courses = run.states[:, chain.coordinate]
        axes.plot(run.steps, courses, color=colours().blue, linewidth=0.8, alpha=0.7)
        axes.set(xlabel="step", ylabel=chain.step.names[chain.coordinate])

    return PanelLayout((), [Panel("trajectories", draw, 3.0)])


def _many_starts(start: tuple[float, ...], coordinate: int, values: Array) -> Array:
    states = np.tile(np.array(start)[:, np.newaxis], (1, len(values)))
    states[coordinate] = values
    return states


def draw_laws(model: Model, scene: DescentFigure) -> PanelLayout:
    """Draw the law of W at ten times, by the transfer operator, from a normal law.

    A law that the draws tear into a comb is drawn as its distribution function.
    """
    chain = _line(model)
    times = np.unique(np.linspace(0, scene.steps, 11).astype(int))
    points = normal_points(*scene.law, 4000)
    return plot_evolution.layout(evolve_by_operator(chain, points, times, nodes=1200))


def draw_moments(model: Model, scene: DescentFigure) -> PanelLayout:
    """Draw mean and deviation over time by operator, diffusion (Ito) and 1000 walkers."""
    chain = _line(model)
    times = np.unique(np.linspace(0, scene.steps, 51).astype(int))
    points = normal_points(*scene.law, 1000)
    return plot_moments.layout(
        {
            "transfer operator": evolve_by_operator(chain, points, times),
            "Fokker-Planck, alpha = 0": evolve_by_diffusion(chain, points, times),
            "1000 walkers": evolve_by_ensemble(chain, points, times, seed=scene.seed),
        }
    )


def draw_steps(model: Model, scene: DescentFigure) -> PanelLayout:
    """Draw mean steps to escape against T, the log-linear fit and the quasi-potential."""
    if scene.beyond is None:
        raise QuestionError("steps to escape need the level to be passed: --beyond V")
    chain = chain_of(model)

    def at(temperature: float) -> RandomMap:
        return _line(model.replace(parameters={"T": temperature}))

    temperatures = np.linspace(*scene.temperatures, 12)
    start = chain.start[chain.coordinate]
    times = steps_to_escape(at, temperatures.tolist(), start=start, beyond=scene.beyond)
    return plot_steps_to_escape.layout(times, fit_log_line(times.temperatures, times.mean))


def draw_current(model: Model, scene: DescentFigure) -> PanelLayout:
    """Draw the end state of two parameters and the current that circulates in it."""
    chain = chain_of(model).step
    if chain.dimension != 2:
        raise QuestionError(
            f"the current is drawn for two parameters; this model has {', '.join(chain.names)}"
        )
    axis = scene.points(81)
    plane = plane_diffusion(chain, (axis, axis))
    mass = plane_stationary(plane)
    density = mass.reshape(plane.shape) / (axis[1] - axis[0]) ** 2
    return plot_current.layout((axis, axis), density, plane.current(mass), names=chain.names)


def draw_op(model: Model, scene: DescentFigure) -> PanelLayout:
    """Draw mean Op over the first value of W and T."""
    temperatures = np.linspace(*scene.temperatures, 41)
    starts = scene.points(121)
    walkers = 1 if not any(v.noise for v in model.variables.values()) else 24
    op = op_map(
        model, starts, temperatures.tolist(), steps=scene.steps, walkers=walkers, seed=scene.seed
    )
    return plot_op_map.layout(starts, temperatures, op)


def _line(model: Model) -> RandomMap:
    chain = chain_of(model).step
    if chain.dimension != 1:
        raise QuestionError(
            f"this picture is over one coordinate; the model has {', '.join(chain.names)}"
        )
    return chain


PICTURES = {
    "losses": draw_losses,
    "gradients": draw_gradients,
    "trajectories": draw_trajectories,
    "laws": draw_laws,
    "moments": draw_moments,
    "steps": draw_steps,
    "current": draw_current,
    "op": draw_op,
}


@long_work("computing")
def descent(
    model: Model,
    *,
    show: str,
    span: tuple[float, float] = (0.0, 3.0),
    law: tuple[float, float] = (0.5, 0.175),
    beyond: float | None = None,
    temperatures: tuple[float, float] = (0.006, 0.02),
    steps: int = 100,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    ax: Places | None = None,
    figsize: tuple[float, float] | None = None,
    panels: str | Sequence[str] | None = None,
    theme: Literal["light", "dark"] | None = None,
) -> Any:
    """Return one of the posts' pictures of a descent.

    Args:
        model: A model such as `sgd_model` writes.
        show: `losses`, `gradients`, `trajectories`, `laws`, `moments`, `steps` (to escape),
            `current` or `op`.
        span: The values of W that are covered.
        law: Mean and standard deviation of the normal law that laws and moments start at.
        beyond: The level of steps to escape.
        temperatures: The lowest and the highest T of steps and op.
        steps: The last step.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: The walkers'.
        ax: Axes of your own to draw into, as of `plot()` of results; likewise the next three.
        figsize: Width and height of the figure, in inches.
        panels: Names of the panels that are drawn.
        theme: "light" or "dark".
        progress: Called with (done, total, what), in per cent.

    Returns:
        The figure, not shown; `figure.savefig("losses.png")` writes it. With `ax`, what was given.

    Raises:
        QuestionError: There is no such picture, or none of this model.

    Example:
        >>> from causalopt import load
        >>> descent(load("sgd_pit"), show="gradients", span=(0.5, 2.5)).axes[0].get_ylabel()
        'G'
    """
    del progress  # long_work tells it
    if show not in PICTURES:
        raise QuestionError(f"--show is one of {', '.join(PICTURES)}; '{show}' came")
    if steps < 1:
        raise QuestionError(f"--steps is 1 or more; {steps} came")
    if not span[0] < span[1] or law[1] <= 0:
        raise QuestionError("--span goes from low to high, and --law has a positive deviation")
    scene = DescentFigure(span, steps, law, beyond, temperatures, seed)
    changed = model.replace(parameters=parameters, initial=initial)
    picture = drawn(PICTURES[show])
    try:
        return picture(changed, scene, ax=ax, figsize=figsize, panels=panels, theme=theme)
    except CausaloptError as error:
        kind = kind_of(changed)
        if kind.words.startswith("a model of numbers") and "T" in changed.parameters:
            raise
        raise QuestionError(
            f"these are pictures of stochastic gradient descent on a loss, as in sgd_pit, and "
            f"'{model.name}' is {kind.words}: {kind.instead(changed)} ({error.message})"
        ) from None
