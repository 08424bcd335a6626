"""causalopt check: is this model right, and what does it say?"""

from __future__ import annotations

from collections.abc import Sequence

import typer

import causalopt
from causalopt.commands import options

_MOST_VALUES = 8


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
    declared = options.read_model(model, sets, initial, dt, method)
    found = causalopt.describe(declared).to_dict()
    if json:
        options.emit(found)
        return
    kind = (
        "a model without time"
        if found["static"]
        else f"{found['dt']:g} time unit{'s' * (found['dt'] != 1)} a step"
    )
    typer.echo(f"{found['name']}: {found['title'] or 'untitled'} ({kind})")
    typer.echo("")
    rows = [
        [name, v["side"], _written(v["initial"]), v["rule"] or "-"]
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
    for text in options.lags_in_steps_text(declared):
        typer.echo(f"\nNOTE {text}")


def _written(values: Sequence[float]) -> str:
    """Return initial values as text; a long history by its ends."""
    if len(values) <= _MOST_VALUES:
        return ", ".join(f"{x:g}" for x in values) or "-"
    return f"{values[0]:g}, {values[1]:g}, ... {values[-1]:g} ({len(values)} steps)"
