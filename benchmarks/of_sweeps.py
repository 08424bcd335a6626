"""Cases of many worlds: `sweep`, and the engine's batch alone."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import causalopt
from benchmarks.case import Case, Contestant, Prepared, counted, sizes
from benchmarks.native import called
from benchmarks.on_jax import in_doubles
from benchmarks.timing import least

STEPS, CHUNK = 1_000, 32
NUMBERS = (STEPS, 0.02, 25.0, 1.0, 1.0)  # steps, dt, desired, theta, power
TASK = 4096  # starts that a thread takes at once


def starts(count: int, *, mixed: bool = False) -> Any:
    """Return the starts of the landscape, in order or not: then neighbours do not branch alike."""
    import numpy as np

    found = np.linspace(5, 45, count)
    return np.random.default_rng(0).permutation(found) if mixed else found


def c_landscape(
    count: int, *, any_set: bool = False, mixed: bool = False, threads: int | None = None
) -> Prepared:
    """Prepare the landscape in C, on two threads or one; registers as suit the processor.

    Args:
        count: Starts, a multiple of 32.
        any_set: With A as a mask instead of built in.
        mixed: From starts in no order.
        threads: How many threads; as many as `sweep` takes when not given.
    """

    def prepare() -> Callable[[], Any]:
        import numpy as np

        from causalopt.engine.processor_count import processors

        grid, workers = starts(count, mixed=mixed), threads or processors()
        name, held = ("w2_any", (1, 0)) if any_set else ("w2", ())

        def part(comp: Any, op: Any, block: int, first: int) -> None:
            lanes = slice(first, min(count, first + TASK))
            size = lanes.stop - lanes.start
            called("kernels", name, grid[lanes], comp[lanes], size, *NUMBERS, *held, block)
            called("kernels", "w2_op", comp[lanes], op[lanes], size)

        def call(block: int) -> Any:
            comp, op = np.empty(count), np.empty(count)
            work = functools.partial(part, comp, op, block)
            if workers == 1 or count <= TASK:
                for first in range(0, count, TASK):
                    work(first)
            else:
                with ThreadPoolExecutor(workers) as pool:
                    list(pool.map(work, range(0, count, TASK)))
            return op

        ways = {str(block): functools.partial(call, block) for block in (2, 4)}
        best = least(ways, budget=0, rounds=3)
        return ways[min(best, key=lambda way: best[way].cpu)]

    return prepare


def numba_landscape(count: int) -> Callable[[], Any]:
    """Return the landscape on numba, in blocks of lanes."""
    import numba
    import numpy as np

    grid = starts(count)

    @numba.njit(error_model="numpy")
    def go(starts, op):  # type: ignore[no-untyped-def]
        size = 256
        for first in range(0, len(starts), size):
            n = min(size, len(starts) - first)
            r, t = starts[first : first + n].copy(), np.zeros(n)
            xr, xt, yr = np.ones(n), np.zeros(n), np.ones(n)
            for _ in range(STEPS):
                for j in range(n):
                    push = 0.02 * min(max(t[j], -1.0), 1.0)
                    slope = 0.02 if abs(t[j]) < 1.0 else 0.0
                    new = r[j] - 25.0
                    old = xr[j]
                    xr[j] -= slope * xt[j]
                    xt[j] = old
                    r[j] -= push
                    t[j] = new
            op[first : first + n] = -np.log(np.abs(xr / yr))

    def call() -> Any:
        op = np.empty(count)
        go(grid, op)
        return op

    return call


def jax_landscape(count: int) -> Callable[[], Any]:
    """Return the landscape on JAX."""
    jax = in_doubles()
    import jax.numpy as jnp

    def one(start: Any) -> Any:
        def step(_: Any, s: Any) -> Any:
            r, t, xr, xt, yr = s
            push = 0.02 * jnp.clip(t, -1.0, 1.0)
            slope = jnp.where(jnp.abs(t) < 1.0, 0.02, 0.0)
            return r - push, r - 25.0, xr - slope * xt, xr, yr

        s = jax.lax.fori_loop(0, STEPS, step, (start, 0.0, 1.0, 0.0, 1.0))
        return -jnp.log(jnp.abs(s[2] / s[4]))

    run, grid = jax.jit(jax.vmap(one)), starts(count)
    return lambda: jax.block_until_ready(run(grid))


def sweep_case(count: int, *, mixed: bool = False) -> Case:
    """Return `sweep` over starts of the saturating thermostat."""

    def prepare() -> Callable[[], Any]:
        room = causalopt.load("thermostat_saturating")
        grid = {"R[0]": starts(count, mixed=mixed)}
        return lambda: causalopt.sweep(room, grid, steps=STEPS)

    beside = [
        Contestant("C, A built in", c_landscape(count, mixed=mixed), lambda op: op, 1e-7),
        Contestant("C, any A", c_landscape(count, any_set=True, mixed=mixed), lambda op: op, 1e-7),
    ]
    if count < 1_000_000 and not mixed:
        beside += [
            Contestant(
                "numba, 256 lanes a block",
                lambda: numba_landscape(count),
                lambda op: op,
                1e-7,
                quick=False,
            ),
            Contestant("JAX vmap", lambda: jax_landscape(count), lambda op: op, 1e-7, quick=False),
        ]
    return Case(
        "sweep",
        "saturating thermostat, 1,000 steps" + (", starts in no order" if mixed else ""),
        f"{counted(count)} starts",
        prepare,
        lambda found: found.op,
        beside,
    )


def batch_case(count: int, *, estimate: bool) -> Case:
    """Return the batch of a sweep by itself, on one thread: the engine without what is round it."""

    def prepare() -> Callable[[], Any]:
        import numpy as np

        from causalopt.engine.batch import Batch
        from causalopt.engine.machine import batch_code as batches
        from causalopt.worlds.interventions import plan_for

        model = causalopt.load("thermostat_saturating")
        template = model.template
        plan = plan_for(model, steps=STEPS, hold=model.selection("T"), seed=model.node("R[0]"))
        r = template.index["R"]
        batch = Batch(plan, {(0, r): starts(count)}, {}, (STEPS,), (r,), estimate=estimate)
        with mock.patch.object(batches, "_COMPILE_HELD_FROM", 0):
            runner = batches.MachineBatch(template.structure, batch)

        def call() -> Any:
            comp = np.empty(count)
            for lanes in runner.tasks():
                kept = runner.run(lanes)
                comp[lanes] = kept.values["x"][0, 0] / kept.values["y"][0, 0]
            return -np.log(np.abs(comp))

        return call

    return Case(
        "(engine) batch",
        f"as sweep, {'with' if estimate else 'without'} rounding estimates, one thread",
        f"{counted(count)} starts",
        prepare,
        lambda op: op,
        [
            Contestant("C, A built in", c_landscape(count, threads=1), lambda op: op, 1e-7),
            Contestant(
                "C, any A", c_landscape(count, any_set=True, threads=1), lambda op: op, 1e-7
            ),
        ],
        fresh=False,
    )


def cases() -> list[Case]:
    """Return them all."""
    return [
        *sizes((1_024, 102_400, 1_024_000), sweep_case, quick=1_024),
        *sizes((102_400,), lambda n: sweep_case(n, mixed=True)),
        *sizes((102_400,), lambda n: batch_case(n, estimate=True)),
        *sizes((102_400,), lambda n: batch_case(n, estimate=False)),
    ]
