"""causalopt sensitivity: how Op and Comp change with every parameter."""

from __future__ import annotations

from typing import Annotated

import causalopt
from causalopt.commands import options
from causalopt.commands.outputs import outputs
from causalopt.commands.told_options import Option


def sensitivity(
    model: options.ModelArgument,
    sets: options.Sets = None,
    initial: options.Initials = None,
    nudge: options.NudgeNode = None,
    hold: options.Hold = None,
    target: options.Target = None,
    steps: options.Steps = None,
    at: options.At = None,
    among: Annotated[
        list[str] | None, Option(metavar="NAME", help="A parameter. Repeatable; all by default.")
    ] = None,
    dt: options.Dt = None,
    method: options.Method = None,
    seed: options.Seed = 0,
    out: options.Out = None,
    csv: options.Csv = None,
    plot: options.Plot = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Op and Comp against every parameter: slopes with their errors, the strongest first.

    p dOp/dp is the nats that a change of the parameter by its own size would bring, were it linear.
    """
    output = outputs(out=out, csv=csv, plot=plot, theme=theme, json=json)
    found = causalopt.sensitivity(
        options.read_model(model, sets, initial, dt, method),
        nudge=nudge,
        hold=hold,
        target=target,
        steps=steps,
        at=at,
        among=among,
        seed=seed,
    )
    output.give(found)
