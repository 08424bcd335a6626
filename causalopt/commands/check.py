"""causalopt check: is this model right, and what does it say?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from causalopt.commands.options import (
    Dt,
    Initials,
    Json,
    Method,
    ModelArgument,
    Sets,
    emit,
    read_model,
    table,
)

if TYPE_CHECKING:
    from causalopt.model.model import Model


def check(
    model: ModelArgument,
    sets: Sets = None,
    initial: Initials = None,
    dt: Dt = None,
    method: Method = None,
    json: Json = False,
) -> None:
    """Validate a model and print its variables, parameters and edges.

    Flows are shown as the rules the integrator makes of them.
    """
    found = _description(read_model(model, sets, initial, dt, method))
    if json:
        emit(found)
        return
    kind = "a model without time" if found["static"] else f"{found['dt']:g} time units a step"
    typer.echo(f"{found['name']}: {found['title'] or 'untitled'} ({kind})")
    typer.echo("")
    rows = [
        [name, v["side"], ", ".join(f"{x:g}" for x in v["initial"]) or "-", v["rule"] or "-"]
        for name, v in found["variables"].items()
    ]
    typer.echo(table(rows, ["VARIABLE", "IN", "INITIAL", "RULE"]))
    if found["parameters"]:
        typer.echo("\nPARAMETERS")
        for name, value in found["parameters"].items():
            typer.echo(f"  {name} = {value:g}")
    typer.echo(f"\nEDGES ({len(found['edges'])})")
    for edge in found["edges"]:
        typer.echo(f"  {edge}")


def _description(model: Model) -> dict[str, Any]:
    from causalopt.model.graph import edge_list, rule_texts, side
    from causalopt.worlds.interventions import initial_values

    template = model.template
    rules = rule_texts(model)
    parameters = template.parameter_values()
    return {
        "name": model.name,
        "title": model.title,
        "source": model.source,
        "static": model.is_static,
        "dt": parameters.pop("dt"),
        "method": model.method,
        "variables": {
            equation.name: {
                "side": side(model, equation.owner),
                "initial": initial_values(model, equation.owner),
                "rule": rules.get(equation.name),
            }
            for equation in template.equations
        },
        "parameters": parameters,
        "edges": edge_list(model),
        "question": model.question.model_dump(exclude_none=True),
        "hash": model.fingerprint,
    }
