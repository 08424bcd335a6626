"""causalopt currents: influence through nodes, edges and paths."""

from __future__ import annotations

from typing import Annotated

import typer

import causalopt
from causalopt.commands import options
from causalopt.errors import QuestionError
from causalopt.results import summary


def currents(
    model: options.ModelArgument,
    sets: options.Sets = None,
    initial: options.Initials = None,
    nudge: options.NudgeNode = None,
    hold: options.Hold = None,
    target: options.Target = None,
    steps: options.Steps = None,
    dt: options.Dt = None,
    method: options.Method = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Which draws noise makes.")] = 0,
    data: options.Data = None,
    paths: Annotated[
        int, typer.Option(metavar="K", min=0, help="How many of the largest paths are listed.")
    ] = 5,
    out: options.Out = None,
    plot: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Draw the course over time: .png, .svg or .pdf."),
    ] = None,
    draw: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Draw the graph, edges as wide as their currents: .svg, .png, .pdf, .html, .dot, "
            ".tex or .mmd.",
        ),
    ] = None,
    folded: Annotated[
        bool, typer.Option("--folded", help="Sum over time: --draw has a node for each variable.")
    ] = False,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Follow the influence of n on m: what of it goes through each node, edge, path and set.

    Shares are of the total effect; over all that a step carries on to later ones they sum to 1.
    Negative ones work against the rest: a part that compresses is one through which influence
    flows backwards.
    """
    from causalopt.drawing.graph.rendering import FORMATS

    if folded and draw is None:
        raise QuestionError("--folded says how the graph is drawn: give --draw FILE too")
    data_file = options.result_file(out)
    picture = options.figure_file(plot, theme)
    packages = ["matplotlib"] if draw and draw.lower().endswith((".png", ".pdf")) else []
    graph = options.output_file(draw, tuple(f".{kind}" for kind in FORMATS), *packages)
    declared = options.read_model(model, sets, initial, dt, method)
    found = causalopt.currents(
        declared,
        nudge=nudge,
        hold=hold,
        target=target,
        steps=steps,
        seed=seed,
        data=options.read_data(data),
    )
    if data_file is not None:
        found.save(data_file)
    if picture is not None:
        options.write_figure(found.plot(theme=theme), picture)
    if graph is not None:
        causalopt.draw(found, folded=folded).save(graph)
    if json:
        listed = {"paths": paths} if isinstance(found, causalopt.Currents) else {}
        options.emit(found.to_dict(**listed))
    else:
        typer.echo(str(summary(found, paths=paths)))
