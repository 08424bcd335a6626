"""causalopt draw: the graph of a model, with what a nudge changes."""

from __future__ import annotations

from typing import Annotated, Literal

import causalopt
from causalopt.commands import options
from causalopt.commands.told_options import Option
from causalopt.display.echo import echo


def draw(
    model: options.ModelArgument,
    out: Annotated[
        str,
        Option(
            metavar="FILE",
            help="The picture: .svg, .png, .pdf, .html, .dot, .tex or .mmd.",
            rich_help_panel=options.OUTPUT,
        ),
    ],
    steps: options.Steps = None,
    nudge: options.NudgeNode = None,
    hold: options.Hold = None,
    target: options.Target = None,
    sets: options.Sets = None,
    initial: options.Initials = None,
    dt: options.Dt = None,
    method: options.Method = None,
    plain: Annotated[
        bool, Option("--plain", help="Leave the worlds out: the graph, A and B only.")
    ] = False,
    columns: options.Columns = None,
    around: options.Around = None,
    slopes: Annotated[
        bool,
        Option(
            "--slopes",
            help="Edges as thick as their derivative |dv/du| along W; its sign by colour and dash.",
        ),
    ] = False,
    theme: Annotated[
        Literal["light", "dark"] | None,
        Option(
            help="How the picture looks; light by default, and .svg and .html as the reader's "
            "system is.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Draw the graph: a row per variable, a column per step, and what the worlds change.

    Square nodes are in A, round ones in B; n has a ring, m a dashed one. What X changes is red with
    a triangle, what Y moves again is green and dashed with a diamond. Of a run too long for a page
    the ends are drawn, n, m, where A's windows begin and end, and what is beside them. The .html
    page lets n, m, A and the worlds be chosen.
    """
    from causalopt.drawing.graph.rendering import FORMATS

    packages = ["matplotlib"] if out.lower().endswith((".png", ".pdf")) else []
    file = options.output_file(out, tuple(f".{kind}" for kind in FORMATS), *packages)
    assert file is not None
    declared = options.read_model(model, sets, initial, dt, method)
    drawn = causalopt.draw(
        declared,
        nudge=nudge,
        hold=hold,
        target=target,
        steps=steps,
        plain=plain,
        columns=columns,
        around=around or (),
        slopes=slopes,
        theme=theme,
    )
    drawn.save(file)
    if json:
        layout = drawn.layout
        hidden = [[gap.first, gap.last] for gap in layout.gaps]
        counts = {"nodes": len(layout.places), "edges": len(layout.links), "hidden": hidden}
        options.emit({"out": str(file), "title": drawn.title, **counts})
    else:
        echo(f"{drawn.title}: {len(drawn.layout.places)} nodes drawn in {file}")
