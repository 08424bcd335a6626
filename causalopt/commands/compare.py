"""causalopt compare: Op beside other people's measures, on the same models."""

from __future__ import annotations

from typing import Annotated

import typer

import causalopt
from causalopt.commands import options
from causalopt.errors import QuestionError

Models = Annotated[
    list[str] | None,
    typer.Argument(metavar="[MODEL]...", help="Shipped names, files or controls; a dozen if none."),
]
Goals = Annotated[
    list[str] | None,
    typer.Option(
        "--goal", metavar="VAR=LABEL", help="The goal, in one model of labels. Repeatable."
    ),
]
Out = Annotated[
    str | None, typer.Option("--out", metavar="FILE", help="Write the table: .html or .md.")
]
Plot = Annotated[
    str | None, typer.Option("--plot", metavar="FILE", help="Draw it: a .png, .svg or .pdf file.")
]


def compare(
    models: Models = None,
    goal: Goals = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Which draws noise makes.")] = 0,
    out: Out = None,
    plot: Plot = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Compare Op with optimizing strength, currents, empowerment and other people's measures.

    Numbers are asked their own question, information measures under small normal disturbances;
    labels from one state, by exact enumeration. What is not defined says why.
    """
    from causalopt.comparison.subjects import DOZEN
    from causalopt.model.files import write_whole

    page = options.output_file(out, (".html", ".md"))
    picture = options.figure_file(plot, theme)
    names = models or list(DOZEN)
    wanted = _goal(names, goal)
    found = causalopt.compare_measures(names, goal=wanted, seed=seed)
    if page is not None:
        text = found.to_html() if page.suffix.lower() == ".html" else found.to_markdown()
        write_whole(page, text.encode())
    if picture is not None:
        options.write_figure(found.plot(theme=theme), picture)
    if json:
        options.emit(found.to_dict())
    else:
        typer.echo(str(found))


def _goal(names: list[str], said: list[str] | None) -> dict[str, str | int | float | bool] | None:
    """Return the goal by its labels."""
    from causalopt.comparison.subjects import goal_label, subject

    if not said:
        return None
    if len(names) != 1:
        raise QuestionError(f"--goal is of one model's labels, and {len(names)} are compared")
    model, goal = subject(names[0]), {}
    for text in said:
        name, equals, label = (part.strip() for part in text.partition("="))
        if not equals or not name or not label:
            raise QuestionError(f"--goal takes VAR=LABEL such as room=warm, found '{text}'")
        goal[name] = goal_label(model, name, label)
    return goal
