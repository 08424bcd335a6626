"""The other packages on the same work: JAX, numba and numpy."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import numpy as np


def has(name: str) -> bool:
    """Whether a package is installed."""
    return importlib.util.find_spec(name) is not None


def with_jax(
    contestants: dict[str, Callable[[], object]],
    name: str,
    make: Callable[[], Callable[[], object]],
) -> frozenset[str]:
    """Add a contestant on JAX when it is installed, and return the names timed by the clock."""
    if not has("jax"):
        return frozenset()
    import jax

    jax.config.update("jax_enable_x64", True)
    contestants[name] = make()
    return frozenset({name})


def jax_lorenz(steps: int) -> Callable[[], object]:
    """Return W1 on JAX."""
    import jax

    def flow(s):  # type: ignore[no-untyped-def]
        a, b, c = s
        return (
            a + 0.01 * 10 * (b - a),
            b + 0.01 * (a * (28 - c) - b),
            c + 0.01 * (a * b - 8 / 3 * c),
        )

    def step(carry, _):  # type: ignore[no-untyped-def]
        s, x, y = carry
        new, nx = jax.jvp(flow, (s,), (x,))
        _, ny = jax.jvp(flow, (s,), (y,))
        ny = (0.0 * ny[0], ny[1], ny[2])
        return (new, nx, ny), (new, nx, ny)

    start = ((1.0, 1.0, 1.0), (0.0, 1.0, 0.0), (0.0, 1.0, 0.0))
    run = jax.jit(lambda s: jax.lax.scan(step, s, None, length=steps)[1])
    return lambda: jax.block_until_ready(run(start))


def jax_landscape(starts: np.ndarray, steps: int) -> Callable[[], object]:
    """Return W2 on JAX."""
    import jax
    import jax.numpy as jnp

    def one(r):  # type: ignore[no-untyped-def]
        def step(_, s):  # type: ignore[no-untyped-def]
            r, t, xr, xt, yr = s
            inside = jnp.abs(t) < 1.0
            push = 0.02 * jnp.clip(t, -1.0, 1.0)
            slope = jnp.where(inside, 0.02, 0.0)
            return r - push, r - 25.0, xr - slope * xt, xr, yr

        s = jax.lax.fori_loop(0, steps, step, (r, 0.0, 1.0, 0.0, 1.0))
        return s[2] / s[4]

    run = jax.jit(jax.vmap(one))
    return lambda: jax.block_until_ready(run(starts))


def jax_adjoint(steps: int) -> Callable[[], object]:
    """Return one reverse sweep on JAX."""
    import jax

    def last(s):  # type: ignore[no-untyped-def]
        def step(s, _):  # type: ignore[no-untyped-def]
            a, b, c = s
            return (
                a + 0.1 * (b - a),
                b + 0.01 * (a * (28 - c) - b),
                c + 0.01 * (a * b - 8 / 3 * c),
            ), None

        return jax.lax.scan(step, s, None, length=steps)[0][1]

    run = jax.jit(jax.grad(last))
    return lambda: jax.block_until_ready(run((1.0, 1.0, 1.0)))


def numba_lorenz(steps: int, tables: list[np.ndarray]) -> Callable[[], object]:
    """Return W1 on numba."""
    import numba

    @numba.njit
    def go(w, x, y):  # type: ignore[no-untyped-def]
        a = b = c = 1.0
        xa, xb, xc, yb, yc = 0.0, 1.0, 0.0, 1.0, 0.0
        dt, sigma, rho, beta = 0.01, 10.0, 28.0, 8 / 3
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

    return lambda: go(*tables)


def numba_landscape(starts: np.ndarray, comp: np.ndarray, steps: int) -> Callable[[], object]:
    """Return W2 on numba."""
    import numba

    @numba.njit(error_model="numpy")
    def go(starts, comp):  # type: ignore[no-untyped-def]
        size = 256
        for first in range(0, len(starts), size):
            n = min(size, len(starts) - first)
            r, t = starts[first : first + n].copy(), np.zeros(n)
            xr, xt, yr = np.ones(n), np.zeros(n), np.ones(n)
            for _ in range(steps):
                for j in range(n):
                    push = 0.02 * min(max(t[j], -1.0), 1.0)
                    slope = 0.02 if abs(t[j]) < 1.0 else 0.0
                    new = r[j] - 25.0
                    old = xr[j]
                    xr[j] -= slope * xt[j]
                    xt[j] = old
                    r[j] -= push
                    t[j] = new
            comp[first : first + n] = xr / yr

    return lambda: go(starts, comp)


def numba_walkers(
    out: np.ndarray, steps: int, start: float, rate: float, seed: int
) -> Callable[[], object]:
    """Return W3 on numba: the streams of `causalopt.worlds.streams`, lanes in blocks."""
    import numba

    rotations = np.array([16, 42, 12, 31, 16, 32, 24, 21], dtype=np.uint64)
    keys = np.array([seed, 0, 0x1BD11BDAA9FC1A22 ^ seed], dtype=np.uint64)

    @numba.njit(error_model="numpy")
    def threefry(first, second):  # type: ignore[no-untyped-def]
        a, b = first + keys[0], second + keys[1]
        for r in range(20):
            a += b
            turn = rotations[r % 8]
            b = ((b << turn) | (b >> (np.uint64(64) - turn))) ^ a
            if r % 4 == 3:
                q = r // 4 + 1
                a += keys[q % 3]
                b += keys[(q + 1) % 3] + np.uint64(q)
        return a, b

    @numba.njit(error_model="numpy")
    def go(out):  # type: ignore[no-untyped-def]
        size = 256
        one = np.uint64(1)
        low, high = np.zeros(size, dtype=np.uint64), np.zeros(size, dtype=np.uint64)
        for begin in range(0, len(out), size):
            n = min(size, len(out) - begin)
            w = np.full(n, start)
            for t in range(steps):
                if t % 128 == 0:
                    for j in range(n):
                        low[j], high[j] = threefry(np.uint64(begin + j), np.uint64(t // 128))
                words = high if t % 128 >= 64 else low
                shift = np.uint64(t % 64)
                for j in range(n):
                    e, f = w[j] - 2.0, w[j] - 1.0
                    slope = 2.0 * e * np.exp(-(e * e))
                    bit = float((words[j] >> shift) & one)
                    w[j] -= rate * (slope + bit * (200.0 * f * np.exp(-100.0 * (f * f))))
            out[begin : begin + n] = w

    return lambda: go(out)


def numpy_landscape(starts: np.ndarray, steps: int) -> np.ndarray:
    """Return W2 on numpy."""
    r, t = starts.copy(), np.zeros_like(starts)
    xr, xt = np.ones_like(starts), np.zeros_like(starts)
    for _ in range(steps):
        push = 0.02 * np.clip(t, -1.0, 1.0)
        slope = np.where(np.abs(t) < 1.0, 0.02, 0.0)
        xr, xt = xr - slope * xt, xr
        r, t = r - push, r - 25.0
    return xr
