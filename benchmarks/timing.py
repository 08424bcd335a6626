"""Times: contestants take turns, and of several rounds the least counts."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any

LONG = 2.0


@dataclasses.dataclass(frozen=True)
class Time:
    """Seconds of one call: of all threads' CPU, and by the clock."""

    cpu: float
    clock: float


def least(
    contestants: Mapping[str, Callable[[], Any]], *, budget: float, rounds: int = 3
) -> dict[str, Time]:
    """Return each contestant's least times; they take turns, so that all see the same machine.

    Each is called once before anything counts. A turn has as many calls as last two milliseconds.

    Args:
        contestants: Name -> call.
        budget: Seconds after which no further round begins.
        rounds: The fewest rounds, where one takes less than `LONG` seconds; else one is enough.
    """
    calls, turn = {}, 0.0
    for name, call in contestants.items():
        call()
        start = time.perf_counter()
        call()
        taken = time.perf_counter() - start
        turn += taken
        calls[name] = max(1, min(1000, int(2e-3 / max(1e-7, taken))))
    if turn > LONG:
        rounds = 1
    best = {name: Time(float("inf"), float("inf")) for name in contestants}
    begun, done = time.perf_counter(), 0
    while done < rounds or (time.perf_counter() - begun < budget and done < 50):
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
