"""Models of arrays for tests, and their courses by evaluating one node after the other."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from causalopt import Model
from causalopt.engine.arrays.array_plan import ArrayPlan, Values
from causalopt.engine.arrays.array_stretches import Stretches, run_through
from causalopt.tensors.folding import evaluate

# Arrays of 64 x 64 are large enough to be written over in place.
RULES: dict[str, dict[str, Any]] = {
    "update": {
        "W": {"shape": ["n", "n"], "rule": "W[t-1] - 0.1*tanh(W[t-1])", "initial": "normal(0, 1)"}
    },
    "read after": {
        "W": {"shape": ["n", "n"], "rule": "W[t-1] - 0.1*V[t-1]", "initial": "normal(0, 1)"},
        "V": {"shape": ["n", "n"], "rule": "0.9*V[t-1] + W[t-1]", "initial": "normal(0, 1)"},
    },
    "swapped": {
        "V": {"shape": ["n", "n"], "rule": "W[t-1]", "initial": "normal(0, 1)"},
        "W": {"shape": ["n", "n"], "rule": "V[t-1] + 0.1*W[t-1]", "initial": "normal(0, 1)"},
    },
    "same rule": {
        "V": {"shape": ["n", "n"], "rule": "U[t-1] + 1", "initial": 0},
        "W": {"shape": ["n", "n"], "rule": "U[t-1] + 1", "initial": 0},
        "U": {"shape": ["n", "n"], "rule": "0.5*V[t-1] - W[t-1] + U[t-1]", "initial": 1},
    },
    "views": {
        "V": {"shape": ["n", "n"], "rule": "transpose(U[t])", "initial": 0},
        "U": {"shape": ["n", "n"], "rule": "U[t-1] + 0.25*V[t-1]", "initial": "normal(0, 1)"},
        "r": {"shape": ["n"], "rule": "V[t-1][0, :]", "initial": 0},
    },
    "a view of what is updated": {
        "U": {"shape": ["n", "n"], "rule": "U[t-1] + 0.25", "initial": "normal(0, 1)"},
        "r": {"shape": ["n"], "rule": "U[t-1][0, :]", "initial": 0},
    },
    "a copy of what is updated": {
        "U": {"shape": ["n", "n"], "rule": "U[t-1] + 0.25", "initial": "normal(0, 1)"},
        "old": {"shape": ["n", "n"], "rule": "U[t-1]", "initial": 0},
    },
    "two lags": {
        "W": {
            "shape": ["n", "n"],
            "rule": "W[t-1] + 0.5*W[t-2] - 0.1*sum(W[t-2])",
            "initial": ["normal(0, 1)", "normal(0, 1)"],
        }
    },
    "this step": {
        "W": {"shape": ["n", "n"], "rule": "W[t-1] - 0.01*x[t]*W[t-1]", "initial": "normal(0, 1)"},
        "a": {"shape": ["n", "n"], "rule": "a[t-1] + abs(W[t] - W[t-1])", "initial": 0},
        "x": {"shape": ["n"], "noise": "normal(0, 1)"},
    },
    "given": {
        "W": {"shape": ["n", "n"], "rule": "W[t-1] + d[t] - d[t-1]*t", "initial": 0},
        "d": {"shape": ["n", "n"], "initial": 0},
    },
    "a copy": {
        "W": {"shape": ["n", "n"], "rule": "0.5*W[t-1] - V[t-1]", "initial": 1},
        "V": {"shape": ["n", "n"], "rule": "W[t]", "initial": 0},
    },
    "passed on": {
        "W": {"shape": ["n", "n"], "rule": "W[t-1]", "initial": "normal(0, 1)"},
        "h": {"shape": ["n"], "rule": "tanh(W[t-1] @ h[t-1]/16) + c[t]", "initial": "normal(0, 1)"},
        "c": {"rule": "where(h[t-1][0] > 0, 1, -1)/8", "initial": 0},
    },
}


def model(case: str, size: int = 64) -> Model:
    """Return one of the models."""
    return Model(name="case", sizes={"n": size}, variables=RULES[case])


def data(case: str, steps: int, size: int = 64) -> dict[str, Values]:
    """Return what a model is given from outside."""
    rng = np.random.default_rng(5)
    return {"d": rng.normal(size=(steps + 1, size, size))} if case == "given" else {}


def course(
    plan: ArrayPlan, names: Iterable[str], draw: Any = None, execution: str = "numpy"
) -> dict[str, Values]:
    """Return the course of W as the engine runs it."""
    kept = {n: np.empty((plan.steps + 1, *plan.template.by_name[n].shape)) for n in names}
    stores: dict[Any, Values] = {("ref", name, 0): values for name, values in kept.items()}
    run_through(Stretches(plan, draw, wanted=stores, execution=execution), stores)
    return kept


def by_evaluation(plan: ArrayPlan, draw: Any) -> dict[str, Values]:
    """Return the course of W, each variable's graph evaluated node by node at every step."""
    rows: list[Mapping[str, Values]] = []
    template = plan.template
    for t in range(plan.steps + 1):
        row: dict[str, Values] = dict(draw(t)) if draw else {}

        def leaf(key: Any, row: Mapping[str, Values] = row, t: int = t) -> Any:
            if key[0] == "t":
                return float(t)
            if key[0] == "param":
                return plan.parameters[key[1]]
            return row[key[1]] if key[2] == 0 else rows[t - key[2]][key[1]]

        for variable in template.variables:
            starts = plan.initial.get(variable.name, ())
            if t < len(starts):
                row[variable.name] = starts[t]
            elif variable.rule is not None:
                row[variable.name] = evaluate([variable.rule], leaf)[0]
            elif variable.noise is None:
                row[variable.name] = plan.streams[variable.name][t]
        rows.append(row)
    return {v.name: np.array([row[v.name] for row in rows]) for v in template.variables}
