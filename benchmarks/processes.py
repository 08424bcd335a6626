"""The engine as whole processes: start-up, memory and first results beside a C program's."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def w4(count: int) -> None:
    """A static DAG of thousands of nodes, each with its own rule."""
    command = [sys.executable, str(HERE / "large_dag.py"), str(count)]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    shown = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    ).stdout
    print(f"\nW4: static DAG of {count} nodes, its own random rule each (fresh process)")
    print("  " + shown.strip().replace("\n", "\n  "))


def landscape_process(folder: Path, has_c: bool, count: int, steps: int) -> None:
    """The landscape as whole processes: `causalopt sweep` against a C program."""
    words = [
        "sweep",
        "thermostat_saturating",
        "--grid",
        f"R[0]=5:45:{count}",
        "--steps",
        str(steps),
    ]
    commands = {"causalopt sweep": [sys.executable, "-m", "causalopt", *words, "--json"]}
    if has_c:
        commands["C program, any A"] = [str(folder / "landscape"), str(count), str(steps), "2"]
    print(f"\nWhole processes: {count} starts x {steps} steps, 2 threads")
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    for name, command in commands.items():
        runs = [child(command, environment) for _ in range(5)]
        wall, cpu, memory = (min(run[k] for run in runs) for k in range(3))
        print(f"  {name:44s} {wall:8.3f} s  {cpu:8.3f} s of CPU  {memory:6.0f} MB")


# A process inherits the peak of its parent's memory: a small one starts the command and asks.
CHILD = """
import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
wall, usage = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
print(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
"""


def child(command: list[str], environment: dict[str, str]) -> tuple[float, float, float]:
    """Run a process and return its seconds, its CPU seconds and its most memory in MB."""
    shown = subprocess.run(
        [sys.executable, "-c", CHILD, *command],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    ).stdout.split()
    return float(shown[0]), float(shown[1]), float(shown[2])


COLD = """
import time; start = 0.0
import causalopt
model = causalopt.load("lorenz")
causalopt.run(model, steps=100_000)
first = time.process_time()
causalopt.run(causalopt.load("thermostat_saturating"), steps=100_000)
print(first - start, time.process_time() - first)
"""


def cold() -> None:
    """First and second results in a fresh process, compiled now or found compiled."""
    print("\nFresh process (CPU seconds): 100,000 steps of Lorenz, then of the thermostat")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("compiling", "compiled before"):
            environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "CAUSALOPT_CACHE": folder}
            shown = subprocess.run(
                [sys.executable, "-c", COLD],
                check=True,
                capture_output=True,
                text=True,
                env=environment,
            ).stdout.split()
            print(
                f"  {name:20s} first {float(shown[0]):.3f} s, second model {float(shown[1]):.3f} s"
            )
