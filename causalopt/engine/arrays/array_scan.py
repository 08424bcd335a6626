"""A loop over steps compiled by XLA: the source that numpy runs, traced once by JAX.

Numbers are doubles whatever the process's own setting is: 64 bits are switched on for these calls
alone.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from causalopt.engine.arrays.array_loop import ArrayLoop
from causalopt.engine.arrays.array_plan import Values
from causalopt.engine.arrays.array_step import KINDS
from causalopt.extras import need
from causalopt.tensors.tensor_source import compiled


@dataclasses.dataclass(frozen=True, eq=False)
class Scanned:
    """What a scan gives.

    Attributes:
        carried: What is carried on, as in the loop.
        stored: What is stored, step first.
        powers: The powers of two of total and direct at each step, shape [t, 2].
        following: Those after the last step.
    """

    carried: list[Values]
    stored: list[Values]
    powers: Values
    following: tuple[int, int]


def scanned(
    loop: ArrayLoop,
    count: int,
    first: int,
    constants: Sequence[Any],
    carried: Sequence[Any],
    streams: Sequence[Any],
    *,
    capacity: int,
    powers: tuple[int, int] = (0, 0),
    every: int | None = None,
    far: float = 1.0,
    factors: Values | None = None,
) -> Scanned:
    """Run a loop over steps by JAX.

    Args:
        loop: The loop.
        count: How many steps.
        first: The first of them.
        constants: What is the same at every step.
        carried: What is carried.
        streams: What is given for every step, step first.
        capacity: The most steps that a call with this loop has; code is made for it.
        powers: The powers of two of total and direct.
        every: After how many steps the size of tangents is looked at; None for never.
        far: The size from which they are scaled.
        factors: What disturbed values are multiplied by, from a place that changes; None for a loop
            without disturbed values.

    Raises:
        MissingPackageError: JAX is not installed.
    """
    need("jax")
    import jax

    capacity = _rounded_up(capacity)
    with jax.enable_x64(True):
        padded = [_padded(values, capacity) for values in streams]
        taken = [np.asarray(value) for value in constants]
        state = [np.asarray(value, dtype=float) for value in carried]
        pool = np.ones(1) if factors is None else factors
        found = _function(loop)(
            capacity, every, count, first, far, taken, state, padded, np.array(powers), pool
        )
        kept, stored, noted, after = jax.tree.map(np.asarray, found)
    return Scanned(
        list(kept),
        [values[:count] for values in stored],
        noted[:count],
        (int(after[0]), int(after[1])),
    )


def _rounded_up(count: int) -> int:
    """Return a length of at most an eighth more: code is made for few different ones."""
    unit = 1 << max(count.bit_length() - 4, 0)
    return -(-count // unit) * unit


def _padded(values: Any, capacity: int) -> Values:
    found: Values = np.asarray(values, dtype=float)
    if len(found) == capacity:
        return found
    whole = np.zeros((capacity, *found.shape[1:]))
    whole[: len(found)] = found
    return whole


@functools.lru_cache(maxsize=32)
def _function(loop: ArrayLoop) -> Callable[..., Any]:
    """Return the jitted run of a loop; the length and how often tangents are scaled are static."""
    need("jax")
    import jax

    jnp, lax = jax.numpy, jax.lax
    parts = loop.loop
    clock = [parts.clock] if parts.clock is not None else []
    carried = [before for before, _ in parts.carried]
    fixed = {leaf: place for place, leaf in enumerate(sorted(parts.disturbed, key=repr))}
    step = compiled(
        parts.results,
        [*parts.constants, *clock, *parts.streams, *carried],
        module=jnp,
        named=loop.named,
        fixed=fixed,
    )
    moving = [[place for place, key in enumerate(loop.carried) if key[0] == kind] for kind in KINDS]

    def run(
        capacity: int,
        every: int | None,
        count: Any,
        first: Any,
        far: Any,
        constants: Any,
        start: Any,
        streams: Any,
        powers: Any,
        factors: Any,
    ) -> Any:
        def one(i: Any, state: Any) -> Any:
            values, stores, powers, noted = state
            now = [lax.dynamic_index_in_dim(x, i, keepdims=False) for x in streams]
            time = [jnp.asarray(first + i, dtype=float)] * len(clock)
            fix = [functools.partial(_disturbed, jax, factors, first + i)] * bool(fixed)
            found = step(*fix, *constants, *time, *now, *values)
            new = [_like(jnp, x, v.shape) for x, v in zip(found, values, strict=False)]
            stored = [
                lax.dynamic_update_index_in_dim(store, _like(jnp, x, store.shape[1:]), i, 0)
                for store, x in zip(stores, found[len(values) :], strict=True)
            ]
            return new, stored, powers, noted.at[i].set(powers)

        def block(state: Any) -> Any:
            i, rest = state
            assert every is not None
            stop = jnp.minimum(count, i + every - (first + i) % every)
            values, stores, powers, noted = lax.fori_loop(i, stop, one, rest)
            is_due = (first + stop) % every == 0
            values, powers = _rescaled(jnp, values, powers, moving, far, is_due)
            return stop, (values, stores, powers, noted)

        shapes = [leaf.shape for leaf in parts.stored]
        stores = [jnp.zeros((capacity, *shape)) for shape in shapes]
        state = (list(start), stores, powers, jnp.zeros((capacity, 2), dtype=powers.dtype))
        if every is None:
            state = lax.fori_loop(0, count, one, state)
        else:
            begin = (jnp.zeros((), dtype=jnp.asarray(count).dtype), state)
            _, state = lax.while_loop(lambda s: s[0] < count, block, begin)
        values, stores, powers, noted = state
        return values, stores, noted, powers

    jitted: Callable[..., Any] = jax.jit(run, static_argnums=(0, 1))
    return jitted


def _like(jnp: Any, value: Any, shape: tuple[int, ...]) -> Any:
    return jnp.broadcast_to(jnp.asarray(value, dtype=float), shape)


def _disturbed(jax: Any, factors: Any, t: Any, place: int, value: Any) -> Any:
    """Return a value times factors from a place in the pool that no other node of the step has."""
    size = max(value.size, 1)
    start = (t * 7919 + place * 104729) % (factors.shape[0] - size + 1)
    part = jax.lax.dynamic_slice(factors, (start,), (size,))
    return value * part.reshape(value.shape)


def _rescaled(
    jnp: Any, values: Any, powers: Any, moving: list[list[int]], far: Any, is_due: Any
) -> Any:
    """Return tangents and their powers of two, brought back into range where they have left it."""
    values = list(values)
    for place, places in enumerate(moving):
        if not places:
            continue
        sizes = [jnp.max(jnp.abs(values[i]), initial=0.0) for i in places]
        largest = functools.reduce(jnp.maximum, sizes)
        is_far = (largest <= 1 / far) | (largest >= far)
        wanted = is_due & is_far & jnp.isfinite(largest) & (largest != 0)
        shift = jnp.where(wanted, jnp.frexp(largest)[1], 0)
        for i in places:
            values[i] = jnp.ldexp(values[i], -shift)
        powers = powers.at[place].add(shift.astype(powers.dtype))
    return values, powers
