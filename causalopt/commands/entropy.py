"""causalopt entropy: how much entropy does the correlation between A and B take out?"""

from __future__ import annotations

from typing import Annotated

import typer

import causalopt
from causalopt.commands.options import Hold, Json, ModelArgument, Sets, emit, read_model
from causalopt.errors import QuestionError

MOST_STEPS = 1_000_000


def entropy(
    model: ModelArgument,
    at: Annotated[
        int, typer.Option("--at", metavar="T", help="The step at which A is decorrelated from B.")
    ] = 0,
    initial: Annotated[
        str, typer.Option("--initial", metavar="uniform|model", help="The law at t = 0.")
    ] = "model",
    hold: Hold = None,
    targets: Annotated[
        str | None,
        typer.Option("--targets", metavar="VAR,...", help="The variables whose entropy counts."),
    ] = None,
    sets: Sets = None,
    json: Json = False,
) -> None:
    """Entropies with and without A's correlation with B, and optimizing strength, in bits.

    A's nodes at T are replaced by those of an independent replica; `next` is one step later.
    """
    if at > MOST_STEPS:
        raise QuestionError(
            f"--at is at most {MOST_STEPS:,}, as a law is carried there step by step; {at} came"
        )
    declared = read_model(model, sets)
    found = causalopt.strength(declared, at=at, initial=initial, hold=hold, targets=targets)
    if json:
        emit(found.to_dict())
        return
    static = declared.is_static
    when = "" if static else f" at t = {at}"
    names = (
        found.A if isinstance(found, causalopt.Decorrelated) else declared.selection(hold or "A")
    )
    inside = ", ".join(map(str, names))
    typer.echo(f"{declared.name}, A = {{{inside}}} replaced{when}, in bits")
    now, later = ("", ", then B") if static else ("_t", "_t+1")
    lines = {
        f"S[P{now}]": found.S,
        f"S[P'{now}]": found.S_decoupled,
        f"S[P{later}]": found.S_next,
        f"S[P'{later}]": found.S_next_decoupled,
        "mutual information": found.mutual_information,
        "optimizing strength": found.optimizing_strength,
        "adjusted": found.adjusted,
    }
    for name, value in lines.items():
        typer.echo(f"  {name:<22}{value:.7f}")
    if isinstance(found, causalopt.Decorrelated):
        typer.echo(f"  {'engine':<22}{found.choice.engine}: {found.choice.reason}")
        left_out = [name for name in declared.finite.noises if name not in found.targets]
        if left_out and targets is None:
            said = f"{', '.join(left_out)}: noise is no part of the state unless --targets names it"
            typer.echo(f"  {'not counted':<22}{said}")
