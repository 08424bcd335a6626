"""Tasks by an executor of `concurrent.futures`, or of any package that keeps to its protocol."""

from __future__ import annotations

import contextlib
import os
import queue
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future

from causalopt.errors import WorkersError
from causalopt.sweeps.crews.crew import Ended
from causalopt.sweeps.crews.shared_work import (
    Reply,
    SharedWork,
    failure_text,
    run_shared,
    unwrapped,
)

_STOP = 2.0  # seconds in which threads of this process end their pieces
_EACH = 2  # tasks in flight for a worker: one runs, one waits beside it


class ExecutorCrew:
    """The workers of an executor that the caller opened and closes.

    Args:
        executor: What runs the tasks.
        work: What they do.
        window: How many are in flight at most; twice the number of workers where it is None, or of
            processors where the executor does not say how many it has.
    """

    def __init__(self, executor: Executor, work: SharedWork, window: int | None) -> None:
        self._executor, self._work = executor, work
        workers = getattr(executor, "_max_workers", None)
        if not isinstance(workers, int) or workers < 1:
            workers = os.cpu_count() or 1
        self._window = window or _EACH * workers
        self._ended: queue.SimpleQueue[Future[Reply]] = queue.SimpleQueue()
        self._flying: dict[Future[Reply], int] = {}
        self.lost, self.moved = 0, 0

    def window(self) -> int:
        """Return how many tasks may be in flight."""
        return self._window

    def submit(self, task: int) -> None:
        """Begin a task.

        Raises:
            WorkersError: The executor is broken, or was shut down.
        """
        self._send(task, None)

    def _send(self, task: int, pickled: bytes | None) -> None:
        try:
            future = self._executor.submit(run_shared, self._work.name, task, pickled)
        except BrokenExecutor as error:
            raise self._broken(error) from error
        except RuntimeError as error:  # what every executor raises once it is shut down
            raise WorkersError(f"the executor takes no tasks: {error}") from error
        self._flying[future] = task
        future.add_done_callback(self._ended.put)

    def ended(self, wait: float) -> Iterator[Ended]:
        """Yield the tasks that ended.

        Raises:
            WorkersError: The executor is broken, or was shut down.
        """
        with contextlib.suppress(queue.Empty):
            future = self._ended.get(timeout=wait)
            while True:
                ended = self._read(future)
                if ended is not None:
                    yield ended
                future = self._ended.get_nowait()

    def _read(self, future: Future[Reply]) -> Ended | None:
        """Return how a task ended; None where its process has to be sent the work first."""
        task = self._flying.pop(future)
        try:
            reply = future.result()
        except BrokenExecutor as error:
            raise self._broken(error) from error
        except CancelledError as error:
            raise WorkersError("the executor was shut down with tasks in flight") from error
        except ImportError as error:
            raise WorkersError(
                f"a worker cannot import what the tasks need: {error}; install causalopt and what "
                f"the model needs there"
            ) from error
        except BaseException as error:  # of the way there and back: the work's own come as replies
            return Ended(task, failure=failure_text(error))
        if reply.kind == "unknown":
            self._send(task, self._work.pickled)
            return None
        return Ended(task, reply.result, unwrapped(reply))

    def _broken(self, error: BrokenExecutor) -> WorkersError:
        return WorkersError(
            f"the executor broke, most often because one of its processes was ended or ran out of "
            f"memory: {' '.join(str(error).split())}"
        )

    def cancel(self) -> None:
        """Cancel what waits, and end what runs on threads of this process.

        What runs in another process ends by itself, and nobody is told of it.
        """
        for future in self._flying:
            future.cancel()
        self._work.stop(_STOP)

    def close(self) -> None:
        """Do nothing: the executor is the caller's."""
