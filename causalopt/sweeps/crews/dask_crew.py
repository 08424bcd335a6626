"""Tasks on a Dask cluster: lost workers and schedulers are noticed, and nothing waits without end.

Futures are used, and not `Client.get_executor()`: that leaves a task unanswered for ever where its
worker is lost between its end and the transport of its result. Dask itself begins the tasks of a
lost worker anew; this module counts that, looks whether scheduler and workers still answer, and
takes away workers that fell silent while they hold tasks, which Dask does after five minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
import os
import queue
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from causalopt.errors import ArgumentError, FileError, WorkersError
from causalopt.extras import need
from causalopt.sweeps.crews.crew import Ended
from causalopt.sweeps.crews.shared_work import (
    Reply,
    SharedWork,
    all_versions,
    differing,
    failure_text,
    other_versions,
    run_shared,
    unwrapped,
)
from causalopt.work.threads import WaitedThread, check_stop

if TYPE_CHECKING:
    from distributed import Client, Future

Result = TypeVar("Result")
_LOOK = 0.1  # seconds between two looks of the caller at what it waits for
_EACH = 2  # tasks in flight for a thread of a worker
_LOOKS = 30  # looks at the scheduler in the time that it is given to answer
_SHORT = 2.0  # seconds for what is done for others' sake when all is over
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
        self._ended: queue.SimpleQueue[_Outcome] = queue.SimpleQueue()
        self._flying: dict[str, _Flight] = {}
        self._suspects: dict[int, str] = {}
        self._shared: Future | None = None
        self._begun = 0
        self.lost, self.moved = 0, 0
        self._quiet = contextlib.ExitStack()
        self._quiet.enter_context(_unheard())
        self._client: Any = None  # never None once this has returned
        self._watch: _Watch | None = None
        try:
            self._client = _connected(scheduler, patience)
            self.address = self._client.scheduler.address
            self._check_versions()
            self._watch = _Watch(self._client, patience, self._flying, self._ended)
            self._client.subscribe_topic("all", self._hear)
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
                    f"there, with all that the model needs"
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

        answer: Result = _waited(self._client, asked(), self._patience)
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
        flight = self._flying[key] = _Flight(task)
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
            self._ended.put(_Outcome(key, error=error))
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
            self._ended.put(_Outcome(key, reply))
        except BaseException as error:
            self._ended.put(_Outcome(key, error=error))

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

    def _read(self, flight: _Flight, outcome: _Outcome) -> Ended:
        task, error = flight.task, outcome.error
        if error is None:
            assert outcome.reply is not None
            reply = outcome.reply
            return Ended(task, reply.result, unwrapped(reply))
        if isinstance(error, ImportError):
            raise WorkersError(
                f"a worker cannot import what the tasks need: {error}; install causalopt there, "
                f"with all that the model needs"
            ) from error
        from distributed import CancelledError, KilledWorker

        if isinstance(error, KilledWorker):
            self.moved -= 1  # the last time Dask did not begin it anew
            lost = error.allowed_failures + 1
            self._suspects[task] = f"{lost} workers were lost that had it"
            return Ended(task, failure=self._suspects[task], suspect=True)
        if isinstance(error, _LostAloneError):
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
        had = (*message.get("processing-tasks", ()), *message.get("lost-computed-tasks", ()))
        ours = [key for key in had if key in self._flying]
        for key in ours:
            if self._flying[key].worker is not None:
                self._ended.put(_Outcome(key, error=_LostAloneError()))
        self.moved += sum(self._flying[key].worker is None for key in ours)

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
                _waited(self._client, _cancelled(self._client, futures), _SHORT)

    def close(self) -> None:
        """End the connection."""
        if self._watch is not None:
            self._watch.end()
        if self._client is not None:
            with contextlib.suppress(Exception):
                self._client.unsubscribe_topic("all")
            with contextlib.suppress(Exception):
                self._client.close(timeout=_SHORT)
        self._quiet.close()


class _LostAloneError(Exception):
    """A task of which workers died before had one for itself, and that died as well."""


@dataclasses.dataclass
class _Flight:
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
class _Outcome:
    """How a task ended, by its key."""

    key: str
    reply: Reply | None = None
    error: BaseException | None = None


class _Watch:
    """Looks at a scheduler and its workers from time to time, on the client's own thread.

    Args:
        client: The connection.
        patience: Seconds after which a worker that holds tasks of ours is silent.
        flying: These tasks by their keys.
        ended: Where it is told that a task has no worker any more.
    """

    def __init__(
        self,
        client: Client,
        patience: float,
        flying: dict[str, _Flight],
        ended: queue.SimpleQueue[_Outcome],
    ) -> None:
        self._client, self._patience = client, patience
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
        workers_at = time.monotonic()
        while True:
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
                self._ended.put(_Outcome(key, error=_LostAloneError()))

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


def _connected(scheduler: str | os.PathLike[str] | Client, patience: float) -> Client:
    """Return a connection of our own to a scheduler.

    It is asked first whether it is one: where something else listens Dask waits without end, and a
    client whose connection failed can block another when it is collected.

    Raises:
        ArgumentError: It is nothing that names a scheduler.
        FileError: It is a path, and no scheduler's file is there.
        WorkersError: No scheduler answers.
    """
    need("distributed")
    from distributed import Client, Security

    where, security = _named(scheduler)
    security = security or Security()
    options = {"timeout": patience, "set_as_default": False, "name": "causalopt"}
    try:
        if not where.startswith("inproc:"):
            _begun(lambda: asyncio.run(_greeted(where, security, patience)), patience)
        return _begun(lambda: Client(where, security=security, **options), patience)
    except (ValueError, KeyError, OverflowError) as error:
        raise ArgumentError(
            f"{where!r} is no address of a Dask scheduler, such as tcp://host:8786: {error}"
        ) from error
    except Exception as error:
        raise WorkersError(
            f"no Dask scheduler answers at {where} within {patience:g} s: "
            f"{' '.join(str(error).split()) or 'what listens there is none'}; start one with "
            "`dask scheduler`"
        ) from error


def _named(scheduler: Any) -> tuple[str, Any]:
    """Return the address of a scheduler, however it is named, and what secures it, if known."""
    from distributed import Client

    if isinstance(scheduler, Client):
        return scheduler.scheduler.address, scheduler.security
    if isinstance(getattr(scheduler, "scheduler_address", None), str):
        return scheduler.scheduler_address, scheduler.security
    if not isinstance(scheduler, str | os.PathLike):
        raise ArgumentError(
            "dask is a scheduler's address such as 'tcp://host:8786', the path of its file, or a "
            f"client, not {scheduler!r}"
        )
    where = os.fspath(scheduler)
    return (_address_in(where) if _is_path(where) else where), None


async def _greeted(where: str, security: Any, patience: float) -> None:
    """Connect to a scheduler and go again."""
    from distributed.comm import connect

    options = security.get_connection_args("client")
    comm = await asyncio.wait_for(connect(where, timeout=patience, **options), patience)
    comm.abort()


def _begun(call: Callable[[], Result], patience: float) -> Result:
    """Return what a call returns, on another thread, so that it can be left.

    Raises:
        TimeoutError: It does not return.
    """
    found: list[Result] = []
    errors: list[Exception] = []

    def work() -> None:
        try:
            found.append(call())
        except Exception as error:
            errors.append(error)

    thread = WaitedThread(work, "causalopt-dask")
    thread.start()
    until = time.monotonic() + patience + _SHORT
    while not thread.ended.wait(_LOOK) and time.monotonic() < until:
        check_stop()
    if errors:
        raise errors[0]
    if not found:
        raise TimeoutError
    return found[0]


def _address_in(file: str) -> str:
    """Return the address that a scheduler's file tells.

    Raises:
        FileError: It is no such file.
    """
    try:
        with open(file) as text:
            return str(json.load(text)["address"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = "there is none" if isinstance(error, FileNotFoundError) else "this is none"
        raise FileError(
            f"{file}: expected the file of a Dask scheduler, and {why}; `dask scheduler "
            f"--scheduler-file {file}` writes one, or give its address, as in tcp://host:8786"
        ) from error


def _is_path(where: str) -> bool:
    """Whether a text names a file and not an address such as tcp://host:8786 or host:8786.

    Example:
        >>> _is_path("tcp://host:8786"), _is_path("host:8786"), _is_path("shared/scheduler.json")
        (False, False, True)
    """
    port = where.rpartition(":")[2]
    return "://" not in where and (not port.isdecimal() or os.path.isfile(where))


async def _cancelled(client: Client, futures: list[Future]) -> None:
    await client.cancel(futures, force=True)


def _waited(client: Client, call: Any, patience: float) -> Any:
    """Return what a coroutine returns that runs on the client's thread.

    Raises:
        TimeoutError: It does not end within a little more than so many seconds.
    """
    running = asyncio.run_coroutine_threadsafe(call, client.loop.asyncio_loop)
    until = time.monotonic() + patience + _SHORT
    try:
        while True:
            with contextlib.suppress(TimeoutError):
                return running.result(_LOOK)
            if running.done() or time.monotonic() > until:
                raise TimeoutError
    finally:
        running.cancel()


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Let Dask's own log say nothing: what it would say is in this module's errors and counts."""
    loggers = [logging.getLogger(name) for name in ("distributed", "tornado.application")]

    def nothing(_: logging.LogRecord) -> bool:
        return False

    handlers = [handler for logger in loggers for handler in logger.handlers]
    for handler in handlers:
        handler.addFilter(nothing)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(nothing)
