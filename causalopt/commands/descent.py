"""causalopt descent: the posts' pictures of a descent, one name each."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

import causalopt
from causalopt.commands import options
from causalopt.errors import QuestionError

NAMES = ("losses", "gradients", "trajectories", "laws", "moments", "steps", "current", "op")

Show = Annotated[
    str, typer.Option("--show", metavar="|".join(NAMES), help="Which picture to draw.")
]
Out = Annotated[
    str, typer.Option("--out", metavar="FILE", help="Where to write it: .png, .svg or .pdf.")
]
Span = Annotated[
    str, typer.Option("--span", metavar="LO:HI", help="The values of W that are covered.")
]
Last = Annotated[int, typer.Option("--steps", metavar="N", help="The last step.")]
Law = Annotated[
    str,
    typer.Option("--law", metavar="MEAN:SD", help="The normal law that laws and moments start at."),
]
Level = Annotated[
    float | None, typer.Option("--beyond", metavar="V", help="The level of steps to escape.")
]
Heat = Annotated[
    str, typer.Option("--temperatures", metavar="LO:HI", help="The T of steps and op.")
]
Seed = Annotated[int, typer.Option("--seed", metavar="S", help="The walkers' seed.")]


def descent(
    model: options.ModelArgument,
    show: Show,
    out: Out,
    sets: options.Sets = None,
    initial: options.Initials = None,
    span: Span = "0:3",
    steps: Last = 100,
    law: Law = "0.5:0.175",
    beyond: Level = None,
    temperatures: Heat = "0.006:0.02",
    seed: Seed = 0,
    theme: Annotated[
        Literal["light", "dark"] | None, typer.Option("--theme", help="How the picture looks.")
    ] = None,
) -> None:
    """Draw a descent: losses, gradients, trajectories, laws, moments, steps, current or Op."""
    file = options.output_file(out, (".png", ".svg", ".pdf"), "matplotlib")
    assert file is not None
    figure = causalopt.descent(
        options.read_model(model, sets, initial),
        show=show,
        span=_pair(span, "--span"),
        law=_pair(law, "--law"),
        beyond=beyond,
        temperatures=_pair(temperatures, "--temperatures"),
        steps=steps,
        seed=seed,
        theme=theme,
    )
    options.write_figure(figure, file)
    typer.echo(f"wrote {file}", err=True)


def _pair(text: str, option: str) -> tuple[float, float]:
    try:
        first, second = (float(part) for part in text.split(":"))
    except ValueError:
        raise QuestionError(f"{option} takes two numbers such as 0:3; '{text}' came") from None
    return first, second
