"""causalopt refine: Op at points that lie where it changes fast, and integrals with an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import causalopt
from causalopt.commands import options
from causalopt.commands.grid_axes import refuse_both
from causalopt.commands.outputs import outputs
from causalopt.commands.told_options import Option
from causalopt.display.echo import echo
from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from causalopt.refinement.refinement import Refinement


def refine(
    model: options.ModelArgument,
    grid: Annotated[
        list[str] | None,
        Option(
            "--grid",
            metavar="AXIS=LO:HI",
            help="An axis and its range: a parameter, or a node such as R[0]. One to three.",
            rich_help_panel=options.QUESTION,
        ),
    ] = None,
    points: Annotated[
        int | None, Option("--points", metavar="N", help="How many points at most.")
    ] = None,
    tolerance: Annotated[
        float | None,
        Option(
            "--tolerance",
            metavar="T",
            help="End where the error of power, or of the area above --level, is no larger.",
        ),
    ] = None,
    level: Annotated[
        float | None,
        Option("--level", metavar="L", help="Add points where Op passes so many nats."),
    ] = None,
    measure: Annotated[
        Literal["comp", "op"], Option("--measure", help="Add points where this changes fast.")
    ] = "comp",
    sets: options.Sets = None,
    initial: options.Initials = None,
    nudge: options.NudgeNode = None,
    hold: options.Hold = None,
    target: options.Target = None,
    steps: options.Steps = None,
    at: options.At = None,
    delta: options.Delta = None,
    dt: options.Dt = None,
    method: options.Method = None,
    seed: options.Seed = 0,
    workers: options.Workers = None,
    out: options.Out = None,
    csv: options.Csv = None,
    plot: options.Plot = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Ask Op coarsely over a range, then at points where it changes fast.

    `power` is the integral of 1 - Comp over all axes, with an error. The coarse answer is printed
    at once, and its picture stands until the fine one replaces it.
    """
    output = outputs(out=out, csv=csv, plot=plot, theme=theme, json=json)
    over = _over(grid or [])
    refuse_both(over, sets, initial)
    declared = options.read_model(model, sets, initial, dt, method)

    def show(coarse: Refinement) -> None:
        echo(f"first, {_first_lines(coarse)}", err=True)
        if output.picture is not None:
            options.write_figure(coarse.plot(theme=theme), output.picture)

    found = causalopt.refine(
        declared,
        over,
        nudge=nudge,
        hold=hold,
        target=target,
        steps=steps,
        at=at,
        delta=delta,
        points=points,
        tolerance=tolerance,
        level=level,
        measure=measure,
        preview=show,
        seed=seed,
        workers=workers,
    )
    output.give(found)


def _first_lines(coarse: Refinement) -> str:
    """Return what a preview says in one line."""
    value, error = coarse.asked_integral
    name = "power" if coarse.level is None else f"where Op > {coarse.level:g}:"
    low, high = coarse.op_range
    return (
        f"of {coarse.points} even points: {name} {value:.6g} ± {error:.2g}, Op from {low:.4g} to "
        f"{high:.4g} nats"
    )


def _over(texts: list[str]) -> dict[str, tuple[float, float]]:
    """Return the ranges that --grid names."""
    over: dict[str, tuple[float, float]] = {}
    for text in texts:
        name, _, span = text.rpartition("=")
        parts: list[Any] = span.split(":")
        try:
            low, high = map(float, parts)
        except ValueError:
            raise QuestionError(
                f"--grid takes AXIS=LO:HI such as R[0]=5:45 (points are not counted along an axis: "
                f"give --points or --tolerance), found '{text}'"
            ) from None
        if not name.strip():
            raise QuestionError(f"--grid takes AXIS=LO:HI such as R[0]=5:45, found '{text}'")
        if name.strip() in over:
            raise QuestionError(f"--grid names the axis '{name.strip()}' twice: drop one of them")
        over[name.strip()] = (low, high)
    return over
