"""Work of tasks that processes of the tests can import."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.errors import QuestionError
from causalopt.work.threads import check_stop


def draws(task: int, size: int = 100) -> NDArray[np.float64]:
    """What `Draws` returns, by itself."""
    return np.random.default_rng(task).normal(size=size)


@dataclasses.dataclass(frozen=True)
class Draws:
    """Numbers that depend on the task alone, after some time."""

    seconds: float = 0.0

    def __call__(self, task: int) -> NDArray[np.float64]:
        time.sleep(self.seconds)
        return draws(task)


@dataclasses.dataclass(frozen=True)
class Marked:
    """The same, with a file in a folder while it runs: named after the process and the task."""

    folder: Path
    seconds: float = 0.2

    def __call__(self, task: int) -> NDArray[np.float64]:
        mark = self.folder / f"{os.getpid()}-{task}"
        mark.touch()
        time.sleep(self.seconds)
        mark.unlink()
        return draws(task)


def running(folder: Path) -> list[tuple[int, int]]:
    """Return (process, task) of the marks in a folder, after waiting for one."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = [tuple(map(int, mark.name.split("-"))) for mark in folder.glob("*-*")]
        if found:
            return [(process, task) for process, task in found]
        time.sleep(0.001)
    raise AssertionError("no task runs")


@dataclasses.dataclass(frozen=True)
class Raises:
    """Raises for some tasks, always or the first time only, of which a folder keeps note."""

    folder: Path
    bad: tuple[int, ...]
    once: bool = False

    def __call__(self, task: int) -> NDArray[np.float64]:
        note = self.folder / f"tried{task}"
        with note.open("a") as file:
            file.write("x")
        if task in self.bad and not (self.once and len(note.read_text()) > 1):
            raise ArithmeticError(f"task {task} has no number")
        return draws(task)


@dataclasses.dataclass(frozen=True)
class Wrong:
    """Finds at one task that the whole question is wrong."""

    bad: int

    def __call__(self, task: int) -> int:
        if task == self.bad:
            raise QuestionError("the question is wrong")
        return task


@dataclasses.dataclass(frozen=True)
class Kills:
    """Kills its own process at one task, always or the first time only."""

    folder: Path
    bad: int
    once: bool = False

    def __call__(self, task: int) -> NDArray[np.float64]:
        if task == self.bad:
            note = self.folder / "killed"
            if not (self.once and note.exists()):
                note.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return draws(task)


class Heavy:
    """Notes in a file each time that it is read from its pickle."""

    def __init__(self, note: Path, size: int) -> None:
        self.note, self.weights = note, np.arange(size, dtype=np.float64)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        with self.note.open("a") as file:
            file.write(f"{os.getpid()}\n")

    def __call__(self, task: int) -> float:
        time.sleep(0.005)
        return float(self.weights[task])


@dataclasses.dataclass(frozen=True)
class Endless:
    """Runs until it is stopped, as machine code in pieces does."""

    folder: Path

    def __call__(self, task: int) -> None:
        (self.folder / f"{os.getpid()}-{task}").touch()
        try:
            while True:
                check_stop()
                time.sleep(0.01)
        finally:
            (self.folder / f"ended{task}").touch()


class UnreadableError(Exception):
    """Can be pickled, but not read again: the pickle has one argument of two."""

    def __init__(self, what: str, more: str) -> None:
        super().__init__(what)
        self.more = more


def raises_unreadable(task: int) -> int:
    if task == 1:
        raise UnreadableError("neither fish", "nor fowl")
    return task
