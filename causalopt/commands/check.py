"""causalopt check: is this model right, and what does it say?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
        [name, v["side"], *_shape(v), _written(v["initial"]), v["rule"] or "-"]
        for name, v in found["variables"].items()
    ]
    shapes = ["SHAPE"] if "sizes" in found else []
    typer.echo(options.table(rows, ["VARIABLE", "IN", *shapes, "INITIAL", "RULE"]))
    if "sizes" in found:
        numbers = sum(v["size"] for v in found["variables"].values())
        typer.echo(f"\nSIZES ({numbers:,} numbers a step)")
        for name, size in found["sizes"].items():
            typer.echo(f"  {name} = {size}")
    if found["parameters"]:
        typer.echo("\nPARAMETERS")
        for name, value in found["parameters"].items():
            typer.echo(f"  {name} = {value:g}")
    typer.echo(f"\nEDGES ({len(found['edges'])})")
    for edge in found["edges"]:
        typer.echo(f"  {edge}")
    for text in options.lags_in_steps_text(declared):
        typer.echo(f"\nNOTE {text}")


def _shape(variable: Mapping[str, Any]) -> list[str]:
    """Return the cell of a variable's shape, none in a model of numbers."""
    if "shape" not in variable:
        return []
    dims = zip(variable["dims"], variable["shape"], strict=True)
    return [", ".join(f"{dim}={n}" for dim, n in dims) or "a number"]


def _written(values: Sequence[float | str]) -> str:
    """Return initial values as text; a long history by its ends."""
    if len(values) <= _MOST_VALUES:
        return ", ".join(map(_value, values)) or "-"
    first, second, last = (_value(values[i]) for i in (0, 1, -1))
    return f"{first}, {second}, ... {last} ({len(values)} steps)"


def _value(x: float | str) -> str:
    return x if isinstance(x, str) else f"{x:g}"
