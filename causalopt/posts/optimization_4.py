"""Defining Optimization in a Deeper Way, Part 4."""

from __future__ import annotations

from causalopt.posts.optimization_4_chaos import chaos, finite_influence, op_maps, smaller_nudges
from causalopt.posts.optimization_4_lorenz import complex_op, regimes, stable
from causalopt.posts.optimization_4_others import beside
from causalopt.posts.optimization_4_thermostat import amount, course, power, starts
from causalopt.posts.post import Post

POST = Post(
    "part4",
    "Defining Optimization in a Deeper Way, Part 4",
    {
        "course": course,
        "starts": starts,
        "amount": amount,
        "power": power,
        "regimes": regimes,
        "stable": stable,
        "complex": complex_op,
        "chaos": chaos,
        "finite": finite_influence,
        "nudges": smaller_nudges,
        "landscapes": op_maps,
        "non-optimizers": beside,
    },
    demo=("course", "starts", "amount", "stable", "complex", "chaos"),
    intro="Op on a thermostat of limited power and on the Lorenz system.",
)
