"""Modelling and Understanding SGD, Monte Carlo: the chance of escape from the pit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.descents.escape.by_ensemble import escape_by_ensemble
from causalopt.descents.escape.by_operator import escape_by_operator
from causalopt.descents.escape.escape import Escape
from causalopt.descents.escape.steps_to_escape import fit_log_line, steps_to_escape
from causalopt.descents.transfer.grid import Box
from causalopt.drawing.plots.of_escape import plot_steps_to_escape
from causalopt.posts.charts import Chart, Line
from causalopt.posts.pit import chain_at, stationary

if TYPE_CHECKING:
    from causalopt.posts.sheet import Sheet

MONTE = "Monte Carlo"


def chances(T: float, within: tuple[int, ...], start: float | None = None) -> tuple[float, ...]:
    """Return the chance of standing beyond the rim at each step, by the transfer operator.

    No pick leads out of [0.5, 2.5] at T up to 0.05, so the grid ends there.
    """
    bottom, rim = stationary()
    question = Escape((bottom if start is None else start,), rim, within)
    room = Box((0.5,), (2.5,), closed=True)
    return escape_by_operator(chain_at(T), question, nodes=3000, bounds=room).probability


def escape_broad(sheet: Sheet) -> None:
    """The chance of escape against T."""
    part = sheet.under(MONTE)
    question = Escape((stationary()[0],), stationary()[1], (100, 1000))
    Ts = np.array([0.005, 0.01, 0.0125, 0.015, 0.0175, 0.02, 0.025, 0.03, 0.04, 0.05])
    exact = np.array([chances(T, question.within) for T in Ts])
    fine = np.unique(np.concatenate([Ts, np.linspace(0.005, 0.05, 31)]))
    curve = np.array([chances(T, question.within) for T in fine])
    found = np.array(
        [escape_by_ensemble(chain_at(T), question, walkers=1000, seed=1).probability for T in Ts]
    )
    for place, steps in enumerate(question.within):
        lines = [
            Line(fine, curve[:, place], "transfer operator"),
            Line(Ts, found[:, place], "1000 walkers", marker="o", dash="none"),
        ]
        sheet.picture(
            f"within-{steps}",
            f"Escape in {steps} steps against T.",
            Chart(lines, "T", f"probability of escape in {steps} steps", limits=(-0.03, 1.03)),
            "Start at the bottom of l_1, escaped beyond its rim at that step; the post "
            "names neither the start nor the number of walkers.",
        )
    apart = float(np.abs(exact - found).max())
    part.claim(
        "monte-carlo",
        "Monte Carlo curves, no numbers",
        apart,
        apart < 0.06,
        "largest distance of 1000 walkers (seed 1) from the exact law; four standard "
        "errors are 0.063",
    )
    part.claim(
        "easier",
        "easier to escape the pit than our original model predicted",
        exact[-1, 0],
        exact[-1, 0] > 0.8101,
        "at T = 0.05 in 100 steps, against the 0.81 of a run of five",
    )
    places = (0.95, 1.0, stationary()[0], 1.0075, 1.05)
    starts = {start: chances(0.015, (100,), start)[0] for start in places}
    part.claim(
        "start",
        "starting around 1",
        ", ".join(f"{start:.4g}: {p:.4f}" for start, p in starts.items()),
        max(starts.values()) / min(starts.values()) < 2,
        "sensitivity of escape in 100 steps at T = 0.015 to the start",
    )


def escape_close(sheet: Sheet) -> None:
    """The chance of escape between T = 0.01 and 0.02."""
    part = sheet.under(MONTE)
    within = (100, 1000, 10000)
    Ts = np.linspace(0.01, 0.02, 21)
    exact = np.array([chances(T, within) for T in Ts])
    for place, steps in enumerate(within):
        lines = [Line(Ts, exact[:, place], marker=".")]
        sheet.picture(
            f"within-{steps}",
            f"Escape in {steps} steps, T from 0.01 to 0.02.",
            Chart(lines, "T", f"probability of escape in {steps} steps"),
            "Note the vertical axis." if place == 0 else "Transfer operator.",
        )
    below = chances(0.0075, (10000,))[0]
    part.claim(
        "onset",
        "curves from T = 0.01 on",
        exact[0, 2],
        0 < below < exact[0, 2] < 0.01,
        "chance in 10,000 steps at T = 0.01. No threshold: at T = 0.0075 it is "
        f"{below:.3g}, for enough picks of l_0 in a row lead out at every T. At 2/l_1'' = "
        "0.0101 no more happens than that l_1's own bottom turns unstable",
    )
    others = {0.0125: (0.002033, 0.02604), 0.015: (0.03241, 0.32464), 0.02: (0.49354, 0.99945)}
    for T, said in others.items():
        place = int(np.argmin(np.abs(Ts - T)))
        close = np.abs(exact[place, :2] - said) < 4e-5
        part.claim(
            f"T-{T:g}",
            "read off the curves",
            ", ".join(f"{n} steps: {p:.5g}" for n, p in zip(within, exact[place], strict=True)),
            close.all(),
            "two other solvers, an operator of 65,536 nodes and Monte Carlo, give "
            f"{said[0]} and {said[1]} for the first two",
        )


def steps_needed(sheet: Sheet) -> None:
    """The log of the steps to escape against T."""
    part = sheet.under(MONTE)
    Ts = np.array([0.0125, 0.014, 0.015, 0.016, 0.0175, 0.02, 0.025, 0.03])
    times = steps_to_escape(chain_at, list(Ts), start=stationary()[0], beyond=stationary()[1])
    line, inverse = fit_log_line(Ts, times.mean), fit_log_line(1 / Ts, times.mean)
    sheet.picture(
        "steps",
        "Mean steps to escape against T.",
        plot_steps_to_escape(times, line),
        "With the straight line the post suspects, and the theory's V/T.",
    )
    part.claim(
        "log",
        "roughly, the log of the number of steps is a function of T",
        f"R² = {line.r_squared:.3f} in T, {inverse.r_squared:.3f} in 1/T",
        inverse.r_squared > line.r_squared > 0.8,
        "a function of T it is; a straight one in 1/T rather than in T, for a barrier "
        f"V is climbed at cost V/T. The fit has V = {inverse.slope:.3f}; the quasi-potential, the "
        f"limit of small T without prefactor, {float(times.barrier[0] * Ts[0]):.3f}",
    )
