"""Where a later call's time goes: `python -m benchmarks.share TITLE` profiles one.

Machine code is called by way of a function that cProfile sees. What a library or a builtin takes is
charged to the function of the package that called it. Threads' tasks are run in place, so that none
is missed. cProfile makes Python look slower than it is, machine code not.
"""

from __future__ import annotations

import concurrent.futures
import cProfile
import ctypes
import dataclasses
import json
import os
import pstats
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.case import Case

HERE = Path(__file__).resolve().parent
PACKAGE = f"{HERE.parent / 'causalopt'}{os.sep}"
GENERATED = "<causalopt step>"
STATUSES = ("effects/",)
CALLS = 40  # of which the shortest counts: others' work on the machine is in the longer ones
LARGE = 0.2  # what a function that is not the work itself may take at most
Place = tuple[str, int, str]


@dataclasses.dataclass(frozen=True)
class Share:
    """Shares of a call's time, and the functions that take more than they may.

    Attributes:
        work: In machine code and generated Python, and in the Python named as the work itself.
        statuses: In the room that makes effects, measures and statuses of worlds.
        imports: In imports, which a later call may still have.
        other: In other Python.
        large: Function -> share, of what is not the work itself.
    """

    work: float
    statuses: float
    imports: float
    other: float
    large: dict[str, float]


class _Kernel:
    """A function in machine code that cProfile sees: it has no place in the profile by itself."""

    def __init__(self, function: Any) -> None:
        self.function, self.library = function, None

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)


class _Ctypes:
    """ctypes, whose functions are `_Kernel`s."""

    def __getattr__(self, name: str) -> Any:
        return getattr(ctypes, name)

    def CFUNCTYPE(self, *types: Any) -> Any:  # noqa: N802 - ctypes' name
        made = ctypes.CFUNCTYPE(*types)
        return lambda address: _Kernel(made(address))


class _InPlace(concurrent.futures.Executor):
    """Runs what it is given at once, in this thread."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def submit(self, task: Callable[..., Any], /, *arguments: Any, **options: Any) -> Any:
        done: concurrent.futures.Future[Any] = concurrent.futures.Future()
        try:
            done.set_result(task(*arguments, **options))
        except Exception as error:
            done.set_exception(error)
        return done


def shares(profile: cProfile.Profile, work: Sequence[str]) -> Share:
    """Return the shares that a profile shows.

    Args:
        profile: What has been profiled.
        work: Folders and files of the package whose Python is the work itself.
    """
    stats: dict[Place, Any] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    own = charged(stats)
    whole = sum(own.values())
    parts: dict[str, float] = defaultdict(float)
    large = {}
    for place, seconds in own.items():
        part = _part(place, work)
        parts[part] += seconds / whole
        if part not in ("work", "imports") and seconds > LARGE * whole and _named(place):
            large[_named(place)] = seconds / whole
    return Share(
        work=parts["work"],
        statuses=parts["statuses"],
        imports=parts["imports"],
        other=parts["other"],
        large=large,
    )


def charged(stats: dict[Place, Any]) -> dict[Place, float]:
    """Return function of the package -> its seconds, with those of what it calls outside of it.

    A function outside passes its seconds to its callers by their shares of the calls' time.
    """
    seconds = {place: entry[2] for place, entry in stats.items()}
    for _ in range(30):  # far deeper than libraries' calls go before nothing is left to pass on
        moved: dict[Place, float] = defaultdict(float)
        for place, amount in seconds.items():
            callers = {k: v for k, v in stats[place][4].items() if k != place}
            total = sum(v[3] for v in callers.values())
            if _stays(place) or total <= 0:
                moved[place] += amount
                continue
            for caller, entry in callers.items():
                moved[caller] += amount * entry[3] / total
        if moved == seconds:
            break
        seconds = dict(moved)
    return seconds


def _stays(place: Place) -> bool:
    return place[0].startswith(PACKAGE) or _is_step(place) or _is_import(place)


def _is_step(place: Place) -> bool:
    # A step in machine code, or in generated Python.
    return place[0] == GENERATED or (place[0] == __file__ and place[2] == "__call__")


def _is_import(place: Place) -> bool:
    return place[0].startswith("<frozen importlib")


def _part(place: Place, work: Sequence[str]) -> str:
    inside = place[0].removeprefix(PACKAGE).replace(os.sep, "/")
    if _is_step(place) or (place[0] != inside and inside.startswith(tuple(work) or ("\0",))):
        return "work"
    if _is_import(place):
        return "imports"
    return "statuses" if place[0] != inside and inside.startswith(STATUSES) else "other"


def _named(place: Place) -> str:
    if not place[0].startswith(PACKAGE):
        return ""
    return f"{place[0].removeprefix(PACKAGE)}:{place[1]} {place[2]}"


def profiled(case: Case) -> Share:
    """Profile a case's later calls, in this process, in which nothing of the package has run."""
    from causalopt.engine.machine import native

    vars(native)["ctypes"] = _Ctypes()
    concurrent.futures.ThreadPoolExecutor = _InPlace  # type: ignore[assignment, misc]
    call = case.prepare()
    call()
    taken: list[tuple[float, cProfile.Profile]] = []
    while not taken or (len(taken) < CALLS and sum(found[0] for found in taken) < 1):
        profile, start = cProfile.Profile(), time.perf_counter()
        profile.enable()
        call()
        profile.disable()
        taken.append((time.perf_counter() - start, profile))
    return shares(min(taken, key=lambda found: found[0])[1], case.work)


def share(title: str) -> Share:
    """Return a case's shares, from a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.share", title],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=HERE.parent,
    )
    if done.returncode:
        raise RuntimeError(f"{title}, profiled:\n{done.stderr}")
    return Share(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Be the process that is profiled."""
    from benchmarks.cases import named

    print(json.dumps(dataclasses.asdict(profiled(named(sys.argv[1])))))


if __name__ == "__main__":
    main()
