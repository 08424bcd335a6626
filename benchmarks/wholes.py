"""Whole processes: memory, first results, and the curves of large work with their limits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measured import shown
from benchmarks.native import HERE, built, scratch

LONGEST = 90.0  # seconds by the clock after which a task is stopped and said to take longer

# A process inherits the peak of its parent's memory: a small one starts the command and asks.
CHILD = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
try:
    done = subprocess.run(sys.argv[2:], capture_output=True, text=True, timeout=float(sys.argv[1]))
    code, out, err = done.returncode, done.stdout, done.stderr
except subprocess.TimeoutExpired:
    code, out, err = -1, "", "too long"
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([time.perf_counter() - start, usage.ru_utime + usage.ru_stime,
                  usage.ru_maxrss / 2**20, code, out, err]))
"""


class TooLongError(Exception):
    """A process was stopped."""


def child(
    command: Sequence[str], *, cache: str | None = None, longest: float = LONGEST
) -> tuple[float, float, float, str]:
    """Run a process; return its clock, its CPU, its peak in GB and what it printed.

    Raises:
        TooLongError: It took longer than it may.
        RuntimeError: It failed.
    """
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    if cache is not None:
        environment["CAUSALOPT_CACHE"] = cache
    words = [sys.executable, "-c", CHILD, str(longest), *command]
    text = subprocess.run(words, check=True, capture_output=True, text=True, env=environment).stdout
    clock, cpu, memory, code, out, err = json.loads(text)
    if code == -1:
        raise TooLongError
    if code:
        raise RuntimeError(f"{' '.join(command)} failed:\n{err}")
    return clock, cpu, memory, out


def task(
    name: str, number: int, *, cache: str = ""
) -> tuple[float, float, float, dict[str, float]]:
    """Run one of `benchmarks.tasks` in a process of its own, without compiled code on disk.

    Raises:
        TooLongError: It took longer than it may.
    """
    command = [sys.executable, "-m", "benchmarks.tasks", name, str(number)]
    clock, cpu, memory, out = child(command, cache=cache)
    return clock, cpu, memory, json.loads(out.splitlines()[-1])


def row(label: str, name: str, numbers: Sequence[int], shape: str) -> list[list[str]]:
    """Return a row for each size of a task: `shape` is filled with its figures."""
    rows = []
    for number in numbers:
        try:
            clock, cpu, memory, found = task(name, number)
        except TooLongError:
            told = f"stopped after {LONGEST:.0f} s"
        else:
            told = shape.format(clock=clock, cpu=cpu, memory=memory, **found)
        rows.append([label.format(f"{number:,}"), told])
        print(f"  {rows[-1][0]}: {told}")
    return rows


def landscapes() -> list[list[str]]:
    """Return the landscape as whole processes: `causalopt sweep` beside a C program."""
    program = built(HERE / "kernels.cpp", scratch(), program=True)
    rows = []
    for steps in (1_000, 10_000):
        words = ["sweep", "thermostat_saturating", "--grid", "R[0]=5:45:1000000"]
        ours = [sys.executable, "-m", "causalopt", *words, "--steps", str(steps), "--json"]
        c = [str(program), "1000000", str(steps), str(os.cpu_count())]
        found: dict[str, list[tuple[float, float, float]]] = {"ours": [], "C": []}
        for _ in range(5):
            for name, command in (("ours", ours), ("C", c)):
                found[name].append(child(command)[:3])
        best = {
            name: [min(run[k] for run in runs) for k in range(3)] for name, runs in found.items()
        }
        ratio = best["ours"][0] / best["C"][0]
        goal = {1_000: 2.0, 10_000: 1.3}[steps]
        rows.append(
            [
                f"`causalopt sweep` of 1,000,000 starts x {steps:,} steps, whole process",
                f"{shown(best['ours'][0])} by the clock, {shown(best['ours'][1])} of CPU, "
                f"{best['ours'][2]:.2f} GB; a C program {shown(best['C'][0])}, "
                f"{shown(best['C'][1])}: ratio by the clock {ratio:.2g}, to reach {goal:g}: "
                f"{'yes' if ratio <= goal else 'no'}",
            ]
        )
        print(f"  {rows[-1][0]}: {rows[-1][1]}")
    return rows


def threads() -> list[list[str]]:
    """Return two threads against one, by the clock; the C program shows what the machine gives."""
    import numpy as np

    import causalopt

    program = str(built(HERE / "kernels.cpp", scratch(), program=True))
    model = causalopt.load("thermostat_saturating")
    grid = {"R[0]": np.linspace(5, 45, 400_000)}

    def ours(k: int) -> None:
        causalopt.sweep(model, grid, steps=1_000, workers=k)

    def c(k: int) -> None:
        subprocess.run([program, "400000", "1000", str(k)], check=True, capture_output=True)

    gains = {}
    for name, work in (("`sweep`", ours), ("the C program", c)):
        times: dict[int, list[float]] = {1: [], 2: []}
        work(2)
        for _ in range(7):
            for k, seconds in times.items():
                start = time.perf_counter()
                work(k)
                seconds.append(time.perf_counter() - start)
        gains[name] = min(times[1]) / min(times[2])
    told = ", ".join(f"{name} {gain:.2f} times" for name, gain in gains.items())
    print(f"  two threads: {told}")
    return [["two threads against one, 400,000 starts x 1,000 steps, by the clock", told]]


def first_answer() -> list[list[str]]:
    """Return the first answer of an own model, nothing compiled before."""
    rows = []
    for steps in (1_000, 100_000):
        best = float("inf")
        for _ in range(3):
            with tempfile.TemporaryDirectory() as folder:
                cache = str(Path(folder) / "cache")
                best = min(best, task("own", steps, cache=cache)[0])
        told = f"{shown(best)} by the clock, to reach 500 ms: {'yes' if best <= 0.5 else 'no'}"
        rows.append([f"first answer of an own model of 5 variables, {steps:,} steps", told])
        print(f"  {rows[-1][0]}: {told}")
    return rows


def wholes() -> list[list[str]]:
    """Return everything as rows of a label and of what was measured."""
    print("\nWhole processes, curves and limits")
    step = "step {step:.2g} s of CPU, whole process {clock:.2g} s, {memory:.2f} GB"
    return [
        *first_answer(),
        *landscapes(),
        *threads(),
        *row(
            "static graph of {} nodes, its own rule each",
            "dag",
            (1_000, 10_000, 40_000),
            "texts to model {model:.2g} s, first result {first:.2g} s, again {again:.2g} s; "
            "whole process {cpu:.2g} s of CPU, {memory:.2f} GB",
        ),
        *row(
            "ring of {} variables, 2,000 steps",
            "ring",
            (10, 100, 1_000),
            "first {first:.2g} s, then {again:.2g} s, {nanoseconds:.0f} ns a node; {memory:.2f} GB",
        ),
        *row(
            "random graph of 10,000 nodes and 50,000 edges, {} steps",
            "graph",
            (0, 1_000),
            "to model {model:.2g} s, first {first:.2g} s, again {again:.2g} s; {memory:.2f} GB",
        ),
        *row(
            "`rates` of {} coupled oscillators, 1,000 steps",
            "oscillators",
            (50, 150, 500),
            "{clock:.2g} s, {memory:.2f} GB for {exponents:.0f} exponents and "
            "{conditional:.0f} conditional ones",
        ),
        *row(
            "laws of 12 variables x 4 labels, {} parents a rule, from marginals",
            "strength",
            (2, 3),
            f"{step}; all {{count:.0f}} entropies {{entropies:.2g}} s",
        ),
        *row("the same from a joint law, {} parents a rule", "strength_joint", (2, 3), step),
        *row(
            "`strength(at=1)` of it, {} parents a rule",
            "strength_call",
            (2, 3),
            "{call:.2g} s of CPU, {clock:.2g} s by the clock, {memory:.2f} GB",
        ),
        *row(
            "escape over two parameters, {} nodes an axis",
            "plane",
            (125, 250, 500, 1_000),
            "{cells:,.0f} cells: operator {build:.2g} s with {entries:,.0f} entries, "
            "a step {step:.2g} s, {memory:.2f} GB",
        ),
    ]
