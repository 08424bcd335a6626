"""Time and peak memory of one exact step of 12 variables of 4 labels, with all 4096 entropies.

Run from the top of the repository: python benchmarks/entropy.py [parents]. Each case runs in a
process of its own, so that its peak is its own. To reach: under 10 s and 2 GB.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time

import numpy as np

from causalopt.entropy.information import marginal_entropies
from causalopt.laws import dense
from causalopt.laws.discrete import DiscreteModel, Mechanism, Parent
from causalopt.laws.law import DenseLaw, Law, ProductLaw
from causalopt.laws.space import Space

VARIABLES, LABELS = 12, 4


def network(parents: int, *, certain: bool, seed: int) -> DiscreteModel:
    """Each variable reads itself and others drawn at random; random tables."""
    rng = np.random.default_rng(seed)
    names = tuple(f"v{i}" for i in range(VARIABLES))
    labels = tuple(range(LABELS))
    rules = []
    for i, name in enumerate(names):
        others = rng.permutation([j for j in range(VARIABLES) if j != i])[: parents - 1]
        table = rng.dirichlet(np.ones(LABELS), size=(LABELS,) * parents)
        if certain:
            table = np.eye(LABELS)[table.argmax(axis=-1)]
        reads = tuple(Parent(names[j]) for j in (i, *others))
        rules.append(Mechanism(name, labels, reads, table))
    space = Space(names, (labels,) * VARIABLES)
    blocks = [DenseLaw(space.only([n]), rng.dirichlet(np.ones(LABELS))) for n in names]
    return DiscreteModel("random", tuple(rules), ProductLaw(tuple(blocks)), names[:6])


def start(model: DiscreteModel, *, joint: bool) -> Law:
    """Independent marginals, or a joint law with a mass on every state."""
    if not joint:
        return model.initial
    p = np.random.default_rng(0).random(model.state.size)
    p /= p.sum()
    return DenseLaw(model.state, p.reshape(model.state.shape))


def measure(parents: int, certain: bool, joint: bool) -> tuple[float, float, float, float, int]:
    """Return seconds of the step and of the entropies, processor seconds, gigabytes, count."""
    model = network(parents, certain=certain, seed=1)
    law = start(model, joint=joint)
    began, busy = time.perf_counter(), time.process_time()
    later = dense.step(model, law)
    stepped = time.perf_counter()
    found = marginal_entropies(later)
    done, worked = time.perf_counter(), time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return stepped - began, done - stepped, worked, peak, len(found)


def main() -> None:
    """Print one row a case."""
    parents = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    print(f"{VARIABLES} variables of {LABELS} labels, {parents} parents each")
    header = f"{'rules':<12}{'start':<14}{'step s':>8}{'entropies s':>13}"
    print(f"{header}{'sum s':>8}{'cpu s':>8}{'peak GB':>9}")
    context = multiprocessing.get_context("spawn")
    for certain in (False, True):
        for joint in (False, True):
            with context.Pool(1) as pool:
                step, entropies, worked, peak, count = pool.apply(
                    measure, (parents, certain, joint)
                )
            rules, begin = "certain" if certain else "stochastic", "joint" if joint else "marginals"
            row = f"{step:8.2f}{entropies:13.2f}{step + entropies:8.2f}"
            print(f"{rules:<12}{begin:<14}{row}{worked:8.2f}{peak:9.2f}   {count} entropies")


if __name__ == "__main__":
    main()
