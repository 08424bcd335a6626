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
    typer.echo(str(found))
    if isinstance(found, causalopt.Decorrelated):
        left_out = [name for name in declared.finite.noises if name not in found.targets]
        if left_out and targets is None:
            said = f"{', '.join(left_out)}: noise is no part of the state unless --targets names it"
            typer.echo(f"  {'not counted':<22}{said}")
