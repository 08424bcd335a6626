"""Tasks in processes of this machine, which end with the caller, and of which one may die.

Other than those of `multiprocessing`, they do not import the caller's script, need no guard in it
and are not forked from a process with threads; and where one dies, by a signal or for want of
memory, another takes its place.
"""

from __future__ import annotations

import collections
import contextlib
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import IO, Any

from causalopt.errors import WorkersError
from causalopt.sweeps.crews.crew import Ended
from causalopt.sweeps.crews.shared_work import Reply, SharedWork, run_shared, unwrapped

_CODE = "from causalopt.sweeps.crews.process_crew import serve; serve()"
_EACH = 2  # tasks that a process has: one runs, one waits beside it
_SIZE = struct.Struct("<Q")
_END = 5.0  # seconds in which a process that has nothing to do ends


class ProcessCrew:
    """Processes that read tasks from a pipe and write replies into another.

    Args:
        work: What the tasks do.
        processes: How many.
    """

    def __init__(self, work: SharedWork, processes: int) -> None:
        self._work = work
        self._heard: queue.SimpleQueue[tuple[_Process, Reply | None]] = queue.SimpleQueue()
        self._all: list[_Process] = []
        self.lost, self.moved = 0, 0
        try:
            for _ in range(processes):
                self._all.append(_Process(work, self._heard))
        except BaseException:
            self.cancel()
            raise

    def window(self) -> int:
        """Return how many tasks may be in flight."""
        return _EACH * len(self._all)

    def submit(self, task: int) -> None:
        """Give a task to the process that has the fewest."""
        min(self._all, key=lambda process: len(process.tasks)).give(task)

    def ended(self, wait: float) -> Iterator[Ended]:
        """Yield the tasks that ended.

        Raises:
            WorkersError: A process died before it could do anything.
        """
        with contextlib.suppress(queue.Empty):
            process, reply = self._heard.get(timeout=wait)
            while True:
                if reply is None:
                    yield from self._replaced(process)
                elif reply.kind != "unknown":  # which it says once, when it is ready
                    task = process.tasks.popleft()
                    yield Ended(task, reply.result, unwrapped(reply))
                process, reply = self._heard.get_nowait()

    def _replaced(self, process: _Process) -> list[Ended]:
        """Put another in the place of a process that died; only the task that ran counts."""
        how = process.end()
        if not process.answered:
            raise WorkersError(f"a process for the tasks {how} before it was ready")
        self.lost += 1
        self._all[self._all.index(process)] = _Process(self._work, self._heard)
        return [
            Ended(task, failure=f"its process {how}", tries=int(place == 0))
            for place, task in enumerate(process.tasks)
        ]

    def cancel(self) -> None:
        """Kill all processes."""
        for process in self._all:
            process.end()

    def close(self) -> None:
        """End all processes."""
        for process in self._all:
            process.leave()
        for process in self._all:
            process.end(_END)


class _Process:
    """A process, and a thread that hears what it writes."""

    def __init__(
        self, work: SharedWork, heard: queue.SimpleQueue[tuple[_Process, Reply | None]]
    ) -> None:
        self.tasks: collections.deque[int] = collections.deque()
        self.answered = False
        given = work.name, work.pickled
        paths = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CODE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"OPENBLAS_NUM_THREADS": "1", **os.environ, "PYTHONPATH": paths},
            start_new_session=True,  # a terminal's Ctrl-C is for the caller, who ends it
        )
        self._send(given)
        self._thread = threading.Thread(target=self._hear, args=(heard,), daemon=True)
        self._thread.start()

    def _hear(self, heard: queue.SimpleQueue[tuple[_Process, Reply | None]]) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as source:
            while (reply := _received(source)) is not None:
                self.answered = True
                heard.put((self, reply))
        heard.put((self, None))

    def give(self, task: int) -> None:
        """Send a task; that the process is dead is heard by its thread."""
        self.tasks.append(task)
        self._send(task)

    def _send(self, message: object) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            _write(self._process.stdin, message)

    def leave(self) -> None:
        """Let the process end by itself: there is nothing more to do."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def end(self, wait: float = 0.0) -> str:
        """Kill the process, unless it ends within so many seconds; return how it ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(wait)
        self._process.kill()
        code = self._process.wait()
        self._thread.join()
        self.leave()
        if code >= 0:
            return f"ended with code {code}"
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        more = ", as where memory runs out" if -code == getattr(signal, "SIGKILL", 9) else ""
        return f"was ended by {name}{more}"


def serve() -> None:
    """Run the tasks that come by stdin, and write replies where stdout was, until stdin ends."""
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the work prints must not stand between replies
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    given: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(source, given), daemon=True).start()
    name, pickled = given.get()
    _write(target, Reply("unknown"))
    while True:
        reply = run_shared(name, given.get(), pickled)
        try:
            _write(target, reply)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            _write(target, Reply("raised", message=f"its result cannot be sent: {error}"))


def _listen(source: IO[bytes], given: queue.SimpleQueue[Any]) -> None:
    while (message := _received(source)) is not None:
        given.put(message)
    os._exit(0)  # the caller is done, or gone: what still runs is wanted by nobody


def _write(target: IO[bytes], message: object) -> None:
    text = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    target.write(_SIZE.pack(len(text)))
    target.write(text)
    target.flush()


def _received(source: IO[bytes]) -> Any:
    """Return the next message, None at the end."""
    head = source.read(_SIZE.size)
    if len(head) < _SIZE.size:
        return None
    text = source.read(_SIZE.unpack(head)[0])
    return pickle.loads(text) if len(text) == _SIZE.unpack(head)[0] else None
