"""causalopt sweep: Comp and Op over a grid of starting values and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import causalopt
from causalopt.commands import options
from causalopt.commands.grid_axes import read_axes
from causalopt.commands.outputs import outputs
from causalopt.commands.told_options import Option
from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from causalopt.effects.ensembles.sweep_ensemble import SweepEnsemble
    from causalopt.effects.sweeps.sweep import Sweep


def sweep(
    model: options.ModelArgument,
    grid: Annotated[
        list[str] | None,
        Option(
            "--grid",
            metavar="AXIS=LO:HI:COUNT",
            help="An axis: a parameter, a node such as R[0], or seed with arrays; also "
            "AXIS=log:LO:HI:COUNT and AXIS=V1,V2,... Repeatable.",
            rich_help_panel=options.QUESTION,
        ),
    ] = None,
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
    seeds: options.Seeds = None,
    data: options.Data = None,
    out: options.Out = None,
    csv: options.Csv = None,
    workers: options.Workers = None,
    resume: Annotated[
        bool, Option("--resume", hidden=True, help="The place of stores that resume.")
    ] = False,
    dask: Annotated[str | None, Option(hidden=True, help="The place of clusters.")] = None,
    plot: options.Plot = None,
    measure: Annotated[
        Literal["op", "comp", "total", "direct", "w"] | None,
        Option(
            "--measure",
            help="What --plot draws; op by default, and comp too over one axis.",
            rich_help_panel=options.OUTPUT,
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
    output = outputs(out=out, csv=csv, plot=plot, theme=theme, json=json)
    axes = read_axes(grid or [])
    _refuse_both(axes, sets, initial)

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
    kind: dict[str, Any] = {"measure": measure} if isinstance(found, causalopt.Sweep) else {}
    output.give(found, data=lambda: found.to_dict(out), **kind)


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
