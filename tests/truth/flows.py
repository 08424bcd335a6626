"""The flows of the dysts collection, all that have no delays, and scipy's integrator.

The authors' functions are run on names, and the texts that come out are the flows of a model; one
function, one model, no hand between. The oracle is the authors' own function, integrated by DOP853
to a relative 1e-12 together with its variational equations, whose slopes are taken through an
imaginary part; with A held, A's tangents stay 0. Here it is rk4, with its step halved until the
answer stands still, and extrapolated once. One period of each flow; n is the first variable at 0,
A the second, m the first. Flows that bend or jump (`abs`, `sign`, `max`) cost rk4 its order, and
have a tolerance of their own. Sums of exponents are the exponents of `rates` over two periods,
beside the divergence of the authors' function along the oracle's trajectory, integrated, and
fitted by a line as `rates` fits its own. A flow whose answer does not stand still at 16,000 steps a
period, or 32,000 where it bends, is counted and not compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

import causalopt
from tests.truth.foreign_flows import ForeignFlow, collection
from tests.truth.record import Comparison, Record

TITLE = "dysts, by scipy"
SHORT = ("Lorenz", "Lorenz96", "Chua", "CellCycle", "ArnoldWeb")
EXACT = ("ok", "perfect", "only_path", "no_influence")
PARTS = np.array([0.25, 0.5, 1.0])  # of a period: when the answers are compared
STILL = {False: 1e-6, True: 1e-4}  # by bends: two answers are as good as equal
TOLERANCE = {False: 1e-7, True: 3e-4}
FIRST = 500  # steps a period
LAST = {False: 16_000, True: 32_000}  # likewise, by bends
PERIODS = 2  # of a sum of exponents
LEAST = 4000  # steps a period, of a sum of exponents


def records(short: bool) -> Iterator[Record]:
    """Yield W, effects and sums of exponents; of five flows when short."""
    flows = [flow for flow in collection() if not short or flow.name in SHORT]
    exponents = Comparison(TITLE, "sums of exponents", 1e-5, "of the largest exponent")
    yield from trajectories(flows, exponents)
    yield exponents.record()


def trajectories(flows: list[ForeignFlow], exponents: Comparison) -> Iterator[Record]:
    """Yield W and effects, flows that bend apart; add sums of exponents of smooth ones."""
    for bends, kind in ((False, "smooth flows"), (True, "flows that bend")):
        unit = "of the largest"
        worlds = Comparison(TITLE, f"W of {kind}", TOLERANCE[bends], unit)
        effects = Comparison(TITLE, f"total and direct effect in {kind}", TOLERANCE[bends], unit)
        for flow in flows:
            if flow.bends == bends:
                steps = compare(flow, worlds, effects)
                if steps and not bends:
                    add_sum(flow, max(steps, LEAST), exponents)
        yield worlds.record()
        yield effects.record()


def compare(flow: ForeignFlow, worlds: Comparison, effects: Comparison) -> int:
    """Add one flow's W, and its effects at each time; return the steps a period, 0 for none."""
    times = np.append(0.0, PARTS) * flow.period
    found = converged(lambda steps: answers(flow, steps), flow.bends)
    if found is None:
        worlds.doubtful()
        effects.doubtful(len(PARTS))
        return 0
    here, status, steps = found
    w, total, direct = (x[..., 1:] for x in flow.integrated(times, held=1))
    worlds.add(flow.name, here[:-2], w, largest(w))
    pair = np.array([total[0], direct[0]])
    for i, part in enumerate(PARTS):
        if status[i] in EXACT:
            effects.add(
                f"{flow.name}, {part} periods", here[-2:, i], pair[:, i], np.abs(pair).max()
            )
        else:
            effects.doubtful()
    return steps


def largest(x: np.ndarray) -> np.ndarray:
    """Return each row's largest size, (rows, 1), 1 for rows of 0."""
    size = np.abs(x).max(axis=-1, keepdims=True)
    return np.where(size > 0, size, 1.0)


def answers(flow: ForeignFlow, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return W of all variables, total and direct, each at PARTS of a period, and the statuses."""
    at = np.rint(PARTS * steps).astype(int)
    found = causalopt.run(flow.model(steps), nudge="x0[0]", hold="x1", target="x0", steps=steps)
    rows = [found.W[f"x{i}"] for i in range(len(flow.initial))]
    return np.array([np.asarray(x)[at] for x in (*rows, found.total, found.direct)]), (
        found.status[at]
    )


Answers = Callable[[int], tuple[np.ndarray, np.ndarray]]


def converged(ask: Answers, bends: bool) -> tuple[np.ndarray, np.ndarray, int] | None:
    """Halve the step until answers stand still; extrapolate by rk4's order where there is one."""
    steps = FIRST
    before, _ = ask(steps)
    while steps < LAST[bends]:
        steps *= 2
        now, status = ask(steps)
        if (np.abs(now - before) / largest(now)).max() < STILL[bends]:
            return (now if bends else now + (now - before) / 15), status, steps
        before = now
    return None


def add_sum(flow: ForeignFlow, steps: int, exponents: Comparison) -> None:
    """Add a sum of exponents beside the slope of the integrated divergence, fitted likewise."""
    model = flow.model(steps)
    found = causalopt.rates(model, hold=(), steps=PERIODS * steps, transient=0)
    times = np.arange(PERIODS * steps + 1) / steps * flow.period
    there = np.polyfit(times, flow.divergence(times), 1)[0]
    scale = max(1 / flow.period, float(np.abs(found.lyapunov).max()))
    exponents.add(flow.name, sum(found.lyapunov), there, scale)
