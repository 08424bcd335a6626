"""causalopt action: the cheapest path of an unlikely passage."""

from __future__ import annotations

from typing import Annotated, Literal

import causalopt
from causalopt.commands import options
from causalopt.commands.outputs import outputs
from causalopt.commands.told_options import Option
from causalopt.errors import QuestionError

End = Annotated[
    list[str],
    Option(
        "--end",
        metavar="VAR=V",
        help="Where it leads. Repeatable.",
        rich_help_panel=options.QUESTION,
    ),
]
Limit = Annotated[
    Literal["noise", "rate"],
    Option(
        "--limit",
        help="What becomes small: each step's noise, or the steps.",
        rich_help_panel=options.QUESTION,
    ),
]
Count = Annotated[
    int | None,
    Option(
        "--steps", metavar="N", help="How many steps it takes.", rich_help_panel=options.QUESTION
    ),
]


def action(
    model: options.ModelArgument,
    end: End,
    limit: Limit = "noise",
    steps: Count = None,
    sets: options.Sets = None,
    initial: options.Initials = None,
    dt: options.Dt = None,
    method: options.Method = None,
    out: options.Out = None,
    csv: options.Csv = None,
    plot: options.Plot = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Least action, in nats, of a passage from the model's start to an end, and its path."""
    output = outputs(out=out, csv=csv, plot=plot, theme=theme, json=json)
    declared = options.read_model(model, sets, initial, dt, method)
    found = causalopt.least_action(declared, end=_places(end), limit=limit, steps=steps)
    output.give(found)


def _places(texts: list[str]) -> dict[str, float]:
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise QuestionError(f"--end takes VAR=V such as W=1.2; '{text}' came") from None
    return found
