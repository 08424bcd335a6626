"""causalopt run: the worlds W, X, Y of one question, with Comp and Op."""

from __future__ import annotations

from typing import Annotated

import typer

import causalopt
from causalopt.commands import options


def run(
    model: options.ModelArgument,
    sets: options.Sets = None,
    initial: options.Initials = None,
    nudge: options.NudgeNode = None,
    hold: options.Hold = None,
    target: options.Target = None,
    steps: options.Steps = None,
    delta: Annotated[
        float | None,
        typer.Option(
            metavar="D", help="A nudge of this size; the limit delta -> 0 when not given."
        ),
    ] = None,
    dt: options.Dt = None,
    method: options.Method = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Which draws noise makes.")] = 0,
    seeds: options.Seeds = None,
    every: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="With --seeds, steps between kept ones; a thousand are kept."
        ),
    ] = None,
    level: Annotated[
        float | None, typer.Option(metavar="P", help="With --seeds, the intervals' coverage; 0.95.")
    ] = None,
    data: options.Data = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VAR", help="Keep this array variable's course, however large. Repeatable."
        ),
    ] = None,
    probes: Annotated[
        int | None,
        typer.Option(metavar="K", help="Random directions that stand for all of an array n's."),
    ] = None,
    execution: Annotated[
        str | None,
        typer.Option(metavar="HOW", help="What runs arrays: numpy, jax or numbers; by the work."),
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.npz", help="Write a long run of arrays down, and go on from there."
        ),
    ] = None,
    checkpoint_every: Annotated[
        int | None, typer.Option(metavar="N", help="After how many steps; ten times in a run.")
    ] = None,
    out: options.Out = None,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw the result: a .png, .svg or .pdf file.")
    ] = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Measure who optimizes what, and by how much, along one trajectory.

    Nudge the node n, hold the set A at its baseline, measure the variable m: Comp = total effect
    over direct effect, Op = -ln |Comp| in nats. The model's question gives what is not said.
    """
    data_file = options.result_file(out)
    picture = options.figure_file(plot, theme)
    declared = options.read_model(model, sets, initial, dt, method)
    arrays = options.read_data(data)
    chosen = options.read_seeds(seeds)
    result = causalopt.run(
        declared,
        nudge=nudge,
        hold=hold,
        target=target,
        steps=steps,
        delta=delta,
        seed=seed,
        seeds=chosen,
        every=every,
        level=level,
        data=arrays,
        keep=keep,
        probes=probes,
        execution=execution,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
    )
    if data_file is not None:
        result.save(data_file)
    if picture is not None:
        options.write_figure(result.plot(theme=theme), picture)
    if json:
        options.emit(result.to_dict())
    else:
        typer.echo(str(result))
