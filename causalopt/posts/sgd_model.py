"""Modelling and Understanding SGD: one well, a pit beside it, and escape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.descents.landscape import landscape
from causalopt.descents.sgd import sgd_model
from causalopt.drawing.plots.of_landscape import plot_losses
from causalopt.effects.running import run
from causalopt.model.files import load
from causalopt.posts.charts import Chart, Line, curves, line_figure
from causalopt.posts.check import near
from causalopt.posts.pit import losses, pit, stationary
from causalopt.posts.post import Post
from causalopt.posts.sgd_model_escape import escape_broad, escape_close, steps_needed

if TYPE_CHECKING:
    from causalopt.descents.maps.random_map import Array
    from causalopt.posts.sheet import Sheet

INTRO, LOCAL = "opening", "SGD and Local Minima"


def well(T: float, steps: int = 60) -> np.ndarray:
    """Return W over time in the well of one datapoint."""
    return run(load("sgd_well").replace(parameters={"T": T}), steps=steps).W["W"]


def one_well(sheet: Sheet) -> None:
    """One datapoint, from W = 0, at three learning rates."""
    part, points = sheet.under(INTRO), np.linspace(-0.5, 4, 300)
    for T in (1.0, 0.2, 0.5):
        W = well(T, 40)
        lines = [
            Line(points, losses(points)["l_0"], "L"),
            Line(W, losses(W)["l_0"], "steps", marker="o", dash=":"),
        ]
        over_time = Chart([Line(np.arange(41), W, marker=".")], "step", "W", levels=(2.0,))
        sheet.picture(
            f"T-{T:g}",
            f"T = {T:g}.",
            line_figure(over_time, Chart(lines, "W", "L"), width=4.4, height=3.2),
            "W over time, and the same on the loss.",
        )
    seen = landscape(load("sgd_well"))
    at = np.linspace(-1, 4, 101)
    ours = seen.evaluate(seen.mean[0], at[np.newaxis])
    worst = float(np.abs(ours - 2 * (at - 2) * np.exp(-((at - 2) ** 2))).max())
    part.claim(
        "gradient",
        "dL/dW = 2 (W - 2) exp(-(W - 2)²)",
        worst,
        worst < 1e-14,
        "largest difference from the derived gradient, W from -1 to 4",
    )
    _rates_of_learning(part)


def _rates_of_learning(sheet: Sheet) -> None:
    turns = int(np.sum(np.diff(np.sign(well(1.0, 40) - 2)) != 0))
    text, note = "T = 1 gives a zig-zag motion, overshooting", "how often W crosses 2 in 40 steps"
    sheet.claim("zig-zag", text, turns, turns > 10, note)
    need = {T: _steps_needed(T) for T in (0.2, 0.5, 1.0)}
    sheet.claim(
        "slow",
        "T = 0.2 converges quite slowly; 0.5 much better",
        ", ".join(f"T = {T:g}: {n}" for T, n in need.items()),
        need[0.5] < need[0.2],
        "steps until |W - 2| < 0.01 for good; 501 means not at all",
    )
    left = {width: _left_over(width, T) for width, T in ((1.0, 0.5), (0.5, 0.125))}
    sheet.claim(
        "optimum",
        "there's an optimal value of T, which depends on the spikiness",
        max(left.values()),
        max(left.values()) < 1e-12,
        "|Comp| of one step at the bottom at T = 1/L''(2): 0.5 here, 0.125 for a well "
        "half as wide. There the gradient compresses perfectly; other T leave |1 - T L''|",
    )


def _left_over(width: float, T: float) -> float:
    """Return |Comp| of one step of descent at the bottom of a well of this width."""
    found = run(sgd_model({"l": f"-exp(-((W - 2)/{width!r})**2)"}, T=T, start=2.0), steps=1)
    return abs(float(found.comp[1]))


def _steps_needed(T: float) -> int:
    far = np.abs(well(T, 500) - 2) > 0.01
    return int(np.flatnonzero(far)[-1]) + 1 if far.any() else 0


def local_minima(sheet: Sheet) -> None:
    """Two datapoints: the pit, by full batches."""
    points = np.linspace(0, 4, 1201)
    sheet.picture(
        "losses",
        "L, l_0 and l_1.",
        plot_losses(points, losses(points)),
        "The pit lies at W = 1, the well at W = 2.",
    )
    courses = {T: run(pit(T=T, full=True), steps=400).W["W"] for T in (0.5, 0.05, 0.03, 0.02)}
    for T, last in ((0.5, 40), (0.05, 200)):
        title, caption = f"From W = 0 at T = {T:g}.", "Lines at the pit and the well."
        lines = [Line(np.arange(last + 1), courses[T][: last + 1], marker=".")]
        sheet.picture(f"T-{T:g}", title, Chart(lines, "step", "W", levels=(1.0, 2.0)), caption)
    _where_it_ends(sheet.under(LOCAL), courses)


def _where_it_ends(sheet: Sheet, courses: dict[float, Array]) -> None:
    ends = float(run(pit(T=0.05, start=4.0, full=True), steps=4000).W["W"][-1])
    sheet.number("from-4", "2", ends, "start W = 4, T = 0.05, after 4000 steps", within=0.01)
    note = "'this isn't what I expected': it jumps across the pit"
    sheet.number("T-0.5", "2", courses[0.5][-1], note, within=0.01)
    inside = np.flatnonzero((courses[0.05] > 0.85) & (courses[0.05] < 1.196))
    sheet.claim(
        "T-0.05",
        "stuck in the local minimum",
        courses[0.05][-1],
        inside[-1] == len(courses[0.05]) - 1,
        f"at T = 0.05 it enters the pit at step {inside[0]}, bounces there for "
        f"{inside[-1] - inside[0]} steps and leaves for 2; the post's run was perhaps "
        "shorter. To be trapped takes T < 2/L''(pit) = 0.0205: T = 0.03 already runs round "
        "a cycle of 4 inside the pit, T = 0.02 settles at 1.00745",
    )
    lines = curves(np.arange(301), {f"T = {T:g}": courses[T][:301] for T in (0.05, 0.03, 0.02)})
    chart = Chart(lines, "step", "W", levels=(1.0, 2.0))
    caption = "Only T below 0.0205 rests at the bottom."
    sheet.picture("trapped", "What it takes to be stuck.", chart, caption)
    low, high = run_losses(2.0)
    text = "twice as deep, W = 1 is in fact a global minimum in L"
    sheet.claim("global", text, f"L(1) = {low:.4f}, L(2) = {high:.4f}", low < high)


def run_losses(depth: float) -> tuple[float, float]:
    """Return L at W = 1 and at W = 2 for a pit this deep."""
    at = np.array([1.0, 2.0])
    parts = losses(at)
    value = parts["l_0"] + depth * (parts["l_1"] - parts["l_0"]) / 2
    return float(value[0]), float(value[1])


def runs_needed(T: float, depth: float = 1.0) -> tuple[int, float]:
    """Return how many steps on l_0 lead out of the pit, and where to."""
    bottom, rim = stationary(depth)
    W = run(load("sgd_well").replace(parameters={"T": T}, initial={"W": bottom}), steps=4000).W["W"]
    step = int(np.argmax(rim < W))
    return step, float(W[step])


def consecutive(sheet: Sheet) -> None:
    """How many consecutive steps on l_0 lead out of the pit."""
    part = sheet.under(LOCAL)
    bottom, rim = stationary()
    part.number("bottom", "1.004", bottom, "stationary point of l_1")
    part.number("rim", "1.196", rim, "stationary point of l_1")
    steps, end = runs_needed(0.05)
    part.number("steps", "5", steps, "T = 0.05", within=0)
    part.number(
        "end",
        "1.201",
        end,
        "1.2002 from the bottom of l_1, 1.0036974; from the rounded 1.004 it is 1.2006, "
        "which prints as 1.201",
    )
    part.number(
        "chance",
        "an 81% chance",
        _run_chance(5, 100),
        "a run of 5 in 100 fair flips, exact. Not the true chance of escape, which is "
        "nearly 1 at T = 0.05, as the post goes on to say",
        value=0.81,
        within=0.005,
    )
    text, deep = "one more consecutive step", runs_needed(0.05, 2.0)[0]
    points = "{:.4f} and {:.4f}".format(*stationary(2.0))
    note = f"a pit twice as deep: stationary points {points}"
    part.number("deeper", text, deep, note, value=steps + 1, within=0)
    _other_rates(part)


def _other_rates(sheet: Sheet) -> None:
    Ts = np.array([0.05, 0.025, 0.01, 0.005, 0.0025, 0.001])
    need = np.array([runs_needed(float(T))[0] for T in Ts])
    lines = [
        Line(Ts, need, "steps", marker="o"),
        Line(Ts, need[-1] * Ts[-1] / Ts, "proportional to 1/T"),
    ]
    chart = Chart(lines, "T", "steps on l_0 alone", scale="log", x_scale="log")
    sheet.picture(
        "inverse", "Consecutive steps needed against T.", chart, "From the bottom of l_1."
    )
    product = need * Ts
    sheet.claim(
        "inverse",
        "inversely proportional to T",
        ", ".join(f"{n} at {T:g}" for T, n in zip(Ts, need, strict=True)),
        float(np.ptp(product) / product.mean()) < 0.15,
        f"steps times T lies between {product.min():.4f} and {product.max():.4f}",
    )
    slow, fast = (
        run(pit(T=T, full=True), steps=steps).W["W"][-1] for T, steps in ((0.001, 20000), (50, 400))
    )
    sheet.claim(
        "limit",
        "as T -> infinity, we converge on a continuous gradient descent",
        slow,
        near(slow, fast, 0.01),
        "must read T -> 0: at T = 0.001 full-batch descent from 0 stops in the first "
        f"minimum it comes to, 1.0075; at T = 50 it stands at {fast:.4g} after 400 steps",
    )


def _run_chance(length: int, flips: int) -> float:
    """Return the chance of a run in fair flips, by the law of the current run's length."""
    law = np.zeros(length + 1)
    law[0] = 1.0
    for _ in range(flips):
        law = np.r_[law[:-1].sum() / 2, law[:-1] / 2] + np.r_[np.zeros(length), law[-1]]
    return float(law[-1])


POST = Post(
    "sgd1",
    "Modelling and Understanding SGD",
    {
        "one-well": one_well,
        "local-minima": local_minima,
        "consecutive": consecutive,
        "escape": escape_broad,
        "escape-close": escape_close,
        "steps": steps_needed,
    },
    demo=("one-well", "local-minima", "consecutive"),
    intro="T is the learning rate; the parameter W starts at 0 where nothing else is said.",
)
