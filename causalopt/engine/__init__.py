"""The engine: a template and a plan in, arrays out.

The only interface between the theory and how numbers are made. `run_values` gives one world,
`run_tangents` gives W with its total and direct derivatives.
"""

from causalopt.engine.choice import run_tangents, run_values
from causalopt.engine.linearization import Linearization, Partial, linearize
from causalopt.engine.outcome import Tangents, Trajectory
from causalopt.engine.plan import Plan

__all__ = [
    "Linearization",
    "Partial",
    "Plan",
    "Tangents",
    "Trajectory",
    "linearize",
    "run_tangents",
    "run_values",
]
