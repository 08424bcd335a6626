"""Small models with arrays, one of each kind, that can also be written out as numbers."""

from __future__ import annotations

from causalopt import Model

TRAINING = Model(
    name="training",
    sizes={"pixel": 4, "hidden": 3, "digit": 2},
    parameters={"lr": 0.05},
    variables={
        "x": {"shape": ["pixel"], "rule": "sin(3*x[t-1] + index(pixel))", "initial": 0.3},
        "y": {"shape": ["digit"], "rule": "softmax(2*x[t][0:2])", "initial": 0},
        "h": {"shape": ["hidden"], "rule": "softplus(W1[t-1] @ x[t] + b1[t-1])", "initial": 0},
        "o": {"shape": ["digit"], "rule": "W2[t-1] @ h[t] + b2[t-1]", "initial": 0},
        "loss": {"rule": "sum((o[t] - y[t])**2)/2", "initial": 0},
        "W1": {
            "shape": ["hidden", "pixel"],
            "rule": "W1[t-1] - lr*grad(loss[t], W1[t-1])",
            "initial": "normal(0, sqrt(2/pixel))",
        },
        "b1": {"shape": ["hidden"], "rule": "b1[t-1] - lr*grad(loss[t], b1[t-1])", "initial": 0},
        "W2": {
            "shape": ["digit", "hidden"],
            "rule": "W2[t-1] - lr*grad(loss[t], W2[t-1])",
            "initial": "normal(0, sqrt(2/hidden))",
        },
        "b2": {"shape": ["digit"], "rule": "b2[t-1] - lr*grad(loss[t], b2[t-1])", "initial": 0},
    },
)

LATTICE = Model(
    name="lattice",
    sizes={"site": 6},
    parameters={"F": 6.0},
    variables={
        "x": {
            "shape": ["site"],
            "flow": "(roll(x, -1, site) - roll(x, 2, site))*roll(x, 1, site) - x + F - c",
            "initial": "sin(2*index(site)) + 1",
        },
        "c": {"shape": ["site"], "algebraic": "0.3*x + 0.1*tanh(x)"},
    },
    dt=0.02,
    method="rk4",
)

MEMORY = Model(
    name="memory",
    sizes={"unit": 3},
    variables={
        "h": {
            "shape": ["unit"],
            "rule": "tanh(W[t-1] @ h[t-1] + 0.3*h[t-2] + where(t > 5, 0.1, 0))",
            "initial": [[0.1, 0.2, 0.3], [0.3, -0.1, 0.2]],
        },
        "W": {
            "shape": ["unit", "unit"],
            "rule": "W[t-1] + 0.01*einsum('i,j->ij', h[t-1], h[t-1])",
            "initial": "normal(0, 1)",
        },
        "top": {"rule": "max(h[t]) + logsumexp(2*h[t])", "initial": 0},
    },
)

STATIC = Model(
    name="static",
    sizes={"pos": 4, "unit": 3},
    variables={
        "x": {"shape": ["pos", "unit"], "initial": "normal(0, 1)"},
        "q": {"shape": ["unit", "unit"], "initial": "normal(0, 0.7)"},
        "a": {"shape": ["pos", "pos"], "rule": "softmax((x @ q) @ transpose(x))"},
        "z": {"shape": ["pos", "unit"], "rule": "a @ x + relu(x)"},
        "out": {"rule": "sum(z*z) + max(z[3])"},
    },
)
