"""Escape from the pit: the operator's time against Monte Carlo's at equal accuracy.

Run from the repository: `python benchmarks/escape.py`. Both times are taken in this one run; the
ratio is what carries over to another machine. Walkers come to rest once they have escaped, so the
longer run costs less a step.
"""

from __future__ import annotations

import math
import time

import numpy as np

from causalopt.descents.chain import chain_of
from causalopt.descents.escape.by_ensemble import escape_by_ensemble
from causalopt.descents.escape.by_operator import escape_by_operator
from causalopt.descents.escape.escape import Escape
from causalopt.descents.walkers.ensemble import run_ensemble
from causalopt.model.files import load

START, LEVEL = 1.0036973969363092, 1.195956513650254
ACCURACY = 1e-3


def measured(action, repeats=3):
    """Return the best of several processor times in seconds, and the result.

    Processor time, summed over threads, does not count what other programs do to this machine.
    """
    best, result = math.inf, None
    for _ in range(repeats):
        began = time.process_time()
        result = action()
        best = min(best, time.process_time() - began)
    return best, result


def compare(temperature: float, within: int) -> None:
    """Print one row: reference, both members' deviation and time, and the ratio of times."""
    chain = chain_of(load("sgd_pit").replace(parameters={"T": temperature})).step
    question = Escape((START,), LEVEL, (within,))
    reference = escape_by_operator(chain, question, tolerance=1e-5, relative=1e-3).probability[0]
    took, answer = measured(
        lambda: escape_by_operator(chain, question, tolerance=ACCURACY, relative=1.0)
    )
    walkers = math.ceil(reference * (1 - reference) / ACCURACY**2)
    sampling, sampled = measured(
        lambda: escape_by_ensemble(chain, question, walkers=walkers, seed=1), repeats=2
    )
    print(
        f"{temperature:7.4f} {within:6d} {reference:12.7f} "
        f"{abs(answer.probability[0] - reference):9.1e} {took:8.3f} "
        f"{walkers:8d} {abs(sampled.probability[0] - reference):9.1e} {sampling:9.3f} "
        f"{sampling / took:8.1f}"
    )


def walkers_per_second(walkers: int, steps: int) -> None:
    """Print the ensemble's speed in walker-steps, by numpy and by machine code."""
    chain = chain_of(load("sgd_pit")).step
    start = np.full((1, walkers), START)
    for compiled in (False, True):
        took, _ = measured(
            lambda flag=compiled: run_ensemble(chain, start, [steps], seed=1, compiled=flag)
        )
        kind = "machine code" if compiled else "numpy"
        print(
            f"ensemble by {kind}, {walkers:,} walkers x {steps:,} steps: "
            f"{took:.2f} s, {1e9 * took / walkers / steps:.2f} ns a walker-step"
        )


def main() -> None:
    """Print both tables."""
    print("      T      N    reference  operator  seconds  walkers   ensemble   seconds    ratio")
    for temperature, within in ((0.0125, 1000), (0.015, 1000), (0.02, 100), (0.015, 10_000)):
        compare(temperature, within)
    walkers_per_second(100_000, 1000)
    walkers_per_second(100_000, 10_000)
    rare = Escape((START,), LEVEL, (73,))
    chain = chain_of(load("sgd_pit").replace(parameters={"T": 0.005})).step
    took, answer = measured(lambda: escape_by_operator(chain, rare))
    print(
        f"rare event at T = 0.005, N = 73: {answer.probability[0]:.4e} +- {answer.error[0]:.1e} "
        f"in {took:.3f} s; Monte Carlo would need {1 / answer.probability[0]:.0e} walkers for one"
    )


if __name__ == "__main__":
    main()
