"""Random templates for the engine: arithmetic, branches, lags and kinks, from a seed."""

from __future__ import annotations

import random

from causalopt import Model

ARITHMETIC = [
    "0.3*{a} - 0.2*{b}*{c}/(1 + {c}**2) + k",
    "where({a} > {b}, 0.5*{a}, 0.1 + {c}*0.3)",
    "min({a}, {b})*0.9 + 0.01*sqrt(abs({c}))",
    "max({a}, q)*0.7 - {b}**3/50",
    "0.5*{a} + abs({b} - 0.2)/3",
    "0.9*{d} - 0.1*floor(3*{b})",
    "sign({a})*0.2 + 0.3*{b} - ceil({c})/9",
    "clip({a}, -0.5, q) + where({b} < {c} and not {a} == {b}, k, -k)*{c}",
    "where({a} < 0, 1/{a}, {b}) * 0.01 + t/1000",
]
FUNCTIONS = [
    "tanh({a}) - 0.3*{b}",
    "0.4*sin(3*{a}) + 0.2*cos({b})",
    "log(1 + {a}**2) - exp(-{b}**2)",
]


def random_model(seed: int, count: int, *, functions: bool = False) -> Model:
    """Return a model of so many variables, its rules drawn with the seed."""
    rng = random.Random(seed)
    names = [f"v{i}" for i in range(count)]
    rules = ARITHMETIC + (FUNCTIONS if functions else [])
    variables = {}
    for i, name in enumerate(names):
        parts = {key: f"{rng.choice(names)}[t-1]" for key in "abc"}
        if i and rng.random() < 0.3:
            parts["b"] = f"{names[rng.randrange(i)]}[t]"
        parts["d"] = f"{rng.choice(names)}[t-2]"
        starts = [round(rng.uniform(-1, 1), 2) for _ in range(2)]
        variables[name] = {"rule": rng.choice(rules).format(**parts), "initial": starts}
    return Model(name="random", parameters={"k": 0.1, "q": 0.2}, variables=variables)


def random_dag(seed: int, count: int) -> Model:
    """Return a static model of so many nodes, each with its own rule."""
    rng = random.Random(seed)
    variables: dict[str, object] = {}
    for i in range(count):
        if i < 5:
            variables[f"n{i}"] = {"initial": round(rng.uniform(-1, 1), 3)}
            continue
        parts = {key: f"n{rng.randrange(max(0, i - 40), i)}" for key in "abcd"}
        rule = rng.choice(ARITHMETIC[:-1] + FUNCTIONS).format(**parts)
        variables[f"n{i}"] = {"rule": f"{round(rng.uniform(0.5, 1), 4)}*({rule})"}
    return Model(name="dag", parameters={"k": 0.1, "q": 0.2}, variables=variables)
