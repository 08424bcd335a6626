"""Systems that the posts describe in words only, and neighbours that do not optimize."""

from __future__ import annotations

from causalopt.model.files import parse_model
from causalopt.model.model import Model

NETWORK = """
name: network
title: A causal network
variables:
  n: {rule: "1", label: n}
  b0: {rule: "2"}
  a1: {rule: "n - b0"}
  b1: {rule: "n + 0.5*b0"}
  b2: {rule: "0.3*b0 + 1"}
  a2: {rule: "0.8*a1 + 0.2*b2"}
  b3: {rule: "b1 - 0.7*a1"}
  b4: {rule: "b2 + 0.4*b1"}
  b5: {rule: "b2 - 0.1*a2"}
  a3: {rule: "a2 + 0.5*b3"}
  m: {rule: "b3 - 0.5*a2 + 0.2*b4 - 0.1*a3"}
partition: {A: [a1, a2, a3]}
question: {nudge: n, hold: A, target: m}
"""


def network() -> Model:
    """Return a causal network without time, such as Part 3 draws; the post gives no equations.

    Example:
        >>> network().A
        ('a1', 'a2', 'a3')
    """
    return parse_model(NETWORK)


def shaken_thermostat(height: float, period: float) -> Model:
    """Return Part 3's thermostat with the room shaken by a sine of this height and period."""
    return parse_model(
        f"""
name: shaken_thermostat
title: Thermostat in a room that a sine heats and cools
parameters: {{k: 0.01, d: 25, height: {height!r}, period: {period!r}}}
variables:
  T: {{rule: "R[t-1] - d", initial: 10, label: thermostat}}
  R: {{rule: "R[t-1] - k*T[t-1] + height*sin(2*pi*t/period)", initial: 35, label: room}}
partition: {{A: [T], B: [R]}}
question: {{nudge: "R[0]", hold: A, target: R, steps: 1000}}
"""
    )


def plughole() -> Model:
    """Return water going into a plughole: B contracts by itself, and A only watches."""
    return parse_model(
        """
name: plughole
title: Water going into a plughole, watched
parameters: {r: 0.01}
variables:
  A: {rule: "x[t-1]", initial: 0, label: watcher}
  x: {rule: "(1 - r)*x[t-1]", initial: 10, label: distance}
partition: {A: [A], B: [x]}
question: {nudge: "x[0]", hold: A, target: x, steps: 1000}
"""
    )


def logistic() -> Model:
    """Return a chaotic room with a thermometer that reads it and does nothing else."""
    return parse_model(
        """
name: logistic
title: A logistic map, watched
variables:
  A: {rule: "x[t-1]", initial: 0, label: watcher}
  x: {rule: "4*x[t-1]*(1 - x[t-1])", initial: 0.3, label: x}
partition: {A: [A], B: [x]}
question: {nudge: "x[0]", hold: A, target: x, steps: 1000}
"""
    )
