"""Small systems whose optimizer is known, and random ones."""

from __future__ import annotations

import itertools
import random

from causalopt import Model, run

PID = Model(
    name="pid",
    parameters={"kp": 0.8, "ki": 0.1, "kd": 0.2},
    variables={
        "room": {"rule": "room[t-1] + 0.2*(heater[t-1] - 0.3*(room[t-1] - 5))", "initial": 15},
        "error": {"rule": "20 - room[t]"},
        "sum": {"rule": "sum[t-1] + error[t]", "initial": 0},
        "pid": {"rule": "kp*error[t] + ki*sum[t] + kd*(error[t] - error[t-1])", "initial": 0},
        "heater": {"rule": "pid[t]"},
        "record": {"rule": "0.5*record[t-1] + room[t]", "initial": 0},
        "clock": {"rule": "clock[t-1] + 1", "initial": 0},
    },
)


def linear_dag(seed: int, count: int, *, positive: bool = False) -> Model:
    """Return a static model of so many nodes, each a sum of some before it."""
    rng = random.Random(seed)
    variables: dict[str, object] = {"x0": {"initial": 1}}
    low = 0.1 if positive else -1.0
    for i in range(1, count):
        chosen = rng.sample(range(i), min(i, rng.randint(1, 3)))
        terms = [f"({round(rng.uniform(low, 1), 3)})*x{k}" for k in sorted(chosen)]
        variables[f"x{i}"] = " + ".join(terms)
    return Model(name="dag", variables=variables)


def linear_loop(seed: int, count: int) -> Model:
    """Return a model with time, each variable a sum of some a step before."""
    rng = random.Random(seed)
    variables: dict[str, object] = {}
    for i in range(count):
        chosen = rng.sample(range(count), 3)
        terms = [f"({round(rng.uniform(-0.6, 0.6), 3)})*x{k}[t-1]" for k in chosen]
        variables[f"x{i}"] = {"rule": " + ".join(terms), "initial": 1}
    return Model(name="loop", variables=variables)


def by_runs(model: Model, parts: list[str], size: int, **question: object) -> dict[tuple, tuple]:
    """Return (Op, Comp, status) of every set of parts, each from a run of its own."""
    found = {}
    for k in range(1, size + 1):
        for chosen in itertools.combinations(parts, k):
            own = run(model, hold=list(chosen), **question)
            found[chosen] = (float(own.op[-1]), float(own.comp[-1]), str(own.status[-1]))
    return found
