"""Models of feedback loops, and their transfer functions by other ways."""

from __future__ import annotations

import warnings

import numpy as np

from causalopt import Model

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import control

__all__ = ["RandomLinear", "ScalarLoop", "control", "proportional"]


class ScalarLoop:
    """A plant of second order and a controller of first order, random, closed and stable.

    Coefficients have two decimals, so that both programs hold the same loop.
    """

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        while True:
            a1, a2, b1, b2, c0, c1, d = (round(float(v), 2) for v in rng.uniform(-1.2, 1.2, 7))
            self.plant = control.tf([b1, b2], [1, -a1, -a2], True)
            self.controller = control.tf([c0, c1], [1, -d], True)
            self.closed = control.feedback(self.plant, self.controller)
            if b1 != 0 and b2 != 0 and max(abs(self.closed.poles())) < 0.97:
                break
        self.model = Model(
            name="loop",
            variables={
                "y": {
                    "rule": f"({a1})*y[t-1] + ({a2})*y[t-2] + ({b1})*v[t-1] + ({b2})*v[t-2]",
                    "initial": [0, 0],
                },
                "u": {"rule": f"({d})*u[t-1] - ({c0})*y[t] - ({c1})*y[t-1]", "initial": 0},
                "v": {"rule": "u[t]"},
            },
            partition={"A": ["u"]},
            question={"nudge": "v[2]", "hold": "A", "target": "y"},
        )


class RandomLinear:
    """Variables that read each other at lags 0, 1 and 2, with slopes in quarters or scaled down.

    Attributes:
        slopes: Lag -> matrix [child, parent]; those of lag 0 are lower triangular.
    """

    def __init__(self, seed: int, size: int = 5, *, radius: float | None = 0.8) -> None:
        rng = np.random.default_rng(seed)
        names = [f"x{k}" for k in range(size)]
        self.slopes = {
            lag: np.where(rng.random((size, size)) < 0.5, rng.integers(-4, 5, (size, size)) / 4, 0)
            for lag in (0, 1, 2)
        }
        self.slopes[0] = np.tril(self.slopes[0], -1)
        self.slopes[1][0, -1] = self.slopes[1][-1, 0] = 0.25  # n = x0 and m see each other
        if radius is not None:
            largest = max(self.radius(frozenset()), self.radius(frozenset({1})), 1e-9)
            # x(t) scaled by radius**t has its poles scaled.
            factor = min(1.0, round(radius / largest, 2))
            self.slopes = {lag: values * factor**lag for lag, values in self.slopes.items()}
        rules = {}
        for i, name in enumerate(names):
            parts = [
                f"({float(self.slopes[lag][i, j])!r})*{names[j]}[t-{lag}]".replace("[t-0]", "[t]")
                for lag in (0, 1, 2)
                for j in range(size)
                if self.slopes[lag][i, j]
            ]
            rules[name] = {"rule": " + ".join(["1", *parts]), "initial": [0, 0]}
        self.model = Model(
            name="random",
            variables=rules,
            partition={"A": ["x1"]},
            question={"nudge": "x0[2]", "hold": "A", "target": names[-1]},
        )

    def radius(self, held: frozenset[int]) -> float:
        """The largest size of an eigenvalue of the companion matrix."""
        size = len(self.slopes[0])
        keep = np.array([float(k not in held) for k in range(size)])[:, None]
        now, one, two = (self.slopes[lag] * keep for lag in (0, 1, 2))
        solved = np.linalg.solve(np.eye(size) - now, np.hstack([one, two]))
        whole = np.vstack([solved, np.hstack([np.eye(size), np.zeros((size, size))])])
        return float(np.abs(np.linalg.eigvals(whole)).max())

    def gain(self, omega: float, held: frozenset[int]) -> complex:
        """G by one inverse of the whole system, at one frequency."""
        size = len(self.slopes[0])
        z = np.exp(1j * omega)
        system = np.eye(size, dtype=complex)
        for lag, values in self.slopes.items():
            system -= values * z**-lag
        for k in held:
            system[k] = np.eye(size)[k]
        return complex(np.linalg.inv(system)[-1, 0])


def proportional(a: float, k: float, delay: int) -> Model:
    """x(t) = a x(t-1) + u(t-1) with u = -k x read `delay` steps ago."""
    lag = f"[t-{delay}]" if delay else "[t]"
    return Model(
        name="proportional",
        parameters={"a": a, "k": k},
        variables={
            "x": {"rule": "a*x[t-1] + u[t-1]", "initial": 0},
            "u": {"rule": f"-k*x{lag}", "initial": [0] * max(delay, 0) or None},
        },
        partition={"A": ["u"]},
        question={"nudge": "x[0]", "hold": "A", "target": "x"},
    )
