"""Closed loops whose gradients and Ops numpy gives by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from causalopt import Model

Values = np.ndarray[Any, Any]
MAP = np.array([[1.0, 0.1], [0.3, 1.1]])


def regulated(**changes: Any) -> Model:
    """Return x <- M x + G h, h = tanh(W x), of two states and three units, from random starts."""
    rows = "stack({}, state)".format(
        ", ".join(f"{MAP[i, 0]}*x[t-1][0] + {MAP[i, 1]}*x[t-1][1]" for i in range(2))
    )
    declared: dict[str, Any] = {
        "name": "regulated",
        "sizes": {"state": 2, "unit": 3},
        "variables": {
            "x": {
                "shape": ["state"],
                "rule": f"{rows} + G[t] @ h[t-1]",
                "initial": "uniform(-1, 1)",
            },
            "h": {"shape": ["unit"], "rule": "tanh(W[t] @ x[t])"},
            "W": {"shape": ["unit", "state"], "rule": "W[t-1]", "initial": "normal(0, 0.3)"},
            "G": {"shape": ["state", "unit"], "rule": "G[t-1]", "initial": "normal(0, 0.3)"},
            "cost": {"rule": "cost[t-1] + sum(x[t]**2)", "initial": 0},
            "low": {"rule": "where(sum(x[t]**2) < 0.1, 1, 0)"},
        },
        "partition": {"A": ["h"]},
        "question": {"nudge": "x[0]", "hold": "h", "target": "x", "steps": 6},
        "training": {"loss": "cost", "by": ["W", "G"], "batch": 5, "updates": 8, "rate": 0.05},
    }
    return Model(**{**declared, **changes})


def cost_by_hand(start: Values, w: Values, g: Values, steps: int) -> float:
    """Return the sum of squares over a run, without x[0]'s."""
    x, cost = start, 0.0
    for _ in range(steps):
        x = MAP @ x + g @ np.tanh(w @ x)
        cost += float(x @ x)
    return cost


def jacobians_by_hand(
    start: Values, w: Values, g: Values, steps: int, held: Values
) -> tuple[Values, Values]:
    """Return the total and the direct Jacobian of x at the last step, units held as told."""
    x, total, direct = start, np.eye(2), np.eye(2)
    for _ in range(steps):
        h = np.tanh(w @ x)
        slope = (1 - h**2)[:, None] * w
        total = (MAP + g @ slope) @ total
        direct = (MAP + g @ (slope * ~held[:, None])) @ direct
        x = MAP @ x + g @ h
    return total, direct
