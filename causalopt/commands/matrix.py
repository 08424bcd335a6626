"""causalopt matrix: Op between all nodes n and all nodes m."""

from __future__ import annotations

from typing import Annotated

import causalopt
from causalopt.commands import options
from causalopt.commands.outputs import outputs
from causalopt.commands.told_options import Option


def matrix(
    model: options.ModelArgument,
    sets: options.Sets = None,
    initial: options.Initials = None,
    nudge: Annotated[
        list[str] | None,
        Option(
            metavar="NODE",
            help="A row: a node, a span or a parameter. Repeatable; by default every variable at "
            "t = 0, or where the flows' history ends.",
            rich_help_panel=options.QUESTION,
        ),
    ] = None,
    hold: options.Hold = None,
    target: Annotated[
        list[str] | None,
        Option(
            metavar="VAR",
            help="A column: a node, or a variable or expression at the last step. Repeatable; "
            "every variable by default.",
            rich_help_panel=options.QUESTION,
        ),
    ] = None,
    steps: options.Steps = None,
    dt: options.Dt = None,
    method: options.Method = None,
    seed: options.Seed = 0,
    out: options.Out = None,
    csv: options.Csv = None,
    plot: options.Plot = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Op(A; n, m) for all n and m: which disturbances of what A removes from where."""
    output = outputs(out=out, csv=csv, plot=plot, theme=theme, json=json)
    found = causalopt.op_matrix(
        options.read_model(model, sets, initial, dt, method),
        sources=nudge,
        targets=target,
        hold=hold,
        steps=steps,
        seed=seed,
    )
    output.give(found)
