"""causalopt rates: growth of disturbances, with and without A."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

import causalopt
from causalopt.commands import options

if TYPE_CHECKING:
    from causalopt.effects.ensembles.rates_ensemble import RatesEnsemble
    from causalopt.effects.exponents.rates import Rates

_SEEN = 1e-6  # an error of a printed exponent


def rates(
    model: options.ModelArgument,
    sets: options.Sets = None,
    initial: options.Initials = None,
    nudge: options.NudgeNode = None,
    hold: options.Hold = None,
    target: options.Target = None,
    steps: Annotated[
        int | None, typer.Option("--steps", metavar="N", help="How many steps are counted.")
    ] = None,
    transient: Annotated[
        int | None,
        typer.Option(metavar="N", help="How many steps are run first; a tenth of --steps."),
    ] = None,
    exponents: Annotated[
        int | None,
        typer.Option(
            metavar="K", help="How many leading exponents; all of up to 64, 16 of more by default."
        ),
    ] = None,
    dt: options.Dt = None,
    method: options.Method = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Which draws noise makes.")] = 0,
    seeds: options.Seeds = None,
    plot: options.Plot = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Op per unit time, Lyapunov exponents and conditional exponents given A.

    Op(A; n, m) grows in the long run by the slope of log|direct| - log|total|. Where n excites all
    directions and m observes all, that is the largest conditional exponent less the largest
    Lyapunov exponent. Without a set A there are the Lyapunov exponents alone.
    """
    from causalopt.effects.exponents.rates import Rates

    picture = options.figure_file(plot, theme)
    declared = options.read_model(model, sets, initial, dt, method)
    chosen = options.read_seeds(seeds)
    found: Rates | RatesEnsemble = causalopt.rates(
        declared,
        nudge=nudge,
        hold=hold,
        target=target,
        steps=steps,
        transient=transient,
        exponents=exponents,
        seed=seed,
        seeds=chosen,
    )
    if picture is not None:
        options.write_figure(found.plot(theme=theme), picture)
    if json:
        options.emit(found.to_dict())
    else:
        typer.echo("\n".join(_report(found)) if isinstance(found, Rates) else repr(found))


def _report(found: Rates) -> list[str]:
    from causalopt.effects.exponents.rates import with_error
    from causalopt.effects.measures import STATUSES

    held = f", A = {{{found.hold}}}" if found.hold else ""
    generic = ", generic n and m" if found.hold else ""
    asked = f", n = {found.nudge}, m = {found.target}" if found.nudge else generic
    lines = [f"{found.model}{held}{asked}, {found.steps} steps, {found.unit}"]
    if not found.exponents.startswith("all"):
        lines.append(f"  exponents: {found.exponents}")
    if found.realisation is not None:
        lines.append(f"  exponents are of one realisation of the noise, --seed {found.realisation}")
    lines.append("  Lyapunov exponents      " + _row(found.lyapunov, found.lyapunov_error))
    if found.hold:
        lines.append(
            "  conditional, given A    " + _row(found.conditional, found.conditional_error)
        )
        lines.append("  Op per unit of time     " + with_error(found.op_rate, found.error))
        if found.differs:
            other = with_error(found.generic_rate, found.generic_error)
            lines.append(f"  of a generic n and m    {other}")
        lines += [f"    {reason}" for reason in found.silent]
    if found.status != "ok":
        lines.append(f"  status {found.status}: {STATUSES[found.status]}")
    return lines


def _row(values: tuple[float, ...], errors: tuple[float, ...]) -> str:
    return "  ".join(map(_exponent, values, errors))


def _exponent(value: float, error: float) -> str:
    """Return an exponent; one within two errors of 0 as 0, or with its error where that is seen."""
    if math.isnan(value):
        return "unresolved"
    from causalopt.effects.exponents.rates import rounded, with_error

    shown = rounded(value, error)
    return with_error(value, error) if value and not shown and error > _SEEN else f"{shown:.6g}"
