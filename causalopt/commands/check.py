"""causalopt check: is this model right, and what does it say?"""

from __future__ import annotations

import typer

import causalopt
from causalopt.commands import options


def check(
    model: options.ModelArgument,
    sets: options.Sets = None,
    initial: options.Initials = None,
    dt: options.Dt = None,
    method: options.Method = None,
    json: options.Json = False,
) -> None:
    """Validate a model and print its variables, parameters and edges.

    Flows are shown as the rules the integrator makes of them.
    """
    found = causalopt.describe(options.read_model(model, sets, initial, dt, method)).to_dict()
    if json:
        options.emit(found)
        return
    kind = "a model without time" if found["static"] else f"{found['dt']:g} time units a step"
    typer.echo(f"{found['name']}: {found['title'] or 'untitled'} ({kind})")
    typer.echo("")
    rows = [
        [name, v["side"], ", ".join(f"{x:g}" for x in v["initial"]) or "-", v["rule"] or "-"]
        for name, v in found["variables"].items()
    ]
    typer.echo(options.table(rows, ["VARIABLE", "IN", "INITIAL", "RULE"]))
    if found["parameters"]:
        typer.echo("\nPARAMETERS")
        for name, value in found["parameters"].items():
            typer.echo(f"  {name} = {value:g}")
    typer.echo(f"\nEDGES ({len(found['edges'])})")
    for edge in found["edges"]:
        typer.echo(f"  {edge}")
