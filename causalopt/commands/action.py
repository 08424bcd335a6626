"""causalopt action: the cheapest path of an unlikely passage."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

import causalopt
from causalopt.commands import options
from causalopt.errors import QuestionError

End = Annotated[
    list[str], typer.Option("--end", metavar="VAR=V", help="Where it leads. Repeatable.")
]
Limit = Annotated[
    Literal["noise", "rate"],
    typer.Option("--limit", help="What becomes small: each step's noise, or the steps."),
]
Plot = Annotated[
    str | None, typer.Option("--plot", metavar="FILE", help="Draw it: .png, .svg or .pdf.")
]
Count = Annotated[int | None, typer.Option("--steps", metavar="N", help="How many steps it takes.")]


def action(
    model: options.ModelArgument,
    end: End,
    limit: Limit = "noise",
    steps: Count = None,
    sets: options.Sets = None,
    initial: options.Initials = None,
    plot: Plot = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Least action, in nats, of a passage from the model's start to an end, and its path."""
    file = options.figure_file(plot, theme)
    declared = options.read_model(model, sets, initial)
    found = causalopt.least_action(declared, end=_places(end), limit=limit, steps=steps)
    if file is not None:
        options.write_figure(found.plot(theme=theme), file)
    if json:
        options.emit(found.to_dict())
    else:
        typer.echo(repr(found))


def _places(texts: list[str]) -> dict[str, float]:
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise QuestionError(f"--end takes VAR=V such as W=1.2; '{text}' came") from None
    return found
