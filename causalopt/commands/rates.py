"""causalopt rates: growth of disturbances, with and without A."""

from __future__ import annotations

import typer

import causalopt
from causalopt.commands import options
from causalopt.commands.progress import Progress


def rates(
    model: options.ModelArgument,
    sets: options.Sets = None,
    initial: options.Initials = None,
    hold: options.Hold = None,
    steps: options.Steps = None,
    dt: options.Dt = None,
    method: options.Method = None,
    json: options.Json = False,
) -> None:
    """Lyapunov exponents, conditional exponents given A, and Op per unit time."""
    from causalopt.effects.rates import DEFAULT_STEPS

    declared = options.read_model(model, sets, initial, dt, method)
    with Progress(round(1.1 * (steps or DEFAULT_STEPS)), "running") as progress:
        found = causalopt.rates(declared, hold=hold, steps=steps, progress=progress)
    if json:
        options.emit(found.to_dict())
        return
    typer.echo(f"{found.model}, A = {{{found.hold}}}, {found.steps} steps, {found.unit}")
    if not found.exponents.startswith("all"):
        typer.echo(f"  exponents: {found.exponents}")
    typer.echo("  Lyapunov exponents      " + _row(found.lyapunov))
    typer.echo("  conditional, given A    " + _row(found.conditional))
    typer.echo(f"  Op per unit of time     {found.op_rate:.6g} +- {found.error:.2g}")
    if found.status != "ok":
        typer.echo(f"  status {found.status}: the run left the finite numbers")


def _row(values: tuple[float, ...]) -> str:
    return "  ".join(f"{value:.6g}" for value in values)
