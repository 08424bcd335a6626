"""Probability Current, Solving for End-States, and what its solver could not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.descents.chain import chain_of
from causalopt.descents.diffusions.end_state import end_state
from causalopt.descents.escape.basins import compare_basins
from causalopt.descents.escape.by_diffusion import escape_by_diffusion
from causalopt.descents.escape.by_operator import escape_by_operator
from causalopt.descents.escape.escape import Escape
from causalopt.descents.escape.evolution import evolve_by_diffusion, evolve_by_operator
from causalopt.descents.escape.quasi_potential import quasi_potential
from causalopt.drawing.plots.of_escape import plot_moments
from causalopt.model.files import load
from causalopt.posts.charts import Chart, Line, line_figure
from causalopt.posts.pit import chain_at, stationary

if TYPE_CHECKING:
    from causalopt.descents.maps.random_map import Array, RandomMap
    from causalopt.posts.sheet import Sheet

ENDS, ORIGINAL = "Solving for End-States", "Validation of the Second Term"


def end_states(sheet: Sheet) -> None:
    """End-states: where the current vanishes."""
    part = sheet.under(ENDS)
    chain = chain_of(load("sgd_linear")).step
    points = np.linspace(0.8, 4.0, 1601)
    names = {0.0: "alpha = 0 (Ito)", 0.5: "alpha = 1/2 (the post)", 1.0: "alpha = 1 (Fick)"}
    laws = {alpha: end_state(chain, points, alpha=alpha) for alpha in names}
    long = evolve_by_operator(chain, np.full(1, 2.0), np.array([200]), nodes=1500)
    kept = (long.nodes > 0.8) & (long.nodes < 4.0)
    below = np.cumsum(long.mass[0])
    lines = [Line(long.nodes[kept], below[kept], "the chain itself", colour="#8c8c8c", dash="-")]
    step = points[1] - points[0]
    lines += [Line(points, np.cumsum(law) * step, names[alpha]) for alpha, law in laws.items()]
    sheet.picture(
        "linear",
        "End states of the linear system, T = 0.5.",
        Chart(lines, "W", "P(below W)"),
        "The chain against the diffusion under three readings of the spread, as distribution "
        "functions: the chain's own law is too ragged for a density.",
    )
    printed = _slope(chain, points)
    ours = {
        alpha: float(np.abs(np.gradient(np.log(law), points) - printed)[5:-5].max())
        for alpha, law in laws.items()
    }
    best = min(ours, key=ours.__getitem__)
    part.claim(
        "last-line",
        "d(log P)/dW = -½ d(log S²)/dW - 2G/(T S²)",
        f"alpha = {best:g}",
        best == 0.5 and ours[best] < 0.01,
        "the last printed line is the end state of alpha = 1/2, the 'heat capacity' "
        "argument; the master equation printed above it has another",
    )
    means = {alpha: float(np.trapezoid(points * law, points)) for alpha, law in laws.items()}
    part.claim(
        "mean",
        "(no number)",
        ", ".join(f"{a:g}: {m:.4f}" for a, m in means.items()),
        abs(means[0.0] - 2) < 1e-3,
        "means by alpha; the chain's is exactly 2, which only alpha = 0 keeps: drift "
        "applied before the step is Ito's",
    )


def _slope(chain: RandomMap, points: Array) -> Array:
    """Return the printed slope of log P, from one step's drift -T G and variance T² S²."""
    states = points[np.newaxis]
    drift, variance = chain.drift(states)[0], chain.covariance(states)[0, 0]
    return np.asarray(-0.5 * np.gradient(np.log(variance), points) + 2 * drift / variance)


def original(sheet: Sheet) -> None:
    """The original system, on which the author's solver fell apart."""
    part, chain, (bottom, rim) = sheet.under(ORIGINAL), chain_at(0.02), stationary()
    times = np.array([0, 10, 20, 50, 100, 200, 400, 1000])
    start = np.full(1, bottom)
    exact = evolve_by_operator(chain, start, times, nodes=3000)
    flow = evolve_by_diffusion(chain, start, times, cells=3000)
    sheet.picture(
        "moments",
        "The pit at T = 0.02, from its bottom.",
        plot_moments({"operator": exact, "diffusion": flow}),
        "The operator moves the law by the map itself.",
    )
    panels = []
    for place in (2, 4, 5):
        lines = [
            Line(found.nodes, np.cumsum(found.mass[place]), name)
            for name, found in (("operator", exact), ("diffusion", flow))
        ]
        panels.append(Chart(lines, "W", "P(below W)", f"step {times[place]}", marks=(rim,)))
    sheet.picture(
        "laws",
        "The law at steps 20, 100 and 200, as a distribution function.",
        line_figure(*panels, height=3.2),
        "The dotted line is the rim of the pit; the step at 2 is what has escaped.",
    )
    lowest = flow.mass.min()
    part.claim(
        "instability",
        "falls apart on the original system: a lot of instability",
        f"least mass {lowest:.1e}, {flow.lost:.1e} lost by rounding",
        lowest < 0 or flow.lost > 1e-6,
        "a matter of the scheme, not of the equation: with Chang-Cooper's fluxes and "
        "implicit steps no mass is ever negative and none is lost",
    )
    question = Escape((bottom,), rim, (100, 1000))
    law = escape_by_operator(chain, question, nodes=3000).probability
    picture = escape_by_diffusion(chain, question).probability
    part.claim(
        "approximation",
        "high T cause the model to break down",
        f"diffusion {picture[0]:.3f}, {picture[1]:.3f}; chain {law[0]:.3f}, {law[1]:.3f}",
        abs(picture[1] - law[1]) > 0.05,
        "escape by steps 100 and 1000 at T = 0.02, which is high for the pit: there "
        "the diffusion is only an approximation of the chain",
    )


def basins(sheet: Sheet) -> None:
    """Wide and narrow minima."""
    model = load("sgd_basins")
    chain = chain_of(model).step
    share = compare_basins(chain, 0.0)
    barriers = [quasi_potential(chain, start, 0.0) for start in (-2.5, 2.5)]
    times = np.array([0, 100, 1000, 10000, 100000])
    found = evolve_by_operator(chain, np.full(1, -2.5), times, nodes=1200)
    lines = [
        Line(found.nodes, np.cumsum(row), f"step {step:,}")
        for step, row in zip(times[1:], found.mass[1:], strict=True)
    ]
    sheet.picture(
        "laws",
        "A narrow well at -2.5 and one twice as wide at 2.5.",
        Chart(lines, "W", "P(below W)", marks=(0.0,)),
        "All walkers start in the narrow well; the model is ours, the post has none.",
    )
    sheet.under(ENDS).claim(
        "wider",
        "the density at the wider minimum is a lot higher",
        share.right,
        share.right > 0.99,
        f"share of the long run spent in the basin twice as wide; status {share.status}",
    )
    ratio = barriers[1] / barriers[0]
    sheet.under(ENDS).number(
        "four",
        "four times that of the narrower one",
        ratio,
        "ratio of the climbs in nats (quasi-potential of the chain at finite T; the "
        "shallow bowl and T take it off 4, which is the limit of small T)",
        value=4.0,
        within=0.6,
    )
    sheet.under(ENDS).number(
        "e4",
        "56",
        np.exp(4),
        "struck out by the author: 'e^-4 = 56' must be e^4 = 54.6, and even that "
        "holds only for a barrier of 4/3 nats; 'a lot' is right",
        within=0.5,
    )
    quiet = chain_of(model.replace(parameters={"width_left": 1, "noise_right": 0.65})).step
    calm = compare_basins(quiet, 0.0)
    sheet.under("What's the point?").claim(
        "low-variance",
        "SGD is also biased towards regions of low variance",
        calm.right,
        calm.right > 0.5,
        "two wells of one width, the right one with half the noise: its share of the long run",
    )
