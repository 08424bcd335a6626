"""The networks of the cases of arrays by hand: in numpy, and as a scan of JAX."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.on_jax import in_doubles

SIZES: dict[str, int | str] = {"pixel": 784, "hidden": 100, "digit": 2}
RATE = 0.01
HELD = slice(50, 100)
NUDGED = 3


@functools.cache
def images(steps: int) -> dict[str, Any]:
    """Return images, a fifth of whose pixels are lit, and what they show."""
    rng = np.random.default_rng(0)
    lit = rng.random((steps + 1, 784)) < 0.2
    digits = np.eye(2)[rng.integers(0, 2, steps + 1)]
    return {"x": rng.random((steps + 1, 784)) * lit, "y": digits}


@functools.cache
def weights() -> dict[str, Any]:
    """Return weights and biases to start from."""
    rng = np.random.default_rng(1)
    return {
        "W1": rng.normal(0, np.sqrt(2 / 784), (100, 784)),
        "b1": np.zeros(100),
        "W2": rng.normal(0, np.sqrt(2 / 100), (2, 100)),
        "b2": np.zeros(2),
    }


@functools.cache
def recurrent_start(units: int) -> dict[str, Any]:
    """Return a recurrent network's weights and state to start from, tame enough to compare."""
    rng = np.random.default_rng(2)
    return {"W": rng.normal(0, 0.95 / np.sqrt(units), (units, units)), "h": rng.normal(size=units)}


def numpy_learner(steps: int, tallies: int) -> Callable[[], Any]:
    """Return training by hand: forward, backward, updates in place."""
    data, start = images(steps), weights()

    def call() -> Any:
        W1, b1, W2, b2 = (start[name].copy() for name in ("W1", "b1", "W2", "b2"))
        sums = [np.zeros_like(W1) for _ in range(tallies)]
        seen = np.zeros(steps + 1)
        for t in range(1, steps + 1):
            x, y = data["x"][t], data["y"][t]
            z = W1 @ x + b1
            h = np.logaddexp(0.0, z)
            error = W2 @ h + b2 - y
            seen[t] = error @ error / 2
            back = RATE * (error @ W2) / (1 + np.exp(-z))
            before = W1.copy() if tallies else None
            W1 -= np.outer(back, x)
            b1 -= back
            W2 -= np.outer(RATE * error, h)
            b2 -= RATE * error
            if before is not None:
                np.subtract(W1, before, out=before)
                np.abs(before, out=before)
                for k, total in enumerate(sums):
                    total += y[k] * before
                    seen[t] += total[0, 9]
        return seen

    return call


def _learning_step(jax: Any, held: bool) -> Callable[[Any, Any], Any]:
    """Return one step of training on JAX; held units pass no derivative on."""
    jnp = jax.numpy

    def step(carry: Any, given: Any) -> Any:
        (W1, b1, W2, b2), (x, y) = carry, given
        z = W1 @ x + b1
        h = jnp.logaddexp(0.0, z)
        if held:
            h = h.at[HELD].set(jax.lax.stop_gradient(h[HELD]))
        error = W2 @ h + b2 - y
        back = RATE * (error @ W2) * jax.nn.sigmoid(z)
        new = (
            W1 - jnp.outer(back, x),
            b1 - back,
            W2 - RATE * jnp.outer(error, h),
            b2 - RATE * error,
        )
        return new, error @ error / 2

    return step


def jax_learner(steps: int) -> Callable[[], Any]:
    """Return training as a scan of JAX."""
    jax = in_doubles()
    data, start = images(steps), weights()
    step = _learning_step(jax, held=False)
    run = jax.jit(lambda carry, given: jax.lax.scan(step, carry, given)[1])
    given = (data["x"][1:], data["y"][1:])
    carry = tuple(start[name] for name in ("W1", "b1", "W2", "b2"))
    return lambda: np.concatenate([[0.0], run(carry, given)])


def jax_influence(steps: int) -> Callable[[], Any]:
    """Return training with the derivatives by one bias, over all paths and past the held units."""
    jax = in_doubles()
    data, start = images(steps), weights()
    names = ("W1", "b1", "W2", "b2")
    free, past = _learning_step(jax, held=False), _learning_step(jax, held=True)

    def both(carry: Any, given: Any) -> Any:
        w, x, y = carry
        new, x = jax.jvp(lambda at: free(at, given), (w,), (x,))
        _, y = jax.jvp(lambda at: past(at, given), (w,), (y,))
        return (new[0], x[0], y[0]), (new[1], x[1], y[1])

    nudge = tuple(
        np.eye(100)[NUDGED] if name == "b1" else np.zeros_like(start[name]) for name in names
    )
    w = tuple(start[name] for name in names)
    run = jax.jit(lambda carry, given: jax.lax.scan(both, carry, given)[1])
    given = (data["x"][1:], data["y"][1:])
    return lambda: [np.concatenate([[0.0], part]) for part in run((w, nudge, nudge), given)]


def numpy_recurrent(units: int, steps: int) -> Callable[[], Any]:
    """Return a recurrent network and the derivatives by a unit, past the held half and at all."""
    start = recurrent_start(units)
    half = units // 2

    def call() -> Any:
        W, h = start["W"], start["h"]
        x = np.zeros(units)
        x[0] = 1.0
        y = x.copy()
        seen = np.zeros((3, steps + 1))
        seen[:, 0] = h[1], x[1], y[1]
        for t in range(1, steps + 1):
            h = np.tanh(W.dot(h))
            slope = 1 - h * h
            x = slope * W.dot(x)
            y = slope * W.dot(y)
            y[half:] = 0.0
            seen[0, t], seen[1, t], seen[2, t] = h[1], x[1], y[1]
        return seen

    return call
