"""Models whose power, and the set where Op lies above a level, are known in closed form."""

from __future__ import annotations

import numpy as np

import causalopt
from causalopt import Model

# A moves R to `low` wherever it is between low and low + reach, and by `reach` above: there Op is
# infinite (`perfect`), elsewhere 0. One step only.
PERFECT = """
name: perfect_band
parameters: {low: 20, reach: 10}
variables:
  T: {rule: "clip(R[t-1] - low, 0, reach)", initial: 0}
  R: {rule: "R[t-1] - T[t]", initial: 25}
partition: {A: [T]}
question: {nudge: "R[0]", hold: A, target: R, steps: 1}
"""


def perfect_band() -> Model:
    return causalopt.parse_model(PERFECT)


def of_rule(rule: str, *, held: str = "0*R[t-1]", steps: int = 1, parameters: str = "{}") -> Model:
    """Return a model of one variable R and an A that is `held`."""
    return causalopt.parse_model(f"""
name: one_rule
parameters: {parameters}
variables:
  T: {{rule: "{held}", initial: 0}}
  R: {{rule: "{rule}", initial: 25}}
partition: {{A: [T]}}
question: {{nudge: "R[0]", hold: A, target: R, steps: {steps}}}
""")


def linear_comp(k: float, steps: int) -> float:
    """Return Comp of Part 3's thermostat: u_0 = u_1 = 1, u_t = u_{t-1} - k u_{t-2}."""
    u = [1.0, 1.0]
    for _ in range(steps - 1):
        u.append(u[-1] - k * u[-2])
    return u[steps]


def linear_power(low: float, high: float, steps: int) -> float:
    """Return the integral of 1 - Comp over k: that of a polynomial, exactly to rounding."""
    one, x = np.polynomial.Polynomial([1.0]), np.polynomial.Polynomial([0.0, 1.0])
    before, now = one, one
    for _ in range(steps - 1):
        before, now = now, now - x * before
    whole = (one - now).integ()
    return float(whole(high) - whole(low))
