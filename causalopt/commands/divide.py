"""causalopt divide: which split into A and B is sharpest, and is there an optimizer at all?"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import causalopt
from causalopt.commands import options
from causalopt.commands.outputs import outputs
from causalopt.commands.told_options import Option
from causalopt.errors import QuestionError


def divide(
    model: options.ModelArgument,
    sets: options.Sets = None,
    initial: options.Initials = None,
    nudge: options.NudgeNode = None,
    target: options.Target = None,
    steps: options.Steps = None,
    delta: options.Delta = None,
    price: Annotated[
        Literal["node", "edge"],
        Option(help="What A is charged for: its variables, or the edges that it cuts."),
    ] = "node",
    cost: Annotated[
        float | None, Option(metavar="C", help="Nats for each of them; ln 2 by default.")
    ] = None,
    share: Annotated[
        float, Option(metavar="S", help="Of the best Op, what minimal sets carry.")
    ] = 0.9,
    window: Annotated[int, Option(metavar="N", help="How many of the last steps count.")] = 1,
    among: Annotated[
        str | None, Option(metavar="VARS", help="Variables that A may hold: a,b,c.")
    ] = None,
    most: Annotated[
        int | None, Option(metavar="N", help="How many sets are tried one by one; 4096.")
    ] = None,
    starts: Annotated[
        int | None,
        Option(
            metavar="N", help="From so many starting points: does it win again, is it by chance?"
        ),
    ] = None,
    within: Annotated[
        list[str] | None,
        Option(metavar="VAR=LO:HI", help="The box they are drawn from. Repeatable."),
    ] = None,
    dt: options.Dt = None,
    method: options.Method = None,
    seed: options.Seed = 0,
    out: options.Out = None,
    csv: options.Csv = None,
    plot: options.Plot = None,
    theme: options.Theme = None,
    json: options.Json = False,
) -> None:
    """Divide a model where it is sharpest: maximise Op(A; n, m) less a price for what A holds.

    With --starts, the same from many starting points, how often each division wins, and a test of
    whether there is an optimizer at all. --plot draws the regularised path, and beside it, in
    FILE-stability, how often each variable belongs to the winner.
    """
    from causalopt.optimizers.natural_division import HALVING
    from causalopt.optimizers.set_lists import MOST

    output = outputs(out=out, csv=csv, plot=plot, theme=theme, json=json)
    if within and starts is None:
        raise QuestionError("--within is the box that --starts draws from: say --starts 32")
    declared = options.read_model(model, sets, initial, dt, method)
    asked: dict[str, Any] = {"nudge": nudge, "target": target, "steps": steps, "delta": delta}
    asked |= {"seed": seed, "among": None if among is None else among.split(",")}
    asked |= {"most": MOST if most is None else most}
    charged: dict[str, Any] = {"price": price, "cost": HALVING if cost is None else cost}
    charged["window"] = window
    found = causalopt.divide(declared, share=share, **charged, **asked)
    told: dict[str, Any] = {**found.to_dict(), "stability": None, "verdict": None}
    lines = [str(found)]
    if starts is not None:
        drawn: dict[str, Any] = {"starts": starts, "within": _boxes(within)}
        stability = causalopt.division_stability(declared, **charged, **drawn, **asked)
        verdict = causalopt.detect_optimizer(declared, **drawn, **asked)
        told |= {"stability": stability.to_dict(), "verdict": verdict.to_dict()}
        lines += ["", repr(stability), "", repr(verdict)]
        if output.picture is not None:
            beside = output.picture.with_stem(f"{output.picture.stem}-stability")
            options.write_figure(stability.plot(theme=theme), beside)
    output.give(found, data=lambda: told, text=lambda: "\n".join(lines))


def _boxes(texts: list[str] | None) -> dict[str, tuple[float, float]] | None:
    if not texts:
        return None
    found: dict[str, tuple[float, float]] = {}
    for text in texts:
        name, equals, ends = text.partition("=")
        low, colon, high = ends.partition(":")
        try:
            box = float(low), float(high)
        except ValueError:
            box = None
        if not (name.strip() and equals and colon) or box is None:
            raise QuestionError(f"--within takes VAR=LO:HI such as R=20:30, found '{text}'")
        if name.strip() in found:
            raise QuestionError(f"--within names '{name.strip()}' twice: drop one of them")
        found[name.strip()] = box
    return found
