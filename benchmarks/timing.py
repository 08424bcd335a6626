"""Times: contestants take turns, and of several rounds the least counts."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any

LONG = 2.0  # seconds of a round from which one is enough
MOST = 50  # rounds


@dataclasses.dataclass(frozen=True)
class Time:
    """Seconds of one call: of all threads' CPU, and by the clock."""

    cpu: float
    clock: float


def least(
    contestants: Mapping[str, Callable[[], Any]], *, budget: float, rounds: int = 3
) -> dict[str, Time]:
    """Return each contestant's least times; they take turns, so that all see the same machine.

    In the first round each is called once; in the others a turn has as many calls as last two
    milliseconds. A first call in the process is not for this: it is left to the caller.

    Args:
        contestants: Name -> call.
        budget: Seconds after which no further round begins.
        rounds: The fewest rounds; one, where it takes more than `LONG` seconds.
    """
    begun = time.perf_counter()
    best = {name: _turn(call, 1) for name, call in contestants.items()}
    calls = {name: max(1, min(1000, int(2e-3 / max(1e-7, t.clock)))) for name, t in best.items()}
    fewest = 1 if time.perf_counter() - begun > LONG else rounds
    done = 1
    while done < fewest or (time.perf_counter() - begun < budget and done < MOST):
        for name, call in contestants.items():
            found = _turn(call, calls[name])
            best[name] = Time(min(best[name].cpu, found.cpu), min(best[name].clock, found.clock))
        done += 1
    return best


def _turn(call: Callable[[], Any], count: int) -> Time:
    cpu, clock = time.process_time(), time.perf_counter()
    for _ in range(count):
        call()
    return Time((time.process_time() - cpu) / count, (time.perf_counter() - clock) / count)
