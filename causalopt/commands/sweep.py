"""causalopt sweep: Comp and Op over a grid of starting values and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import causalopt
from causalopt.commands import options
from causalopt.commands.grid_axes import read_axes
from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from causalopt.effects.ensembles.sweep_ensemble import SweepEnsemble
    from causalopt.effects.sweeps.sweep import Sweep


def sweep(
    model: options.ModelArgument,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            "--grid",
            metavar="AXIS=LO:HI:COUNT",
            help="An axis: a parameter, a node such as R[0], or seed with arrays; also "
            "AXIS=log:LO:HI:COUNT and AXIS=V1,V2,... Repeatable.",
        ),
    ] = None,
    sets: options.Sets = None,
    initial: options.Initials = None,
    nudge: options.NudgeNode = None,
    hold: options.Hold = None,
    target: options.Target = None,
    steps: options.Steps = None,
    at: Annotated[
        int | None, typer.Option("--at", metavar="N", help="The step measured; the last one.")
    ] = None,
    delta: Annotated[
        float | None,
        typer.Option(
            metavar="D", help="A nudge of this size; the limit delta -> 0 when not given."
        ),
    ] = None,
    dt: options.Dt = None,
    method: options.Method = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Which draws noise makes.")] = 0,
    seeds: options.Seeds = None,
    data: options.Data = None,
    out: options.Out = None,
    workers: Annotated[
        int | None, typer.Option(metavar="K", help="Threads; one per processor.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", hidden=True, help="The place of stores that resume.")
    ] = False,
    dask: Annotated[str | None, typer.Option(hidden=True, help="The place of clusters.")] = None,
    plot: options.Plot = None,
    measure: Annotated[
        Literal["op", "comp", "total", "direct", "w"] | None,
        typer.Option(
            "--measure", help="What --plot draws; op by default, and comp too over one axis."
        ),
    ] = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Measure Op at one step over a grid, with a status for every point.

    When the only axis is the nudged node, `power` is the integral of 1 - Comp over it.
    """
    _refuse_places(resume=resume, dask=dask)
    if measure is not None and plot is None:
        raise QuestionError("--measure says what --plot draws: give --plot FILE too")
    if measure is not None and seeds is not None:
        raise QuestionError("--seeds draws Op and Comp over noise: leave --measure out")
    picture = options.figure_file(plot, theme)
    axes = read_axes(grid or [])
    _refuse_both(axes, sets, initial)

    file = options.result_file(out)
    declared = options.read_model(model, sets, initial, dt, method)
    arrays = options.read_data(data)
    chosen = options.read_seeds(seeds)
    found: Sweep | SweepEnsemble = causalopt.sweep(
        declared,
        axes,
        nudge=nudge,
        hold=hold,
        target=target,
        steps=steps,
        at=at,
        delta=delta,
        seed=seed,
        seeds=chosen,
        workers=workers,
        data=arrays,
    )
    if file is not None:
        found.save(file)
    if picture is not None:
        if isinstance(found, causalopt.Sweep):
            figure = found.plot(measure=measure, theme=theme)
        else:
            figure = found.plot(theme=theme)
        options.write_figure(figure, picture)
    if json:
        options.emit(found.to_dict(out))
    else:
        typer.echo(str(found))
        if out is not None:
            typer.echo(f"written to {out}")


def _refuse_places(*, resume: bool, dask: str | None) -> None:
    if resume or dask is not None:
        option = "--resume" if resume else "--dask"
        raise QuestionError(
            f"{option} is not there yet: sweeps run in memory, on threads of this machine; leave "
            f"{option} out"
        )


def _refuse_both(
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
