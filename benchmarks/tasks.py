"""Large work in a process of its own: `python -m benchmarks.tasks NAME NUMBER` prints its figures.

Each task returns named figures; time and memory of the whole process are measured from outside.
"""

from __future__ import annotations

import json
import random
import sys
import time
from typing import Any

START = time.process_time()  # Python has started; what the package costs comes after

RULES = [
    "{k}*{a} + {q}*sin({b})",
    "tanh({k}*{a}) - {b}*{c}/3",
    "exp(-{a}**2) + {k}*{b}",
    "where({a} > {b}, {c}, {k}*{a})",
    "{a}*{k} + {b}*{q} + {c}",
    "sqrt(1 + {a}**2)*{k} - cos({b} + {q})",
]
OWN = {
    "food": {"rule": "food[t-1] + 0.1*(1 - food[t-1]) - 0.05*food[t-1]*fish[t-1]", "initial": 0.5},
    "fish": {"rule": "fish[t-1] + 0.05*fish[t-1]*(food[t-1] - catch[t-1])", "initial": 0.4},
    "price": {"rule": "price[t-1] + 0.1*(1 - catch[t-1]*fish[t-1] - price[t-1])", "initial": 1},
    "boats": {"rule": "boats[t-1] + 0.02*(price[t-1]*catch[t-1] - boats[t-1])", "initial": 0.3},
    "catch": {"rule": "tanh(boats[t-1]*fish[t-1])", "initial": 0.1},
}


def dag(count: int) -> dict[str, float]:
    """A static graph of many nodes, each with its own random rule: one question, twice."""
    import causalopt

    rng = random.Random(0)
    rules: dict[str, Any] = {}
    for i in range(count):
        if i < 20:
            rules[f"n{i}"] = {"initial": round(rng.uniform(-1, 1), 3)}
            continue
        parts = {key: f"n{rng.randrange(max(0, i - 300), i)}" for key in "abc"}
        numbers = {key: round(rng.uniform(-1, 1), 4) for key in "kq"}
        rules[f"n{i}"] = {"rule": rng.choice(RULES).format(**parts, **numbers)}
    begun = time.process_time()
    model = causalopt.Model(name="dag", variables=rules)
    built = time.process_time()
    last = f"n{count - 1}"
    for _ in range(2):
        before, again = time.process_time(), 0.0
        causalopt.run(model, nudge="n0", hold="n25, n300", target=last)
        again = time.process_time() - before
        if _ == 0:
            first = again
    return {"model": built - begun, "first": first, "again": again}


def graph(steps: int) -> dict[str, float]:
    """A random graph of 10,000 variables and 50,000 edges over some steps (0: static)."""
    import causalopt

    rng, count = random.Random(1), 10_000
    lag = "[t-1]" if steps else ""
    rules: dict[str, Any] = {}
    for i in range(count):
        reads = [rng.randrange(count if steps else max(1, i)) for _ in range(5)]
        terms = " + ".join(f"0.19*v{j}{lag}" for j in reads)
        if i == 0 and not steps:
            rules["v0"] = {"initial": 0.5}
        else:
            rules[f"v{i}"] = {"rule": f"tanh({terms})"} | ({"initial": 0.5} if steps else {})
    model = causalopt.Model(name="graph", variables=rules)
    built = time.process_time()
    nudge = "v0[0]" if steps else "v0"
    last = f"v{count - 1}"
    causalopt.run(model, nudge=nudge, hold="v7", target=last, steps=steps or None)
    first = time.process_time()
    causalopt.run(model, nudge=nudge, hold="v7", target=last, steps=steps or None)
    return {"model": built - START, "first": first - built, "again": time.process_time() - first}


def ring(count: int) -> dict[str, float]:
    """A ring of variables over 2,000 steps: first and second run."""
    import causalopt
    from benchmarks.of_influences import ring as made

    model = made(count)
    begun = time.process_time()
    for _ in range(2):
        before = time.process_time()
        causalopt.run(model, nudge="v0[0]", hold="v1", target="v2", steps=2_000)
        again = time.process_time() - before
        if _ == 0:
            first = time.process_time() - begun
    return {"first": first, "again": again, "nanoseconds": again / count / 2_000 * 1e9}


def oscillators(count: int) -> dict[str, float]:
    """Exponents of coupled oscillators, the conditional ones too, over 1,000 steps."""
    import causalopt

    rules = {
        f"x{i}": {
            "rule": f"x{i}[t-1] + 0.1*({1 + i / count} + sin(x{(i + 1) % count}[t-1] - x{i}[t-1])"
            f" + sin(x{(i - 1) % count}[t-1] - x{i}[t-1]))",
            "initial": round(6.28 * ((i * 7919) % count) / count, 4),
        }
        for i in range(count)
    }
    model = causalopt.Model(name="oscillators", variables=rules)
    found = causalopt.rates(model, hold="x0", steps=1_000)
    return {"exponents": len(found.lyapunov), "conditional": len(found.conditional)}


def own(steps: int) -> dict[str, float]:
    """The first answer of one's own model of five variables."""
    import causalopt

    model = causalopt.Model(name="own", variables=OWN)
    found = causalopt.run(model, nudge="fish[0]", hold="boats", target="fish", steps=steps)
    return {"op": float(found.op[-1])}


def strength(parents: int) -> dict[str, float]:
    """One step of 12 variables of 4 labels and all 4,096 entropies; then the public call."""
    from benchmarks.of_laws import network
    from causalopt.entropy.information import marginal_entropies
    from causalopt.laws import dense

    model = network(12, parents)
    begun = time.process_time()
    later = dense.step(model, model.initial)
    stepped = time.process_time()
    count = len(marginal_entropies(later))
    return {"step": stepped - begun, "entropies": time.process_time() - stepped, "count": count}


def strength_joint(parents: int) -> dict[str, float]:
    """One step from a joint law with a mass on every state."""
    import numpy as np

    from benchmarks.of_laws import network
    from causalopt.laws import dense
    from causalopt.laws.law import DenseLaw

    model = network(12, parents)
    p = np.random.default_rng(0).random(model.state.size)
    law = DenseLaw(model.state, (p / p.sum()).reshape(model.state.shape))
    begun = time.process_time()
    dense.step(model, law)
    return {"step": time.process_time() - begun}


def strength_call(parents: int) -> dict[str, float]:
    """The public call at step 1: three laws of 4^12 states and their entropies."""
    import causalopt
    from benchmarks.of_laws import network

    model = network(12, parents)
    begun = time.process_time()
    found = causalopt.strength(model, at=1)
    return {"call": time.process_time() - begun, "omega": found.optimizing_strength}


def plane(nodes: int) -> dict[str, float]:
    """Escape over two parameters on one grid: its operator, and 100 steps with it."""
    import causalopt
    from causalopt.descents.chain import chain_of
    from causalopt.descents.escape.by_operator import event_values, gridded, natural_bounds
    from causalopt.descents.escape.escape import Escape
    from causalopt.descents.transfer.operator_powers import pull_many

    chain = chain_of(causalopt.load("sgd_swirl"))
    question = Escape(chain.start_at(0.5), 1.2, (100,), coordinate=chain.coordinate)
    box = natural_bounds(chain.step, question)
    begun = time.process_time()
    operator = gridded(chain.step, question, box, nodes)
    built = time.process_time()
    found = pull_many(operator, event_values(operator, question), [100])
    return {
        "build": built - begun,
        "step": (time.process_time() - built) / 100,
        "cells": float(operator.size - 1),
        "entries": float(operator.matrix.nnz),
        "finite": float(found.max() <= 1 + 1e-9),
    }


TASKS = {
    task.__name__: task
    for task in (dag, graph, ring, oscillators, own, strength, strength_joint, strength_call, plane)
}

if __name__ == "__main__":
    print(json.dumps(TASKS[sys.argv[1]](int(sys.argv[2]))))
