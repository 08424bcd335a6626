"""causalopt rates: growth of disturbances, with and without A."""

from __future__ import annotations

from typing import Annotated

import causalopt
from causalopt.commands import options
from causalopt.commands.outputs import outputs
from causalopt.commands.told_options import Option

Transient = Annotated[
    int | None,
    Option("--transient", metavar="N", help="How many steps are run first; a tenth of --steps."),
]
Exponents = Annotated[
    int | None,
    Option(
        "--exponents",
        metavar="K",
        help="How many leading exponents; all of up to 64, 16 of more by default.",
    ),
]


def rates(
    model: options.ModelArgument,
    sets: options.Sets = None,
    initial: options.Initials = None,
    nudge: options.NudgeNode = None,
    hold: options.Hold = None,
    target: options.Target = None,
    steps: Annotated[
        int | None,
        Option(
            "--steps",
            metavar="N",
            help="How many steps are counted.",
            rich_help_panel=options.QUESTION,
        ),
    ] = None,
    transient: Transient = None,
    exponents: Exponents = None,
    dt: options.Dt = None,
    method: options.Method = None,
    seed: options.Seed = 0,
    seeds: options.Seeds = None,
    out: options.Out = None,
    csv: options.Csv = None,
    plot: options.Plot = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Op per unit time, Lyapunov exponents and conditional exponents given A.

    Op(A; n, m) grows in the long run by the slope of log|direct| - log|total|. Where n excites all
    directions and m observes all, that is the largest conditional exponent less the largest
    Lyapunov exponent. Without a set A there are the Lyapunov exponents alone.
    """
    output = outputs(out=out, csv=csv, plot=plot, theme=theme, json=json)
    declared = options.read_model(model, sets, initial, dt, method)
    chosen = options.read_seeds(seeds)
    found = causalopt.rates(
        declared,
        nudge=nudge,
        hold=hold,
        target=target,
        steps=steps,
        transient=transient,
        exponents=exponents,
        seed=seed,
        seeds=chosen,
    )
    output.give(found)
