"""causalopt entropy: how much entropy does the correlation between A and B take out?"""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal

import causalopt
from causalopt.commands import options
from causalopt.commands.outputs import outputs
from causalopt.commands.told_options import Option
from causalopt.errors import QuestionError

MOST_STEPS = 1_000_000

Targets = Annotated[
    str | None,
    Option(
        "--targets",
        metavar="VAR,...",
        help="The variables whose entropy counts; all by default.",
        rich_help_panel=options.QUESTION,
    ),
]
Horizon = Annotated[
    int,
    Option(
        "--horizon",
        metavar="N",
        help="How many steps after --at the next entropies are taken.",
        rich_help_panel=options.QUESTION,
    ),
]
Lasting = Annotated[
    str,
    Option(
        "--lasting",
        metavar="N|ever",
        help="For how many steps A stays replaced.",
        rich_help_panel=options.QUESTION,
    ),
]
Fresh = Annotated[
    bool,
    Option(
        "--fresh",
        help="While that lasts, take A from a new replica each step.",
        rich_help_panel=options.QUESTION,
    ),
]
WhichUnit = Annotated[Literal["bit", "nat"], Option("--unit", help="Of all entropies.")]


def entropy(
    model: options.ModelArgument,
    at: Annotated[
        int,
        Option(
            "--at",
            metavar="T",
            help="The step at which A is decorrelated from B.",
            rich_help_panel=options.QUESTION,
        ),
    ] = 0,
    initial: Annotated[
        list[str] | None,
        Option(
            "--initial",
            metavar="uniform|model|VAR=V",
            help="The law at t = 0: uniform, the model's own by default, or the model's with other "
            "initial values. VAR=V is repeatable.",
            rich_help_panel=options.CHANGES,
        ),
    ] = None,
    hold: options.Hold = None,
    targets: Targets = None,
    horizon: Horizon = 1,
    lasting: Lasting = "1",
    fresh: Fresh = False,
    unit: WhichUnit = "bit",
    sets: options.Sets = None,
    dt: options.Dt = None,
    method: options.Method = None,
    out: options.Out = None,
    csv: options.Csv = None,
    plot: options.Plot = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Entropies with and without A's correlation with B, and optimizing strength.

    A's nodes at T are replaced by those of an independent replica; `next` is --horizon steps later.
    --plot draws the laws as tables where there are any, and else the entropies as bars.
    """
    if at > MOST_STEPS:
        raise QuestionError(
            f"--at is at most {MOST_STEPS:,}, as a law is carried there step by step; {at} came"
        )
    output = outputs(out=out, csv=csv, plot=plot, theme=theme, json=json)
    declared = options.read_model(model, sets, dt=dt, method=method)
    found = causalopt.strength(
        declared,
        hold=hold,
        targets=targets,
        at=at,
        initial=_start(initial),
        horizon=horizon,
        lasting=read_duration(lasting),
        fresh=fresh,
        unit=unit,
    )
    lines = [str(found)]
    if isinstance(found, causalopt.Decorrelated):
        left_out = [name for name in declared.finite.noises if name not in found.targets]
        if left_out and targets is None:
            said = f"{', '.join(left_out)}: noise is no part of the state unless --targets names it"
            lines.append(f"  {'not counted':<22}{said}")
    output.give(found, text=lambda: "\n".join(lines), pictured=_pictured(found))


def _pictured(found: causalopt.Entropies) -> causalopt.Entropies:
    """Return what is drawn: the laws where they make tables, else the entropies alone."""
    if not isinstance(found, causalopt.Strength) or found.has_table:
        return found
    own = dataclasses.fields(causalopt.Entropies)
    return causalopt.Entropies(**{field.name: getattr(found, field.name) for field in own})


def _start(texts: list[str] | None) -> Any:
    """Return the law at t = 0 as `strength` takes it: a word, or initial values."""
    if not texts:
        return "model"
    if len(texts) == 1 and "=" not in texts[0]:
        return texts[0]
    return options.read_assignments(texts, "--initial", "R=30, or the word uniform")


def read_duration(text: str) -> int | None:
    """Return for how many steps A stays replaced, None for ever.

    Raises:
        QuestionError: The text is neither a number nor `ever`.
    """
    if text == "ever":
        return None
    try:
        return int(text)
    except ValueError:
        raise QuestionError(
            f"--lasting takes a number of steps such as 3, or ever; found '{text}'"
        ) from None
