"""The engine against hand-written C, numba, JAX and numpy, on the same work in one run.

    python benchmarks/run.py [--quick]

Each figure is the least CPU time of one thread over several rounds, in which the contestants take
turns; JAX is timed by the clock, being threaded. A C++ compiler, numba and JAX are used when they
are there (pip install -r benchmarks/requirements.txt). Not a test: nothing fails when it is slow.
"""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import numpy as np  # noqa: E402 - the path comes first

import causalopt  # noqa: E402
from benchmarks.contestants import (  # noqa: E402
    has,
    jax_adjoint,
    jax_landscape,
    jax_lorenz,
    numba_landscape,
    numba_lorenz,
    numba_walkers,
    numpy_landscape,
    with_jax,
)
from benchmarks.processes import cold, landscape_process, w4  # noqa: E402
from causalopt.descents.chain import chain_of  # noqa: E402
from causalopt.descents.walkers.ensemble import run_ensemble  # noqa: E402
from causalopt.engine.executions import execution  # noqa: E402
from causalopt.engine.machine import batch_code as batches  # noqa: E402
from causalopt.engine.machine.trajectory import MachineCode  # noqa: E402
from causalopt.worlds.interventions import plan_for  # noqa: E402

QUICK = "--quick" in sys.argv
D, N = ctypes.c_double, ctypes.c_int64
SOURCE = HERE / "kernels.cpp"
FLAGS = ["-O3", "-march=native", "-mprefer-vector-width=512", "-std=c++17"]


@dataclasses.dataclass
class Row:
    """One contestant's time."""

    name: str
    seconds: float
    unit: float  # how many node-updates


def compiled(folder: Path) -> ctypes.CDLL | None:
    """Return the C baselines, None without a compiler."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        return None
    library = folder / "kernels.so"
    flags = [flag for flag in FLAGS if "prefer" not in flag or "avx512" in cpu_flags()]
    command = [compiler, *flags, "-shared", "-fPIC", "-o", str(library), str(SOURCE)]
    subprocess.run(command, check=True, capture_output=True)
    program = [compiler, *flags, "-DPROGRAM", "-pthread", "-o", str(folder / "landscape")]
    subprocess.run([*program, str(SOURCE)], check=True, capture_output=True)
    return ctypes.CDLL(str(library))


def cpu_flags() -> str:
    """Return what the system says of the processor."""
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ""


def at(array: np.ndarray) -> ctypes.c_void_p:
    """Return an array's address."""
    return ctypes.c_void_p(array.ctypes.data)


def least(
    contestants: dict[str, Callable[[], object]], rounds: int, wall: frozenset[str] = frozenset()
) -> dict[str, float]:
    """Return each contestant's least time; they take turns, so that all see the same machine."""
    best = dict.fromkeys(contestants, float("inf"))
    for function in contestants.values():
        function()
    for _ in range(rounds):
        for name, function in contestants.items():
            clock = time.perf_counter if name in wall else time.thread_time
            start = clock()
            function()
            best[name] = min(best[name], clock() - start)
    return best


def soonest(variants: list[Callable[[], object]]) -> Callable[[], object]:
    """Return the one of several ways to do the same work that takes the least time."""
    best = least({str(k): variant for k, variant in enumerate(variants)}, 3)
    return variants[int(min(best, key=lambda k: best[k]))]


def report(title: str, best: dict[str, float], base: str, updates: float) -> None:
    """Print one workload's table."""
    print(f"\n{title}")
    reference = best.get(base)
    for name, seconds in best.items():
        ratio = f"{seconds / reference:8.2f}" if reference else "       -"
        print(f"  {name:44s} {seconds * 1e3:10.2f} ms {seconds / updates * 1e9:9.3f} ns {ratio}")


def w1(c: ctypes.CDLL | None) -> None:
    """One Lorenz trajectory with both tangents, everything stored."""
    steps = 20_000 if QUICK else 100_000
    model = causalopt.load("lorenz")
    plan = plan_for(model, steps=steps, hold=model.selection("a"), seed=model.node("b[0]"))
    structure = model.template.structure
    tables = [np.zeros((steps + 1, 3)) for _ in range(3)]
    contestants: dict[str, Callable[[], object]] = {}
    if c is not None:
        contestants["C"] = lambda: c.w1(
            N(steps), D(0.01), D(10), D(28), D(8 / 3), *(at(table) for table in tables)
        )
    contestants["engine (with rounding estimates)"] = lambda: MachineCode().run_tangents(
        structure, plan
    )
    contestants["engine, no rounding estimates"] = lambda: MachineCode().run_tangents(
        structure, plan, estimate=False
    )
    contestants["generated Python"] = lambda: execution("python").run_tangents(structure, plan)
    wall = with_jax(contestants, "JAX scan", lambda: jax_lorenz(steps))
    if has("numba"):
        contestants["numba"] = numba_lorenz(steps, tables)
    best = least(contestants, 3 if QUICK else 7, wall)
    report(f"W1: Lorenz, {steps} steps, W and both tangents stored", best, "C", 3.0 * steps)


def thermostat_batch(
    count: int, steps: int, *, masked: bool = False, **options: bool
) -> Callable[[], object]:
    """Return the landscape as the engine runs it, final Comp of every start.

    A is compiled in, as in any batch of this size, or given as a mask.
    """
    model = causalopt.load("thermostat_saturating")
    template = model.template
    plan = plan_for(model, steps=steps, hold=model.selection("T"), seed=model.node("R[0]"))
    r = template.index["R"]
    starts = {(0, r): np.linspace(5, 45, count)}
    batch = batches.Batch(plan, starts, {}, (steps,), (r,), **options)
    least_work = float("inf") if masked else 0
    with mock.patch.object(batches, "_COMPILE_HELD_FROM", least_work):
        runner = batches.MachineBatch(template.structure, batch)
    comp = np.empty(count)

    def go() -> None:
        for lanes in runner.tasks():
            kept = runner.run(lanes)
            comp[lanes] = kept.values["x"][0, 0] / kept.values["y"][0, 0]

    return go


def w2(c: ctypes.CDLL | None) -> None:
    """A landscape of the saturating thermostat."""
    count, steps = (9984 if QUICK else 99_968), 1000
    starts, comp = np.linspace(5, 45, count), np.empty(count)
    numbers = (N(count), N(steps), D(0.02), D(25), D(1), D(1))
    contestants: dict[str, Callable[[], object]] = {}
    if c is not None:
        # Two or four registers at once, whichever suits the processor.
        built_in, any_set = (
            soonest(
                [
                    functools.partial(work, at(starts), at(comp), *numbers, *held, N(block))
                    for block in (2, 4)
                ]
            )
            for work, held in ((c.w2, ()), (c.w2_any, (N(1), N(0))))
        )
        contestants["C, SIMD, A built in"] = built_in
        contestants["C, SIMD, any A"] = any_set
        contestants["C, scalar"] = lambda: c.w2_scalar(at(starts), at(comp), *numbers)
    contestants["engine, no rounding estimates"] = thermostat_batch(count, steps, estimate=False)
    contestants["engine, no estimates, contracted"] = thermostat_batch(
        count, steps, estimate=False, contract=True
    )
    contestants["engine, any A, no estimates"] = thermostat_batch(
        count, steps, estimate=False, masked=True
    )
    contestants["engine, with rounding estimates"] = thermostat_batch(count, steps)
    if has("numba"):
        contestants["numba, 256 lanes a block"] = numba_landscape(starts, comp, steps)
    contestants["numpy"] = lambda: numpy_landscape(starts, steps)
    wall = with_jax(contestants, "JAX vmap of scan", lambda: jax_landscape(starts, steps))
    best = least(contestants, 3 if QUICK else 5, wall)
    title = f"W2: {count} starts x {steps} steps of the saturating thermostat"
    report(title, best, "C, SIMD, A built in", 2.0 * count * steps)


def w3(c: ctypes.CDLL | None) -> None:
    """Walkers of stochastic gradient descent in the pit, their noise sampled."""
    count, steps, rate, start, seed = (9984 if QUICK else 99_968), 1000, 0.0125, 1.0, 1
    chain = chain_of(causalopt.load("sgd_pit").replace(parameters={"T": rate})).step
    starts, out = np.full((1, count), start), np.empty(count)
    numbers = (N(count), N(steps), D(start), D(rate), N(seed))
    contestants: dict[str, Callable[[], object]] = {}
    if c is not None:
        contestants["C, SIMD"] = lambda: c.w3(at(out), *numbers, N(16))
        contestants["C, scalar"] = lambda: c.w3_scalar(at(out), *numbers)
    contestants["causalopt, machine code"] = lambda: run_ensemble(
        chain, starts, [steps], seed=seed, compiled=True
    )
    contestants["causalopt, numpy"] = lambda: run_ensemble(
        chain, starts, [steps], seed=seed, compiled=False
    )
    if has("numba"):
        contestants["numba, 256 lanes a block"] = numba_walkers(out, steps, start, rate, seed)
    best = least(contestants, 2 if QUICK else 3)
    title = f"W3: {count} walkers x {steps} steps of gradient descent in the pit, T = {rate}"
    report(title, best, "C, SIMD", 1.0 * count * steps)
    if c is not None:
        c.w3(at(out), *numbers, N(16))
        ours = run_ensemble(chain, starts, [steps], seed=seed, compiled=True).states[0, 0]
        same = np.mean(np.abs(ours - out) < 1e-6)
        print(f"  walkers that end where the C's do, to 1e-6: {same:.4f}")


def w5(c: ctypes.CDLL | None, steps: int) -> None:
    """The adjoint: one node by all others."""
    model = causalopt.load("lorenz")
    plan = plan_for(model, steps=steps, hold=model.selection("a"))
    structure, target = model.template.structure, model.template.index["b"]
    tables = [np.zeros((steps + 1, 3)) for _ in range(3)]
    contestants: dict[str, Callable[[], object]] = {}
    if c is not None:
        contestants["C, both sweeps"] = lambda: c.w5(
            N(steps), D(0.01), D(10), D(28), D(8 / 3), *(at(table) for table in tables)
        )
    for name in ("llvm", "python"):
        contestants[f"engine ({name}), with rounding estimates"] = functools.partial(
            execution(name).run_adjoint, structure, plan, target
        )
    wall = with_jax(contestants, "JAX grad, one sweep, 3 nodes", lambda: jax_adjoint(steps))
    best = least(contestants, 15 if steps < 10_000 else 3, wall)
    title = f"W5: adjoint of Lorenz, {steps} steps, all nodes"
    report(title, best, "C, both sweeps", 3.0 * steps)
    if c is not None and steps <= 1000:  # chaos: later, rounding decides
        found = MachineCode().run_adjoint(structure, plan, target)
        shown = np.ldexp(found.total, found.exponents[:, :1])
        apart = np.abs(shown - tables[1]).max() / np.abs(shown).max()
        print(f"  largest difference to C, of the largest derivative: {apart:.1e}")


def threads(folder: Path, has_c: bool) -> None:
    """Two threads against one, by the clock; the C program's gain shows what the machine gives."""
    model = causalopt.load("thermostat_saturating")
    grid = {"R[0]": np.linspace(5, 45, 100_000 if QUICK else 400_000)}
    points = len(grid["R[0]"])
    work: dict[str, Callable[[int], object]] = {
        "causalopt.sweep": lambda k: causalopt.sweep(model, grid, steps=1000, workers=k)
    }
    if has_c:
        work["C program"] = lambda k: subprocess.run(
            [str(folder / "landscape"), str(points), "1000", str(k)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    print(f"\nTwo threads against one, by the clock: {points} starts x 1000 steps")
    taken = {(name, k): [] for name in work for k in (1, 2)}  # type: dict[tuple[str, int], list]
    for _ in range(9):
        for (name, k), seconds in taken.items():
            start = time.perf_counter()
            work[name](k)
            seconds.append(time.perf_counter() - start)
    for name in work:
        one, two = (np.array(taken[name, k]) for k in (1, 2))
        print(
            f"  {name:44s} {one.min():.3f} s and {two.min():.3f} s, ratio of the best "
            f"{one.min() / two.min():.2f}, median {np.median(one / two):.2f}"
        )


def curves() -> None:
    """Cost against steps, lanes and variables: linear means a constant last column."""
    print("\nCost is linear: nanoseconds per step of Lorenz")
    model = causalopt.load("lorenz")
    structure = model.template.structure
    for steps in (10_000, 100_000, 1_000_000):
        plan = plan_for(model, steps=steps, hold=model.selection("a"), seed=model.node("b[0]"))
        best = least({"": lambda plan=plan: MachineCode().run_tangents(structure, plan)}, 3)
        print(f"  {steps:9d} steps  {best[''] / steps * 1e9:8.2f} ns")
    print("Nanoseconds per lane of 1000 steps of the saturating thermostat")
    for count in (1_000, 10_000, 100_000):
        best = least({"": thermostat_batch(count, 1000)}, 3)
        print(f"  {count:9d} lanes  {best[''] / count * 1e9:8.1f} ns")
    print("A ring of n variables, 2000 steps: first result, compiled; later, per node-update")
    os.environ["CAUSALOPT_CACHE"] = ""
    for count in (10, 100, 1000):
        ring = causalopt.Model(
            name="ring",
            variables={
                f"v{i}": {
                    "rule": f"0.9*v{i}[t-1] + 0.1*v{(i + 1) % count}[t-1]*v{i * 7 % count}[t-1]",
                    "initial": 0.5,
                }
                for i in range(count)
            },
        )
        plan = plan_for(ring, steps=2000, hold=ring.selection("v1"), seed=ring.node("v0[0]"))
        start = time.process_time()
        MachineCode().run_tangents(ring.template.structure, plan)
        first = time.process_time() - start
        best = least(
            {
                "": lambda ring=ring, plan=plan: MachineCode().run_tangents(
                    ring.template.structure, plan
                )
            },
            2,
        )
        print(f"  {count:9d} variables  {first:6.2f} s   {best[''] / count / 2000 * 1e9:8.2f} ns")


def main() -> None:
    """Run everything and print it."""
    model = [
        line.split(":")[1].strip() for line in cpu_flags().splitlines() if "model name" in line
    ]
    width = 8 if "avx512f" in cpu_flags() else 4
    name = model[0] if model else platform.processor()
    print(
        f"{name}, {os.cpu_count()} processors, registers of {width} doubles; "
        f"{platform.platform()}; Python {platform.python_version()}"
    )
    print("columns: time, per node-update, ratio to the first C row")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        c = compiled(folder)
        w1(c)
        w2(c)
        w3(c)
        w4(2000 if QUICK else 10_000)
        w5(c, 1000)
        w5(c, 100_000)
        threads(folder, c is not None)
        for length in (1000, 10_000):
            landscape_process(folder, c is not None, 100_000 if QUICK else 1_000_000, length)
        cold()
        curves()


if __name__ == "__main__":
    main()
