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
    inside = ", ".join(declared.A)
    typer.echo(f"{declared.name}, A = {{{inside}}} replaced at t = {at}, in bits")
    typer.echo(f"  S[P_t]                {found.S:.7f}")
    typer.echo(f"  S[P'_t]               {found.S_decoupled:.7f}")
    typer.echo(f"  S[P_t+1]              {found.S_next:.7f}")
    typer.echo(f"  S[P'_t+1]             {found.S_next_decoupled:.7f}")
    typer.echo(f"  mutual information    {found.mutual_information:.7f}")
    typer.echo(f"  optimizing strength   {found.optimizing_strength:.7f}")
    typer.echo(f"  adjusted              {found.adjusted:.7f}")
    if isinstance(found, causalopt.Strength):
        typer.echo(f"  engine                {found.choice.engine}: {found.choice.reason}")
