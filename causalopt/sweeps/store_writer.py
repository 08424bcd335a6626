"""What a worker has of a store: it writes the chunks of one task, and sums them up."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
from collections.abc import Mapping
from pathlib import Path

from numpy.typing import ArrayLike, NDArray

from causalopt.errors import FileError
from causalopt.sweeps.durable_files import GO_ON, PASSING, refused, write_durably
from causalopt.sweeps.store_layout import StoreLayout
from causalopt.sweeps.store_lock import METADATA
from causalopt.sweeps.task_summary import TaskSummary


@dataclasses.dataclass(frozen=True)
class StoreWriter:
    """Writes tasks into a store, from any process that sees its folder.

    Attributes:
        path: The store's folder.
        layout: Where its numbers lie.
        token: The hash of its metadata: a store that took its place is never written into.
    """

    path: str
    layout: StoreLayout
    token: str

    def write(self, task: int, columns: Mapping[str, ArrayLike]) -> TaskSummary:
        """Write a task's arrays, each whole, and return once they are on the disk.

        Args:
            task: Its number.
            columns: Each of the store's variables -> its values at the task's points, of the
                shape of the task's part of the grid.

        Raises:
            FileError: The store is not there, is another, or cannot be written.
            ValueError: An array is missing or has another shape.
        """
        arrays = self._arrays(task, columns)
        contents = {
            self.layout.key(name, task): self.layout.encode(name, task, values)
            for name, values in arrays.items()
        }
        self._check_store()
        root = Path(self.path)
        try:
            write_durably(root, contents)
        except OSError as error:
            if error.errno == errno.ENOENT and not (root / PASSING).is_dir():
                self._check_store()  # where it was moved or removed meanwhile, that is said
                raise FileError(
                    f"cannot write '{root}': the run that computes it has ended"
                ) from None
            raise refused(error, root, GO_ON) from None
        return TaskSummary.of(arrays, self.layout.floats, self.layout.statuses)

    def _arrays(self, task: int, columns: Mapping[str, ArrayLike]) -> dict[str, NDArray]:  # type: ignore[type-arg]
        import numpy as np

        names = [name for name, _ in self.layout.variables]
        if set(columns) != set(names):
            raise ValueError(f"task {task} has the arrays {names}, found {list(columns)}")
        return {name: np.asarray(columns[name]) for name in names}

    def _check_store(self) -> None:
        path = Path(self.path, METADATA)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise FileError(
                f"'{self.path}' is not there ({error.strerror}): all workers must see the store's "
                "folder under the same path, on a disk that they share"
            ) from None
        if token_of(content) != self.token:
            raise FileError(
                f"'{self.path}' is another store now: this task belongs to an older one"
            )


def token_of(metadata: bytes) -> str:
    """Return the token of a store with this root `zarr.json`."""
    return hashlib.sha256(metadata).hexdigest()[:32]
