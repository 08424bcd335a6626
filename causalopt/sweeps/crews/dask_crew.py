"""Tasks on a Dask cluster: lost workers and schedulers are noticed, and nothing waits without end.

Futures are used, and not `Client.get_executor()`: that leaves a task unanswered for ever where its
worker is lost between its end and the transport of its result. Dask itself begins the tasks of a
lost worker anew; this module counts that, looks whether scheduler and workers still answer, and
takes away workers that fell silent while they hold tasks, which Dask does after five minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from causalopt.errors import WorkersError
from causalopt.extras import need
from causalopt.sweeps.crews.cluster_watch import (
    ClusterWatch,
    Flight,
    FutureEnd,
    LostAloneError,
    NoWorkerError,
)
from causalopt.sweeps.crews.crew import Ended
from causalopt.sweeps.crews.scheduler_connection import SHORT, connected, unheard, waited
from causalopt.sweeps.crews.shared_work import (
    SharedWork,
    all_versions,
    differing,
    failure_text,
    other_versions,
    run_shared,
    unwrapped,
)

if TYPE_CHECKING:
    from distributed import Client, Future

Result = TypeVar("Result")
_EACH = 2  # tasks in flight for a thread of a worker
_WHOLE = {"scheduler-connection-lost", "scheduler-restart"}  # Dask's words for a lost cluster
_HOME = "causalopt.sweeps.crews.shared_work"
_VERSIONS = f"__import__('importlib').import_module('{_HOME}').all_versions()"


class DaskCrew:
    """The workers of a Dask scheduler, by a connection of our own.

    Args:
        scheduler: Its address, the path of its file, a client or a cluster.
        work: What the tasks do.
        window: How many are in flight at most; twice the number of threads where it is None.
        patience: Seconds after which what does not answer is given up.

    Raises:
        WorkersError: There is no scheduler, or a worker cannot run these tasks.
    """

    def __init__(
        self,
        scheduler: str | os.PathLike[str] | Client,
        work: SharedWork,
        window: int | None,
        patience: float,
    ) -> None:
        self._work, self._window, self._patience = work, window, patience
        self._ended: queue.SimpleQueue[FutureEnd] = queue.SimpleQueue()
        self._flying: dict[str, Flight] = {}
        self._suspects: dict[int, str] = {}
        self._shared: Future | None = None
        self._begun = 0
        self.lost, self.moved = 0, 0
        need("distributed")
        self._quiet = contextlib.ExitStack()
        self._quiet.enter_context(unheard())
        self._client: Any = None  # never None once this has returned
        self._watch: ClusterWatch | None = None
        try:
            self._client = connected(scheduler, patience)
            self.address = self._client.scheduler.address
            self._check_versions()
            watched = patience, self._flying, self._ended
            self._watch = ClusterWatch(self._client, *watched, self._hear)
            with contextlib.suppress(OSError):  # what does not answer now the watch will tell
                self._watch.threads = sum(self._answer(lambda client: client.nthreads()).values())
        except BaseException:
            self.close()
            raise

    def _check_versions(self) -> None:
        """Make sure that the workers that are there can run the tasks as this process would."""
        try:
            found = self._answer(lambda client: client.run(eval, _VERSIONS, on_error="return"))
        except TimeoutError:  # one of them is silent: each is asked again before its first task
            return
        except OSError as error:
            raise self._gone(failure_text(error)) from error
        for address, there in found.items():
            if isinstance(there, ImportError):
                raise WorkersError(
                    f"the worker {address} has no causalopt of this version ({there}): install it "
                    "there, with all that the model needs"
                )
            if isinstance(there, dict) and (differences := differing(all_versions(), there)):
                raise WorkersError(other_versions(f"{differences} on the worker {address}"))

    def _answer(self, call: Callable[[Client], Awaitable[Result]]) -> Result:
        """Return what the scheduler answers, while the caller can be interrupted.

        Raises:
            TimeoutError: It does not answer.
        """

        async def asked() -> Result:
            return await asyncio.wait_for(call(self._client), self._patience)

        answer: Result = waited(self._client, asked(), self._patience)
        return answer

    def window(self) -> int:
        """Return how many tasks may be in flight: none while the scheduler is away."""
        assert self._watch is not None
        if self._client.status != "running" or not self._watch.threads:
            return 0
        return self._window or _EACH * self._watch.threads

    def submit(self, task: int) -> None:
        """Begin a task; one of which workers died before has one that Dask cannot exchange."""
        self._begun += 1
        key = f"causalopt-{self._work.name}-{task}-{self._begun}"
        flight = self._flying[key] = Flight(task)
        options: dict[str, Any] = {"key": key, "pure": False}
        try:
            if task in self._suspects:
                flight.worker = max(self._answer(lambda client: client.nthreads()))
                options |= {"workers": [flight.worker], "allow_other_workers": False}
            if self._shared is None:
                self._shared = self._sent()
            flight.future = self._client.submit(
                run_shared, self._work.name, task, self._shared, **options
            )
        except Exception as error:  # of many kinds, where the connection ends meanwhile
            self._ended.put(FutureEnd(key, error=error))
            return
        asyncio.run_coroutine_threadsafe(
            self._follow(key, flight.future), self._client.loop.asyncio_loop
        )

    def _sent(self) -> Future:
        """Return the pickled work as a task of its own: it is made anew where it is lost.

        The scheduler is sent it once; workers fetch it from each other.
        """
        self._begun += 1
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph")  # once, not with each task
            return self._client.submit(
                bytes,
                self._work.pickled,
                key=f"causalopt-{self._work.name}-work-{self._begun}",
                pure=False,
            )

    async def _follow(self, key: str, future: Future) -> None:
        """Wait for a task's end and its result, on the client's own thread."""
        try:
            reply = await self._client.gather(future, asynchronous=True)
            self._ended.put(FutureEnd(key, reply))
        except BaseException as error:
            self._ended.put(FutureEnd(key, error=error))

    def ended(self, wait: float) -> Iterator[Ended]:
        """Yield the tasks that ended.

        Raises:
            WorkersError: The scheduler or all workers are gone, or a worker cannot run the tasks.
        """
        try:
            outcome = self._ended.get(timeout=wait)
            while True:
                flight = self._flying.pop(outcome.key, None)
                if flight is not None:  # whose end is not known yet
                    if flight.future is not None:
                        flight.future.release()
                    yield self._read(flight, outcome)
                outcome = self._ended.get_nowait()
        except queue.Empty:
            self._check()

    def _read(self, flight: Flight, outcome: FutureEnd) -> Ended:
        task, error = flight.task, outcome.error
        if error is None:
            assert outcome.reply is not None
            reply = outcome.reply
            return Ended(task, reply.result, unwrapped(reply))
        if isinstance(error, ImportError):
            raise WorkersError(
                f"a worker cannot import what the tasks need: {error}; install causalopt there, "
                "with all that the model needs"
            ) from error
        need("distributed")
        from distributed import CancelledError, KilledWorker

        if isinstance(error, KilledWorker):
            self.moved -= 1  # the last time Dask did not begin it anew
            lost = error.allowed_failures + 1
            self._suspects[task] = f"{lost} workers were lost that had it"
            return Ended(task, failure=self._suspects[task], suspect=True)
        if isinstance(error, NoWorkerError):
            return Ended(task, failure="the worker that was to have it alone was lost before")
        if isinstance(error, LostAloneError):
            text = f"{self._suspects[task]}, and one more that had it alone"
            return Ended(task, failure=text, final=True)
        if self._client.status != "running" or isinstance(error, CancelledError):
            self._shared = None  # a new scheduler has not heard of it
            whole = self._client.status != "running" or getattr(error, "reason", "") in _WHOLE
            return Ended(task, failure=f"it was cancelled: {error}", tries=int(not whole))
        return Ended(task, failure=failure_text(error))

    def _hear(self, event: tuple[float, Any]) -> None:
        """Count a lost worker and its tasks of ours, which Dask begins anew elsewhere."""
        message = event[1]
        if not isinstance(message, dict) or message.get("action") != "remove-worker":
            return
        self.lost += 1
        had, computed = message.get("processing-tasks", ()), message.get("lost-computed-tasks", ())
        flights = [(key, self._flying.get(key)) for key in had]
        for key, flight in flights:
            if flight is not None and flight.worker is not None:
                self._ended.put(FutureEnd(key, error=LostAloneError()))
        self.moved += sum(flight is not None and not flight.worker for _, flight in flights)
        self.moved += sum(key in self._flying for key in computed)

    def _check(self) -> None:
        """Raise where the scheduler or all workers have been gone for too long."""
        assert self._watch is not None
        now, patience = time.monotonic(), f"{self._patience:g} s"
        if self._client.status in {"closing", "closed"}:
            raise self._gone("its connection ended and cannot be made again")
        if now - self._watch.answered > self._patience:
            if self._client.status == "connecting":
                raise self._gone(f"the connection was lost, and not to be had again in {patience}")
            raise self._gone(f"it has not answered for {patience}")
        if now - self._watch.manned > self._patience:
            silent = len(self._watch.silenced)
            raise WorkersError(
                f"the scheduler at {self.address} has had no worker for {patience}"
                + (f" ({silent} fell silent)" if silent else "")
                + ": start workers, and see in their own messages why they ended"
            )

    def _gone(self, why: str) -> WorkersError:
        return WorkersError(
            f"the Dask scheduler at {self.address} is gone: {why}; start it and its workers"
        )

    def cancel(self) -> None:
        """Let the scheduler forget what is in flight; what has begun ends by itself."""
        futures = [flight.future for flight in self._flying.values() if flight.future]
        if self._client is not None and self._client.status == "running" and futures:
            with contextlib.suppress(Exception):
                waited(self._client, _cancelled(self._client, futures), SHORT)

    def close(self) -> None:
        """End the connection."""
        if self._watch is not None:
            self._watch.end()
        if self._client is not None:
            with contextlib.suppress(Exception):
                self._client.unsubscribe_topic("all")
            with contextlib.suppress(Exception):
                self._client.close(timeout=SHORT)
        self._quiet.close()


async def _cancelled(client: Client, futures: list[Future]) -> None:
    await client.cancel(futures, force=True)
