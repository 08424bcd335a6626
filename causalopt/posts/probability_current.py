"""SGD Understood through Probability Current: drift, spread, and where it all ends."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from causalopt.descents.chain import chain_of
from causalopt.descents.escape.evolution import (
    evolve_by_diffusion,
    evolve_by_ensemble,
    evolve_by_operator,
    normal_points,
)
from causalopt.descents.landscape import landscape
from causalopt.descents.transfer.grid import Box
from causalopt.drawing.palette import BLUE
from causalopt.drawing.plots.of_escape import plot_densities, plot_moments
from causalopt.drawing.plots.of_landscape import plot_landscape
from causalopt.effects.running import run
from causalopt.model.files import load
from causalopt.posts.charts import STEPS, Chart, Line, curves
from causalopt.posts.pit import pit, root
from causalopt.posts.post import Post
from causalopt.posts.probability_current_ends import basins, end_states, original
from causalopt.posts.probability_current_equations import equations

if TYPE_CHECKING:
    from causalopt.descents.maps.random_map import RandomMap
    from causalopt.posts.sheet import Sheet

FIRST, SECOND = "Validation of the First Term", "Validation of the Second Term"
T = 0.02


def gradients(sheet: Sheet) -> None:
    """G and S of the system with the pit."""
    part = sheet.under("Gradient Variance")
    seen = landscape(load("sgd_pit"))
    points = np.linspace(0, 3, 1201)
    G = seen.evaluate(seen.mean[0], points[np.newaxis])
    S2 = seen.evaluate(seen.covariance[0][0], points[np.newaxis])
    sheet.picture(
        "G-and-S",
        "G and S.",
        Chart(curves(points, {"G": G, "S": np.sqrt(S2)}), "W", "gradient", levels=(0.0,)),
        "The mean gradient and the standard deviation over the two datapoints.",
    )
    sheet.picture(
        "slopes",
        "G, S² and their slopes.",
        plot_landscape(seen, points),
        "(S²)' is the first of the 'large first and second derivatives' that the text blames.",
    )
    rising = np.flatnonzero((G[:-1] <= 0) & (G[1:] > 0))
    slope = functools.partial(seen.evaluate, seen.mean[0])
    stable = [root(slope, points[i], points[i + 1]) for i in rising]
    part.claim(
        "stable",
        "stable equilibria of descent on L at ~1 and 2",
        ", ".join(f"{W:.3f}" for W in stable),
        len(stable) == 2 and np.allclose(stable, [1, 2], atol=0.02),
        "the zeros through which G rises, to the last digit",
    )
    at = np.array([[1.0, *stable]])
    spread = np.sqrt(seen.evaluate(seen.covariance[0][0], at))
    G = slope(at)
    part.claim(
        "zeros-apart",
        "the zeros of G and S² around the pit are not quite in the same place",
        f"S² = 0 at 1, where G = {G[0]:.3f}; G = 0 at {stable[0]:.5f}, where S = {spread[1]:.3f}",
        spread[0] < 1e-9 < abs(G[0]) and spread[1] > 0.1,
    )
    part.claim(
        "only-2",
        "both are zero at the same place only at 2",
        spread[2],
        max(abs(G[2]), spread[2]) < 1e-12 < spread[1],
        "S at W = 2; exactly, it is 200 exp(-100)/2, about 4e-42: zero for every purpose",
    )
    _one_step(part)


def _one_step(sheet: Sheet) -> None:
    """A point of probability becomes a law of mean W - T G and variance T² S²."""
    chain, seen = chain_of(load("sgd_pit")).step, landscape(load("sgd_pit"))
    at = np.linspace(0.5, 2.5, 41)[np.newaxis]
    mean = at[0] - T * seen.evaluate(seen.mean[0], at)
    spread = T**2 * seen.evaluate(seen.covariance[0][0], at)
    images = chain.images(at)[:, 0]
    worst = max(np.abs(images.mean(axis=0) - mean).max(), np.abs(images.var(axis=0) - spread).max())
    sheet.claim(
        "one-step",
        "a point goes to mean W - T G and variance T² S²",
        worst,
        worst < 1e-14,
        "largest difference over 41 points, T = 0.02",
    )


def full_batch() -> RandomMap:
    """Return the descent on L, without noise, as a chain."""
    return chain_of(pit(T=T, full=True)).step


def first_term(sheet: Sheet) -> None:
    """The first term: probability flows down the gradient."""
    part = sheet.under(FIRST)
    starts = np.linspace(0.0, 3.0, 25)
    courses = [run(pit(T=T, start=float(W), full=True), steps=400).W["W"] for W in starts]
    t = np.arange(401)
    lines = [Line(t, W, colour=BLUE, dash="-", pale=0.3) for W in courses]
    sheet.picture(
        "courses",
        "W over t for a series of initial values.",
        Chart(lines, STEPS, "W", levels=(1.0, 2.0)),
        "T = 0.02, no stochasticity. Streams end in the pit or in the well.",
    )
    chain, times = full_batch(), np.arange(0, 101, 10, dtype=float)
    for name, mean, deviation in (("left", 0.5, 0.175), ("wide", 1.5, 0.4)):
        points = normal_points(mean, deviation, 4000)
        flow = evolve_by_diffusion(chain, points, times, cells=400)
        figure = plot_densities(flow)
        figure.axes[0].set(xlim=(0, 2.8), ylim=(0, 6))
        sheet.picture(
            f"law-{name}",
            f"A law of mean {mean:g} and deviation {deviation:g}, every ten steps.",
            figure,
            "By the current -T G P alone. Peaks in the pit and the well go on far above the frame.",
        )
    times = np.arange(0, 301, 20, dtype=float)
    points = normal_points(0.5, 0.175, 1000)
    walkers = evolve_by_ensemble(chain, points, times)
    flow = evolve_by_diffusion(chain, points, times, cells=2400, step=0.25)
    sheet.picture(
        "moments",
        "Means and deviations: Monte Carlo and differential equation.",
        plot_moments({"Monte Carlo": walkers, "current": flow}),
        "1000 starts from a normal law of mean 0.5 and deviation 0.175.",
    )
    apart, text = np.abs(walkers.mean - flow.mean).max(), "Yes there are two lines there"
    part.claim("means", text, apart, apart < 0.02, "largest distance of the means over 300 steps")
    wide = float(np.abs(walkers.deviation - flow.deviation).max())
    part.claim(
        "deviations",
        "an accurate description; the rest is imperfect matching of the start",
        wide,
        wide < 0.02,
        "largest distance of the standard deviations. Here both start from the same "
        "points; what is left is time in steps against continuous time",
    )


def spreading(sheet: Sheet) -> None:
    """The second term: g = -1 and +1 only spread."""
    chain = chain_of(load("sgd_spread")).step
    times = np.arange(0, 501, 50, dtype=float)
    points = normal_points(0.0, 0.05, 500)
    flow = evolve_by_diffusion(chain, points, times, cells=1200)
    walkers = evolve_by_ensemble(chain, points, times, copies=20, seed=3)
    # The law's own reach: fifteen cells a deviation at the start, where the chain's would give two.
    room, fine = Box((-2.0,), (2.0,), closed=True), normal_points(0.0, 0.05, 4000)
    smooth = evolve_by_diffusion(chain, fine, times, cells=1200, bounds=room)
    figure = plot_densities(smooth)
    figure.axes[0].set_xlim(-1.5, 1.5)
    caption = "G = 0, S² = 1, T = 0.02; every 50 steps."
    sheet.picture("laws", "A concentrated law broadens.", figure, caption)
    sheet.picture(
        "moments",
        "Deviations: Monte Carlo and differential equation.",
        plot_moments({"10,000 walkers": walkers, "diffusion": flow}),
        "The mean stays at 0 to within a walker's noise.",
    )
    exact = np.sqrt(flow.deviation[0] ** 2 + T**2 * times)
    worst = np.abs(walkers.deviation - exact).max()
    part = sheet.under(SECOND)
    note = "largest distance of Monte Carlo's deviation from sqrt(V + T² t)"
    part.claim("monte-carlo", "Looking good", worst, worst < 0.02, note)
    growth = (flow.deviation[-1] ** 2 - flow.deviation[0] ** 2) / 500 / T**2
    note = "growth of the variance per step in units of T² S², by the diffusion"
    part.number("variance", "1", growth, note, within=0.01)


def linear(sheet: Sheet) -> None:
    """The last validation: linear gradients, T = 0.5."""
    part = sheet.under(SECOND)
    model = load("sgd_linear")
    seen = landscape(model)
    at = np.array([[0.5, 1.0, 2.0]])
    ratio = seen.evaluate(seen.covariance[0][0], at) / at[0] ** 2
    part.number(
        "S2",
        "0.4",
        ratio.mean(),
        "S²/W² from g_0 = 1.2 W - 2 and g_1 = 0.8 W - 2: (0.2 W)² = 0.04 W²; a digit was lost",
    )
    G = seen.evaluate(seen.mean[0], at) - (at[0] - 2)
    part.number("G", "0", np.abs(G).max(), "G - (W - 2)", within=1e-12)
    chain, times = chain_of(model).step, np.arange(0, 13, dtype=float)
    points = normal_points(0.8, 0.15, 500)
    flow = evolve_by_diffusion(chain, points, times, cells=1200, step=0.05)
    smooth = evolve_by_diffusion(chain, normal_points(0.8, 0.15, 4000), times, cells=200, step=0.05)
    exact = evolve_by_operator(chain, points, times, nodes=1500)
    walkers = evolve_by_ensemble(chain, points, times, copies=20, seed=4)
    sheet.picture(
        "laws",
        "The law moves to the centre and does not concentrate.",
        plot_densities(smooth),
        "The post gives no start: a normal law of mean 0.8 and deviation 0.15, our choice.",
    )
    sheet.picture(
        "moments",
        "Mean and deviation: three ways.",
        plot_moments({"10,000 walkers": walkers, "operator": exact, "diffusion": flow}),
        "The diffusion lags at T = 0.5: it decays by exp(-T) a step, the chain by 1 - T.",
    )
    note = "the law moves to the centre: mean after 12 steps"
    part.number("mean", "2", exact.mean[-1], note, within=0.01)
    deviation = float(exact.deviation[-1])
    part.number(
        "deviation",
        "doesn't concentrate due to the gradient variance",
        deviation,
        "standard deviation after 12 steps; the chain's own limit is sqrt(2/37) = "
        f"0.2325, the diffusion reaches {float(flow.deviation[-1]):.4f}",
        value=float(np.sqrt(2 / 37)),
        within=1e-3,
    )


POST = Post(
    "sgd2",
    "SGD Understood through Probability Current",
    {
        "gradients": gradients,
        "equations": equations,
        "first-term": first_term,
        "spreading": spreading,
        "linear": linear,
        "end-states": end_states,
        "original": original,
        "basins": basins,
    },
    demo=("gradients", "equations", "linear"),
    intro="Probability as something that flows: down the mean gradient G, and apart with S².",
)
