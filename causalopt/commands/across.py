"""causalopt across: is this piece an optimizer?"""

from __future__ import annotations

from typing import Annotated

import causalopt
from causalopt.commands import options
from causalopt.commands.outputs import outputs
from causalopt.commands.told_options import Option


def across(
    model: options.ModelArgument,
    region: Annotated[
        str | None,
        Option(
            metavar="SEL",
            help="The region: T, a[t<=10] - b, between(n, m), ...; A by default.",
            rich_help_panel=options.QUESTION,
        ),
    ] = None,
    sources: Annotated[
        str | None,
        Option(
            metavar="SEL",
            help="Take n from here, not from beside the boundary.",
            rich_help_panel=options.QUESTION,
        ),
    ] = None,
    targets: Annotated[
        str | None,
        Option(
            metavar="SEL",
            help="Take m from here, such as [t=100].",
            rich_help_panel=options.QUESTION,
        ),
    ] = None,
    sets: options.Sets = None,
    initial: options.Initials = None,
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
    """Is this piece an optimizer? Op over all pairs of nodes across its boundary, both ways.

    With the inside held, n and m lie outside: does the piece make disturbances of its surroundings
    smaller? With the outside held, n and m lie inside: do the surroundings do it for the piece?
    """
    output = outputs(out=out, csv=csv, plot=plot, theme=theme, json=json)
    declared = options.read_model(model, sets, initial, dt, method)
    found = causalopt.across(
        declared, region, sources=sources, targets=targets, steps=steps, seed=seed
    )
    output.give(found)
