"""causalopt draw: the graph of a model, with what a nudge changes."""

from __future__ import annotations

from typing import Annotated

import typer

from causalopt.commands.options import (
    Hold,
    Json,
    Method,
    ModelArgument,
    NudgeNode,
    Steps,
    emit,
    output_file,
    read_model,
)
from causalopt.errors import QuestionError

MOST_COLUMNS = 400


def draw(
    model: ModelArgument,
    out: Annotated[
        str,
        typer.Option(
            metavar="FILE", help="The picture: .svg, .png, .pdf, .html, .dot, .tex or .mmd."
        ),
    ],
    steps: Steps = None,
    nudge: NudgeNode = None,
    hold: Hold = None,
    method: Method = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Leave the worlds out: the graph, A and B only.")
    ] = False,
    columns: Annotated[
        int,
        typer.Option(
            metavar="K", min=4, help="Steps drawn at most, up to 400; a longer run is cut."
        ),
    ] = 12,
    json: Json = False,
) -> None:
    """Draw the graph: a row per variable, a column per step, and what the worlds change.

    Square nodes are in A, round ones in B. What X changes is red with a triangle, what Y moves
    again is green and dashed with a diamond. The .html page lets n, m, A and the worlds be chosen.
    """
    from causalopt.drawing.graph.pictures import FORMATS
    from causalopt.drawing.graph.pictures import draw as picture

    if columns > MOST_COLUMNS:
        raise QuestionError(
            f"--columns is at most {MOST_COLUMNS}, more than any page shows; {columns} came: a "
            "longer run is cut in the middle, and `causalopt run --plot` shows all of it"
        )
    file = output_file(out, tuple(f".{kind}" for kind in FORMATS))
    assert file is not None
    declared = read_model(model, method=method)
    drawn = picture(declared, nudge=nudge, hold=hold, steps=steps, plain=plain, columns=columns)
    drawn.save(file)
    if json:
        layout = drawn.layout
        hidden = [[gap.first, gap.last] for gap in layout.gaps]
        counts = {"nodes": len(layout.places), "edges": len(layout.links), "hidden": hidden}
        emit({"out": str(file), "title": drawn.title, **counts})
    else:
        typer.echo(f"{drawn.title}: {len(drawn.layout.places)} nodes drawn in {file}")
