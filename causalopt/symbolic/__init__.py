"""Symbolic Op: Comp and Op as mathematics, exact and checked against the recurrence.

`derive(model)` gives a `Derivation`: a closed form in the step t for linear models (and for models
that are linear along their path, or around the fixed point they start at), a straight-line program
for nonlinear ones, sums over paths for models without time. sympy is loaded when this package is.
"""

from causalopt.symbolic.choice import derive
from causalopt.symbolic.derivation import Derivation
from causalopt.symbolic.fixed_points import Orbit, find_orbits, linearise
from causalopt.symbolic.linear import LinearSolution, solve_linear
from causalopt.symbolic.reading import Reading
from causalopt.symbolic.straight_line import Program
from causalopt.symbolic.templates import Holding, LinearTemplate, Question

__all__ = [
    "Derivation",
    "Holding",
    "LinearSolution",
    "LinearTemplate",
    "Orbit",
    "Program",
    "Question",
    "Reading",
    "derive",
    "find_orbits",
    "linearise",
    "solve_linear",
]
