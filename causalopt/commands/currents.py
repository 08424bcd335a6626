"""causalopt currents: influence through nodes, edges and paths."""

from __future__ import annotations

from typing import Annotated

import causalopt
from causalopt.commands import options
from causalopt.commands.outputs import outputs
from causalopt.commands.told_options import Option
from causalopt.display.echo import echo
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
    seed: options.Seed = 0,
    data: options.Data = None,
    paths: Annotated[
        int, Option(metavar="K", min=0, help="How many of the largest paths are listed.")
    ] = 5,
    out: options.Out = None,
    csv: options.Csv = None,
    plot: options.Plot = None,
    draw: Annotated[
        str | None,
        Option(
            metavar="FILE",
            help="Draw the graph, edges as wide as their currents: .svg, .png, .pdf, .html, .dot, "
            ".tex or .mmd.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    folded: Annotated[
        bool,
        Option(
            "--folded",
            help="Sum over time: --draw has a node for each variable.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    columns: options.Columns = None,
    around: options.Around = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Follow the influence of n on m: what of it goes through each node, edge, path and set.

    Shares are of the total effect; over all that a step carries on to later ones they sum to 1.
    Negative ones work against the rest: a part that compresses is one through which influence
    flows backwards.
    """
    from causalopt.drawing.graph.rendering import FORMATS

    how = {"--folded": folded, "--columns": columns is not None, "--around": bool(around)}
    for option, is_given in how.items():
        if is_given and draw is None:
            raise QuestionError(f"{option} says how the graph is drawn: give --draw FILE too")
    looks = None if draw is not None and plot is None else theme
    output = outputs(out=out, csv=csv, plot=plot, theme=looks, json=json)
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
    if graph is not None:
        drawn = causalopt.draw(
            found, columns=columns, around=around or (), folded=folded, theme=theme
        )
        drawn.save(graph)
        echo(f"wrote {graph}", err=True)
    listed = {"paths": paths} if isinstance(found, causalopt.Currents) else {}
    output.give(
        found, data=lambda: found.to_dict(**listed), text=lambda: str(summary(found, paths=paths))
    )
