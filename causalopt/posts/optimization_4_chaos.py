"""Part 4, Points 4 and 5: chaos, a finite A, and how small a nudge must be."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from causalopt.drawing.palette import BLUE, FAINT
from causalopt.effects.exponents.rates import rates
from causalopt.effects.running import run
from causalopt.effects.sweeps.number_sweep import sweep_numbers
from causalopt.posts.charts import NATS, TIME, Chart, Line, Map, curves, line_figure, map_figure
from causalopt.posts.optimization_4_lorenz import lorenz, op_panel, parts_panel

if TYPE_CHECKING:
    from causalopt.effects.sweeps.sweep import Sweep
    from causalopt.posts.sheet import Sheet

POINT_4, POINT_5, WISH = "Point 4", "Point 5", "Conclusions and Next Steps"
STEPS = 4000


def chaos(sheet: Sheet) -> None:
    """Very messy in chaotic environments (rho = 28)."""
    part = sheet.under(POINT_4)
    b, c = (run(lorenz(28), target=m, steps=STEPS) for m in "bc")
    parts = [parts_panel(found, m, sizes=True) for m, found in (("b", b), ("c", c))]
    sheet.picture(
        "differences",
        "Differences of b and of c, rho = 28.",
        line_figure(*parts, height=3.2),
        "Sizes per delta in the limit of a small nudge, on a logarithmic scale: X "
        "grows without end, Y dies away.",
    )
    sheet.picture(
        "op-b",
        "Op of b over time, rho = 28.",
        op_panel(b, "b"),
        "n = b_0, A = a, Euler, dt = 0.01, from (1, 1, 1).",
    )
    sheet.picture(
        "op-c", "Op of c over time, rho = 28.", op_panel(c, "c"), "Peaks are zeros of a difference."
    )
    for m, found in (("b", b), ("c", c)):
        share = float(np.mean(found.op[found.time > 1] < 0))
        part.claim(
            f"negative-{m}",
            "a trend towards Op becoming negative in most cases",
            share,
            share > 0.9,
            f"share of steps after t = 1 with Op(a; b_0, {m}) < 0; at t = 40 it is "
            f"{float(found.op[-1]):.1f} nats",
        )
    speed = rates(lorenz(28), hold="a", steps=20000)
    slope = float(np.polyfit(b.time[500:], b.op[500:], 1)[0])
    part.number(
        "slope",
        "these things are spreading one another out",
        slope,
        f"nats per time unit, fitted to the curve; the difference of exponents, "
        f"{speed.op_rate:.3f}, says the same",
        value=speed.op_rate,
        within=0.3,
    )
    fluctuation = float(np.abs(np.diff(b.total[1000:])).max() / np.abs(b.total[1000]))
    part.claim(
        "huge",
        "the variations are huge, wild and fluctuating",
        fluctuation,
        fluctuation > 10,
        "largest change of (x - w)/delta in one step after t = 10, over its size there",
    )


def finite_influence(sheet: Sheet) -> None:
    """A = a for t <= 10 only: a finite influence."""
    part = sheet.under(POINT_4)
    whole = run(lorenz(28), hold="a", steps=STEPS)
    until = run(lorenz(28), hold="a[t<=1000]", steps=STEPS)
    c = run(lorenz(28), hold="a[t<=1000]", target="c", steps=STEPS)
    named = {"b, A = a, t ≤ 10": until.op, "c, A = a, t ≤ 10": c.op, "b, A = all a": whole.op}
    sheet.picture(
        "op",
        "Op where A ends at t = 10.",
        Chart(curves(whole.time, named), TIME, NATS, marks=(10.0,)),
        "t ≤ 10 is read as time units, step 1000.",
    )
    early = run(lorenz(28), hold="a[t<=10]", steps=STEPS)
    late = until.op[2500:]
    spread = float(late.max() - late.min())
    part.claim(
        "levels",
        "it can only de-optimize by a finite degree",
        until.op[-1],
        spread < 0.01,
        f"Op stays within {spread:.2g} nats from t = 25 to 40, while A = all a goes on "
        f"to {float(whole.op[-1]):.1f}; read as ten steps instead, it levels off at "
        f"{float(early.op[-1]):.3f}",
    )
    together = abs(until.op[-1] - c.op[-1])
    part.claim(
        "same-level",
        "graphs of b and c",
        together,
        together < 0.01,
        "nats between the two levels: once both worlds' differences line up with the "
        "same growing direction, their ratio is the same for every m",
    )


def smaller_nudges(sheet: Sheet) -> None:
    """Op seems to be defined in chaotic systems: smaller and smaller nudges."""
    part = sheet.under(POINT_5)
    limit = run(lorenz(28), steps=STEPS)
    sizes = (1e-5, 1e-6, 1e-7)
    found = {delta: run(lorenz(28), steps=STEPS, delta=delta) for delta in sizes}
    simulations = {"short": ("A shorter simulation", 1000), "long": ("A longer one", STEPS)}
    for name, (title, last) in simulations.items():
        panels, t = [], limit.time[: last + 1]
        for delta, one in found.items():
            op = np.where(np.isfinite(one.op), one.op, np.nan)[: last + 1]
            lines = [
                Line(t, limit.op[: last + 1], "limit", FAINT, "-"),
                Line(t, op, f"delta = {delta:g}", BLUE, "--"),
            ]
            panels.append(Chart(lines, TIME, NATS))
        sheet.picture(
            name,
            f"{title}: Op(a; b_0, b) with delta = 1e-5, 1e-6, 1e-7.",
            line_figure(*panels, height=3.2),
            "Where the dashed line stops, y - w is 0 to the last bit.",
        )
    short = min(_parting(one.op, limit.op) * 0.01 for one in found.values())
    part.claim(
        "short",
        "works for a shorter simulation",
        short,
        short > 5,
        "first t at which any of the three sizes is half a nat from the limit",
    )
    lost = {delta: one.direct == 0 for delta, one in found.items()}
    zero = {delta: limit.time[np.argmax(where)] for delta, where in lost.items() if where.any()}
    part.claim(
        "long",
        "a longer one: this seems to be working mostly fine",
        ", ".join(f"{delta:g}: until t = {t:.1f}" for delta, t in zero.items()),
        not zero,
        "with finite delta, y - w rounds to exactly 0 in float64 by then, and Op "
        "is lost (status 'unresolved'), sooner the smaller delta; in the limit, by "
        f"tangents, it is defined throughout: {float(limit.op[-1]):.2f} nats at t = 40",
    )


def _parting(op: np.ndarray, limit: np.ndarray) -> int:
    """Return the first step from which the two are over half a nat apart for ten steps."""
    apart = ~(np.abs(op - limit) < 0.5)
    runs = np.convolve(apart, np.ones(10, dtype=int), mode="valid") == 10
    return int(np.argmax(runs)) if runs.any() else len(op)


# A, n and the other variable of B
CHOICES = list(itertools.permutations("abc"))
RANGES = {"a": (-20.0, 20.0), "b": (-25.0, 25.0), "c": (-5.0, 45.0)}


def op_maps(sheet: Sheet) -> None:
    """Landscapes of Op in the three regimes, for each A and n."""
    part = sheet.under(WISH)
    for rho in (0.8, 14.0, 28.0):
        found = {(A, n): _plane(rho, A, n, other) for A, n, other in CHOICES}
        maps = []
        for (A, n, other), one in zip(CHOICES, found.values(), strict=True):
            names = f"{n} at t = 0", f"{other} at t = 0", f"Op({A}; {n}_0, {n}) at t = 2"
            maps.append(Map(one.axes[f"{n}[0]"], one.axes[f"{other}[0]"], one.op, *names))
        sheet.picture(
            f"maps-{rho:g}",
            f"Op at t = 2 over the starts, rho = {rho:g}.",
            map_figure(maps, label=NATS),
            "A's own start is 1, Euler, dt = 0.01. Violet: A compresses; orange: it amplifies; "
            "the line is Op = 0.",
        )
        sheet.picture(
            f"curves-{rho:g}",
            f"Op against n's start, rho = {rho:g}.",
            line_figure(*(_curves(rho, A, n) for A, n, _ in CHOICES), height=3.0),
            "As the post plots the thermostat: the other two start at 1. Peaks are zeros "
            "of a difference.",
        )
        shares = [
            f"({A}; {n}_0) {float(np.nanmean(one.op < 0)):.2f}" for (A, n), one in found.items()
        ]
        undefined = sum(one.failed for one in found.values())
        part.claim(
            f"negative-{rho:g}",
            "landscapes of Op for the Lorenz system, wished for",
            ", ".join(shares),
            undefined == 0,
            "share of the map with Op < 0 at t = 2; every point has a finite answer",
        )


def _plane(rho: float, A: str, n: str, other: str) -> Sweep:
    grid = {f"{name}[0]": np.linspace(*RANGES[name], 121) for name in (n, other)}
    return sweep_numbers(
        lorenz(rho), grid, nudge=f"{n}[0]", hold=A, target=n, steps=200, estimate=False
    )


def _curves(rho: float, A: str, n: str) -> Chart:
    start = np.linspace(*RANGES[n], 301)
    model, grid, lines = lorenz(rho), {f"{n}[0]": start}, []
    for t in (0.5, 1, 2):
        found = sweep_numbers(model, grid, nudge=f"{n}[0]", hold=A, target=n, steps=round(t * 100))
        lines.append(Line(start, found.op, f"t = {t:g}"))
    return Chart(lines, f"{n} at t = 0", NATS, f"A = {A}, n = {n}_0, m = {n}", levels=(0.0,))
