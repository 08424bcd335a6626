"""causalopt across: is this piece an optimizer?"""

from __future__ import annotations

from typing import Annotated

import typer

import causalopt
from causalopt.commands import options


def across(
    model: options.ModelArgument,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="SEL", help="The region: T, a[t<=10] - b, between(n, m), ...; A by default."
        ),
    ] = None,
    sources: Annotated[
        str | None,
        typer.Option(metavar="SEL", help="Take n from here, not from beside the boundary."),
    ] = None,
    targets: Annotated[
        str | None, typer.Option(metavar="SEL", help="Take m from here, such as [t=100].")
    ] = None,
    sets: options.Sets = None,
    initial: options.Initials = None,
    steps: options.Steps = None,
    dt: options.Dt = None,
    method: options.Method = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Which draws noise makes.")] = 0,
    out: options.Out = None,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw the table: a .png, .svg or .pdf file.")
    ] = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Is this piece an optimizer? Op over all pairs of nodes across its boundary, both ways.

    With the inside held, n and m lie outside: does the piece make disturbances of its surroundings
    smaller? With the outside held, n and m lie inside: do the surroundings do it for the piece?
    """
    data_file = options.result_file(out)
    picture = options.figure_file(plot, theme)
    declared = options.read_model(model, sets, initial, dt, method)
    found = causalopt.across(
        declared, region, sources=sources, targets=targets, steps=steps, seed=seed
    )
    if data_file is not None:
        found.save(data_file)
    if picture is not None:
        options.write_figure(found.plot(theme=theme), picture)
    if json:
        options.emit(found.to_dict())
    else:
        typer.echo(str(found))
