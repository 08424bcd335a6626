"""Modelling and Understanding SGD: one well, a pit beside it, and escape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.distributions.grid import Box
from causalopt.draw.escape import plot_steps_to_escape
from causalopt.draw.landscapes import plot_losses
from causalopt.escape import Escape, escape_by_ensemble, escape_by_operator
from causalopt.escape.steps_to_escape import fit_log_line, steps_to_escape
from causalopt.families.landscape import landscape
from causalopt.families.sgd import sgd_model
from causalopt.library import load
from causalopt.reproduce.pit import chain_at, losses, pit, stationary
from causalopt.reproduce.plots import Line, Panel, line_figure
from causalopt.reproduce.post import Post
from causalopt.runs import run

if TYPE_CHECKING:
    from causalopt.reproduce.sheet import Sheet

INTRO, LOCAL, MONTE = "opening", "SGD and Local Minima", "Monte Carlo"


def well(T: float, steps: int = 60) -> np.ndarray:
    """Return W over time in the well of one datapoint."""
    return run(load("sgd_well").replace(parameters={"T": T}), steps=steps).W["W"]


def one_well(sheet: Sheet) -> None:
    """One datapoint, from W = 0, at three learning rates"""
    for T in (1.0, 0.2, 0.5):
        W = well(T, 40)
        points = np.linspace(-0.5, 4, 300)
        panels = [Panel([Line(np.arange(41), W, marker=".")], "step", "W", levels=(2.0,)),
                  Panel([Line(points, losses(points)["l_0"], "L"),
                         Line(W, losses(W)["l_0"], "steps", marker="o", dash=":")], "W", "L")]  # fmt: skip
        sheet.picture(f"T-{T:g}", f"T = {T:g}.", line_figure(panels, columns=2, size=(4.4, 3.2)),
                      "W over time, and the same on the loss.")  # fmt: skip
    seen = landscape(load("sgd_well"))
    at = np.linspace(-1, 4, 101)
    ours = seen.evaluate(seen.mean[0], at[np.newaxis])
    worst = float(np.abs(ours - 2 * (at - 2) * np.exp(-((at - 2) ** 2))).max())
    sheet.claim("gradient", "dL/dW = 2 (W - 2) exp(-(W - 2)²)", worst, agrees=worst < 1e-14,
                section=INTRO, note="largest difference from the derived gradient, W from -1 to 4")  # fmt: skip
    turns = int(np.sum(np.diff(np.sign(well(1.0, 40) - 2)) != 0))
    sheet.claim("zig-zag", "T = 1 gives a zig-zag motion, overshooting", turns, agrees=turns > 10,
                section=INTRO, note="how often W crosses 2 in 40 steps")  # fmt: skip
    need = {T: _steps_needed(T) for T in (0.2, 0.5, 1.0)}
    sheet.claim("slow", "T = 0.2 converges quite slowly; 0.5 much better",
                ", ".join(f"T = {T:g}: {n}" for T, n in need.items()),
                agrees=need[0.5] < need[0.2], section=INTRO,
                note="steps until |W - 2| < 0.01 for good; 500 means not at all")  # fmt: skip
    left = {width: _left_over(width, T) for width, T in ((1.0, 0.5), (0.5, 0.125))}
    sheet.claim("optimum", "there's an optimal value of T, which depends on the spikiness",
                max(left.values()), agrees=max(left.values()) < 1e-12, section=INTRO,
                note="|Comp| of one step at the bottom at T = 1/L''(2): 0.5 here, 0.125 for a well "
                "half as wide. There the gradient compresses perfectly; other T leave |1 - T L''|")  # fmt: skip


def _left_over(width: float, T: float) -> float:
    """Return |Comp| of one step of descent at the bottom of a well of this width."""
    found = run(sgd_model({"l": f"-exp(-((W - 2)/{width!r})**2)"}, T=T, start=2.0), steps=1)
    return abs(float(found.comp[1]))


def _steps_needed(T: float) -> int:
    far = np.abs(well(T, 500) - 2) > 0.01
    return int(np.flatnonzero(far)[-1]) + 1 if far.any() else 0


def local_minima(sheet: Sheet) -> None:
    """Two datapoints: the pit, by full batches"""
    points = np.linspace(0, 4, 1201)
    sheet.picture("losses", "L, l_0 and l_1.", plot_losses(points, losses(points)),
                  "The pit lies at W = 1, the well at W = 2.")  # fmt: skip
    courses = {T: run(pit(T=T, full=True), steps=400).W["W"] for T in (0.5, 0.05, 0.03, 0.02)}
    for T, last in ((0.5, 40), (0.05, 200)):
        panel = Panel([Line(np.arange(last + 1), courses[T][: last + 1], marker=".")], "step", "W",
                      levels=(1.0, 2.0))  # fmt: skip
        sheet.picture(f"T-{T:g}", f"From W = 0 at T = {T:g}.", line_figure([panel]),
                      "Lines at the pit and the well.")  # fmt: skip
    ends = float(run(pit(T=0.05, start=4.0, full=True), steps=4000).W["W"][-1])
    sheet.number("from-4", "2", ends, within=0.01, section=LOCAL,
                 note="start W = 4, T = 0.05, after 4000 steps")  # fmt: skip
    sheet.number("T-0.5", "2", float(courses[0.5][-1]), within=0.01, section=LOCAL,
                 note="'this isn't what I expected': it jumps across the pit")  # fmt: skip
    inside = np.flatnonzero((courses[0.05] > 0.85) & (courses[0.05] < 1.196))
    sheet.claim("T-0.05", "stuck in the local minimum", float(courses[0.05][-1]), agrees=False,
                section=LOCAL,
                note=f"at T = 0.05 it enters the pit at step {inside[0]}, bounces there for "
                f"{inside[-1] - inside[0]} steps and leaves for 2; the post's run was perhaps "
                "shorter. To be trapped takes T < 2/L''(pit) = 0.0205: T = 0.03 already runs round "
                "a cycle of 4 inside the pit, T = 0.02 settles at 1.00745")  # fmt: skip
    panel = Panel([Line(np.arange(301), courses[T][:301], f"T = {T:g}") for T in (0.05, 0.03, 0.02)],
                  "step", "W", levels=(1.0, 2.0))  # fmt: skip
    sheet.picture("trapped", "What it takes to be stuck.", line_figure([panel]),
                  "Only T below 0.0205 rests at the bottom.")  # fmt: skip
    low, high = run_losses(2.0)
    sheet.claim("global", "twice as deep, W = 1 is in fact a global minimum in L",
                f"L(1) = {low:.4f}, L(2) = {high:.4f}", agrees=low < high, section=LOCAL)  # fmt: skip


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
    step = int(np.argmax(W > rim))
    return step, float(W[step])


def consecutive(sheet: Sheet) -> None:
    """How many consecutive steps on l_0 lead out of the pit"""
    bottom, rim = stationary()
    sheet.number("bottom", "1.004", bottom, section=LOCAL, note="stationary point of l_1")
    sheet.number("rim", "1.196", rim, section=LOCAL, note="stationary point of l_1")
    steps, end = runs_needed(0.05)
    sheet.number("steps", "5", steps, within=0, section=LOCAL, note="T = 0.05")
    sheet.number("end", "1.201", end, section=LOCAL,
                 note="1.2002 from the bottom of l_1, 1.0036974; from the rounded 1.004 it is 1.2006, "
                 "which prints as 1.201")  # fmt: skip
    chance = _run_chance(5, 100)
    sheet.number("chance", "an 81% chance", chance, value=0.81, within=0.005, section=LOCAL,
                 note="a run of 5 in 100 fair flips, exact. Not the true chance of escape, which is "
                 "nearly 1 at T = 0.05, as the post goes on to say")  # fmt: skip
    deep = runs_needed(0.05, 2.0)[0]
    sheet.number("deeper", "one more consecutive step", deep, value=6, within=0, section=LOCAL,
                 note="a pit twice as deep: stationary points "
                 f"{stationary(2.0)[0]:.4f} and {stationary(2.0)[1]:.4f}")  # fmt: skip
    Ts = np.array([0.05, 0.025, 0.01, 0.005, 0.0025, 0.001])
    need = np.array([runs_needed(float(T))[0] for T in Ts])
    sheet.picture("inverse", "Consecutive steps needed against T.",
                  line_figure([Panel([Line(Ts, need, "steps", marker="o"),
                                      Line(Ts, need[-1] * Ts[-1] / Ts, "proportional to 1/T")],
                                     "T", "steps on l_0 alone", scale="log", x_scale="log")]),
                  "From the bottom of l_1.")  # fmt: skip
    product = need * Ts
    sheet.claim("inverse", "inversely proportional to T",
                ", ".join(f"{n} at {T:g}" for T, n in zip(Ts, need, strict=True)),
                agrees=float(np.ptp(product) / product.mean()) < 0.15, section=LOCAL,
                note=f"steps times T lies between {product.min():.4f} and {product.max():.4f}")  # fmt: skip
    slow = run(pit(T=0.001, full=True), steps=20000).W["W"][-1]
    sheet.claim("limit", "as T -> infinity, we converge on a continuous gradient descent",
                float(slow), agrees=False, section=LOCAL,
                note="must read T -> 0: at T = 0.001 full-batch descent from 0 stops in the first "
                "minimum it comes to, 1.0075")  # fmt: skip


def _run_chance(length: int, flips: int) -> float:
    """Return the chance of a run in fair flips, by the law of the current run's length."""
    law = np.zeros(length + 1)
    law[0] = 1.0
    for _ in range(flips):
        law = np.concatenate([[law[:-1].sum() / 2], law[:-1] / 2]) + np.r_[np.zeros(length), law[-1]]
    return float(law[-1])


def chances(T: float, within: tuple[int, ...], start: float | None = None) -> tuple[float, ...]:
    """Return the chance of standing beyond the rim at each step, by the transfer operator.

    No pick leads out of [0.5, 2.5] at T up to 0.05, so the grid ends there.
    """
    bottom, rim = stationary()
    question = Escape((bottom if start is None else start,), rim, within)
    room = Box((0.5,), (2.5,), closed=True)
    return escape_by_operator(chain_at(T), question, nodes=3000, bounds=room).probability


def escape_broad(sheet: Sheet) -> None:
    """The chance of escape against T"""
    question = Escape((stationary()[0],), stationary()[1], (100, 1000))
    Ts = np.array([0.005, 0.01, 0.0125, 0.015, 0.0175, 0.02, 0.025, 0.03, 0.04, 0.05])
    exact = np.array([chances(T, question.within) for T in Ts])
    found = np.array([escape_by_ensemble(chain_at(T), question, walkers=1000, seed=1).probability
                      for T in Ts])  # fmt: skip
    for place, steps in enumerate(question.within):
        panel = Panel([Line(Ts, exact[:, place], "transfer operator"),
                       Line(Ts, found[:, place], "1000 walkers", marker="o", dash="none")],
                      "T", f"probability of escape in {steps} steps", limits=(-0.03, 1.03))  # fmt: skip
        sheet.picture(f"within-{steps}", f"Escape in {steps} steps against T.",
                      line_figure([panel]),
                      "Start at the bottom of l_1, escaped beyond its rim at that step; the post "
                      "names neither the start nor the number of walkers.")  # fmt: skip
    apart = float(np.abs(exact - found).max())
    sheet.claim("monte-carlo", "Monte Carlo curves, no numbers", apart, agrees=apart < 0.06,
                section=MONTE,
                note="largest distance of 1000 walkers (seed 1) from the exact law; four standard "
                "errors are 0.063")  # fmt: skip
    sheet.claim("easier", "easier to escape the pit than our original model predicted",
                float(exact[-1, 0]), agrees=float(exact[-1, 0]) > 0.8101, section=MONTE,
                note="at T = 0.05 in 100 steps, against the 0.81 of a run of five")  # fmt: skip
    starts = {start: chances(0.015, (100,), start)[0]
              for start in (0.95, 1.0, stationary()[0], 1.0075, 1.05)}  # fmt: skip
    text = ", ".join(f"{start:.4g}: {p:.4f}" for start, p in starts.items())
    sheet.claim("start", "starting around 1", text,
                agrees=max(starts.values()) / min(starts.values()) < 2, section=MONTE,
                note="sensitivity of escape in 100 steps at T = 0.015 to the start")  # fmt: skip


def escape_close(sheet: Sheet) -> None:
    """The chance of escape between T = 0.01 and 0.02"""
    within = (100, 1000, 10000)
    Ts = np.linspace(0.01, 0.02, 21)
    exact = np.array([chances(T, within) for T in Ts])
    for place, steps in enumerate(within):
        panel = Panel([Line(Ts, exact[:, place], marker=".")], "T",
                      f"probability of escape in {steps} steps")  # fmt: skip
        sheet.picture(f"within-{steps}", f"Escape in {steps} steps, T from 0.01 to 0.02.",
                      line_figure([panel]),
                      "Note the vertical axis." if place == 0 else "Transfer operator.")  # fmt: skip
    below = chances(0.0075, (10000,))[0]
    sheet.claim("onset", "curves from T = 0.01 on", float(exact[0, 2]),
                agrees=0 < below < float(exact[0, 2]) < 0.01, section=MONTE,
                note="chance in 10,000 steps at T = 0.01. No threshold: at T = 0.0075 it is "
                f"{below:.3g}, for enough picks of l_0 in a row lead out at every T. At 2/l_1'' = "
                "0.0101 no more happens than that l_1's own bottom turns unstable")  # fmt: skip
    for T, said in ((0.0125, (0.002033, 0.02604)), (0.015, (0.03241, 0.32464)), (0.02, (0.49371, 0.99945))):
        place = int(np.argmin(np.abs(Ts - T)))
        close = np.abs(exact[place, :2] - said) < 4e-4
        sheet.claim(f"T-{T:g}", "read off the curves",
                    ", ".join(f"{n} steps: {p:.5g}" for n, p in zip(within, exact[place], strict=True)),
                    agrees=bool(close.all()), section=MONTE,
                    note="two other solvers, an operator of 65,536 nodes and Monte Carlo, give "
                    f"{said[0]} and {said[1]} for the first two")  # fmt: skip


def steps_needed(sheet: Sheet) -> None:
    """The log of the steps to escape against T"""
    Ts = np.array([0.0125, 0.014, 0.015, 0.016, 0.0175, 0.02, 0.025, 0.03])
    times = steps_to_escape(chain_at, list(Ts), start=stationary()[0], beyond=stationary()[1])
    line, inverse = fit_log_line(Ts, times.mean), fit_log_line(1 / Ts, times.mean)
    sheet.picture("steps", "Mean steps to escape against T.", plot_steps_to_escape(times, line),
                  "With the straight line the post suspects, and the theory's V/T.")  # fmt: skip
    sheet.claim("log", "roughly, the log of the number of steps is a function of T",
                f"R² = {line.r_squared:.3f} in T, {inverse.r_squared:.3f} in 1/T",
                agrees=inverse.r_squared > line.r_squared > 0.8, section=MONTE,
                note="a function of T it is; a straight one in 1/T rather than in T, for a barrier "
                f"V is climbed at cost V/T: fitted {inverse.slope:.3f}, from the quasi-potential "
                f"{float(times.barrier[0] * Ts[0]):.3f}")  # fmt: skip


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
