"""Long calls, each with a short one of its kind: a process runs one, is interrupted, and says so.

`python -m tests.work.long_calls NAME FOLDER` prints `begun`, runs the long call until SIGINT,
prints `stopped`, and then as JSON whether threads, processes or files are left, and whether the
short call says bit for bit what it said before.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import causalopt

Call = Callable[[], Any]
PIT: dict[str, Any] = {"start": 1.0036974, "beyond": 1.1959565}
SLOW_PIT: dict[str, Any] = {**PIT, "parameters": {"T": 0.012}}


def _of_lorenz(name: str, *given: Any, **options: Any) -> Call:
    return lambda: getattr(causalopt, name)(causalopt.load("lorenz"), *given, **options)


def _of(model: str, name: str, **options: Any) -> Call:
    return lambda: getattr(causalopt, name)(causalopt.load(model), **options)


def _op(call: Call) -> Call:
    return lambda: np.asarray(call().op).tolist()


def _text(call: Call) -> Call:
    return lambda: repr(call())


def _sweep(points: int, steps: int, **options: Any) -> Call:
    axes = {"rho": np.linspace(0, 30, points)}
    return lambda: causalopt.sweep(causalopt.load("lorenz"), axes, steps=steps, **options)


def _compiled(size: int) -> Call:
    """Return a call that compiles a large step anew, whatever is kept."""

    def call() -> Any:
        variables: dict[str, Any] = {
            f"x{k}": {
                "rule": f"x{k}[t-1] + 0.001*sin(x{(k + 1) % size}[t-1]*{time.time_ns() % 997 + 1})",
                "initial": k / size,
            }
            for k in range(size)
        }
        model = causalopt.Model(name="wide", variables=variables)
        return causalopt.world(model, steps=200_000)

    return call


def _finished(call: Call) -> Call:
    def finished() -> bool:
        call()
        return True

    return finished


def _reproduced(folder: Path, **options: Any) -> Call:
    cache = folder / "findings"
    return lambda: causalopt.reproduce(cache=cache, fresh=True, **options)


def calls(folder: Path) -> dict[str, tuple[Call, Call]]:
    """Return name -> (a call of minutes, a short one of its kind)."""
    nudged: dict[str, Any] = {"nudge": "b[0]", "hold": "a", "target": "b"}
    box = {"a[0]": (-20, 20), "b[0]": (-20, 20)}
    diffusion = {"steps": 150_000, "execution": "numpy"}
    return {
        "run": (
            _of_lorenz("run", steps=60_000_000, **nudged),
            _op(_of_lorenz("run", steps=50_000)),
        ),
        "run by numpy": (
            _of("reaction_diffusion", "run", **diffusion),
            _op(_of("reaction_diffusion", "run", steps=50, execution="numpy")),
        ),
        "run by jax": (
            _of("reaction_diffusion", "run", steps=150_000, execution="jax"),
            _op(_of("reaction_diffusion", "run", steps=600, execution="jax")),
        ),
        "compilation": (_compiled(1500), _finished(_compiled(20))),
        "sweep": (_sweep(20_000, 200_000), _op(_sweep(50, 2000))),
        "sweep of few points": (_sweep(3, 150_000_000), _op(_sweep(3, 2000))),
        "sweep on one thread": (
            _sweep(64, 50_000_000, workers=1),
            _op(_sweep(3, 2000, workers=1)),
        ),
        "rates": (
            _of_lorenz("rates", steps=3_000_000, transient=0),
            _text(_of_lorenz("rates", steps=2000)),
        ),
        "op_basins": (
            _of_lorenz("op_basins", box, steps=500_000, depth=6),
            _text(_of_lorenz("op_basins", box, steps=100, depth=0)),
        ),
        "find_optimizers": (
            _of("lorenz96", "find_optimizers", steps=40_000),
            _text(_of_lorenz("find_optimizers", steps=100)),
        ),
        "division_stability": (
            _of("lorenz96", "division_stability", starts=20_000),
            _text(_of_lorenz("division_stability", starts=4, steps=50)),
        ),
        "op_matrix": (
            lambda: causalopt.op_matrix(
                causalopt.load("lorenz"),
                sources=[f"b[{k}]" for k in range(1900)],
                targets=[f"c[{k}]" for k in range(3000, 4900)],
                hold="a",
            ),
            lambda: causalopt.op_matrix(
                causalopt.load("lorenz"), sources=["b[0]"], targets=["c[40]"], hold="a"
            ).op.tolist(),
        ),
        "derive": (
            _of_lorenz("derive", at=600, expand=True, time_limit=300.0),
            _text(_of("thermostat", "derive")),
        ),
        "escape by walkers": (
            _of("sgd_pit", "escape", within=10_000_000, method="ensemble", **SLOW_PIT),
            _text(
                _of("sgd_pit", "escape", within=50, method="ensemble", walkers=1000, **PIT)
            ),
        ),
        "escape by operator": (
            lambda: causalopt.escape_curve(
                causalopt.load("sgd_pit"),
                {"T": np.linspace(0.011, 0.013, 99)},
                within=30_000,
                **PIT,
            ),
            _text(_of("sgd_pit", "escape", within=30, **PIT)),
        ),
        "strengths": (
            _of("yeast_cell_cycle", "strengths", at=range(1_000_000)),
            _text(_of("thermostat_smart", "strength")),
        ),
        "train": (
            _of("cart_pole", "train", seeds=5, updates=100_000),
            lambda: causalopt.train(causalopt.load("cart_pole"), updates=2).loss.tolist(),
        ),
        "reproduce": (
            _reproduced(folder, workers=1),
            _reproduced_text(folder),
        ),
        "reproduce by processes": (
            _reproduced(folder, workers=2),
            _reproduced_text(folder),
        ),
    }  # fmt: skip


def _reproduced_text(folder: Path) -> Call:
    return lambda: [c.to_dict() for c in _reproduced(folder, only=["part1"], workers=1)().checks]


def main() -> None:
    """Run one call until it is interrupted."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    long, short = calls(folder)[name]
    before = short()
    print("begun", flush=True)
    try:
        long()
    except KeyboardInterrupt:
        print("stopped", flush=True)
    else:
        print("ended", flush=True)
        return
    found = {
        "threads": [
            t.name for t in threading.enumerate()
            if t.name.startswith("causalopt")
        ],
        "processes": len(multiprocessing.active_children()),
        "files": [file.name for file in folder.rglob("*.part*")],
        "same": short() == before,
    }  # fmt: skip
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
