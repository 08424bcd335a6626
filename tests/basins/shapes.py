"""Models in which Comp is a polynomial of the starting values, so that level sets are known.

m = x - u with u = g(x, ...) held: the direct effect of x is 1 and the total 1 - dg/dx, whatever
1 - dg/dx is wanted to be.
"""

from __future__ import annotations

from causalopt import Model


def shaped(u: str, *names: str, **parameters: float) -> Model:
    """Return the model whose Comp of x on m is 1 - du/dx, over starting values of the names."""
    return Model(
        name="shaped",
        parameters=parameters,
        variables={
            **{name: {"rule": f"{name}[t-1]", "initial": 0} for name in names},
            "u": {"rule": u, "initial": 0},
            "m": {"rule": "x[t-1] - u[t]", "initial": 0},
        },
        partition={"A": ["u"], "B": [*names, "m"]},
        question={"nudge": "x[0]", "hold": "A", "target": "m", "steps": 1},
    )


def interval() -> Model:
    """Comp = x^2: Op > level for |x| < exp(-level / 2)."""
    return shaped("x[t-1] - x[t-1]**3/3", "x")


def disk() -> Model:
    """Comp = x^2 + y^2: Op > level in the disk of radius exp(-level / 2)."""
    return shaped("x[t-1] - x[t-1]**3/3 - x[t-1]*y[t-1]**2", "x", "y")


def ball() -> Model:
    """Comp = x^2 + y^2 + z^2."""
    return shaped("x[t-1] - x[t-1]**3/3 - x[t-1]*(y[t-1]**2 + z[t-1]**2)", "x", "y", "z")


def two_lobes() -> Model:
    """Comp = (x^2 - 1)^2 + y^2: two lobes where exp(-level) < 1, one above."""
    return shaped("x[t-1] - x[t-1]**5/5 + 2*x[t-1]**3/3 - x[t-1] - x[t-1]*y[t-1]**2", "x", "y")


def splitting(p: float = 0.5) -> Model:
    """Comp = (x^2 - p)^2: Op > 0 for p - 1 < x^2 < p + 1, two intervals for p > 1."""
    return shaped("x[t-1] - x[t-1]**5/5 + 2*p*x[t-1]**3/3 - p**2*x[t-1]", "x", p=p)
