"""causalopt escape: with what probability is a walker beyond a level at step N?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import causalopt
from causalopt.commands import options
from causalopt.commands.grid_axes import read_axis
from causalopt.commands.outputs import outputs
from causalopt.commands.told_options import Option
from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from causalopt.descents.escape.answer import Answer
    from causalopt.descents.escape.curves import EscapeCurve

METHODS = ("operator", "ensemble", "diffusion", "exact")

Start = Annotated[
    float,
    Option(
        "--start", metavar="V", help="Where the walker starts.", rich_help_panel=options.QUESTION
    ),
]
Beyond = Annotated[
    float,
    Option(
        "--beyond", metavar="V", help="The level to be passed.", rich_help_panel=options.QUESTION
    ),
]
Within = Annotated[
    str,
    Option(
        "--within",
        metavar="N[,N...]",
        help="Numbers of steps, such as 100,1000.",
        rich_help_panel=options.QUESTION,
    ),
]
How = Annotated[
    str,
    Option(
        "--method",
        metavar="|".join(METHODS),
        help="Transfer operator, Monte Carlo, Fokker-Planck, or exact counting of rare events.",
    ),
]
Walkers = Annotated[
    int,
    Option(
        "--walkers",
        metavar="M",
        help="How many walkers the ensemble has, at most 1e8; the other methods have none.",
    ),
]
Target = Annotated[
    str | None,
    Option(
        "--target",
        metavar="VAR",
        help="The coordinate that start and level are of.",
        rich_help_panel=options.QUESTION,
    ),
]
Passage = Annotated[
    bool,
    Option(
        "--passage",
        help="Ask for the first passage instead of the position at step N.",
        rich_help_panel=options.QUESTION,
    ),
]
Grid = Annotated[
    str | None,
    Option(
        "--grid",
        metavar="T=LO:HI:COUNT",
        help="Ask at each value of a parameter.",
        rich_help_panel=options.QUESTION,
    ),
]


def escape(
    model: options.ModelArgument,
    start: Start,
    beyond: Beyond,
    within: Within,
    method: How = "operator",
    sets: options.Sets = None,
    initial: options.Initials = None,
    target: Target = None,
    walkers: Walkers = 100_000,
    seed: options.Seed = 0,
    passage: Passage = False,
    grid: Grid = None,
    dt: options.Dt = None,
    out: options.Out = None,
    csv: options.Csv = None,
    plot: options.Plot = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Probability of standing beyond a level at step N, for a walker that starts before it."""
    from causalopt.descents.escape.members import watched

    output = outputs(out=out, csv=csv, plot=plot, theme=theme, json=json)
    declared = options.read_model(model, sets, initial, dt)
    question: dict[str, Any] = {
        "start": start,
        "beyond": beyond,
        "within": read_steps(within),
        "method": method,
        "passage": passage,
        "target": target,
        "walkers": walkers,
        "seed": seed,
    }
    found: Answer | EscapeCurve
    if grid is None:
        found = causalopt.escape(declared, **question)
    else:
        axis, points = read_axis(grid)
        values = points.tolist()
        found = causalopt.escape_curve(declared, {axis: values}, **question)
    sign, when = ">" if beyond > start else "<", "by step N" if passage else "at step N"
    variable = watched(declared, target)
    heading = f"{declared.name}: P({variable} {sign} {beyond:g} {when} | start {start:g})"
    output.give(found, text=lambda: f"{heading}\n{found}")


def read_steps(text: str) -> tuple[int, ...]:
    """Return numbers of steps, from a text such as `100,1000`.

    Raises:
        QuestionError: One is no whole number.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise QuestionError(
            f"--within takes whole numbers of steps such as 100,1000; '{text}' came"
        ) from None
