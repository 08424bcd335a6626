"""Cases of noise: `escape` by operator and by walkers, and the engine's walkers alone."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import causalopt
from benchmarks.case import Case, Contestant, counted, sizes
from benchmarks.native import called

START, LEVEL, RATE = 1.0036973969363092, 1.195956513650254, 0.015
ACCURACY = 1e-3
WALKERS = 102_400


def c_walkers(
    count: int, steps: int, *, start: float = START, rate: float = RATE, seed: int = 1
) -> Callable[[], Any]:
    """Return where walkers end, in C, on the streams of the package's own walkers."""
    import numpy as np

    def call() -> Any:
        found = np.empty(count)
        called("kernels", "w3", found, count, steps, start, rate, seed)
        return found

    return call


def escaped(walkers: Any) -> Any:
    """Return the share of walkers beyond the level."""
    return float((walkers > LEVEL).mean())


@functools.cache
def walkers_for(probability: float) -> int:
    """Return how many walkers are as accurate as the operator is asked to be."""
    return math.ceil(probability * (1 - probability) / ACCURACY**2)


# Probabilities at T = 0.015, by an operator of 65,536 nodes: models/sgd_pit.yaml has two of them.
KNOWN = {100: 0.032404, 1_000: 0.32464, 10_000: 0.9812}


def operator_case(within: int) -> Case:
    """Return `escape` by operator, beside as many walkers in C as are as accurate."""
    count = walkers_for(KNOWN[within])

    def prepare() -> Callable[[], Any]:
        pit = causalopt.load("sgd_pit")
        return lambda: causalopt.escape(
            pit, start=START, beyond=LEVEL, within=within, parameters={"T": RATE}
        )

    return Case(
        "escape",
        "pit, by operator",
        f"within {counted(within)} steps",
        prepare,
        lambda found: found.probability,
        [
            Contestant(
                "C, walkers of error 0.001",
                lambda: c_walkers(count, within),
                lambda found: [escaped(found)],
                5 * ACCURACY / KNOWN[within],
            )
        ],
        work=("descents/",),
    )


def ensemble_case(within: int) -> Case:
    """Return `escape` by walkers, beside the same walkers in C."""

    def prepare() -> Callable[[], Any]:
        pit = causalopt.load("sgd_pit")
        return lambda: causalopt.escape(
            pit,
            start=START,
            beyond=LEVEL,
            within=within,
            parameters={"T": RATE},
            method="ensemble",
            walkers=WALKERS,
            seed=1,
        )

    return Case(
        "escape",
        f"pit, {counted(WALKERS)} walkers",
        f"within {counted(within)} steps",
        prepare,
        lambda found: found.probability,
        [
            Contestant(
                "C, the same walkers",
                lambda: c_walkers(WALKERS, within),
                lambda found: [escaped(found)],
                3 / WALKERS / KNOWN[within],
            )
        ],
    )


def walkers_case() -> Case:
    """Return the engine's walkers without what is round them."""
    rate, steps = 0.0125, 1_000

    def prepare() -> Callable[[], Any]:
        import numpy as np

        from causalopt.descents.chain import chain_of
        from causalopt.descents.walkers.ensemble import run_ensemble

        chain = chain_of(causalopt.load("sgd_pit").replace(parameters={"T": rate})).step
        starts = np.full((1, WALKERS), 1.0)
        return lambda: run_ensemble(chain, starts, [steps], seed=1, compiled=True).states[0, 0]

    return Case(
        "(engine) walkers",
        "pit, T = 0.0125, 1,000 steps",
        f"{counted(WALKERS)} walkers",
        prepare,
        lambda found: [(found < LEVEL).mean(), *found[:64]],
        [
            Contestant(
                "C",
                lambda: c_walkers(WALKERS, steps, start=1.0, rate=rate),
                lambda found: [(found < LEVEL).mean(), *found[:64]],
                1e-5,
            )
        ],
        fresh=False,
    )


def cases() -> list[Case]:
    """Return them all."""
    return [
        *sizes((100, 1_000, 10_000), operator_case, quick=100),
        *sizes((100, 1_000, 10_000), ensemble_case, quick=100),
        walkers_case(),
    ]
