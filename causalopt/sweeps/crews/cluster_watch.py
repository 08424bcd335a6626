"""Looks at a Dask cluster from time to time: who answers, and whose tasks are lost."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import queue
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from causalopt.sweeps.crews.shared_work import Reply

if TYPE_CHECKING:
    from distributed import Client, Future

_LOOKS = 30  # looks at the scheduler in the time that it is given to answer


class LostAloneError(Exception):
    """A task of which workers died before had one for itself, and that died as well."""


class NoWorkerError(Exception):
    """A task that was to have a worker for itself, which was lost before."""


@dataclasses.dataclass
class Flight:
    """A task that is on its way.

    Args:
        task: Its number.
        future: Dask's, once that knows of it.
        worker: The worker that has the task for itself, where it has one.
    """

    task: int
    future: Future | None = None
    worker: str | None = None


@dataclasses.dataclass(frozen=True)
class FutureEnd:
    """How a task ended, by its key."""

    key: str
    reply: Reply | None = None
    error: BaseException | None = None


class ClusterWatch:
    """Looks at a scheduler and its workers from time to time, on the client's own thread.

    Args:
        client: The connection.
        patience: Seconds after which a worker that holds tasks of ours is silent.
        flying: These tasks by their keys.
        ended: Where it is told that a task has no worker any more.
        hear: Called with each event of the scheduler, on the client's thread.
    """

    def __init__(
        self,
        client: Client,
        patience: float,
        flying: dict[str, Flight],
        ended: queue.SimpleQueue[FutureEnd],
        hear: Callable[[tuple[float, Any]], None],
    ) -> None:
        self._client, self._patience, self._hear = client, patience, hear
        self._flying, self._ended = flying, ended
        self.answered = self.manned = time.monotonic()
        self.threads = 0
        self.silenced: set[str] = set()
        self._seen: dict[str, tuple[float, float]] = {}
        self._task = asyncio.run_coroutine_threadsafe(self._look(), client.loop.asyncio_loop)

    def end(self) -> None:
        """Look no more."""
        self._task.cancel()

    async def _look(self) -> None:
        pause = self._patience / _LOOKS
        workers_at, heard = time.monotonic(), False
        while True:
            running = self._client.status == "running"
            if running and not heard:  # at first, and by each scheduler that takes its place
                self._client.subscribe_topic("all", self._hear)
            heard = running
            with contextlib.suppress(Exception):  # no answer is what `answered` tells
                found = await asyncio.wait_for(self._client.nthreads(), self._patience)
                self.answered, self.threads = time.monotonic(), sum(found.values())
                if found:
                    self.manned = self.answered
                self._end_orphans(found)
                if self.answered - workers_at > self._patience / 4:
                    workers_at = self.answered
                    await asyncio.wait_for(self._take_away_silent(), self._patience)
            await asyncio.sleep(pause)

    def _end_orphans(self, workers: Mapping[str, int]) -> None:
        """End tasks whose own worker was lost before it had them, for they wait without end."""
        for key, flight in list(self._flying.items()):
            if flight.worker is not None and flight.worker not in workers:
                self._ended.put(FutureEnd(key, error=NoWorkerError()))

    async def _take_away_silent(self) -> None:
        """Take away workers that hold tasks of ours and have shown no sign of life for long.

        The scheduler's clock may be another and may jump: only whether a sign is new is looked at.
        """
        workers = (await self._client.scheduler.identity(n_workers=-1))["workers"]
        now = time.monotonic()
        self._seen = {
            address: self._seen[address]
            if self._seen.get(address, (0.0, 0.0))[0] == worker["last_seen"]
            else (worker["last_seen"], now)
            for address, worker in workers.items()
        }
        # Workers of a large cluster tell of themselves more rarely, one in 200 a second.
        allowed = max(self._patience, len(workers) / 50)
        silent = [address for address, (_, since) in self._seen.items() if now - since > allowed]
        if not silent:
            return
        held = await self._client.processing(workers=silent)
        for address in silent:
            if any(key in self._flying for key in held.get(address, ())):
                self.silenced.add(address)
                await self._client.scheduler.unregister(
                    address=address, stimulus_id=f"causalopt-silent-{now}"
                )
