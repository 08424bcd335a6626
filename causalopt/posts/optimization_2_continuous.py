"""Part 2, The Continuous Thermostat: polygons, their entropies, and the variance measure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from causalopt.drawing.palette import BLUE, INK
from causalopt.entropy.continuous import planar_strength, variance_strength
from causalopt.entropy.declared import strength
from causalopt.laws import gaussian, planar
from causalopt.laws.gaussian import GaussianLaw
from causalopt.model.files import load
from causalopt.posts.charts import Chart, Line, curves, line_figure
from causalopt.worlds.replacement import replace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalopt.entropy.entropies import Entropies
    from causalopt.laws.planar import AffinePiece, PlanarLaw, ProductDensity
    from causalopt.posts.sheet import Sheet

SECTION = "The Continuous Thermostat"
K, EPS = 0.3, 0.1


def turn(k: float) -> AffinePiece:
    """Return the step (R, T) -> (R - k T, R)."""
    return planar.AffinePiece(np.array([[1.0, -k], [1.0, 0.0]]), np.zeros(2))


def square(eps: float = EPS) -> PlanarLaw:
    """Return the uniform law on the square of side eps round (10, 10)."""
    return planar.uniform_box((10 - eps / 2, 10 - eps / 2), (10 + eps / 2, 10 + eps / 2))


def continuous(sheet: Sheet) -> None:
    """The continuous thermostat: a square, and what becomes of it."""
    part, before = sheet.under(SECTION), square()
    now = planar.step(before, [turn(K)])
    loose: ProductDensity = replace(now, [1], now)
    sheet.picture(
        "polygons",
        "The whole sequence for eps = 0.1, k = 0.3.",
        _sequence([before, now, planar.step(now, [turn(K)])], loose),
        "Room across, thermostat up; each panel about its own centre, all at one "
        "scale. Decorrelated, the law is the product of its two marginals.",
    )
    _corners(part, now)
    sides = sorted({round(length, 9) for length in _sides(now)})
    part.claim(
        "rhombus",
        "turns out to be a rhombus",
        f"sides {sides[0]:.4f} and {sides[-1]:.4f}",
        len(sides) == 1,
        "a parallelogram: its sides are k eps and sqrt(2) eps",
    )
    _entropies(part)


def _sequence(laws: list[PlanarLaw], loose: ProductDensity) -> Figure:
    figure = Figure(figsize=(12.0, 7.2), layout="constrained")
    grid = figure.subplots(2, 3)
    for axes, law, time in zip(grid[0], laws, ("t - 1", "t", "t + 1"), strict=True):
        for polygon, _ in law.pieces:
            axes.fill(*np.array(polygon).T, facecolor=BLUE, edgecolor=INK, alpha=0.6)
        centre = np.concatenate([np.array(p) for p, _ in law.pieces]).mean(axis=0)
        _frame(axes, centre, f"Time = {time}")
    centre, matrix = np.array([10 * (1 - K), 10.0]), turn(K).matrix
    _shade(grid[1, 1], loose, centre, "Time = t, decorrelated")
    later = planar.moved(loose, turn(K))
    _shade(grid[1, 2], later, matrix @ centre, "Time = t + 1, decorrelated")
    grid[1, 0].set_axis_off()
    return figure


def _shade(axes: Axes, law: ProductDensity, centre: np.ndarray, title: str) -> None:
    x = centre[0] + np.linspace(-0.15, 0.15, 181)
    y = centre[1] + np.linspace(-0.15, 0.15, 181)
    points = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    density = law.density(points).reshape(181, 181)
    axes.pcolormesh(x, y, density.T, cmap="Blues", shading="nearest", rasterized=True)
    _frame(axes, centre, title)


def _frame(axes: Axes, centre: np.ndarray, title: str) -> None:
    axes.set_xlim(centre[0] - 0.15, centre[0] + 0.15)
    axes.set_ylim(centre[1] - 0.15, centre[1] + 0.15)
    axes.set(aspect="equal", xlabel="room R", ylabel="thermostat T")
    axes.set_title(title, fontsize=10)


def _vertices(law: PlanarLaw) -> np.ndarray:
    return np.array(law.pieces[0][0])


def _sides(law: PlanarLaw) -> list[float]:
    points = _vertices(law)
    return [float(np.hypot(*edge)) for edge in np.roll(points, -1, axis=0) - points]


def _corners(sheet: Sheet, now: PlanarLaw) -> None:
    found = sorted(round(float(r - 10 * (1 - K)) / EPS, 6) for r, _ in _vertices(now))
    said = [-(1 - K), -K, K, 1 - K]
    sheet.claim(
        "corners",
        "R - 10(1-k) in units of eps: " + ", ".join(f"{v:g}" for v in said),
        ", ".join(f"{v:g}" for v in found),
        np.allclose(found, said),
        "the corners lie at eps/2 from the centre, not eps, and R - kT of the corners "
        "(+, -) and (-, +) moves by (1 + k), not k: +-(eps/2)(1 - k), +-(eps/2)(1 + k)",
    )


def _entropies(sheet: Sheet) -> None:
    found = strength(load("thermostat_uniform"), at=1, unit="nat")
    exact = K / 2 - math.log(K)
    sheet.claim(
        "strength",
        "clearly some sort of optimization; not easy to calculate",
        found.optimizing_strength,
        abs(found.optimizing_strength - exact) < 1e-9,
        f"nats; k/2 - ln k = {exact:.7f} for k <= 1, exactly",
    )
    sheet.claim(
        "adjusted",
        "(not computed)",
        found.adjusted,
        abs(found.adjusted) < 1e-9,
        "nats; all of the strength is mutual information, as for every invertible linear map",
    )
    narrow = load("thermostat_uniform").replace(parameters={"eps": 0.001})
    small = strength(narrow, at=1, unit="nat")
    sheet.claim(
        "negative",
        "entropies of continuous distributions may also be negative",
        small.S,
        small.S < 0,
        "S[P_t] in nats at eps = 0.001; the differences do not depend on eps: "
        f"strength {small.optimizing_strength:.7f}",
    )
    ks = np.linspace(0.05, 1.0, 20)
    steps = [[turn(k)] for k in ks]
    values = [planar_strength(planar.step(square(), one), one, A=1, unit="nat") for one in steps]
    sizes, adjusted = [v.optimizing_strength for v in values], [v.adjusted for v in values]
    lines = [Line(ks, sizes, "optimizing strength", marker="o")]
    lines += curves(ks, {"k/2 - ln k": ks / 2 - np.log(ks), "adjusted": adjusted})
    sheet.picture(
        "strength",
        "The entropies that were 'not easy to calculate'.",
        Chart(lines, "k", "nats"),
        "Uniform square, any eps; exact, from the polygons.",
    )


def variance(sheet: Sheet) -> None:
    """Variance in entropy's place."""
    part = sheet.under(SECTION)
    widths = np.logspace(0, -6, 13)
    found = {ratio: [_by_variance(sd, ratio * sd) for sd in widths] for ratio in (0.3, 1.0, 3.0)}
    plain = {
        f"T {ratio:g} times as wide": [one.optimizing_strength for one in rows]
        for ratio, rows in found.items()
    }
    adjusted = {
        name: [one.adjusted for one in rows]
        for name, rows in zip(plain, found.values(), strict=True)
    }
    panels = [
        Chart(curves(widths, named), "standard deviation of R", y, x_scale="log", limits=limits)
        for named, y, limits in (
            (plain, "log V[P'_t+1] - log V[P_t+1]", (0, 7)),
            (adjusted, "adjusted", (-1e-6, 1e-6)),
        )
    ]
    sheet.picture(
        "variance",
        "Gaussians of decreasing variance, k = 0.3.",
        line_figure(*panels),
        "V is the determinant of the covariance, in nats.",
    )
    worst = max(abs(one.adjusted) for rows in found.values() for one in rows)
    part.claim(
        "always-zero",
        "the adjusted version is always zero for this system",
        worst,
        worst < 1e-6,
        "largest over 39 Gaussians, V the determinant; it is a law: zero for every "
        "invertible linear map",
    )
    flat = max(np.ptp(rows) for rows in plain.values())
    part.claim(
        "fluctuates",
        "the non-adjusted version fluctuates a lot",
        flat,
        flat > 0.1,
        "range over six powers of ten of the width, at a fixed shape: it is constant, "
        "ln((1 + k²)/k²) = 2.494 for round Gaussians, and changes only with the shape or k. "
        "What fluctuated must have been the sampling or the shapes",
    )
    _total(part)


def _total(sheet: Sheet) -> None:
    total = _by_variance(1.0, 1.0, total=True)
    sheet.claim(
        "total",
        "(V of two variables is not defined in the text)",
        total.adjusted,
        abs(total.adjusted) > 0.1,
        "with V the sum of variances instead, the adjusted version is not zero; so the "
        "determinant must have been meant",
    )


def _by_variance(room: float, thermostat: float, *, total: bool = False) -> Entropies:
    matrix = turn(K).matrix
    start = GaussianLaw(("R", "T"), np.array([10.0, 10.0]), np.diag([room**2, thermostat**2]))
    return variance_strength(gaussian.step(start, matrix), matrix, A=["T"], total=total)
