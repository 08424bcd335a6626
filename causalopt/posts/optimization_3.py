"""Defining Optimization in a Deeper Way, Part 3: worlds W, X and Y, and the first thermostat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.drawing.graph.pictures import draw
from causalopt.drawing.palette import GREEN, RED
from causalopt.effects.running import run
from causalopt.model.files import load, parse_model, to_text
from causalopt.posts.charts import NATS, STEPS, Chart, Line, curves
from causalopt.posts.check import near
from causalopt.posts.post import Post
from causalopt.posts.systems import network, shaken_thermostat
from causalopt.symbolic.derive import derive

if TYPE_CHECKING:
    from causalopt.model.model import Model
    from causalopt.posts.sheet import Sheet

SETUP, EXAMPLE = "The Setup", "Example"
DELTA = 0.001


def linear(k: float) -> Model:
    """Return the linear thermostat of this strength."""
    return load("thermostat").replace(parameters={"k": k})


def worlds(sheet: Sheet) -> None:
    """The worlds W, X and Y as graphs."""
    part, model = sheet.under(SETUP), network()
    sheet.picture(
        "W",
        "W, subdivided into A and B.",
        draw(model, plain=True).svg(),
        "Square nodes are A, round ones B. The post shows a picture and no equations: "
        "this network is ours.",
    )
    sheet.picture(
        "X",
        "X: everything downstream of the nudged node differs from W (red).",
        draw(model, nudge="n", hold=[]).svg(),
        "A answers as it will: nothing is held.",
    )
    sheet.picture(
        "Y",
        "Y: A is replaced by its values from W; green marks what differs from X.",
        draw(model, nudge="n", hold="A").svg(),
        "Held nodes wear a bar; the rest of B still differs from W.",
    )
    sheet.picture(
        "unrolled",
        "Thermostat (T) and room (R), unrolled over five steps.",
        draw(load("thermostat"), steps=5).svg(),
        "A row a variable, a column a step; n = R[0].",
    )
    found = run(model, delta=0.5)
    assert found.X is not None
    assert found.Y is not None
    changed = sorted(name for name in model.variables if found.X[name][0] != found.W[name][0])
    part.claim(
        "X-downstream",
        "everything downstream of the node is affected",
        ", ".join(changed),
        changed == ["a1", "a2", "a3", "b1", "b3", "b4", "b5", "m", "n"],
        "in our network: all but b0 and b2, which no path leads to",
    )
    same = all(found.Y[name][0] == found.W[name][0] for name in model.A)
    text = "identical in Y and W" if same else "not the same in Y and W"
    part.claim("Y-held", "A is replaced with the version from W", text, same)


def thermostat(sheet: Sheet) -> None:
    """The thermostat of 1000 steps: W, the differences, and compressing ability."""
    part, model = sheet.under(EXAMPLE), load("thermostat")
    found, limit = run(model, delta=DELTA), run(model)
    assert found.X is not None
    assert found.Y is not None
    W, T, t = found.W["R"], found.W["T"], found.time
    x, y = found.X["R"] - W, found.Y["R"] - W
    named = {"room R": W, "thermostat T": T}
    sheet.picture(
        "W",
        "The course of W.",
        Chart(curves(t, named), STEPS, "value in W", levels=(25.0, 0.0)),
        "T_0 = 10, R_0 = 35, k = 0.01, d = 25; the lines are at 25 and 0.",
    )
    lines = [Line(t, x, "x - w", RED, "-"), Line(t, y, "y - w", GREEN, "--")]
    chart = Chart(lines, STEPS, "difference of R from W")
    sheet.picture("differences", "x - w and y - w.", chart, "delta = 0.001: gone in X, whole in Y.")
    sheet.picture(
        "op",
        "Compressing ability, Op = -ln((x - w)/(y - w)).",
        Chart(curves(t, {"delta = 0.001": found.op, "limit": limit.op}), STEPS, NATS),
        "A straight line: 0.0101 nats a step.",
    )
    text = to_text(model).split("facts:")[0].replace("R[t-1] - d", "T[t-1] - d")
    falls = run(parse_model(text)).W["T"][-1]
    part.claim(
        "printed-T",
        "w_t^T = w_{t-1}^T - d",
        falls,
        near(25, falls, 25),
        "T at t = 1000 with the printed superscript: it falls without end, whatever the room does; "
        "w_t^T = w_{t-1}^R - d is meant, as in Part 2 and Part 4, and has the printed plots",
    )
    part.number("R-end", 25, W[-1], "w^R approaches 25")
    part.claim(
        "T-end",
        "w^R approaches 25 (a second time)",
        T[-1],
        near(25, T[-1], 0.5),
        "the second w^R is a slip for w^T, and that approaches 0",
    )
    note = "x converges to w: (x - w)/delta at t = 1000"
    part.number("x-end", "0", x[-1] / DELTA, note, within=1e-3)
    note = "y remains the same distance away: (y - w)/delta at t = 1000"
    part.number("y-end", 1, y[-1] / DELTA, note, within=1e-9)
    part.claim(
        "sign",
        "log((x - w)/(y - w)), called compressing ability",
        np.log(limit.comp[-1]),
        np.log(limit.comp[-1]) < -10,
        "negative as printed, and growing downwards; Part 4 turns the sign round, and "
        "Op = 10.1432 at t = 1000 is minus this logarithm",
    )
    spread = np.ptp([run(model, delta=delta).op[-1] for delta in (1e-3, 1.0, 1000.0)])
    part.claim(
        "delta-free",
        "it doesn't depend on our choice of delta",
        spread,
        spread < 1e-6,
        "spread of Op at t = 1000 over delta = 0.001, 1 and 1000; the system is "
        "linear, so only rounding is left",
    )
    _closed_form(part, model, limit.op[1000])


def _closed_form(sheet: Sheet, model: Model, op: float) -> None:
    value = float(derive(model, steps=1000).value(1000)["op"] or 0)
    note = f"the derived formula gives {value:.8f} nats"
    sheet.claim("op-1000", "a plotted curve, no number", op, near(value, op, 1e-9), note)


def shaken(sheet: Sheet) -> None:
    """A comically large sinusoid leaves the compressing ability as it was."""
    part = sheet.under(EXAMPLE)
    plain = run(load("thermostat")).op
    choices = [(h, p) for h in (1.0, 10.0, 100.0) for p in (20.0, 100.0, 333.0)]
    runs = {choice: run(shaken_thermostat(*choice)) for choice in choices}
    worst = max(float(np.abs(found.op - plain).max()) for found in runs.values())
    big = runs[100.0, 100.0]
    sheet.picture(
        "W",
        "The room under a sine.",
        Chart(curves(big.time, {v: big.W[v] for v in "RT"}), STEPS, "value in W", levels=(25.0,)),
        "Height 100 and period 100 steps are our choice; the post gives neither.",
    )
    sheet.picture(
        "op",
        "The new compressing ability.",
        Chart(curves(big.time, {"with the sine": big.op, "without": plain}), STEPS, NATS),
        "The same graph: the difference is rounding.",
    )
    part.claim(
        "unchanged",
        "doesn't change under a sinusoidal variation, comically large too",
        worst,
        worst < 1e-9,
        "largest difference in nats, all steps, over heights 1, 10, 100 and periods "
        "20, 100, 333, of which the post names none",
    )


def doubled(sheet: Sheet) -> None:
    """A thermostat of twice the strength."""
    part = sheet.under(EXAMPLE)
    once, twice = run(linear(0.01)), run(linear(0.02))
    chart = Chart(curves(once.time, {"k = 0.01": once.op, "k = 0.02": twice.op}), STEPS, NATS)
    sheet.picture("op", "Op at k = 0.01 and k = 0.02.", chart, "'It's twice as big!'")
    k = np.linspace(0.001, 0.24, 120)
    named = {"-ln((1 + sqrt(1 - 4k))/2)": -np.log((1 + np.sqrt(1 - 4 * k)) / 2), "k": k}
    sheet.picture(
        "slope",
        "Op per step against k.",
        Chart(curves(k, named), "k", "Op per step [nats]"),
        "'Twice the k, twice the Op' is the line; the curve runs ever further above it.",
    )
    part.number(
        "ratio",
        "twice as big",
        twice.op[-1] / once.op[-1],
        "a little more than twice: Op per step is -ln((1 + sqrt(1 - 4k))/2) = k + "
        "3k²/2 + ...; on a plot the two are hard to tell apart",
        value=2.0,
        within=0.0005,
    )
    _closed_form(part, linear(0.02), twice.op[1000])


def others_too(sheet: Sheet) -> None:
    """Further thoughts: what is asked of systems that do not optimize."""
    part = sheet.under("Further Thoughts")
    runs = {f"k = {k:g}": run(linear(k)) for k in (0, -0.01, 0.01)}
    blind, wrong, good = runs.values()
    lines = curves(good.time, {name: found.op for name, found in runs.items()})
    sheet.picture(
        "op",
        "A thermostat that is switched off, and one with its wires crossed.",
        Chart(lines, STEPS, NATS, levels=(0.0,)),
        "Op tells them apart: 0, negative, positive. More of these in Part 4.",
    )
    text, op = "to be measured in systems which aren't optimizers", blind.op[-1]
    part.claim("off", text, op, op == 0.0, "k = 0: Op is exactly 0")
    text, op = "or are less good optimizers", wrong.op[-1]
    part.claim("crossed", text, op, op < 0, "k = -0.01: it amplifies, Op < 0")


POST = Post(
    "part3",
    "Defining Optimization in a Deeper Way, Part 3",
    {
        "worlds": worlds,
        "thermostat": thermostat,
        "shaken": shaken,
        "doubled": doubled,
        "non-optimizers": others_too,
    },
    demo=("worlds", "thermostat", "doubled"),
    intro="No uncertainty and no absolute time: one nudge, two worlds, one ratio.",
)
