"""Part 4, A Better Thermostat Model and Point 1: limited power, and the amount of optimization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt import load, parse_model, run, sweep, to_text
from causalopt.drawing.palette import GREEN, RED
from causalopt.posts.charts import Chart, Line, line_figure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causalopt import Model, Sweep
    from causalopt.posts.sheet import Sheet

BETTER, POINT_1 = "A Better Thermostat Model", "Point 1"
GRID = np.linspace(5.0, 45.0, 401)


def saturating(theta: float = 1.0, p: float = 1.0, dt: float = 0.02) -> Model:
    """Return Part 4's thermostat."""
    return load("thermostat_saturating").replace(parameters={"theta": theta, "p": p}, dt=dt)


def power_sweep(model: Model, steps: int = 500) -> Sweep:
    """Return Comp and Op over the room's start."""
    return sweep(model, {"R[0]": GRID}, steps=steps)


def course(sheet: Sheet) -> None:
    """The saturating thermostat along one run."""
    found = run(saturating(), steps=1000)
    W = Chart([Line(found.time, found.W["R"], "room R")], "time", "R in W", levels=(24.0, 26.0))
    sheet.picture(
        "W",
        "The room under a thermostat of limited power.",
        line_figure([W]),
        "From R_0 = 35, T_0 = 0, dt = 0.02, p = theta = 1; the band of half-width theta "
        "lies between the lines.",
    )
    parts = Chart(
        [
            Line(found.time, found.total, "(x - w)/delta", RED, "-"),
            Line(found.time, found.direct, "(y - w)/delta", GREEN, "--"),
        ],
        "time",
        "difference of R from W, per delta",
    )
    sheet.picture(
        "differences",
        "Differences between X and W, and Y and W.",
        line_figure([parts]),
        "Whole in both until the room comes into the band.",
    )
    op = Chart([Line(found.time, found.op)], "time", "Op [nats]", marks=(9.0,))
    sheet.picture(
        "op",
        "Op = -log((x - w)/(y - w)).",
        line_figure([op]),
        "0 until t = 9, when R reaches 26; then a nat a time unit.",
    )
    entered = float(found.time[np.argmax(found.W["R"] < 26.0)])
    before = float(np.abs(found.op[found.time < entered]).max())
    sheet.claim(
        "linear-region",
        "Op = 0 while the room is in the linear region",
        before,
        agrees=before == 0.0,
        section=BETTER,
        note=f"largest |Op| before R enters the band at t = {entered:g}",
    )
    first = float(found.time[np.argmax(found.op > 0)])
    sheet.number(
        "begins",
        "it only increases when it reaches the exponential region",
        first,
        value=entered,
        within=0.05,
        section=BETTER,
        note=f"first t with Op > 0, beside t = {entered:g} when R < 26",
    )
    _printed_case(sheet)


def _printed_case(sheet: Sheet) -> None:
    text = to_text(saturating()).split("facts:")[0].replace("p/theta*s", "0")
    found = run(parse_model(text), steps=1000)
    largest = float(np.nanmax(np.abs(found.op)))
    sheet.claim(
        "printed-case",
        "Therm = 0 for -theta < s < theta",
        largest,
        agrees=False,
        section=BETTER,
        note="largest |Op| under the printed case: it would be 0 everywhere; the text's "
        "'behaves like before' within the band needs (p/theta) s",
    )
    inside = run(saturating(), steps=500, given=()).op
    same = sweep(saturating(), {"R[0]": [25.5]}, steps=500).op[0]
    linear = run(load("thermostat").replace(parameters={"k": 0.02}), steps=500).op[-1]
    sheet.number(
        "like-before",
        "within the band it behaves like before",
        float(same),
        value=float(linear),
        within=1e-9,
        section=BETTER,
        note=f"Op from R_0 = 25.5 at t = 10, beside the linear thermostat at k = dt p/theta "
        f"= 0.02; from R_0 = 35 it is {float(inside[-1]):.5f}",
    )


def starts(sheet: Sheet) -> None:
    """Which starts are optimized by t = 10."""
    found = power_sweep(saturating())
    panel = Chart(
        [Line(GRID, found.op)], "initial R", "Op(T; R_0, R_10) [nats]", marks=(24.0, 26.0)
    )
    sheet.picture(
        "op",
        "Op at t = 10 against the room's start.",
        line_figure([panel]),
        "Grid step 0.1. Highest for starts inside the band.",
    )
    lit = GRID[found.op > 1e-12]
    reaches = (GRID > 25 - 11) & (GRID < 25 + 11)
    sheet.claim(
        "basin",
        "every start whose trajectory leads between 24 and 26 is optimized a bit",
        f"{lit.min():.1f} to {lit.max():.1f}",
        section=BETTER,
        agrees=bool(np.sum((found.op > 1e-12) != reaches) <= 2),
        note="a start reaches the band by t = 10 if it lies within theta + p t = 11 of "
        "25, less one step",
    )
    best = GRID[found.op > found.op.max() - 1e-9]
    sheet.claim(
        "maximum",
        "the maximum Op are trajectories which start in this region",
        f"{best.min():.1f} to {best.max():.1f}",
        agrees=bool(best.min() > 23.9 and best.max() < 26.1),
        section=BETTER,
        note=f"there Op = {float(found.op.max()):.6f} nats",
    )


def amount(sheet: Sheet) -> None:
    """The amount of optimization, the integral of 1 - Comp from 5 to 45."""
    cases = {"19.961": (1.0, 1.0), "19.611": (0.5, 1.0), "9.980": (1.0, 0.5)}
    for printed, (theta, p) in cases.items():
        found = power_sweep(saturating(theta, p))
        name = f"theta-{theta:g}-p-{p:g}"
        panel = Chart(
            [Line(GRID, 1 - found.comp)], "initial R", "1 - Comp at t = 10", limits=(-0.05, 1.05)
        )
        sheet.picture(
            name,
            f"1 - Comp at t = 10, theta = {theta:g}, p = {p:g}.",
            line_figure([panel]),
            f"The area is {found.power:.4f}; the post prints {printed}.",
        )
        slip = (
            "digits lost: on the same grid it is 19.9617, and no grid or step gives 19.611, "
            "for the integral hardly depends on theta"
        )
        sheet.number(
            name,
            printed,
            float(found.power or 0),
            section=POINT_1,
            within=0.001,
            note=slip
            if printed == "19.611"
            else "grid step 0.1, dt = 0.02, T_0 = 0: our choices; the printed digits fit them",
        )
    _step(sheet)


def _step(sheet: Sheet) -> None:
    sizes = (0.01, 0.02, 0.05, 0.1)
    found = [power_sweep(saturating(dt=dt), round(10 / dt)).power or 0.0 for dt in sizes]
    text = ", ".join(f"dt = {dt:g}: {power:.4f}" for dt, power in zip(sizes, found, strict=True))
    sheet.claim(
        "dt",
        "no step is given",
        text,
        agrees=abs(found[1] - 19.961) < 0.001,
        section=POINT_1,
        note="sensitivity: the exact value is 2p(t - dt), so the printed 19.961 singles "
        "out dt = 0.02",
    )


def power(sheet: Sheet) -> None:
    """Optimizing power across p, theta and t."""
    thetas = np.array([0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0])
    ps = np.linspace(0.1, 1.8, 18)
    by_theta = [power_sweep(saturating(theta=theta)).power or 0.0 for theta in thetas]
    by_p = {
        theta: [power_sweep(saturating(theta, p)).power or 0.0 for p in ps] for theta in (0.5, 1.0)
    }
    times = np.arange(1.0, 13.0)
    by_t = [power_sweep(saturating(), round(t / 0.02)).power or 0.0 for t in times]
    panels = [
        Chart(
            [
                Line(ps, by_p[1.0], "theta = 1", marker="o"),
                Line(ps, by_p[0.5], "theta = 0.5"),
                Line(ps, 20 * ps, "2 p t"),
            ],
            "p",
            "integral of 1 - Comp at t = 10",
        ),
        Chart(
            [
                Line(thetas, by_theta, "integral", marker="o"),
                Line(thetas, 20 + 0 * thetas, "2 p t"),
            ],
            "theta",
            "integral of 1 - Comp at t = 10",
            limits=(19.5, 20.1),
        ),
        Chart(
            [Line(times, by_t, "integral", marker="o"), Line(times, 2 * times, "2 p t")],
            "time",
            "integral of 1 - Comp",
        ),
    ]
    sheet.picture(
        "power",
        "Optimizing power across p, theta and t.",
        line_figure(panels, columns=3, size=(4.2, 3.4)),
        "R_0 from 5 to 45 in steps of 0.1. Where not varied, p = theta = 1, t = 10.",
    )
    _power_claims(sheet, ps, by_p[1.0], by_theta, by_t[9])


def _power_claims(
    sheet: Sheet, ps: NDArray[np.float64], by_p: list[float], by_theta: list[float], at_10: float
) -> None:
    spread = float(max(by_theta) - min(by_theta))
    sheet.claim(
        "theta-free",
        "it (almost) no longer depends on theta",
        spread,
        agrees=spread < 0.06,
        section=POINT_1,
        note="range of the integral over theta from 0.05 to 2, all of it the grid's: "
        "exactly it is 2p(t - dt) for every theta",
    )
    fit = np.polyfit(ps, by_p, 1)
    away = float(np.abs(np.polyval(fit, ps) - by_p).max())
    sheet.claim(
        "linear-p",
        "but depends linearly on p",
        away,
        agrees=away < 0.01,
        section=POINT_1,
        note=f"largest distance from a straight line of slope {fit[0]:.3f}, p from 0.1 to "
        "1.8; beyond, the basin, theta + p t to either side of 25, leaves [5, 45]",
    )
    small = power_sweep(saturating(theta=0.05)).power or 0.0
    sheet.number(
        "theta-0",
        "as theta -> 0 the integral remains the same",
        small,
        value=19.96,
        within=0.05,
        section=POINT_1,
        note="at theta = 0.05, on a grid of 0.1",
    )
    sheet.claim(
        "2pt",
        "that power is equal to 2pt",
        float(at_10),
        agrees=abs(at_10 - 20) < 0.05,
        section=POINT_1,
        note="20 to the two digits the argument needs; exactly 2p(t - dt), since T_0 = 0 "
        "does nothing in the first step",
    )
