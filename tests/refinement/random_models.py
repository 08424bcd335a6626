"""Random models with a power that is known otherwise, and how often the stated error covers it.

`python -m tests.refinement.random_models 20` prints the table of docs/refinement.md.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import causalopt
from causalopt import Model
from tests.refinement.known_cases import linear_power, of_rule

Draw = np.random.Generator


@dataclasses.dataclass(frozen=True)
class Case:
    """A model, its ranges, the last step, and the power over them, or the size above a level."""

    model: Model
    over: dict[str, tuple[float, float]]
    steps: int
    truth: float
    known_to: float = 1e-12  # of the box
    level: float | None = None

    @property
    def volume(self) -> float:
        return float(np.prod([high - low for low, high in self.over.values()]))


def _range(draw: Draw) -> tuple[float, float]:
    low = draw.uniform(2, 18)
    return low, low + draw.uniform(5, 30)


def _telescoped(model: Model, steps: int, ends: tuple[float, float]) -> float:
    """Return power where R reaches m directly with slope 1 and W is continuous: what m lost."""
    first, last = (causalopt.run(model, initial={"R": end}, steps=steps).W["R"][-1] for end in ends)
    return float((ends[1] - ends[0]) - (last - first))


def _of_nudged_axis(model: Model, steps: int, draw: Draw) -> Case:
    ends = _range(draw)
    return Case(model, {"R[0]": ends}, steps, _telescoped(model, steps, ends))


def saturating(draw: Draw) -> Case:
    values = {"d": draw.uniform(20, 30), "theta": draw.uniform(0.3, 3), "p": draw.uniform(0.3, 3)}
    model = causalopt.load("thermostat_saturating").replace(
        parameters=values, dt=float(draw.choice([0.02, 0.05, 0.1]))
    )
    return _of_nudged_axis(model, int(draw.integers(20, 300)), draw)


def _feedback(terms: str, steps: int, draw: Draw) -> Case:
    return _of_nudged_axis(of_rule("R[t-1] + T[t]", held=terms.replace("x", "R[t-1]")), steps, draw)


def smooth(draw: Draw) -> Case:
    gain, d, width = draw.uniform(0.01, 0.3), draw.uniform(20, 30), draw.uniform(0.3, 3)
    return _feedback(f"-{gain!r}*tanh((x - {d!r})/{width!r})", int(draw.integers(3, 60)), draw)


def piecewise_linear(draw: Draw) -> Case:
    parts = [
        f"-{draw.uniform(0.02, 0.4)!r}*clip((x - {draw.uniform(10, 40)!r})"
        f"/{draw.uniform(0.3, 4)!r}, -1, 1)"
        for _ in range(int(draw.integers(1, 5)))
    ]
    return _feedback(" ".join(parts), int(draw.integers(3, 60)), draw)


def bent(draw: Draw) -> Case:
    parts = [f"{draw.uniform(-0.2, 0.2)!r}*abs(x - {draw.uniform(10, 40)!r})" for _ in range(3)]
    return _feedback(" + ".join(parts), int(draw.integers(3, 60)), draw)


def many_basins(draw: Draw) -> Case:
    """Basins divided by places too narrow for any grid, where Comp is as large as it likes."""
    wave = f"-{draw.uniform(0.05, 0.8)!r}*sin(x*{draw.uniform(0.2, 1.2)!r})"
    return _feedback(wave, int(draw.integers(3, 60)), draw)


def over_gain(draw: Draw) -> Case:
    low = draw.uniform(0, 0.3)
    ends, steps = (low, low + draw.uniform(0.05, 0.6)), int(draw.integers(5, 40))
    power = linear_power(*ends, steps)
    return Case(causalopt.load("thermostat"), {"k": ends}, steps, power, known_to=1e-9)


def varying_direct(draw: Draw) -> Case:
    """The direct effect varies too; the truth is a grid of a million points."""
    held = f"clip((R[t-1] - {draw.uniform(20, 30)!r})/{draw.uniform(0.5, 3)!r}, -1, 1)"
    rule = (
        f"R[t-1] + {draw.uniform(-0.2, 0.2)!r}*sin({draw.uniform(0.2, 2)!r}*R[t-1]) "
        f"- {draw.uniform(0.05, 0.5)!r}*T[t-1] "
        f"+ {draw.uniform(-0.1, 0.1)!r}*abs(R[t-1] - {draw.uniform(15, 35)!r})"
    )
    return _of_fine_grid(of_rule(rule, held=held), int(draw.integers(3, 30)), draw)


def jumping(draw: Draw) -> Case:
    """W jumps, by a comparison; the truth is a grid of a million points."""
    held = (
        f"where(R[t-1] > {draw.uniform(20, 30)!r}, {draw.uniform(0.1, 0.5)!r}*R[t-1], "
        f"{draw.uniform(-0.3, 0.3)!r})"
    )
    rule = f"R[t-1] - {draw.uniform(0.05, 0.5)!r}*T[t-1]"
    return _of_fine_grid(of_rule(rule, held=held), int(draw.integers(3, 30)), draw)


def _of_fine_grid(model: Model, steps: int, draw: Draw) -> Case:
    low, high = _range(draw)
    found: Any = causalopt.sweep(
        model, {"R[0]": np.linspace(low, high, 1_000_001)}, steps=steps, estimate=False
    )
    return Case(model, {"R[0]": (low, high)}, steps, found.power, known_to=1e-5)


def plane(draw: Draw) -> Case:
    """Over the room's start and the heating's power; along the first axis it telescopes."""
    case = saturating(draw)
    ends, powers = case.over["R[0]"], np.linspace(0.3, 2, 4001)
    found: Any = causalopt.sweep(
        case.model, {"p": powers, "R[0]": list(ends)}, steps=case.steps, estimate=False
    )
    lost = (ends[1] - ends[0]) - (found.values[:, 1] - found.values[:, 0])
    power = float(np.trapezoid(lost, powers))
    return Case(case.model, {"R[0]": ends, "p": (0.3, 2.0)}, case.steps, power, known_to=1e-6)


def length(draw: Draw) -> Case:
    """Where Op lies above a level, over one axis; the truth is a grid of a million points."""
    case, level = saturating(draw), draw.uniform(0.1, 4)
    low, high = case.over["R[0]"]
    found: Any = causalopt.sweep(
        case.model, {"R[0]": np.linspace(low, high, 1_000_001)}, steps=case.steps, estimate=False
    )
    truth = float(np.mean(found.op > level)) * (high - low)
    return dataclasses.replace(case, truth=truth, known_to=1e-5, level=level)


def area(draw: Draw) -> Case:
    """The same over two axes; the truth is a grid of the middles of 1000 x 1000 cells."""
    case, level = saturating(draw), draw.uniform(0.1, 4)
    over = {"R[0]": case.over["R[0]"], "p": (0.3, 2.0)}
    middles = (np.arange(1000) + 0.5) / 1000
    grid = {name: low + (high - low) * middles for name, (low, high) in over.items()}
    found: Any = causalopt.sweep(case.model, grid, steps=case.steps, estimate=False)
    whole = dataclasses.replace(case, over=over, known_to=1e-4, level=level)
    return dataclasses.replace(whole, truth=float(np.mean(found.op > level)) * whole.volume)


KINDS: dict[str, Callable[[Draw], Case]] = {
    "saturating thermostats": saturating,
    "smooth feedback": smooth,
    "piecewise linear feedback": piecewise_linear,
    "feedback with bends": bent,
    "many basins": many_basins,
    "thermostats over k": over_gain,
    "a direct effect that varies": varying_direct,
    "W that jumps": jumping,
    "two axes": plane,
    "length above a level": length,
    "area above a level, two axes": area,
}


# The truth of these is a grid of a million points: half as many are asked.
DEAR = frozenset(list(KINDS)[-5:])


def outcomes(kind: str, count: int, points: tuple[int, ...]) -> Iterator[tuple[int, float, float]]:
    """Yield points, true error and stated error, both as shares of the box, of random models."""
    draw = np.random.default_rng(sum(map(ord, kind)))
    for _ in range(count):
        case = KINDS[kind](draw)
        for most in points:
            found = causalopt.refine(
                case.model,
                case.over,
                points=most,
                steps=case.steps,
                level=case.level,
                estimate=False,
            )
            value, error = found.asked_integral
            apart = max(abs(value - case.truth) - case.known_to * case.volume, 0.0)
            yield most, apart / case.volume, error / case.volume


def main(count: int) -> None:
    """Print a row for each kind: how many errors were covered, and how large they were."""
    sys.stdout.write("| models | points | covered | true error | stated error |\n")
    sys.stdout.write("|---|---:|---:|---:|---:|\n")
    for kind in KINDS:
        sizes = (300, 1000) if "two axes" in kind else (100, 300, 1000)
        asked = count // 2 if kind in DEAR else count
        rows = np.array(list(outcomes(kind, asked, sizes)))
        for most in sizes:
            _, apart, stated = rows[rows[:, 0] == most].T
            covered = int((apart <= stated).sum())
            sys.stdout.write(
                f"| {kind} | {most} | {covered} of {len(apart)} | {np.median(apart):.1e} | "
                f"{np.median(stated):.1e} |\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
