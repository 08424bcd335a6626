"""causalopt transitions: how walkers get from one set of states to another."""

from __future__ import annotations

from typing import Annotated

import causalopt
from causalopt.commands import options
from causalopt.commands.outputs import outputs
from causalopt.commands.told_options import Option
from causalopt.errors import QuestionError

Origin = Annotated[
    str,
    Option(
        "--from",
        metavar="COND",
        help="Where walkers come from, such as 'W < 1.05'.",
        rich_help_panel=options.QUESTION,
    ),
]
Destination = Annotated[
    str,
    Option(
        "--to",
        metavar="COND",
        help="Where they go to, such as 'W > 1.2'.",
        rich_help_panel=options.QUESTION,
    ),
]
Restart = Annotated[
    bool,
    Option(
        "--restart",
        help="Walkers that arrive begin anew at the model's start.",
        rich_help_panel=options.QUESTION,
    ),
]
Span = Annotated[
    list[str] | None,
    Option("--span", metavar="VAR=LO:HI", help="What the grid covers. Repeatable."),
]
Nodes = Annotated[int | None, Option("--nodes", metavar="N", help="Most nodes an axis.")]


def transitions(
    model: options.ModelArgument,
    origin: Origin,
    destination: Destination,
    restart: Restart = False,
    span: Span = None,
    nodes: Nodes = None,
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
    """Committors, reactive flux and mean passage from one set of states to another."""
    output = outputs(out=out, csv=csv, plot=plot, theme=theme, json=json)
    declared = options.read_model(model, sets, initial, dt, method)
    found = causalopt.transitions(
        declared,
        origin=origin,
        destination=destination,
        restart=restart,
        span=_spans(span),
        nodes=nodes,
    )
    output.give(found)


def _spans(texts: list[str] | None) -> dict[str, tuple[float, float]] | None:
    found = {}
    for text in texts or []:
        name, _, span = text.partition("=")
        try:
            low, high = (float(part) for part in span.split(":"))
        except ValueError:
            raise QuestionError(
                f"--span takes VAR=LO:HI such as W=0.9:2.1; '{text}' came"
            ) from None
        found[name.strip()] = (low, high)
    return found or None
