"""causalopt run: the worlds W, X, Y of one question, with Comp and Op."""

from __future__ import annotations

from typing import Annotated

import causalopt
from causalopt.commands import options
from causalopt.commands.outputs import outputs
from causalopt.commands.told_options import Option


def run(
    model: options.ModelArgument,
    sets: options.Sets = None,
    initial: options.Initials = None,
    nudge: options.NudgeNode = None,
    hold: options.Hold = None,
    target: options.Target = None,
    steps: options.Steps = None,
    delta: options.Delta = None,
    dt: options.Dt = None,
    method: options.Method = None,
    seed: options.Seed = 0,
    seeds: options.Seeds = None,
    every: Annotated[
        int | None,
        Option(metavar="N", help="With --seeds, steps between kept ones; a thousand are kept."),
    ] = None,
    level: Annotated[
        float | None, Option(metavar="P", help="With --seeds, the intervals' coverage; 0.95.")
    ] = None,
    data: options.Data = None,
    keep: Annotated[
        list[str] | None,
        Option(metavar="VAR", help="Keep this array variable's course, however large. Repeatable."),
    ] = None,
    probes: Annotated[
        int | None,
        Option(metavar="K", help="Random directions that stand for all of an array n's."),
    ] = None,
    execution: Annotated[
        str | None,
        Option(metavar="HOW", help="What runs arrays: numpy, jax or numbers; by the work."),
    ] = None,
    checkpoint: Annotated[
        str | None,
        Option(metavar="FILE.npz", help="Write a long run of arrays down, and go on from there."),
    ] = None,
    checkpoint_every: Annotated[
        int | None, Option(metavar="N", help="After how many steps; ten times in a run.")
    ] = None,
    out: options.Out = None,
    csv: options.Csv = None,
    plot: options.Plot = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Measure who optimizes what, and by how much, along one trajectory.

    Nudge the node n, hold the set A at its baseline, measure the variable m: Comp = total effect
    over direct effect, Op = -ln |Comp| in nats. The model's question gives what is not said.
    """
    output = outputs(out=out, csv=csv, plot=plot, theme=theme, json=json)
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
    output.give(result)
