"""causalopt optimizers: candidate sets A, ranked and grouped, with statuses."""

from __future__ import annotations

from typing import Annotated, Literal

import causalopt
from causalopt.commands import options
from causalopt.commands.outputs import outputs
from causalopt.commands.told_options import Option
from causalopt.errors import QuestionError


def optimizers(
    model: options.ModelArgument,
    sets: options.Sets = None,
    initial: options.Initials = None,
    nudge: options.NudgeNode = None,
    target: options.Target = None,
    steps: options.Steps = None,
    at: options.At = None,
    dt: options.Dt = None,
    method: options.Method = None,
    seed: options.Seed = 0,
    seeds: options.Seeds = None,
    size: Annotated[int, Option(metavar="K", help="The most parts of a set.")] = 3,
    among: Annotated[
        str | None,
        Option(
            metavar="SEL", help="What sets are made of: a, b[t<=10], ...; all variables by default."
        ),
    ] = None,
    by: Annotated[
        Literal["variable", "unit", "node"] | None,
        Option(help="What a variable is divided into: itself, an array's units, its nodes."),
    ] = None,
    windows: Annotated[
        str | None,
        Option(
            metavar="K|T1,T2,...",
            help="Cut the run into K pieces, or at these steps; parts are windows between cuts.",
        ),
    ] = None,
    candidates: Annotated[
        list[str] | None,
        Option("--candidate", metavar="SEL", help="A set to be asked as it is. Repeatable."),
    ] = None,
    best: Annotated[int, Option(metavar="K", help="How many sets are kept, the strongest.")] = 1000,
    search: Annotated[
        Literal["auto", "all", "sums", "bounds", "grown"],
        Option(help="How sets are searched; the first that is exact and fast by default."),
    ] = "auto",
    over_time: Annotated[
        bool, Option("--over-time", help="Tell which set is the best at which steps.")
    ] = False,
    out: options.Out = None,
    csv: options.Csv = None,
    plot: options.Plot = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Which part of the model is the optimizer? Sets A by Op(A; n, m), the strongest first.

    Sets with one effect that carry the same paths are one conduit and told together; supersets that
    add nothing are counted. The last line says whether every set was looked at, or what is proved
    of those that were not.
    """
    output = outputs(out=out, csv=csv, plot=plot, theme=theme, json=json)
    chosen = options.read_seeds(seeds)
    if chosen is not None:
        if over_time or search != "auto":
            raise QuestionError("--seeds ranks sets over noise: leave --over-time and --search out")
        many = causalopt.optimizers_over_draws(
            options.read_model(model, sets, initial, dt, method),
            nudge=nudge,
            target=target,
            steps=steps,
            at=at,
            seed=seed,
            seeds=chosen,
            size=size,
            among=among,
            by=by,
            windows=_cuts(windows),
            candidates=candidates or None,
            best=best,
        )
        output.give(many)
        return
    found = causalopt.find_optimizers(
        options.read_model(model, sets, initial, dt, method),
        nudge=nudge,
        target=target,
        steps=steps,
        at=at,
        seed=seed,
        size=size,
        among=among,
        by=by,
        windows=_cuts(windows),
        candidates=candidates or None,
        best=best,
        search=search,
    )
    output.give(found.over_time() if over_time else found)


def _cuts(text: str | None) -> int | list[int] | None:
    if text is None:
        return None
    items = [item.strip() for item in text.split(",")]
    if not all(item.isdigit() for item in items):
        raise QuestionError(
            f"--windows takes a number of pieces such as 4, or steps such as 10,20, found '{text}'"
        )
    cuts = [int(item) for item in items]
    return cuts[0] if len(cuts) == 1 else cuts
