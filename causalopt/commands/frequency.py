"""causalopt frequency: Comp and Op over frequencies, margins, and Bode's integral."""

from __future__ import annotations

from typing import Annotated, Literal

import causalopt
from causalopt.commands import options
from causalopt.commands.grid_axes import read_frequencies
from causalopt.commands.outputs import outputs
from causalopt.commands.told_options import Option
from causalopt.errors import QuestionError


def frequency(
    model: options.ModelArgument,
    sets: options.Sets = None,
    initial: options.Initials = None,
    nudge: Annotated[
        str | None,
        Option(
            "--nudge",
            metavar="VAR",
            help="The variable n, nudged at every step; a parameter Kp, or a sum with weights: "
            "'2*d[t>=0] - Kp'.",
            rich_help_panel=options.QUESTION,
        ),
    ] = None,
    hold: options.Hold = None,
    target: options.Target = None,
    frequencies: Annotated[
        str | None,
        Option(
            metavar="LO:HI:COUNT",
            help="At which frequencies, spaced logarithmically; or W1,W2,... By default up to the "
            "Nyquist frequency, and dense where the response moves.",
        ),
    ] = None,
    per: Annotated[
        Literal["step", "time"],
        Option(help="Whether frequencies are in radians per step or per unit of time."),
    ] = "step",
    at: Annotated[
        int | None,
        Option(
            metavar="N",
            help="Linearise at step N, as if its slopes stayed.",
            rich_help_panel=options.QUESTION,
        ),
    ] = None,
    steps: Annotated[
        int | None,
        Option(
            "--steps",
            metavar="N",
            help="How long W is followed at most to find it at rest.",
            rich_help_panel=options.QUESTION,
        ),
    ] = None,
    dt: options.Dt = None,
    method: options.Method = None,
    seed: options.Seed = 0,
    out: options.Out = None,
    csv: options.Csv = None,
    plot: options.Plot = None,
    kind: Annotated[
        Literal["bode", "nichols", "nyquist"] | None,
        Option(
            help="What --plot draws: over frequencies, or L in the plane.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Comp and Op for sinusoids at n: the sensitivity function, margins and Bode's integral.

    Comp = G_x / G_y = 1 / (1 + L), L the gain of the loop that A closes. A model that is not
    linear is linearised where W comes to rest or to an orbit, or at --at N.
    """
    if kind is not None and plot is None:
        raise QuestionError("--kind says what is drawn: give --plot FILE too")
    asked = None if frequencies is None else read_frequencies(frequencies).tolist()
    output = outputs(out=out, csv=csv, plot=plot, theme=theme, json=json)
    declared = options.read_model(model, sets, initial, dt, method)
    found = causalopt.frequency(
        declared,
        nudge=nudge,
        hold=hold,
        target=target,
        frequencies=asked,
        per=per,
        steps=steps,
        at=at,
        seed=seed,
    )
    output.give(found, kind=kind or "bode")
