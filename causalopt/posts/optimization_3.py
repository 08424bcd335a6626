"""Defining Optimization in a Deeper Way, Part 3: worlds W, X and Y, and the first thermostat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt import derive, draw, load, run
from causalopt.drawing.palette import GREEN, RED
from causalopt.posts.charts import Chart, Line, line_figure
from causalopt.posts.post import Post
from causalopt.posts.systems import network, shaken_thermostat

if TYPE_CHECKING:
    from causalopt import Run
    from causalopt.posts.sheet import Sheet

SETUP, EXAMPLE = "The Setup", "Example"
DELTA = 0.001


def worlds(sheet: Sheet) -> None:
    """The worlds W, X and Y as graphs."""
    model = network()
    whole = draw(model, plain=True)
    sheet.picture(
        "W",
        "W, subdivided into A and B.",
        whole.svg(),
        "Square nodes are A, round ones B. The post shows a picture and no equations: "
        "this network is ours.",
    )
    held = draw(model, nudge="n", hold="A")
    nothing = draw(model, nudge="n", hold=[])
    sheet.picture(
        "X",
        "X: everything downstream of the nudged node differs from W (red).",
        nothing.svg(),
        "A answers as it will: nothing is held.",
    )
    sheet.picture(
        "Y",
        "Y: A is replaced by its values from W; green marks what differs from X.",
        held.svg(),
        "Held nodes wear a bar; the rest of B still differs from W.",
    )
    unrolled = draw(load("thermostat"), steps=5)
    sheet.picture(
        "unrolled",
        "Thermostat (T) and room (R), unrolled over five steps.",
        unrolled.svg(),
        "A row a variable, a column a step; n = R[0].",
    )
    found = run(model, delta=0.5)
    assert found.X is not None
    assert found.Y is not None
    changed = sorted(name for name in model.variables if found.X[name][0] != found.W[name][0])
    sheet.claim(
        "X-downstream",
        "everything downstream of the node is affected",
        ", ".join(changed),
        section=SETUP,
        agrees=changed == ["a1", "a2", "a3", "b1", "b3", "b4", "b5", "m", "n"],
        note="in our network: all but b0 and b2, which no path leads to",
    )
    same = all(found.Y[name][0] == found.W[name][0] for name in model.A)
    sheet.claim(
        "Y-held",
        "A is replaced with the version from W",
        "identical in Y and W",
        agrees=same,
        section=SETUP,
    )


def thermostat(sheet: Sheet) -> None:
    """The thermostat of 1000 steps: W, the differences, and compressing ability."""
    model = load("thermostat")
    found = run(model, delta=DELTA)
    limit = run(model)
    assert found.X is not None
    assert found.Y is not None
    W, x, y = found.W["R"], found.X["R"] - found.W["R"], found.Y["R"] - found.W["R"]
    course = Chart(
        [Line(found.time, W, "room R"), Line(found.time, found.W["T"], "thermostat T")],
        "t [steps]",
        "value in W",
        levels=(25.0, 0.0),
    )
    sheet.picture(
        "W",
        "The course of W.",
        line_figure([course]),
        "T_0 = 10, R_0 = 35, k = 0.01, d = 25; the lines are at 25 and 0.",
    )
    parts = Chart(
        [Line(found.time, x, "x - w", RED, "-"), Line(found.time, y, "y - w", GREEN, "--")],
        "t [steps]",
        "difference of R from W",
    )
    sheet.picture(
        "differences",
        "x - w and y - w.",
        line_figure([parts]),
        "delta = 0.001: gone in X, whole in Y.",
    )
    ability = Chart(
        [Line(found.time, found.op, "delta = 0.001"), Line(limit.time, limit.op, "limit")],
        "t [steps]",
        "Op [nats]",
    )
    sheet.picture(
        "op",
        "Compressing ability, Op = -ln((x - w)/(y - w)).",
        line_figure([ability]),
        "A straight line: 0.0101 nats a step.",
    )
    _ends(sheet, found, limit)
    _deltas(sheet)
    _closed_form(sheet, limit.op)


def _ends(sheet: Sheet, found: Run, limit: Run) -> None:
    assert found.X is not None
    assert found.Y is not None
    W, x, y = found.W["R"], found.X["R"] - found.W["R"], found.Y["R"] - found.W["R"]
    sheet.number("R-end", 25, float(W[-1]), section=EXAMPLE, note="w^R approaches 25")
    sheet.claim(
        "T-end",
        "w^R approaches 25 (a second time)",
        float(found.W["T"][-1]),
        agrees=False,
        section=EXAMPLE,
        note="the second w^R is a slip for w^T, and that approaches 0",
    )
    sheet.number(
        "x-end",
        "0",
        float(x[-1] / DELTA),
        within=1e-3,
        section=EXAMPLE,
        note="x converges to w: (x - w)/delta at t = 1000",
    )
    sheet.number(
        "y-end",
        1,
        float(y[-1] / DELTA),
        within=1e-9,
        section=EXAMPLE,
        note="y remains the same distance away: (y - w)/delta at t = 1000",
    )
    sheet.claim(
        "sign",
        "log((x - w)/(y - w)), called compressing ability",
        float(np.log(limit.comp[-1])),
        agrees=float(np.log(limit.comp[-1])) < -10,
        section=EXAMPLE,
        note="negative as printed, and growing downwards; Part 4 turns the sign round, and "
        "Op = 10.1432 at t = 1000 is minus this logarithm",
    )


def _deltas(sheet: Sheet) -> None:
    model = load("thermostat")
    ops = [run(model, delta=delta).op[-1] for delta in (1e-3, 1.0, 1000.0)]
    spread = float(max(ops) - min(ops))
    sheet.claim(
        "delta-free",
        "it doesn't depend on our choice of delta",
        spread,
        agrees=spread < 1e-6,
        section=EXAMPLE,
        note="spread of Op at t = 1000 over delta = 0.001, 1 and 1000; the system is "
        "linear, so only rounding is left",
    )


def _closed_form(sheet: Sheet, op: np.ndarray) -> None:
    derived = derive(load("thermostat"), steps=1000)
    value = float(derived.value(1000)["op"] or 0)
    sheet.claim(
        "op-1000",
        "a plotted curve, no number",
        float(op[1000]),
        agrees=abs(float(op[1000]) - value) < 1e-9,
        section=EXAMPLE,
        note=f"the derived formula gives {value:.8f} nats",
    )


def shaken(sheet: Sheet) -> None:
    """A comically large sinusoid leaves the compressing ability as it was."""
    plain = run(load("thermostat")).op
    choices = [(h, p) for h in (1.0, 10.0, 100.0) for p in (20.0, 100.0, 333.0)]
    runs = {choice: run(shaken_thermostat(*choice)) for choice in choices}
    worst = max(float(np.abs(found.op - plain).max()) for found in runs.values())
    big = runs[100.0, 100.0]
    sheet.picture(
        "W",
        "The room under a sine.",
        line_figure(
            [
                Chart(
                    [Line(big.time, big.W["R"], "R"), Line(big.time, big.W["T"], "T")],
                    "t [steps]",
                    "value in W",
                    levels=(25.0,),
                )
            ]
        ),
        "Height 100 and period 100 steps are our choice; the post gives neither.",
    )
    sheet.picture(
        "op",
        "The new compressing ability.",
        line_figure(
            [
                Chart(
                    [Line(big.time, big.op, "with the sine"), Line(big.time, plain, "without")],
                    "t [steps]",
                    "Op [nats]",
                )
            ]
        ),
        "The same graph: the difference is rounding.",
    )
    sheet.claim(
        "unchanged",
        "doesn't change under a sinusoidal variation, comically large too",
        worst,
        agrees=worst < 1e-9,
        section=EXAMPLE,
        note="largest difference in nats, all steps, over heights 1, 10, 100 and periods "
        "20, 100, 333, of which the post names none",
    )


def doubled(sheet: Sheet) -> None:
    """A thermostat of twice the strength."""
    once = run(load("thermostat"))
    twice = run(load("thermostat").replace(parameters={"k": 0.02}))
    sheet.picture(
        "op",
        "Op at k = 0.01 and k = 0.02.",
        line_figure(
            [
                Chart(
                    [Line(once.time, once.op, "k = 0.01"), Line(twice.time, twice.op, "k = 0.02")],
                    "t [steps]",
                    "Op [nats]",
                )
            ]
        ),
        "'It's twice as big!'",
    )
    k = np.linspace(0.001, 0.24, 120)
    slope = -np.log((1 + np.sqrt(1 - 4 * k)) / 2)
    sheet.picture(
        "slope",
        "Op per step against k.",
        line_figure(
            [
                Chart(
                    [Line(k, slope, "-ln((1 + sqrt(1 - 4k))/2)"), Line(k, k, "k")],
                    "k",
                    "Op per step [nats]",
                )
            ]
        ),
        "'Twice the k, twice the Op' is the line; the curve runs ever further above it.",
    )
    ratio = float(twice.op[-1] / once.op[-1])
    sheet.number(
        "ratio",
        "twice as big",
        ratio,
        value=2.0,
        within=0.0005,
        section=EXAMPLE,
        note="a little more than twice: Op per step is -ln((1 + sqrt(1 - 4k))/2) = k + "
        "3k²/2 + ...; on a plot the two are hard to tell apart",
    )
    exact = derive(load("thermostat").replace(parameters={"k": 0.02}), steps=1000)
    value = float(exact.value(1000)["op"] or 0)
    sheet.claim(
        "op-1000",
        "a plotted curve, no number",
        float(twice.op[-1]),
        section=EXAMPLE,
        agrees=abs(value - float(twice.op[-1])) < 1e-9,
        note=f"the derived formula gives {value:.8f} nats",
    )


def others_too(sheet: Sheet) -> None:
    """Further thoughts: what is asked of systems that do not optimize."""
    blind = run(load("thermostat").replace(parameters={"k": 0}))
    wrong = run(load("thermostat").replace(parameters={"k": -0.01}))
    sheet.picture(
        "op",
        "A thermostat that is switched off, and one with its wires crossed.",
        line_figure(
            [
                Chart(
                    [
                        Line(blind.time, blind.op, "k = 0"),
                        Line(wrong.time, wrong.op, "k = -0.01"),
                        Line(blind.time, run(load("thermostat")).op, "k = 0.01"),
                    ],
                    "t [steps]",
                    "Op [nats]",
                    levels=(0.0,),
                )
            ]
        ),
        "Op tells them apart: 0, negative, positive. More of these in Part 4.",
    )
    sheet.claim(
        "off",
        "to be measured in systems which aren't optimizers",
        float(blind.op[-1]),
        agrees=float(blind.op[-1]) == 0.0,
        section="Further Thoughts",
        note="k = 0: Op is exactly 0",
    )
    sheet.claim(
        "crossed",
        "or are less good optimizers",
        float(wrong.op[-1]),
        agrees=float(wrong.op[-1]) < 0,
        section="Further Thoughts",
        note="k = -0.01: it amplifies, Op < 0",
    )


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
