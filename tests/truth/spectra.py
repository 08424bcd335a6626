"""Lyapunov spectra, and pynamicalsys.

Maps and flows (rk4 at the same dt) whose rules are written here twice: in this package's language,
and for pynamicalsys as its own models or as functions with their Jacobians. Each side has starts
and a run of its own, so that both exponents scatter: ours by the error that `rates` states, theirs
by the standard error of eight starts. Differences are counted in both errors together, where an
error is at least 2.5e-5: what the first frame of tangents leaves in their mean (Arnold's map of the
torus has the same exponents everywhere, and no scatter).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import causalopt
from causalopt import Model
from tests.truth.record import Comparison, Record

STARTS = 8
STEPS = 20_000
LEAST = 1 / (2 * STEPS)  # what the first frame of tangents leaves in a mean


@dataclass(frozen=True)
class Spectrum:
    """A system: our rules, and the oracle's exponents from a start."""

    name: str
    model: Model
    foreign: Callable[[np.ndarray], np.ndarray]
    start: tuple[float, ...]
    spread: float


def records(short: bool) -> Iterator[Record]:
    """Yield the comparison of all exponents; of one map and one flow when short."""
    found = Comparison("pynamicalsys", "Lyapunov exponents", 5, "errors, of both together")
    for system in systems():
        if not short or system.name in {"logistic", "lorenz"}:
            compare(found, system)
    yield found.record()


def compare(found: Comparison, system: Spectrum) -> None:
    """Add one system's exponents."""
    draws = np.random.default_rng(12).uniform(-1, 1, (STARTS, len(system.start)))
    theirs = [system.foreign(np.array(system.start) + system.spread * d) for d in draws]
    there, scatter = np.mean(theirs, 0), np.std(theirs, 0, ddof=1) / np.sqrt(STARTS)
    ours = causalopt.rates(system.model, hold=(), steps=STEPS)
    if ours.status != "ok":
        found.doubtful()
        return
    error = np.maximum(np.hypot(ours.lyapunov_error, scatter), LEAST)
    found.add(system.name, ours.lyapunov, there, error)


def model(name: str, rules: dict[str, str], start: tuple[float, ...], dt: float | None) -> Model:
    """Return a model of maps, or of flows when there is a dt."""
    kind = "rule" if dt is None else "flow"
    variables = {
        variable: {kind: text, "initial": value}
        for (variable, text), value in zip(rules.items(), start, strict=True)
    }
    timing = {} if dt is None else {"dt": dt, "method": "rk4"}
    return Model(name=name, variables=variables, **timing)


def systems() -> list[Spectrum]:
    """Return the systems."""
    return [
        of_map("logistic", {"x": "4*x[t-1]*(1 - x[t-1])"}, (0.3,), 0.1, "logistic map", [4.0]),
        of_map(
            "henon",
            {"x": "1 - 1.4*x[t-1]**2 + y[t-1]", "y": "0.3*x[t-1]"},
            (0.1, 0.1),
            0.05,
            "henon map",
            [1.4, 0.3],
        ),
        of_map(
            "arnold",
            {
                "x": "2*x[t-1] + y[t-1] - floor(2*x[t-1] + y[t-1])",
                "y": "x[t-1] + y[t-1] - floor(x[t-1] + y[t-1])",
            },
            (0.3, 0.4),
            0.2,
            None,
            [],
        ),
        of_flow(
            "lorenz",
            {"x": "10*(y - x)", "y": "x*(28 - z) - y", "z": "x*y - 8/3*z"},
            (1.0, 1.0, 20.0),
            "lorenz system",
            [10.0, 28.0, 8 / 3],
            0.01,
        ),
        of_flow(
            "roessler",
            {"x": "-y - z", "y": "x + 0.2*y", "z": "0.2 + z*(x - 5.7)"},
            (1.0, 1.0, 0.5),
            "rossler system",
            [0.2, 0.2, 5.7],
            0.05,
        ),
        of_flow(
            "lorenz96",
            {
                f"x{i}": f"(x{(i + 1) % 5} - x{(i - 2) % 5})*x{(i - 1) % 5} - x{i} + 8"
                for i in range(5)
            },
            (8.0, 8.1, 7.9, 8.2, 8.0),
            None,
            [8.0],
            0.02,
        ),
    ]


def of_map(
    name: str,
    rules: dict[str, str],
    start: tuple[float, ...],
    spread: float,
    known: str | None,
    parameters: list[float],
) -> Spectrum:
    """Return a map, of pynamicalsys under a name that it knows, or as functions."""
    from pynamicalsys import DiscreteDynamicalSystem

    system: Any = (
        DiscreteDynamicalSystem(model=known)
        if known
        else DiscreteDynamicalSystem(
            mapping=arnold(), jacobian=arnold_slopes(), system_dimension=2, number_of_parameters=0
        )
    )

    def foreign(begin: np.ndarray) -> np.ndarray:
        given = parameters or None
        found = system.lyapunov(begin, 2 * STEPS, parameters=given, transient_time=1000)
        return -np.sort(-np.atleast_1d(found))

    return Spectrum(name, model(name, rules, start, None), foreign, start, spread)


def of_flow(
    name: str,
    rules: dict[str, str],
    start: tuple[float, ...],
    known: str | None,
    parameters: list[float],
    dt: float,
) -> Spectrum:
    """Return a flow, likewise."""
    from pynamicalsys import ContinuousDynamicalSystem

    system: Any = (
        ContinuousDynamicalSystem(model=known)
        if known
        else ContinuousDynamicalSystem(
            equations_of_motion=lorenz96(),
            jacobian=lorenz96_slopes(),
            system_dimension=len(start),
            number_of_parameters=1,
        )
    )
    system.integrator("rk4", time_step=dt)

    def foreign(begin: np.ndarray) -> np.ndarray:
        span, lead = 2 * STEPS * dt, 2000 * dt
        found = system.lyapunov(begin, span, parameters=parameters, transient_time=lead)
        return -np.sort(-np.atleast_1d(found))

    return Spectrum(name, model(name, rules, start, dt), foreign, start, 0.05)


def arnold() -> Any:
    """Return Arnold's map of the torus, compiled."""
    from numba import njit

    return njit(lambda u, _: np.array([(2 * u[0] + u[1]) % 1.0, (u[0] + u[1]) % 1.0]))


def arnold_slopes() -> Any:
    """Return its derivative, compiled."""
    from numba import njit

    return njit(lambda _u, _p, *_more: np.array([[2.0, 1.0], [1.0, 1.0]]))


def lorenz96() -> Any:
    """Return the Lorenz-96 flow, compiled."""
    from numba import njit

    def flow(_time: float, u: np.ndarray, parameters: np.ndarray) -> np.ndarray:
        rate = np.empty_like(u)
        for i in range(len(u)):
            rate[i] = (u[(i + 1) % len(u)] - u[i - 2]) * u[i - 1] - u[i] + parameters[0]
        return rate

    return njit(flow)


def lorenz96_slopes() -> Any:
    """Return its derivative, compiled."""
    from numba import njit

    def slopes(_time: float, u: np.ndarray, _parameters: np.ndarray) -> np.ndarray:
        size = len(u)
        found = np.zeros((size, size))
        for i in range(size):
            found[i, (i + 1) % size] += u[i - 1]
            found[i, i - 2] -= u[i - 1]
            found[i, i - 1] += u[(i + 1) % size] - u[i - 2]
            found[i, i] -= 1.0
        return found

    return njit(slopes)
