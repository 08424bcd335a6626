"""causalopt sensitivity: how Op and Comp change with every parameter."""

from __future__ import annotations

from typing import Annotated

import typer

import causalopt
from causalopt.commands import options


def sensitivity(
    model: options.ModelArgument,
    sets: options.Sets = None,
    initial: options.Initials = None,
    nudge: options.NudgeNode = None,
    hold: options.Hold = None,
    target: options.Target = None,
    steps: options.Steps = None,
    at: Annotated[
        int | None, typer.Option("--at", metavar="N", help="The step measured; the last one.")
    ] = None,
    among: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A parameter. Repeatable; all by default."),
    ] = None,
    dt: options.Dt = None,
    method: options.Method = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Which draws noise makes.")] = 0,
    out: options.Out = None,
    plot: options.Plot = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Op and Comp against every parameter: slopes with their errors, the strongest first.

    p dOp/dp is the nats that a change of the parameter by its own size would bring, were it linear.
    """
    data_file = options.result_file(out)
    picture = options.figure_file(plot, theme)
    found = causalopt.sensitivity(
        options.read_model(model, sets, initial, dt, method),
        nudge=nudge,
        hold=hold,
        target=target,
        steps=steps,
        at=at,
        among=among,
        seed=seed,
    )
    if data_file is not None:
        found.save(data_file)
    if picture is not None:
        options.write_figure(found.plot(theme=theme), picture)
    if json:
        options.emit(found.to_dict())
    else:
        typer.echo(str(found))
