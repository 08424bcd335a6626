"""A sweep killed at random moments, again and again: its store must be that of one left in peace.

`make kills` kills a real `causalopt sweep ... --out STORE --resume` a hundred times by SIGKILL:
while it starts, makes its store, computes, writes a task, or marks one. After each kill every task
that is marked done must have the bytes of an uninterrupted run, and nothing that was done may be
written anew; each store that is complete must equal that run's, file by file. `make kills SHORT=1`
kills ten times.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from causalopt.sweeps.durable_files import PASSING
from causalopt.sweeps.store_lock import METADATA
from causalopt.sweeps.sweep_store import SweepStore

KILLS, SHORT = 100, 10
SWEEP = (
    *("sweep", "thermostat_saturating", "--grid", "R[0]=5:45:60000", "--grid", "p=0.5,1,2"),
    *("--steps", "60", "--chunk", "4096", "--workers", "1"),
)
_LEDGER = ("done", "task_min", "task_max", "task_count")
_LONGEST = 60.0  # seconds that one run may take
PHASES = ("starting", "making the store", "computing", "writing", "written", "marking")


class WrongStoreError(AssertionError):
    """A store that is not what an uninterrupted run leaves."""


@dataclasses.dataclass(frozen=True)
class Moment:
    """When a process is killed: so long after something can be seen in the store's folder."""

    seen: Callable[[Path], bool]
    most: float

    def wait(self, store: Path, process: subprocess.Popen[bytes], chance: random.Random) -> bool:
        """Wait for the moment; return False where the process ended before."""
        while not self.seen(store):
            if process.poll() is not None:
                return False
            time.sleep(0.0002)
        end = time.perf_counter() + chance.uniform(0, self.most)
        while time.perf_counter() < end:
            if process.poll() is not None:
                return False
            time.sleep(min(0.0002, self.most / 10))
        return process.poll() is None


@dataclasses.dataclass
class Killer:
    """Kills a command that fills a store, and checks what it leaves.

    Attributes:
        command: The command; `{store}` stands for the store.
        folder: Where stores are made.
        seed: Of the moments.
    """

    command: Sequence[str]
    folder: Path
    seed: int = 0

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self.phases: collections.Counter[str] = collections.Counter()
        self.compared = 0
        self._store, self._whole = self.folder / "killed.zarr", self.folder / "whole.zarr"
        begun = time.perf_counter()
        self._finish(self._whole)
        took = time.perf_counter() - begun
        self._files = _files(self._whole)
        self._first = Moment(_is_being_made, 0.02)
        self._moments = (
            Moment(lambda _: True, took),
            Moment(_is_there, took / 2),
            Moment(lambda store: bool(_passing(store)), 0.005),
            Moment(lambda store: any(map(_is_of_ledger, _passing(store))), 0.003),
        )

    def kill(self, count: int) -> None:
        """Kill the command so many times, and let each store be finished and compared.

        Raises:
            WrongStoreError: A store is not what it should be.
        """
        for _ in range(count):
            while not self._kill_once():
                self._compare()
        self._finish(self._store)
        self._compare()

    def _kill_once(self) -> bool:
        """Start the command and kill it; return False where it was done before."""
        moment = self._chance.choice(self._moments)
        if not self._store.exists() and self._chance.random() < 0.5:
            moment = self._first
        had, left = _done(self._store), _passing(self._store)
        stamps = self._stamps(had)
        process = self._start(self._store)
        killed = moment.wait(self._store, process, self._chance)
        process.kill()
        said = process.communicate()[1].decode()
        if not killed and process.returncode != 0:
            raise WrongStoreError(f"the command failed by itself: {said}")
        self._check(had, stamps)
        if killed:
            self.phases[self._phase(left)] += 1
        return killed

    def _start(self, store: Path) -> subprocess.Popen[bytes]:
        words = [word.replace("{store}", str(store)) for word in self.command]
        return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def _finish(self, store: Path) -> None:
        process = self._start(store)
        said = process.communicate(timeout=_LONGEST)[1].decode()
        if process.returncode != 0:
            raise WrongStoreError(f"the command failed: {said}")

    def _check(self, had: set[int], stamps: dict[str, tuple[int, int]]) -> None:
        """Check that what is marked is there, and that what was done before was left alone."""
        done = _done(self._store)
        if lost := sorted(had - done):
            raise WrongStoreError(f"tasks {lost} were done before, and are not any more")
        layout = SweepStore.open(self._whole).layout
        for task in done:
            for name, _ in layout.variables:
                key = layout.key(name, task)
                path = self._store / key
                if not path.exists():
                    raise WrongStoreError(f"task {task} is marked done, and has no {key}")
                if path.read_bytes() != self._files[key]:
                    raise WrongStoreError(f"task {task} is marked done, and {key} is wrong")
        if stamps != self._stamps(had):
            raise WrongStoreError("a task that was done was written anew")

    def _stamps(self, tasks: set[int]) -> dict[str, tuple[int, int]]:
        """Return which files the chunks of tasks are."""
        layout = SweepStore.open(self._whole).layout
        keys = [layout.key(name, task) for task in tasks for name, _ in layout.variables]
        found = {key: (self._store / key).stat() for key in keys}
        return {key: (one.st_ino, one.st_mtime_ns) for key, one in found.items()}

    def _compare(self) -> None:
        """Compare a complete store with the uninterrupted run's, file by file, and remove it."""
        found = _files(self._store)
        for name in sorted({*found} | {*self._files}):
            if found.get(name) != self._files.get(name):
                raise WrongStoreError(f"'{name}' differs from that of an uninterrupted run")
        if left := [path.name for path in self.folder.iterdir() if path.name.startswith(".")]:
            raise WrongStoreError(f"{left} were left behind")
        self.compared += 1
        shutil.rmtree(self._store)

    def _phase(self, before: set[str]) -> str:
        """Return what a process was doing that was killed, by what it left."""
        if not self._store.exists():
            return "making the store" if _is_being_made(self._store) else "starting"
        passing = _passing(self._store)
        if passing and passing == before:
            return "starting"  # it had not yet removed what an earlier one left
        if passing:
            return "marking" if all(map(_is_of_ledger, passing)) else "writing"
        layout, done = SweepStore.open(self._store).layout, _done(self._store)
        written = [
            task
            for task in range(layout.task_count)
            if task not in done
            and all((self._store / layout.key(name, task)).exists() for name, _ in layout.variables)
        ]
        return "written" if written else "computing"


def _files(root: Path) -> dict[str, bytes]:
    """Return a folder's files by their paths, and its folders."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else b"a folder"
        for path in root.rglob("*")
    }


def _done(store: Path) -> set[int]:
    """Return the tasks that are marked done."""
    if not store.exists():
        return set()
    return {task for task, mark in enumerate(SweepStore.open(store).marks.tolist()) if mark}


def _passing(store: Path) -> set[str]:
    """Return the files that are being written."""
    try:
        return set(os.listdir(store / PASSING))
    except FileNotFoundError:
        return set()


def _is_of_ledger(name: str) -> bool:
    return name.split(".")[0] in _LEDGER


def _is_being_made(store: Path) -> bool:
    return any(store.parent.glob(f".{store.name}.*.partial"))


def _is_there(store: Path) -> bool:
    return (store / METADATA).exists()


def main() -> int:
    """Kill, compare, and print how often in which phase."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=True)
    parser.add_argument("--short", action="store_true", help=f"{SHORT} kills, not {KILLS}")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    asked = parser.parse_args()
    count = SHORT if asked.short else KILLS
    command = [sys.executable, "-m", "causalopt", *SWEEP, "--out", "{store}", "--resume"]
    with tempfile.TemporaryDirectory() as folder:
        killer = Killer(command, Path(folder), asked.seed)
        killer.kill(count)
    for phase in PHASES:
        print(f"{killer.phases[phase]:5} while {phase}")
    print(
        f"{count} kills; {killer.compared} stores finished, each equal byte for byte to that of an "
        "uninterrupted run"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
