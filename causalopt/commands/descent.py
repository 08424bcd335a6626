"""causalopt descent: the posts' pictures of a descent, one name each."""

from __future__ import annotations

from typing import Annotated, Any

import causalopt
from causalopt.commands import options
from causalopt.commands.told_options import Option
from causalopt.display.echo import echo
from causalopt.errors import QuestionError

NAMES = ("losses", "gradients", "trajectories", "laws", "moments", "steps", "current", "op")

Show = Annotated[
    str,
    Option(
        "--show",
        metavar="|".join(NAMES),
        help="Which picture to draw.",
        rich_help_panel=options.QUESTION,
    ),
]
Picture = Annotated[
    str | None,
    Option(
        "--plot",
        "--out",
        metavar="FILE",
        help="Draw it: a .png, .svg or .pdf file.",
        rich_help_panel=options.OUTPUT,
    ),
]
Span = Annotated[str, Option("--span", metavar="LO:HI", help="The values of W that are covered.")]
Last = Annotated[
    int, Option("--steps", metavar="N", help="The last step.", rich_help_panel=options.QUESTION)
]
Law = Annotated[
    str, Option("--law", metavar="MEAN:SD", help="The normal law that laws and moments start at.")
]
Level = Annotated[
    float | None, Option("--beyond", metavar="V", help="The level of steps to escape.")
]
Heat = Annotated[str, Option("--temperatures", metavar="LO:HI", help="The T of steps and op.")]


def descent(
    model: options.ModelArgument,
    show: Show,
    plot: Picture = None,
    sets: options.Sets = None,
    initial: options.Initials = None,
    dt: options.Dt = None,
    method: options.Method = None,
    span: Span = "0:3",
    steps: Last = 100,
    law: Law = "0.5:0.175",
    beyond: Level = None,
    temperatures: Heat = "0.006:0.02",
    seed: options.Seed = 0,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Draw a descent: losses, gradients, trajectories, laws, moments, steps, current or Op.

    With --json, the lines that are drawn, as numbers.
    """
    if plot is None and not json:
        raise QuestionError("a descent is a picture: give --plot FILE, or --json for its lines")
    file = options.figure_file(plot, theme)
    figure = causalopt.descent(
        options.read_model(model, sets, initial, dt, method),
        show=show,
        span=_pair(span, "--span"),
        law=_pair(law, "--law"),
        beyond=beyond,
        temperatures=_pair(temperatures, "--temperatures"),
        steps=steps,
        seed=seed,
        theme=theme,
    )
    if file is not None:
        options.write_figure(figure, file)
    if json:
        options.emit({"show": show, "plot": plot, "panels": _panels(figure)})
    else:
        echo(f"wrote {file}", err=True)


def _panels(figure: Any) -> list[dict[str, Any]]:
    """Return the lines of each panel of a figure, as JSON's types."""
    import numpy as np

    from causalopt.results import plain

    def line(drawn: Any) -> dict[str, Any]:
        x, y = (
            plain(np.asarray(values, float)) for values in (drawn.get_xdata(), drawn.get_ydata())
        )
        name = str(drawn.get_label())
        return {"label": None if name.startswith("_") else name, "x": x, "y": y}

    return [
        {"x": axes.get_xlabel(), "y": axes.get_ylabel(), "lines": [line(d) for d in axes.lines]}
        for axes in figure.axes
    ]


def _pair(text: str, option: str) -> tuple[float, float]:
    try:
        first, second = (float(part) for part in text.split(":"))
    except ValueError:
        raise QuestionError(f"{option} takes two numbers such as 0:3; '{text}' came") from None
    return first, second
