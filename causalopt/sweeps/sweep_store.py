"""The store of a sweep: a Zarr group that grows task by task, survives any death and goes on.

One driver at a time creates a store or resumes it, and holds its lock. Workers write tasks through
`StoreWriter`; only the driver marks them. `docs/stores.md` is the contract in full.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from numpy.typing import ArrayLike, NDArray

from causalopt.errors import FileError, QuestionError
from causalopt.extras import need
from causalopt.results import Plotted, Tabled, labelled, plain_number, plot
from causalopt.sweeps.store_folder import (
    check_new,
    check_room,
    close_passing,
    make_folder,
    open_passing,
    parse_metadata,
    read_metadata,
)
from causalopt.sweeps.store_identity import Difference, differences
from causalopt.sweeps.store_layout import StorablePlan, StoreLayout
from causalopt.sweeps.store_lock import StoreLock, is_driven
from causalopt.sweeps.store_writer import StoreWriter, token_of
from causalopt.sweeps.task_ledger import TaskLedger
from causalopt.sweeps.task_summary import FAILED, TaskSummary

if TYPE_CHECKING:
    import numpy as np
    import xarray

    from causalopt.results import Places

P = TypeVar("P", bound=StorablePlan)
_LINES = 8  # entries of an identity that differ, named in a message


class SweepStore(Plotted, Tabled):
    """A sweep on disk, done or half done: `create`, `open` and `resume` make one.

    Attributes:
        path: Its folder, as it was named.
        root: The same, wherever the process works by now.
        identity: All that decides its numbers: model, question, measure, axes, settings, versions.
        layout: Where its numbers lie.
        made: What the call did that returned the store, a `StoreRun`; None where it was opened.
    """

    def __init__(self, path: Path, metadata: bytes, lock: StoreLock | None = None) -> None:
        self.path, self.root = path, Path(os.path.abspath(path))
        self.identity, self.layout = parse_metadata(metadata, path)
        self._token = token_of(metadata)
        self._lock = lock
        self._ledger = TaskLedger(self.root, self.layout)
        self.made: Any = None

    @classmethod
    def create(cls, path: str | os.PathLike[str], plan: StorablePlan) -> Self:
        """Make a new store for a plan, and hold its lock; nothing is ever overwritten.

        Args:
            path: Where; it ends in .zarr.
            plan: The sweep.

        Raises:
            FileError: Something is there already, or it cannot be written, or has no room.
            MissingPackageError: zarr is not installed.
        """
        need("zarr")
        from causalopt.sweeps.store_metadata import store_files  # zarr loads slowly

        target = check_new(path)
        layout = StoreLayout.of(plan)
        check_room(target, layout, sum(len(values) for _, values, _ in plan.coords.values()))
        lock = make_folder(target, store_files(plan, layout))
        return cls(target, lock.read(), lock)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Open a store to read it, also while another process computes it.

        Raises:
            FileError: There is no store of a sweep.
        """
        return cls(Path(path), read_metadata(path))

    @classmethod
    def resume(cls, path: str | os.PathLike[str], plan: StorablePlan) -> Self:
        """Open a store to go on with it, and hold its lock.

        Args:
            path: The store.
            plan: The sweep that is asked for: the store's own, up to its chunks.

        Raises:
            FileError: There is no store of a sweep, another process is computing it, or it cannot
                be written.
            QuestionError: It holds another sweep.
        """
        need("zarr")
        cls.open(path).check_same(plan)
        lock = StoreLock.take(Path(path))
        try:
            open_passing(Path(path))
            return cls(Path(path), lock.read(), lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def begin(cls, path: str | os.PathLike[str], plan: StorablePlan, *, resume: bool) -> Self:
        """Make a new store, or go on with one where that is asked for and there is one."""
        if not resume:
            return cls.create(path, plan)
        if not os.path.lexists(path):
            try:
                return cls.create(path, plan)
            except FileError:
                if not os.path.lexists(path):
                    raise  # else another process made it meanwhile
        return cls.resume(path, plan)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the lock up, and remove what was being written; what is marked stays."""
        if self._lock is not None:
            close_passing(self.root)
            self._lock.release()
            self._lock = None

    @property
    def shape(self) -> tuple[int, ...]:
        """How many points each dimension has."""
        return self.layout.shape

    @property
    def task_count(self) -> int:
        """How many tasks there are."""
        return self.layout.task_count

    @property
    def done(self) -> int:
        """How many tasks are done."""
        return int(self._ledger.done.sum(dtype=int))

    @property
    def complete(self) -> bool:
        """Whether all tasks are done."""
        return self.done == self.task_count

    @property
    def marks(self) -> NDArray[np.uint8]:
        """1 for each task that is done, 0 for each that is missing, shape [task]."""
        return self._ledger.done.copy()

    def missing(self) -> Iterator[int]:
        """Return the numbers of the tasks that are missing, in their order."""
        return self._ledger.missing()

    @property
    def total(self) -> TaskSummary:
        """Ranges and counts over all tasks that are done."""
        return self._ledger.total()

    @property
    def statuses(self) -> dict[str, int]:
        """How many points have each status, of what is done; those that none has are not named."""
        counts = zip(self.layout.statuses, self.total.counts, strict=True)
        return {word: count for word, count in counts if count}

    @property
    def failed(self) -> int:
        """How many points have no finite numbers."""
        return sum(self.statuses.get(word, 0) for word in FAILED)

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """The least and the greatest number of each array, of what is done and resolved."""
        total = self.total
        pairs = zip(total.low, total.high, strict=True)
        return dict(zip(self.layout.floats, pairs, strict=True))

    @property
    def driven(self) -> bool:
        """Whether a process is computing it just now."""
        return self._lock is not None or is_driven(self.root)

    def refresh(self) -> None:
        """Read again what is done, where another process computes it."""
        self._ledger.refresh()

    @property
    def writer(self) -> StoreWriter:
        """What workers write tasks with: small, and picklable."""
        return StoreWriter(str(self.root), self.layout, self._token)

    def write(self, task: int, columns: Mapping[str, ArrayLike]) -> TaskSummary:
        """Write a task's numbers, as `StoreWriter.write` does; they count once they are marked."""
        return self.writer.write(task, columns)

    def mark(self, task: int, summary: TaskSummary) -> None:
        """Mark a task as done, once `write` has returned.

        Raises:
            FileError: The store cannot be written.
            ValueError: The store is open to be read only.
        """
        self.mark_all({task: summary})

    def mark_all(self, tasks: Mapping[int, TaskSummary]) -> None:
        """Mark several tasks at once, which is cheaper where they lie close together."""
        if self._lock is None:
            raise ValueError("only what created or resumed a store can mark its tasks")
        for task in tasks:
            self.layout.place(task)
        self._ledger.mark(tasks)

    def read(self, task: int, names: Sequence[str] = ()) -> dict[str, NDArray[Any]]:
        """Return the numbers of a task that is done, without xarray.

        Args:
            task: Its number.
            names: Which arrays; all when not given.

        Raises:
            FileError: A chunk is damaged or is not there.
        """
        found = {}
        for name in names or [name for name, _ in self.layout.variables]:
            path = self.root / self.layout.key(name, task)
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                content = b""
            except OSError as error:
                raise FileError(f"cannot read '{path}': {error.strerror}") from None
            found[name] = self.layout.decode(name, task, content, self.root)
        return found

    def differences(self, plan: StorablePlan) -> list[Difference]:
        """Return what differs between the store's sweep and a plan, what matters first."""
        found = differences(self.identity, plan.identity)
        asked = StoreLayout.of(plan)
        for name in ("dims", "shape", "variables", "statuses"):
            stored, wanted = getattr(self.layout, name), getattr(asked, name)
            if stored != wanted and not any(one.matters for one in found):
                found.insert(0, Difference(name, stored, wanted, matters=True))
        return found

    def fitted(self, plan: P) -> P:
        """Return a plan with the store's chunks; all else must be the same."""
        return dataclasses.replace(plan, chunk=self.layout.chunk)  # type: ignore[type-var]

    def check_same(self, plan: StorablePlan) -> None:
        """Refuse a plan that is not the store's sweep; its chunks may differ.

        Raises:
            QuestionError: It is another; the message lists what differs and what of it matters.
        """
        found = self.differences(plan)
        deciding = [one for one in found if one.matters]
        if not deciding:
            return
        lines = [f"  {_indented(str(one))}" for one in deciding[:_LINES]]
        if len(deciding) > _LINES:
            lines.append(f"  and {len(deciding) - _LINES} more")
        harmless = [one.path for one in found if not one.matters]
        if harmless:
            lines.append(f"  (these differ too, and would not matter: {', '.join(harmless)})")
        raise QuestionError(
            f"'{self.path}' holds another sweep, and cannot go on with this one. What differs:\n"
            + "\n".join(lines)
            + f"\n{_next_step(deciding, self.path)}"
        )

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The sweep with labelled axes, opened lazily: NaN and status -1 where nothing is yet."""
        return labelled(self)

    def plot(
        self,
        *,
        measure: str | None = None,
        ax: Places | None = None,
        figsize: tuple[float, float] | None = None,
        panels: str | Sequence[str] | None = None,
        theme: Literal["light", "dark"] | None = None,
    ) -> Any:
        """Return a figure of what is there: lines over one axis, a map over two, panels of more.

        Args:
            measure: The variable that is drawn; the measure's own by default.
            ax: Your own axes; as of `causalopt.results.Plotted.plot`, as are the next three.
            figsize: The figure's width and height in inches.
            panels: Names of the panels that are drawn.
            theme: "light" or "dark".
        """
        where: dict[str, Any] = {"ax": ax, "figsize": figsize, "panels": panels, "theme": theme}
        return plot(self, measure=measure, **where)

    def to_dict(self) -> dict[str, Any]:
        """Return what the store holds, summed up, as JSON's types."""
        ranges = {
            name: [plain_number(low), plain_number(high)]
            for name, (low, high) in self.ranges.items()
        }
        return {
            "store": str(self.path),
            **self.identity,
            "dims": list(self.layout.dims),
            "shape": list(self.shape),
            "chunk": list(self.layout.chunk),
            "tasks": self.task_count,
            "done": self.done,
            "missing": self.task_count - self.done,
            "complete": self.complete,
            "running": self.driven,
            "points": math.prod(self.shape),
            "points_done": sum(self.total.counts),
            "statuses": self.statuses,
            "failed": self.failed,
            "ranges": ranges,
        }

    def __repr__(self) -> str:
        shape = " x ".join(f"{d}: {n}" for d, n in zip(self.layout.dims, self.shape, strict=True))
        return f"SweepStore('{self.path}', {shape}, {self.done:,} of {self.task_count:,} tasks)"


def open_sweep(path: str | os.PathLike[str]) -> SweepStore:
    """Open the store of a sweep, done or half done, also while another process computes it.

    Args:
        path: Its folder, ending in .zarr.

    Returns:
        The store: `dataset` has its numbers, lazily; `done`, `missing()`, `statuses` and `ranges`
        sum it up.

    Raises:
        FileError: There is no store of a sweep.

    Example:
        >>> import tempfile
        >>> from causalopt import load, sweep
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = f"{folder}/thermostat.zarr"
        ...     kept = sweep(load("thermostat"), {"k": [0.01, 0.02]}, steps=10, out=path)
        ...     found = open_sweep(path)
        ...     found.complete, found.dataset["op"].dims
        (True, ('k',))
    """
    return SweepStore.open(path)


def _next_step(deciding: list[Difference], path: Path) -> str:
    if all(one.path.startswith("versions.") for one in deciding):
        return "Install the versions that the store was made with, or begin another store."
    return f"Ask what the store was made for (`causalopt show {path}`), or name another store."


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")
