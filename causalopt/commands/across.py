"""causalopt across: is this piece an optimizer?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

import causalopt
from causalopt.commands import options

if TYPE_CHECKING:
    from causalopt.optimizers.across import Across, HeldSide

_ROWS = 12


def across(
    model: options.ModelArgument,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="SEL", help="The region: T, a[t<=10] - b, between(n, m), ...; A by default."
        ),
    ] = None,
    sources: Annotated[
        str | None,
        typer.Option(metavar="SEL", help="Take n from here, not from beside the boundary."),
    ] = None,
    targets: Annotated[
        str | None, typer.Option(metavar="SEL", help="Take m from here, such as [t=100].")
    ] = None,
    sets: options.Sets = None,
    initial: options.Initials = None,
    steps: options.Steps = None,
    dt: options.Dt = None,
    method: options.Method = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Which draws noise makes.")] = 0,
    out: Annotated[
        str | None, typer.Option(metavar="FILE.nc", help="Write all pairs as NetCDF.")
    ] = None,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw the table: a .png, .svg or .pdf file.")
    ] = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Is this piece an optimizer? Op over all pairs of nodes across its boundary, both ways.

    With the inside held, n and m lie outside: does the piece make disturbances of its surroundings
    smaller? With the outside held, n and m lie inside: do the surroundings do it for the piece?
    """
    data_file = options.output_file(out, (".nc",), "xarray", "h5netcdf")
    picture = options.figure_file(plot, theme)
    declared = options.read_model(model, sets, initial, dt, method)
    found = causalopt.across(
        declared, region, sources=sources, targets=targets, steps=steps, seed=seed
    )
    if data_file is not None:
        found.to_netcdf(data_file)
    if picture is not None:
        options.write_figure(found.plot(theme=theme), picture)
    if json:
        options.emit(found.to_dict())
    else:
        typer.echo(_report(found))


def _report(found: Across) -> str:
    tables = [_table(side) for side in found.sides if side.pairs]
    return "\n\n".join([repr(found), *tables])


def _table(side: HeldSide) -> str:
    """Return the pairs whose Op is farthest from 0, half of them from each end."""
    places = [(i, j) for i, j in zip(*side.crosses.nonzero(), strict=True)]
    places.sort(key=lambda place: -side.op[place] if side.op[place] == side.op[place] else 0.0)
    half = _ROWS // 2
    shown = places if len(places) <= _ROWS else [*places[:half], *places[-half:]]
    rows = [
        [
            side.sources[i],
            side.targets[j],
            f"{side.op[i, j]:.6g}",
            f"{side.comp[i, j]:.6g}",
            str(side.status[i, j]),
        ]
        for i, j in shown
    ]
    title = f"{side.held} held"
    if len(shown) < len(places):
        title += f": the {half} largest and the {half} smallest Op of {len(places)} pairs"
    header = ["n", "m", "Op", "Comp", "status"]
    return f"{title}\n{options.table(rows, header)}"
