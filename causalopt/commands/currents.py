"""causalopt currents: influence through nodes, edges and paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

import causalopt
from causalopt.commands import options
from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from causalopt.influence.array_currents import ArrayCurrents
    from causalopt.influence.relative_currents import RelativeCurrents

_ROWS = 11
_COLUMNS = 6
_WIDTH = 72  # characters of a path


def currents(
    model: options.ModelArgument,
    sets: options.Sets = None,
    initial: options.Initials = None,
    nudge: options.NudgeNode = None,
    hold: options.Hold = None,
    target: options.Target = None,
    steps: options.Steps = None,
    dt: options.Dt = None,
    method: options.Method = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Which draws noise makes.")] = 0,
    data: options.Data = None,
    paths: Annotated[
        int, typer.Option(metavar="K", min=0, help="How many of the largest paths are listed.")
    ] = 5,
    out: Annotated[
        str | None, typer.Option(metavar="FILE.nc", help="Write the result as NetCDF.")
    ] = None,
    plot: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Draw the course over time: .png, .svg or .pdf."),
    ] = None,
    draw: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Draw the graph, edges as wide as their currents: .svg, .png, .pdf, .html, .dot, "
            ".tex or .mmd.",
        ),
    ] = None,
    folded: Annotated[
        bool, typer.Option("--folded", help="Sum over time: --draw has a node for each variable.")
    ] = False,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Follow the influence of n on m: what of it goes through each node, edge, path and set.

    Shares are of the total effect; over all that a step carries on to later ones they sum to 1.
    Negative ones work against the rest: a part that compresses is one through which influence
    flows backwards.
    """
    from causalopt.drawing.graph.rendering import FORMATS

    if folded and draw is None:
        raise QuestionError("--folded says how the graph is drawn: give --draw FILE too")
    data_file = options.output_file(out, (".nc",), "xarray", "h5netcdf")
    picture = options.figure_file(plot, theme)
    packages = ["matplotlib"] if draw and draw.lower().endswith((".png", ".pdf")) else []
    graph = options.output_file(draw, tuple(f".{kind}" for kind in FORMATS), *packages)
    declared = options.read_model(model, sets, initial, dt, method)
    found = causalopt.currents(
        declared,
        nudge=nudge,
        hold=hold,
        target=target,
        steps=steps,
        seed=seed,
        data=options.read_data(data),
    )
    if data_file is not None:
        found.to_netcdf(data_file)
    if picture is not None:
        options.write_figure(found.plot(theme=theme), picture)
    if graph is not None:
        causalopt.draw(found, folded=folded).save(graph)
    if json:
        listed = {"paths": paths} if isinstance(found, causalopt.Currents) else {}
        options.emit(found.to_dict(**listed))
    else:
        typer.echo(_report(found, paths))


def _report(found: causalopt.Currents | ArrayCurrents, paths: int) -> str:
    from causalopt.influence.relative_currents import relative_currents

    parts = [repr(found), _shares(relative_currents(found))]
    listed = _paths(found, paths)
    return "\n\n".join([*parts, *([listed] if listed else [])])


def _shares(relative: RelativeCurrents) -> str:
    """Return the currents through the variables that carry most, at a few steps, as a table."""
    import numpy as np

    asked, names = relative.asked, relative.variables
    size = np.nansum(np.abs(relative.nodes), axis=0)
    order = sorted(relative.between, key=lambda name: -size[names.index(name)])
    shown = [name for name in relative.between if name in order[:_COLUMNS]]
    left = len(relative.between) - len(shown)
    head = f"shares {relative.unit}"
    head += f" (of {left} more variables less)" if left else ""
    first, last = asked.nudge.t, asked.steps
    count = min(_ROWS, last - first + 1)
    steps = sorted({first + round(i * (last - first) / max(count - 1, 1)) for i in range(count)})
    rows = [[f"{relative.nodes[t, names.index(n)]:.6g}" for n in shown] for t in steps]
    status = [[str(t), relative.gravest(t)] for t in steps]
    table = [[at, *row, grave] for (at, grave), row in zip(status, rows, strict=True)]
    if asked.model.is_static:
        return f"{head}\n{options.table([row[1:] for row in table], [*shown, 'status'])}"
    return f"{head}\n{options.table(table, ['step', *shown, 'status'])}"


def _paths(found: causalopt.Currents | ArrayCurrents, count: int) -> str:
    """Return the largest paths as a table; between arrays nobody lists them."""
    from causalopt.influence.path_lines import path_rows

    if not isinstance(found, causalopt.Currents) or not count:
        return ""
    rows = path_rows(found, count, width=_WIDTH)
    if not rows:
        return "no path carries anything"
    return options.table(rows, ["largest paths", "product", "share"])
