"""causalopt derive: Comp and Op as formulas."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Annotated

import causalopt
from causalopt.commands import options
from causalopt.commands.told_options import Option
from causalopt.display.echo import echo

if TYPE_CHECKING:
    from causalopt.symbolic.derivation import Derivation


def derive(
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
            help="The step a nonlinear model's formulas are for (without --at), and how far "
            "branches are followed. The question's by default, else 20.",
            rich_help_panel=options.QUESTION,
        ),
    ] = None,
    dt: options.Dt = None,
    method: options.Method = None,
    at: Annotated[
        int | None,
        Option(
            "--at",
            metavar="N",
            help="Give the values at this step too; a nonlinear model's formulas are for it.",
            rich_help_panel=options.QUESTION,
        ),
    ] = None,
    latex: Annotated[
        bool, Option("--latex", help="Print LaTeX.", rich_help_panel=options.OUTPUT)
    ] = False,
    plain: Annotated[
        bool,
        Option(
            "--plain",
            help="Print each formula in one line that sympy reads, on a terminal too.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = False,
    expand: Annotated[bool, Option("--expand", help="Write a program out as expressions.")] = False,
    report: Annotated[
        str | None,
        Option(
            "--report",
            metavar="FILE.md",
            help="Write the derivation, step by step.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    python: Annotated[
        str | None,
        Option(
            "--python",
            metavar="FILE.py",
            help="Write it as Python source.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    time_limit: Annotated[
        float, Option("--time-limit", metavar="S", min=0.1, help="Seconds for symbolic work.")
    ] = 20.0,
    json: options.Json = False,
) -> None:
    """Comp and Op as formulas, with their conditions, verified before they are shown.

    On a terminal the formulas have two dimensions; elsewhere, and with --plain, they are text that
    sympy reads. Parameters stay symbols unless --set gives them a value. A linear model gets a
    closed form in t; a nonlinear one a program for one step (--at, else --steps, else the
    question's), or, when the time limit ends first, its recurrence.
    """
    declared = options.read_model(model, sets, initial, dt, method)
    outputs = [
        (options.output_file(report, (".md",)), "report"),
        (options.output_file(python, (".py",)), "python"),
    ]
    names = [text.partition("=")[0].strip() for text in sets or []]
    found = causalopt.derive(
        declared,
        nudge=nudge,
        hold=hold,
        target=target,
        at=at,
        steps=steps,
        parameters={name: declared.parameters[name] for name in names},
        expand=expand,
        time_limit=time_limit,
    )
    for path, form in outputs:
        if path is not None:
            from causalopt.model.files import write_whole

            write_whole(path, getattr(found, form)().encode())
            echo(f"wrote {path}", err=True)
    if json:
        options.emit(found.to_dict())
    elif latex:
        echo(found.latex)
    else:
        echo(found if plain or not sys.stdout.isatty() else _on_terminal(found))
        if at is not None:
            echo(f"at t = {at}:")
            for name, value in found.value(at).items():
                echo(f"  {name:6} = {'undefined' if value is None else value}")


def _on_terminal(found: Derivation) -> str:
    """Return formulas in two dimensions, as wide as the terminal and in characters it has."""
    try:
        "⎛√ζ₁".encode(sys.stdout.encoding or "ascii")
        unicode = True
    except (UnicodeEncodeError, LookupError):
        unicode = False
    return found.pretty(width=shutil.get_terminal_size().columns, unicode=unicode)
