"""causalopt basins: where, among starting values, Op lies above a level, and what attracts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import causalopt
from causalopt.commands import options
from causalopt.commands.grid_axes import read_axis
from causalopt.commands.outputs import outputs
from causalopt.commands.told_options import Option
from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from causalopt.model.model import Model


def basins(
    model: options.ModelArgument,
    grid: Annotated[
        list[str] | None,
        Option(
            "--grid",
            metavar="NODE=LO:HI[:COUNT]",
            help="An axis of starting values, in COUNT cells before any is halved. Repeatable.",
        ),
    ] = None,
    level: Annotated[
        float, Option("--level", metavar="L", help="Above lies Op > L, in nats.")
    ] = 0.0,
    sets: options.Sets = None,
    initial: options.Initials = None,
    nudge: options.NudgeNode = None,
    hold: options.Hold = None,
    target: options.Target = None,
    steps: options.Steps = None,
    at: options.At = None,
    depth: Annotated[
        int | None,
        Option(metavar="K", help="How often cells at a border are halved; 0 asks all alike."),
    ] = None,
    audit: Annotated[
        int, Option(metavar="N", help="Points at random that look for what cells miss.")
    ] = 1000,
    attractors: Annotated[
        bool, Option("--attractors", help="Set basins of attraction beside the regions.")
    ] = False,
    within: Annotated[
        list[str] | None,
        Option(
            metavar="VAR=LO:HI",
            help="Where attractors are looked for; found by pilots. Repeatable.",
        ),
    ] = None,
    along: Annotated[
        str | None,
        Option(
            metavar="NAME=LO:HI:COUNT",
            help="Follow the regions along a parameter; without --grid, the rate of Op.",
        ),
    ] = None,
    dt: options.Dt = None,
    method: options.Method = None,
    seed: Annotated[
        int,
        Option(
            metavar="S",
            help="Which draws noise makes, and which points are at random.",
            rich_help_panel=options.QUESTION,
        ),
    ] = 0,
    workers: options.Workers = None,
    out: options.Out = None,
    csv: options.Csv = None,
    plot: options.Plot = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Find the connected regions of starting values where Op lies above a level.

    Each is measured between two bounds: cells that lie in it wholly, and all that may. Kinks,
    unresolved and diverged points are classes of their own. With --attractors, attractors and
    their basins stand beside: what is compressed into, and what by A. With --along, regions are
    followed along a parameter.
    """
    output = outputs(out=out, csv=csv, plot=plot, theme=theme, json=json)
    question: dict[str, Any] = {"nudge": nudge, "hold": hold, "target": target, "steps": steps}
    over, counts = _over(grid or [])
    ranges = {name: ends for name, ends, _ in map(_range_of("--within"), within or [])}
    if within and not attractors:
        raise QuestionError("--within says where attractors are looked for: give --attractors too")
    axis = {} if along is None else dict([read_axis(along, "--along")])
    declared = options.read_model(model, sets, initial, dt, method)
    question |= {"workers": workers}
    cells: dict[str, Any] = {"counts": counts, "depth": depth}
    if along is not None and not over:
        found: Any = causalopt.rate_curve(declared, axis, seed=seed, **question)
    elif along is not None and attractors:
        found = causalopt.attraction_along(
            declared, axis, over, within=ranges, workers=workers, **cells
        )
    elif along is not None:
        found = causalopt.basins_along(
            declared, axis, over, level=level, at=at, seed=seed, **question, **cells
        )
    else:
        found = causalopt.op_basins(
            declared, over, level=level, at=at, audit=audit, seed=seed, **question, **cells
        )
    data, text = found.to_dict(), repr(found)
    if attractors and along is None:
        data, text, found = _beside(declared, found, cells, ranges, seed, workers)
    output.give(found, data=lambda: data, text=lambda: text)


def _beside(
    model: Model,
    found: Any,
    cells: dict[str, Any],
    within: dict[str, Any],
    seed: int,
    workers: int | None,
) -> tuple[dict[str, Any], str, Any]:
    """Set basins of attraction beside regions of Op; return them as JSON, as text and crossed."""
    basins = causalopt.attraction_basins(
        model, found.box.to_dict(), within=within, workers=workers, **cells
    )
    crossed = causalopt.basin_contingency(found, basins, seed=seed, workers=workers)
    data = found.to_dict() | {"attraction": basins.to_dict(), "contingency": crossed.to_dict()}
    return data, "\n".join(map(repr, (found, basins, crossed))), crossed


def _over(texts: list[str]) -> tuple[dict[str, tuple[float, float]], list[int] | None]:
    """Return the box that --grid names, and the cells along each axis."""
    axes = [_range_of("--grid")(text) for text in texts]
    over = {name: ends for name, ends, _ in axes}
    if len(over) < len(axes):
        raise QuestionError("--grid names an axis twice: drop one of them")
    counts = [count for _, _, count in axes]
    if any(counts) and not all(counts):
        raise QuestionError("--grid takes a COUNT for every axis, or for none")
    return over, [count for count in counts if count is not None] or None


def _range_of(option: str) -> Any:
    example = "a[0]=-20:20 or a[0]=-20:20:64" if option == "--grid" else "c=0:50"

    def parsed(text: str) -> tuple[str, tuple[float, float], int | None]:
        name, _, span = text.rpartition("=")
        parts = span.split(":")
        try:
            low, high = float(parts[0]), float(parts[1])
            count = int(parts[2]) if len(parts) > 2 and option == "--grid" else None
        except (ValueError, IndexError):
            raise QuestionError(f"{option} takes {example}, found '{text}'") from None
        if not name.strip() or len(parts) > (3 if option == "--grid" else 2):
            raise QuestionError(f"{option} takes {example}, found '{text}'")
        if count is not None and count < 1:
            raise QuestionError(f"{option} {text}: COUNT must be at least 1")
        return name.strip(), (low, high), count

    return parsed
