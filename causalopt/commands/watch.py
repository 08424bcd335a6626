"""causalopt watch: Op along training."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import causalopt
from causalopt.commands import options
from causalopt.commands.outputs import outputs
from causalopt.commands.told_options import Option

if TYPE_CHECKING:
    from causalopt.training.film import Film


def watch(
    model: options.ModelArgument,
    sets: options.Sets = None,
    initial: options.Initials = None,
    nudge: options.NudgeNode = None,
    hold: options.Hold = None,
    target: options.Target = None,
    steps: options.Steps = None,
    dt: options.Dt = None,
    method: options.Method = None,
    data: options.Data = None,
    seed: options.Seed = 0,
    seeds: Annotated[int, Option(metavar="K", help="How many networks are trained.")] = 5,
    updates: Annotated[
        int | None, Option(metavar="U", help="How many updates; the model's when not given.")
    ] = None,
    frames: Annotated[int, Option(metavar="F", help="How often Op is measured.")] = 21,
    starts: Annotated[
        int, Option(metavar="B", help="From how many random starts it is measured.")
    ] = 32,
    permutations: Annotated[
        int, Option(metavar="P", help="Random orders that share Op among A's parts; 0: none.")
    ] = 60,
    out: Annotated[
        str | None,
        Option(
            metavar="FILE",
            help="Write the film: .html is a page with a slider; or .nc, .zarr, .csv, .parquet or "
            ".json.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    csv: options.Csv = None,
    plot: options.Plot = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Train networks and watch an optimizer appear: Op along training, over seeds.

    The model says under `training:` what its weights are trained for. Op is the rms one over the
    starts, given with its 95 % interval over the seeds.
    """
    output = outputs(out=out, csv=csv, plot=plot, theme=theme, json=json, pages=(".html",))
    declared = options.read_model(model, sets, initial, dt, method)
    film = causalopt.watch(
        declared,
        nudge=nudge,
        hold=hold,
        target=target,
        steps=steps,
        seed=seed,
        seeds=seeds,
        updates=updates,
        frames=frames,
        starts=starts,
        permutations=permutations,
        data=options.read_data(data),
    )
    where = {} if output.out is None else {"out": str(output.out)}
    output.give(
        film,
        data=lambda: {**film.to_dict(), **where},
        text=lambda: _report(film, permutations),
        pages={".html": film.html},
    )


def _report(film: Film, permutations: int) -> str:
    found = film.to_dict()
    score = film.loss if film.performance is None else film.performance
    settings = film.training.settings
    rows = []
    for i, update in enumerate(film.frames):
        ends = [found[key][i] for key in ("op_mean", "op_low", "op_high")]
        shown = ["-" if v is None else v if isinstance(v, str) else f"{v:.4g}" for v in ends]
        rows.append([str(update), *shown, f"{score[i].mean():.4g}"])
    name = settings.performance or settings.loss
    lines = [f"{film!r}\n", options.table(rows, ["update", "Op", "low", "high", name])]
    wrong = [
        f"{name} {n}" for name, n in Counter(film.status.ravel().tolist()).items() if name != "ok"
    ]
    if wrong:
        lines.append(
            f"\nOp that is no number to rely on, of {film.status.size}: {', '.join(wrong)}"
        )
    if film.attributions:
        one = film.attributions[-1][0]
        carriers = one.carriers()
        lines.append(
            f"\nseed {film.training.seeds[0]}, last frame: {len(carriers)} of {len(one.parts)} "
            f"parts carry 80 % of Op by Shapley values: {', '.join(carriers)}"
        )
    elif permutations:
        lines.append(f"\nOp is not shared among parts of A: {film.unshared}")
    return "\n".join(lines)
