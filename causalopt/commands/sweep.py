"""causalopt sweep: Comp and Op, or another measure, over axes of any kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import causalopt
from causalopt import results
from causalopt.commands import measure_options, options
from causalopt.commands.grid_axes import MAX_POINTS, read_grid, refuse_both
from causalopt.commands.outputs import Outputs, outputs
from causalopt.commands.told_options import PLACES, Option
from causalopt.display.echo import echo
from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from causalopt.sweeps.measure_sweep import MeasureSweep
    from causalopt.sweeps.sweep_store import SweepStore

_OF_OP = ("op", "comp", "total", "direct", "w")


def sweep(
    model: options.ModelArgument,
    grid: Annotated[
        list[str] | None,
        Option(
            "--grid",
            metavar="AXIS=LO:HI:COUNT",
            help="An axis: a parameter, a node such as R[0], or seed; also AXIS=log:LO:HI:COUNT, "
            'AXIS=V1,V2,..., texts as in hold="T; T, R" (nudge, target), and with --design '
            "AXIS=LO:HI. Repeatable.",
            rich_help_panel=options.QUESTION,
        ),
    ] = None,
    design: Annotated[
        str | None,
        Option(
            "--design",
            metavar="KIND:COUNT[:SEED]",
            help="Fill axes without a COUNT by points of low discrepancy: sobol, halton or latin.",
            rich_help_panel=options.QUESTION,
        ),
    ] = None,
    measure: measure_options.Measured = "op",
    sets: options.Sets = None,
    initial: options.Initials = None,
    nudge: options.NudgeNode = None,
    hold: options.Hold = None,
    target: options.Target = None,
    steps: options.Steps = None,
    at: options.At = None,
    delta: options.Delta = None,
    over: measure_options.Over = None,
    start: measure_options.Start = None,
    beyond: measure_options.Beyond = None,
    within: measure_options.Within = None,
    passage: measure_options.Passage = False,
    walkers: measure_options.Walkers = None,
    targets: measure_options.Targets = None,
    horizon: measure_options.Horizon = None,
    lasting: measure_options.Lasting = None,
    fresh: measure_options.Fresh = False,
    unit: measure_options.Unit = None,
    transient: measure_options.Transient = None,
    exponents: measure_options.Exponents = None,
    dt: options.Dt = None,
    method: measure_options.How = None,
    seed: options.Seed = 0,
    seeds: options.Seeds = None,
    data: options.Data = None,
    out: Annotated[
        str | None,
        Option(
            "--out",
            metavar="DIR.zarr",
            help="Keep tasks in a store as they are done; or write the result whole: .nc, .csv, "
            ".parquet or .json.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    resume: Annotated[
        bool,
        Option(
            "--resume",
            help="Go on with the store of --out, and compute what is missing.",
            rich_help_panel=PLACES,
        ),
    ] = False,
    chunk: Annotated[
        int | None,
        Option(
            "--chunk",
            metavar="POINTS",
            help="About how many points a task has; those of about a second.",
            rich_help_panel=PLACES,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        Option(
            "--workers",
            metavar="K",
            help="Threads, or processes where a measure is mostly Python; one per processor.",
            rich_help_panel=PLACES,
        ),
    ] = None,
    dask: Annotated[
        str | None,
        Option(
            "--dask",
            metavar="ADDRESS",
            help="A Dask scheduler, tcp://HOST:PORT or its scheduler file, whose workers compute.",
            rich_help_panel=PLACES,
        ),
    ] = None,
    csv: options.Csv = None,
    plot: options.Plot = None,
    show: measure_options.Show = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> int:
    """Measure Op at one step over a grid, or another measure, with a status for every point.

    When the only axis is the nudged node, `power` is the integral of 1 - Comp over it. With --out
    DIR.zarr tasks are kept as they are done, and --resume goes on with what is missing.
    """
    if show is not None and plot is None:
        raise QuestionError("--show says what --plot draws: give --plot FILE too")
    if show is not None and seeds is not None:
        raise QuestionError("--seeds draws Op and Comp over noise: leave --show out")
    if seeds is not None and resume:
        raise QuestionError(
            "--resume goes on with a store, and --seeds makes an ensemble in memory: leave one "
            "out, or sweep over an axis seed"
        )
    store = out if out is not None and Path(out).suffix.lower() == ".zarr" else None
    if resume and store is None:
        raise QuestionError("--resume goes on with a store: name it, --out DIR.zarr")
    output = outputs(
        out=None if store is not None and seeds is None else out,
        csv=csv,
        plot=plot,
        theme=theme,
        json=json,
    )
    law, initial = measure_options.initial_law(measure, initial)
    integrator = measure_options.integration_method(measure, method)
    declared = options.read_model(model, sets, initial, dt, integrator)
    axes = read_grid(grid or [], {*declared.parameters, *declared.variables}, design)
    refuse_both(axes, sets, initial)
    if store is None:
        _refuse_size(axes)
    asked = {
        "nudge": nudge,
        "hold": hold,
        "target": target,
        "steps": steps,
        "at": at,
        "delta": delta,
        "over": over,
        "start": start,
        "beyond": beyond,
        "within": within,
        "passage": passage,
        "walkers": walkers,
        "targets": targets,
        "horizon": horizon,
        "lasting": lasting,
        "fresh": fresh,
        "unit": unit,
        "transient": transient,
        "exponents": exponents,
        "initial": law,
        "method": method if measure == "escape" else None,
        "seed": seed,
    }
    settings = measure_options.read_measure(measure, asked)
    question: dict[str, Any] = {"measure": settings}
    if settings is None:
        words = ("nudge", "hold", "target", "steps", "at", "delta", "seed")
        question |= {word: asked[word] for word in words}
    question |= {"seeds": options.read_seeds(seeds), "data": options.read_data(data)}
    question |= {"workers": workers, "chunk": chunk, "dask": dask}
    if plot is not None and seeds is None:
        question["preview"] = _previewed(output, [len(own) for own in axes.values()], show)
    if store is not None and seeds is None:
        kept = causalopt.sweep(declared, axes, out=store, resume=resume, **question)
        return _give_store(kept, output, show)
    found = causalopt.sweep(declared, axes, **question)
    drawn: dict[str, Any] = {} if seeds is not None else {"measure": show}
    output.give(found, data=lambda: found.to_dict(out), **drawn)
    return 0


def _previewed(
    output: Outputs, whole: Sequence[int], show: str | None
) -> Callable[[MeasureSweep], None]:
    """Return what writes a coarse picture where the whole one will be, and tells its numbers."""

    def write(coarse: MeasureSweep) -> None:
        from causalopt.sweeps.coarse_preview import preview_text

        assert output.picture is not None
        text = preview_text(coarse, whole)
        figure = results.plot(coarse, measure=show, theme=output.theme, remark=text)
        options.write_figure(figure, output.picture)
        echo(f"wrote {output.picture}, {text}", err=True)
        echo("\n".join(repr(coarse).splitlines()[1:]), err=True)

    return write


def _give_store(store: SweepStore, output: Outputs, show: str | None) -> int:
    """Print what a store holds, and say which tasks failed."""
    output.give(store, data=lambda: store.made.to_dict(store), measure=show)
    report = store.made.report
    for task in report.failed[:3]:
        echo(f"task {task.task} failed after {task.tries} tries: {task.message}", err=True)
    if report.failures:
        echo(
            f"error: {report.failures} tasks failed, and their points are missing: mend what made "
            "them fail and go on with --resume",
            err=True,
        )
    return 1 if report.failures else 0


def _refuse_size(axes: Mapping[str, Any]) -> None:
    """Refuse a grid that does not fit into memory."""
    count = math.prod(map(len, axes.values()))
    if count > MAX_POINTS:
        raise QuestionError(
            f"the grid has {count:,} points, and {MAX_POINTS:,} at most are kept in memory: make "
            "COUNT smaller, or name a store, --out DIR.zarr"
        )
