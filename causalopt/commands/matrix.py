"""causalopt matrix: Op between all nodes n and all nodes m."""

from __future__ import annotations

from typing import Annotated

import typer

import causalopt
from causalopt.commands import options


def matrix(
    model: options.ModelArgument,
    sets: options.Sets = None,
    initial: options.Initials = None,
    nudge: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NODE",
            help="A row: a node, a span or a parameter. Repeatable; by default every variable at "
            "t = 0, or where the flows' history ends.",
        ),
    ] = None,
    hold: options.Hold = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VAR",
            help="A column: a node, or a variable or expression at the last step. Repeatable; "
            "every variable by default.",
        ),
    ] = None,
    steps: options.Steps = None,
    dt: options.Dt = None,
    method: options.Method = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Which draws noise makes.")] = 0,
    out: options.Out = None,
    plot: options.Plot = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Op(A; n, m) for all n and m: which disturbances of what A removes from where."""
    data_file = options.result_file(out)
    picture = options.figure_file(plot, theme)
    found = causalopt.op_matrix(
        options.read_model(model, sets, initial, dt, method),
        sources=nudge,
        targets=target,
        hold=hold,
        steps=steps,
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
