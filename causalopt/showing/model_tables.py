"""A model, its description and its worlds: what is declared, and the values it took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from causalopt.display.summary import Summary, summary_of
from causalopt.display.table import Table, spread_places
from causalopt.drawing.graph.pictures import draw
from causalopt.model.declaration import Variable
from causalopt.model.graph import side
from causalopt.model.model import Model
from causalopt.results import picture, summary
from causalopt.showing.svg_colours import in_page_colours, inline
from causalopt.worlds.description import Description
from causalopt.worlds.world import World

_MOST = 12
_STEPS = 3  # of a picture


@summary.register(Model)
def model_summary(model: Model, **_options: Any) -> Summary:
    """Return a model's variables with their rules, and its parameters."""
    names = list(model.variables)
    rows = [
        [
            name,
            side(model, name),
            _initial(model.variables[name].initial),
            _declared(name, model.variables[name]),
        ]
        for name in names[:_MOST]
    ]
    left = len(names) - len(rows)
    tables = [
        Table(
            ["variable", "in", "initial", "rule"],
            rows,
            more=f"... and {left} more variables" if left else "",
        )
    ]
    lines = [model.source] if model.source else []
    if model.parameters:
        lines.append("parameters: " + _named(model.parameters))
    asked = {
        name: value
        for name, value in model.question.model_dump(exclude_none=True).items()
        if value not in ("", [], ())
    }
    if asked:
        lines.append("question: " + ", ".join(f"{k} {_initial(v)}" for k, v in asked.items()))
    heading, *_ = repr(model).split("\n")
    return Summary(heading, tuple(lines), tuple(tables))


@picture.register(Model)
def model_picture(model: Model) -> str:
    """Return the graph of a few steps."""
    steps = None if model.is_static else min(_STEPS, model.question.steps or _STEPS)
    return inline(in_page_colours(draw(model, steps=steps, plain=True).svg()))


@summary.register(Description)
def description_summary(found: Description, **_options: Any) -> Summary:
    """Return what a model says, as the model shows it."""
    return summary(found.model)


@picture.register(Description)
def description_picture(found: Description) -> str:
    """Return the model's graph."""
    return picture(found.model)


@summary.register(World)
def world_summary(world: World, **_options: Any) -> Summary:
    """Return every variable's values at some steps."""
    names = list(world.model.variables)[: _MOST - 1]
    places = spread_places(world.steps + 1)
    rows = [[str(t), *(_value(world[name], t) for name in names)] for t in places]
    if world.model.is_static:
        table = Table(names, [row[1:] for row in rows])
    else:
        table = Table(["t", *names], rows)
    left = len(world.model.variables) - len(names)
    lines = f"\n  {left} more variables are not shown" if left else ""
    return summary_of(repr(world) + lines, table)


def _value(values: Any, t: int) -> str:
    return f"{values[t]:.6g}"


def _named(values: Mapping[str, Any]) -> str:
    shown = [f"{name} = {value}" for name, value in list(values.items())[:_MOST]]
    left = len(values) - len(shown)
    return ", ".join(shown) + (f" and {left} more" if left else "")


def _initial(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
    text = "-" if value is None else text
    return text if len(text) <= 40 else f"{text[:39]}…"


def _declared(name: str, variable: Variable) -> str:
    """Return what a variable follows, as it is declared."""
    if variable.flow is not None:
        return f"d{name}/dtime = {variable.flow}"
    said = {
        "": variable.rule,
        "algebraic ": variable.algebraic,
        "noise ": variable.noise,
        "data ": variable.data,
    }
    for word, text in said.items():
        if text is not None:
            return f"{word}{text}"
    return "a table" if variable.table is not None else "-"
