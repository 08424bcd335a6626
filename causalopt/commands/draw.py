"""causalopt draw: the graph of a model, with what a nudge changes."""

from __future__ import annotations

from typing import Annotated

import typer

import causalopt
from causalopt.commands import options
from causalopt.errors import QuestionError

MOST_COLUMNS = 400


def draw(
    model: options.ModelArgument,
    out: Annotated[
        str,
        typer.Option(
            metavar="FILE", help="The picture: .svg, .png, .pdf, .html, .dot, .tex or .mmd."
        ),
    ],
    steps: options.Steps = None,
    nudge: options.NudgeNode = None,
    hold: options.Hold = None,
    method: options.Method = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Leave the worlds out: the graph, A and B only.")
    ] = False,
    columns: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            min=4,
            help="Steps drawn at most, up to 400; a longer run is cut. As many as fit, up to 12, "
            "by default.",
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Draw the graph: a row per variable, a column per step, and what the worlds change.

    Square nodes are in A, round ones in B. What X changes is red with a triangle, what Y moves
    again is green and dashed with a diamond. The .html page lets n, m, A and the worlds be chosen.
    """
    from causalopt.drawing.graph.rendering import FORMATS

    if columns is not None and columns > MOST_COLUMNS:
        raise QuestionError(
            f"--columns is at most {MOST_COLUMNS}, more than any page shows; {columns} came: a "
            "longer run is cut in the middle, and `causalopt run --plot` shows all of it"
        )
    packages = ["matplotlib"] if out.lower().endswith((".png", ".pdf")) else []
    file = options.output_file(out, tuple(f".{kind}" for kind in FORMATS), *packages)
    assert file is not None
    declared = options.read_model(model, method=method)
    drawn = causalopt.draw(
        declared, nudge=nudge, hold=hold, steps=steps, plain=plain, columns=columns
    )
    drawn.save(file)
    if json:
        layout = drawn.layout
        hidden = [[gap.first, gap.last] for gap in layout.gaps]
        counts = {"nodes": len(layout.places), "edges": len(layout.links), "hidden": hidden}
        options.emit({"out": str(file), "title": drawn.title, **counts})
    else:
        typer.echo(f"{drawn.title}: {len(drawn.layout.places)} nodes drawn in {file}")
