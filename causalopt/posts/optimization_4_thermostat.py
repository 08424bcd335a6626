"""Part 4, A Better Thermostat Model and Point 1: limited power, and the amount of optimization."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.drawing.palette import GREEN, RED
from causalopt.effects.running import run
from causalopt.effects.sweeps.number_sweep import sweep_numbers
from causalopt.errors import QuestionError
from causalopt.model.files import load, parse_model, to_text
from causalopt.posts.charts import NATS, TIME, Chart, Line, curves, line_figure
from causalopt.posts.check import near

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causalopt.effects.sweeps.sweep import Sweep
    from causalopt.model.model import Model
    from causalopt.posts.sheet import Sheet

BETTER, POINT_1 = "A Better Thermostat Model", "Point 1"
GRID, START = np.linspace(5.0, 45.0, 401), "initial R"


def saturating(theta: float = 1.0, p: float = 1.0, dt: float = 0.02) -> Model:
    """Return Part 4's thermostat."""
    return load("thermostat_saturating").replace(parameters={"theta": theta, "p": p}, dt=dt)


def power_sweep(model: Model, steps: int = 500, *, estimate: bool = True) -> Sweep:
    """Return Comp and Op over the room's start."""
    return sweep_numbers(model, {"R[0]": GRID}, steps=steps, estimate=estimate)


def course(sheet: Sheet) -> None:
    """The saturating thermostat along one run."""
    part = sheet.under(BETTER)
    found = run(saturating(), steps=1000)
    sheet.picture(
        "W",
        "The room under a thermostat of limited power.",
        Chart([Line(found.time, found.W["R"], "room R")], TIME, "R in W", levels=(24.0, 26.0)),
        "From R_0 = 35, T_0 = 0, dt = 0.02, p = theta = 1; the band of half-width theta "
        "lies between the lines.",
    )
    lines = [
        Line(found.time, found.total, "(x - w)/delta", RED, "-"),
        Line(found.time, found.direct, "(y - w)/delta", GREEN, "--"),
    ]
    sheet.picture(
        "differences",
        "Differences between X and W, and Y and W.",
        Chart(lines, TIME, "difference of R from W, per delta"),
        "Whole in both until the room comes into the band.",
    )
    sheet.picture(
        "op",
        "Op = -log((x - w)/(y - w)).",
        Chart([Line(found.time, found.op)], TIME, NATS, marks=(9.0,)),
        "0 until t = 9, when R reaches 26; then a nat a time unit.",
    )
    entered = float(found.time[np.argmax(found.W["R"] < 26.0)])
    before = float(np.abs(found.op[found.time < entered]).max())
    part.claim(
        "linear-region",
        "Op = 0 while the room is in the linear region",
        before,
        before == 0.0,
        f"largest |Op| before R enters the band at t = {entered:g}",
    )
    first = float(found.time[np.argmax(found.op > 0)])
    part.number(
        "begins",
        "it only increases when it reaches the exponential region",
        first,
        f"first t with Op > 0, beside t = {entered:g} when R < 26",
        value=entered,
        within=0.05,
    )
    _printed_case(part)
    _printed_comp(sheet.under("opening"))


def _printed_comp(sheet: Sheet) -> None:
    """Comp as printed: a bare difference, then derivatives by A."""
    sizes = {}
    for delta in (1e-3, 1e-6):
        found = run(saturating(), steps=1000, delta=delta)
        assert found.X is not None
        sizes[delta] = float(found.X["R"][-1] - found.W["R"][-1])
    comp = float(run(saturating(), steps=1000).comp[-1])
    sheet.claim(
        "comp-limit",
        "Comp = lim [x^m - w^m]",
        ", ".join(f"delta = {delta:g}: {size:.3g}" for delta, size in sizes.items()),
        near(comp, sizes[1e-6], 0.01 * comp),
        f"the difference itself goes to 0 with delta; its ratio to y^m - w^m stays: {comp:.4g}",
    )
    try:
        run(saturating(), nudge="T[0]", hold="T", steps=1000)
        answer = "defined"
    except QuestionError as error:
        answer = str(error)
    sheet.claim(
        "comp-by-A",
        "Comp = |dx^m/dA| with A varying, over |dw^m/dA| with A constant",
        answer,
        answer == "defined",
        "with A constant there is no derivative by it: both are derivatives by the node n, "
        "ds^m/ds^n, over all paths and with A held",
    )


def _printed_case(sheet: Sheet) -> None:
    text = to_text(saturating()).split("facts:")[0].replace("p/theta*s", "0")
    found = run(parse_model(text), steps=1000)
    largest = float(np.nanmax(np.abs(found.op)))
    sheet.claim(
        "printed-case",
        "Therm = 0 for -theta < s < theta",
        largest,
        largest > 0,
        "largest |Op| under the printed case: it would be 0 everywhere; the text's "
        "'behaves like before' within the band needs (p/theta) s",
    )
    inside = run(saturating(), steps=500, given=()).op
    same = sweep_numbers(saturating(), {"R[0]": [25.5]}, steps=500).op[0]
    linear = run(load("thermostat").replace(parameters={"k": 0.02}), steps=500).op[-1]
    sheet.number(
        "like-before",
        "within the band it behaves like before",
        same,
        f"Op from R_0 = 25.5 at t = 10, beside the linear thermostat at k = dt p/theta "
        f"= 0.02; from R_0 = 35 it is {float(inside[-1]):.5f}",
        value=float(linear),
        within=1e-9,
    )


def starts(sheet: Sheet) -> None:
    """Which starts are optimized by t = 10."""
    part = sheet.under(BETTER)
    found = power_sweep(saturating())
    sheet.picture(
        "op",
        "Op at t = 10 against the room's start.",
        Chart([Line(GRID, found.op)], START, "Op(T; R_0, R_10) [nats]", marks=(24.0, 26.0)),
        "Grid step 0.1. Highest for starts inside the band.",
    )
    lit = GRID[found.op > 1e-12]
    reaches = (GRID > 25 - 11) & (GRID < 25 + 11)
    part.claim(
        "basin",
        "every start whose trajectory leads between 24 and 26 is optimized a bit",
        f"{lit.min():.1f} to {lit.max():.1f}",
        np.sum((found.op > 1e-12) != reaches) <= 2,
        "a start reaches the band by t = 10 if it lies within theta + p t = 11 of "
        "25, less one step",
    )
    best = GRID[found.op > found.op.max() - 1e-9]
    part.claim(
        "maximum",
        "the maximum Op are trajectories which start in this region",
        f"{best.min():.1f} to {best.max():.1f}",
        best.min() > 23.9 and best.max() < 26.1,
        f"there Op = {float(found.op.max()):.6f} nats",
    )


def amount(sheet: Sheet) -> None:
    """The amount of optimization, the integral of 1 - Comp from 5 to 45."""
    part = sheet.under(POINT_1)
    ours = "grid step 0.1, dt = 0.02, T_0 = 0: our choices; the printed digits fit them"
    slip = (
        "digits lost: on the same grid it is 19.9617, and no grid or step gives 19.611, "
        "for the integral hardly depends on theta"
    )
    cases = {"19.961": (1.0, 1.0), "19.611": (0.5, 1.0), "9.980": (1.0, 0.5)}
    for printed, (theta, p) in cases.items():
        found = power_sweep(saturating(theta, p))
        name, lines = f"theta-{theta:g}-p-{p:g}", [Line(GRID, 1 - found.comp)]
        sheet.picture(
            name,
            f"1 - Comp at t = 10, theta = {theta:g}, p = {p:g}.",
            Chart(lines, START, "1 - Comp at t = 10", limits=(-0.05, 1.05)),
            f"The area is {found.power:.4f}; the post prints {printed}.",
        )
        note = slip if printed == "19.611" else ours
        part.number(name, printed, found.power or 0, note, within=0.001)
    powers = {dt: integral(round(10 / dt), dt=dt) for dt in (0.01, 0.02, 0.05, 0.1)}
    part.claim(
        "dt",
        "no step is given",
        ", ".join(f"dt = {dt:g}: {power:.4f}" for dt, power in powers.items()),
        near(19.961, powers[0.02], 0.001),
        "sensitivity: the exact value is 2p(t - dt), so the printed 19.961 singles out dt = 0.02",
    )


def integral(steps: int = 500, **choices: float) -> float:
    """Return the integral of 1 - Comp over the room's starts.

    It takes the side of a positive nudge at every kink, whatever the points' statuses.
    """
    return power_sweep(saturating(**choices), steps, estimate=False).power or 0.0


def power(sheet: Sheet) -> None:
    """Optimizing power across p, theta and t."""
    thetas = np.array([0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0])
    ps, times = np.linspace(0.1, 1.8, 18), np.arange(1.0, 13.0)
    by_theta = [integral(theta=theta) for theta in thetas]
    by_p, by_p_half = ([integral(theta=theta, p=p) for p in ps] for theta in (1.0, 0.5))
    by_t = [integral(round(t / 0.02)) for t in times]
    named, name = {"theta = 0.5": by_p_half, "2 p t": 20 * ps}, "integral of 1 - Comp at t = 10"
    lines = [Line(ps, by_p, "theta = 1", marker="o"), *curves(ps, named)]
    panels = [Chart(lines, "p", name)]
    lines = [Line(thetas, by_theta, "integral", marker="o"), Line(thetas, 20 + 0 * thetas, "2 p t")]
    panels.append(Chart(lines, "theta", name, limits=(19.5, 20.1)))
    lines = [Line(times, by_t, "integral", marker="o"), Line(times, 2 * times, "2 p t")]
    panels.append(Chart(lines, TIME, "integral of 1 - Comp"))
    sheet.picture(
        "power",
        "Optimizing power across p, theta and t.",
        line_figure(*panels),
        "R_0 from 5 to 45 in steps of 0.1. Where not varied, p = theta = 1, t = 10.",
    )
    _power_claims(sheet.under(POINT_1), ps, by_p, by_theta, by_t[9])


def _power_claims(
    sheet: Sheet, ps: NDArray[np.float64], by_p: list[float], by_theta: list[float], at_10: float
) -> None:
    spread = float(max(by_theta) - min(by_theta))
    sheet.claim(
        "theta-free",
        "it (almost) no longer depends on theta",
        spread,
        spread < 0.06,
        "range of the integral over theta from 0.05 to 2, all of it the grid's: "
        "exactly it is 2p(t - dt) for every theta",
    )
    fit = np.polyfit(ps, by_p, 1)
    away = float(np.abs(np.polyval(fit, ps) - by_p).max())
    sheet.claim(
        "linear-p",
        "but depends linearly on p",
        away,
        away < 0.01,
        f"largest distance from a straight line of slope {fit[0]:.3f}, p from 0.1 to "
        "1.8; beyond, the basin, theta + p t to either side of 25, leaves [5, 45]",
    )
    sheet.number(
        "theta-0",
        "as theta -> 0 the integral remains the same",
        integral(theta=0.05),
        "at theta = 0.05, on a grid of 0.1",
        value=19.96,
        within=0.05,
    )
    sheet.claim(
        "2pt",
        "that power is equal to 2pt",
        at_10,
        abs(at_10 - 20) < 0.05,
        "20 to the two digits the argument needs; exactly 2p(t - dt), since T_0 = 0 "
        "does nothing in the first step",
    )
