"""causalopt check."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import causalopt
from causalopt.commands import options
from causalopt.commands.told_options import Option
from causalopt.display.echo import echo

_MOST_VALUES = 8


def check(
    model: options.ModelArgument,
    sets: options.Sets = None,
    initial: options.Initials = None,
    dt: options.Dt = None,
    method: options.Method = None,
    stages: Annotated[
        bool, Option("--stages", help="Show the rules that the integrator makes of flows.")
    ] = False,
    strict: Annotated[
        bool, Option("--strict", help="Let warnings be errors (exit code 2).")
    ] = False,
    json: options.Json = False,
) -> None:
    """Validate a model and print its variables, parameters and edges.

    All mistakes are listed at once, and what reads well but is probably not meant as warnings:
    parameters that nothing reads, a held set with no path to m, a start on a kink, units that do
    not fit.
    """
    from causalopt.checks.examined_file import examine
    from causalopt.errors import ModelMistakesError

    changes = options.read_changes(sets, initial, dt, method)
    examined = examine(model, changes)
    if examined.model is None:
        raise ModelMistakesError(examined.errors)
    if strict and examined.warnings:
        raise ModelMistakesError(examined.warnings)
    described = causalopt.describe(examined.model, stages=stages)
    described = dataclasses.replace(described, warnings=examined.warnings)
    if json:
        options.emit(described.to_dict())
    else:
        _show(described.to_dict())
        for warning in described.warnings:
            echo(f"\nwarning: {warning}")
        for text in (*described.notes, *options.lags_in_steps_text(examined.model)):
            echo(f"\nNOTE {text}")


def _show(found: Mapping[str, Any]) -> None:
    """Print what a model says."""
    kind = (
        "a model without time"
        if found["static"]
        else f"{found['dt']:g} {found['time_unit']} a step"
        if found["time_unit"] is not None
        else f"{found['dt']:g} time unit{'s' * (found['dt'] != 1)} a step"
    )
    echo(f"{found['name']}: {found['title'] or 'untitled'} ({kind})")
    echo("")
    rows = [
        [name, v["side"], *_shape(v), _written(v["initial"]), v["rule"] or "-"]
        for name, v in found["variables"].items()
    ]
    shapes = ["SHAPE"] if "sizes" in found else []
    echo(options.table(rows, ["VARIABLE", "IN", *shapes, "INITIAL", "RULE"]))
    if "sizes" in found:
        numbers = sum(v["size"] for v in found["variables"].values())
        echo(f"\nSIZES ({numbers:,} numbers a step)")
        for name, size in found["sizes"].items():
            echo(f"  {name} = {size}")
    if found["parameters"]:
        echo("\nPARAMETERS")
        for name, value in found["parameters"].items():
            unit = found["units"].get(name, "")
            echo(f"  {name} = {value:g} {unit}".rstrip())
    echo(f"\nEDGES ({len(found['edges'])})")
    for edge in found["edges"]:
        echo(f"  {edge}")


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
