"""Lorenz's system, by everybody: what C, JAX, numba and pynamicalsys compute of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.native import called
from benchmarks.on_jax import in_doubles

DT, SIGMA, RHO, BETA = 0.01, 10.0, 28.0, 8 / 3
BLOCK = 256  # steps between two rescalings in lorenz.cpp


def system(method: str, steps: int) -> tuple[int, int, float, float, float, float]:
    """Return the arguments that every function of lorenz.cpp begins with."""
    return int(method == "rk4"), steps, DT, SIGMA, RHO, BETA


def c_world(method: str, steps: int) -> Callable[[], Any]:
    """Return W in C."""

    def call() -> Any:
        w = np.empty((steps + 1, 3))
        called("lorenz", "lorenz_world", *system(method, steps), w)
        return w

    return call


def c_run(method: str, steps: int, *, fresh: bool = True, op: bool = False) -> Callable[[], Any]:
    """Return W and both tangents in C, into memory of its own or into memory it has."""

    def tables() -> Any:
        return (
            np.empty((steps + 1, 3)),
            np.empty((steps + 1, 3, 2)),
            np.empty((steps // BLOCK + 1, 2), dtype=np.int64),
        )

    kept = tables()

    def call() -> Any:
        w, x, powers = tables() if fresh else kept
        called("lorenz", "lorenz_run", *system(method, steps), w, x, powers)
        if not op:
            return w, x
        found = np.empty(steps + 1)
        called("lorenz", "lorenz_op", steps, x, powers, found)
        return w, x, found

    return call


def c_finite(method: str, steps: int, delta: float) -> Callable[[], Any]:
    """Return the three worlds side by side in C, and both difference quotients."""

    def call() -> Any:
        w, x, y = (np.empty((steps + 1, 3)) for _ in range(3))
        total, direct = np.empty(steps + 1), np.empty(steps + 1)
        called("lorenz", "lorenz_finite", *system(method, steps), delta, w, x, y, total, direct)
        return w, x, y, total, direct

    return call


def c_adjoint(method: str, steps: int) -> Callable[[], Any]:
    """Return the adjoint in C: b at the last step by every node, over all paths and past A."""

    def call() -> Any:
        w, x = np.empty((steps + 1, 3)), np.empty((steps + 1, 3, 2))
        op = np.empty((steps + 1, 3))
        called("lorenz", "lorenz_adjoint", *system(method, steps), w, x, op)
        return x, op

    return call


def c_candidates(method: str, steps: int) -> Callable[[], Any]:
    """Return Op of {a}, {c} and {a, c} in C."""

    def call() -> Any:
        op = np.empty(3)
        called("lorenz", "lorenz_candidates", *system(method, steps), op)
        return op

    return call


def c_exponents(method: str, steps: int, transient: int) -> Callable[[], Any]:
    """Return three exponents and two conditional ones in C."""

    def call() -> Any:
        found = np.empty(5)
        called("lorenz", "lorenz_exponents", *system(method, steps), transient, found)
        return found

    return call


def _jax_step(state: Any) -> Any:
    a, b, c = state
    return (a + DT * (SIGMA * (b - a)), b + DT * (a * (RHO - c) - b), c + DT * (a * b - BETA * c))


def jax_run(steps: int) -> Callable[[], Any]:
    """Return W and both tangents on JAX, by Euler's method."""
    jax = in_doubles()

    def step(carry: Any, _: Any) -> Any:
        s, x, y = carry
        new, nx = jax.jvp(_jax_step, (s,), (x,))
        _, ny = jax.jvp(_jax_step, (s,), (y,))
        ny = (0.0 * ny[0], ny[1], ny[2])
        return (new, nx, ny), (new, nx, ny)

    start = ((1.0, 1.0, 1.0), (0.0, 1.0, 0.0), (0.0, 1.0, 0.0))
    run = jax.jit(lambda s: jax.lax.scan(step, s, None, length=steps)[1])
    return lambda: jax.block_until_ready(run(start))


def jax_adjoint(steps: int) -> Callable[[], Any]:
    """Return one reverse sweep on JAX, by Euler's method: b at the end by the start's nodes."""
    jax = in_doubles()

    def last(s: Any) -> Any:
        return jax.lax.scan(lambda s, _: (_jax_step(s), None), s, None, length=steps)[0][1]

    run = jax.jit(jax.grad(last))
    return lambda: jax.block_until_ready(run((1.0, 1.0, 1.0)))


def numba_run(steps: int) -> Callable[[], Any]:
    """Return W and both tangents on numba, by Euler's method."""
    import numba

    @numba.njit
    def go(w, x, y):  # type: ignore[no-untyped-def]
        a = b = c = 1.0
        xa, xb, xc, yb, yc = 0.0, 1.0, 0.0, 1.0, 0.0
        dt, sigma, rho, beta = 0.01, 10.0, 28.0, 8 / 3
        w[0, 0], w[0, 1], w[0, 2] = a, b, c
        x[0, 0], x[0, 1], x[0, 2] = xa, xb, xc
        y[0, 0], y[0, 1], y[0, 2] = 0.0, yb, yc
        for t in range(1, steps + 1):
            na, nb, nc = (
                a + dt * sigma * (b - a),
                b + dt * (a * (rho - c) - b),
                c + dt * (a * b - beta * c),
            )
            nxa = xa + dt * sigma * (xb - xa)
            nxb = xb + dt * ((rho - c) * xa - a * xc - xb)
            nxc = xc + dt * (b * xa + a * xb - beta * xc)
            yb, yc = yb + dt * (-a * yc - yb), yc + dt * (a * yb - beta * yc)
            a, b, c, xa, xb, xc = na, nb, nc, nxa, nxb, nxc
            w[t, 0], w[t, 1], w[t, 2] = a, b, c
            x[t, 0], x[t, 1], x[t, 2] = xa, xb, xc
            y[t, 0], y[t, 1], y[t, 2] = 0.0, yb, yc

    def call() -> Any:
        tables = tuple(np.empty((steps + 1, 3)) for _ in range(3))
        go(*tables)
        return tables

    return call


def pynamicalsys_exponents(steps: int, transient: int) -> Callable[[], Any]:
    """Return the three exponents on pynamicalsys, by RK4; it has no conditional ones."""
    from pynamicalsys import ContinuousDynamicalSystem

    lorenz = ContinuousDynamicalSystem(model="lorenz system")
    lorenz.integrator("rk4", time_step=DT)
    return lambda: lorenz.lyapunov(
        [1.0, 1.0, 1.0],
        steps * DT + transient * DT,
        parameters=[SIGMA, RHO, BETA],
        transient_time=transient * DT,
    )
