"""The layout of a store: which chunk of which array a task fills, and the bytes of a chunk.

A chunk is the array's numbers in C order, little-endian, whole to its full shape, and then their
CRC-32C: a file that was cut or spoiled cannot be read as numbers. The same numbers are always the
same bytes.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from causalopt.errors import FileError
from causalopt.extras import need

if TYPE_CHECKING:
    from pathlib import Path

    from causalopt.sweeps.sweep_axes import AxisValues
    from causalopt.sweeps.swept_measure import SweptVariable

MISSING = -1  # the status of a point that was not computed
BLOCK = 1024  # tasks in one chunk of the arrays that say what is done
STATUS = "status"
_CHECKSUM, _PIECE = 4, 1 << 18  # bytes
FILLS: dict[str, float] = {"f8": math.nan, "i1": MISSING, "u1": 0, "i8": 0}


class StorableMeasure(Protocol):
    """What is found at each point."""

    @property
    def drawn(self) -> str:
        """The array that is shown where nothing else is said."""

    @property
    def statuses(self) -> Sequence[str]:
        """The words that the numbers of `status` are places in."""


class StorablePlan(Protocol):
    """What a store needs to know of a sweep: its grid, its tasks and all that decides its numbers.

    Tasks are numbered in C order over the grid of chunks.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """How many points each dimension has."""

    @property
    def dims(self) -> tuple[str, ...]:
        """The dimensions' labels."""

    @property
    def coords(self) -> Mapping[str, tuple[Any, AxisValues, Mapping[str, Any]]]:
        """Coordinate -> its dimensions, its values, its attributes."""

    @property
    def chunk(self) -> tuple[int, ...]:
        """The shape of one chunk."""

    @property
    def task_count(self) -> int:
        """How many tasks there are: one a chunk."""

    @property
    def variables(self) -> Sequence[SweptVariable]:
        """The arrays that a task fills."""

    @property
    def measure(self) -> StorableMeasure:
        """What is found at each point."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """All that decides the numbers, as JSON's types."""


@dataclasses.dataclass(frozen=True)
class StoreLayout:
    """Where a store's numbers lie. Small, and the same in every process.

    Attributes:
        dims: The dimensions' labels.
        shape: How many points each has.
        chunk: The shape of one chunk.
        variables: (name, dtype) of each array that a task fills; `f8` or `i1`.
        statuses: The words that `status` counts.
        drawn: The array that is shown where nothing else is said.
        books: What the arrays and axes that keep account of tasks are called: `done`, `task_min`,
            `task_max`, `task_count`, and the axes `task`, `variable` and `word`; with `_` behind
            where a swept axis or a variable has that name.
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    variables: tuple[tuple[str, str], ...]
    statuses: tuple[str, ...]
    drawn: str
    books: Mapping[str, str]

    @classmethod
    def of(cls, plan: StorablePlan) -> Self:
        """Return the layout of a plan's store."""
        variables = tuple((variable.name, variable.dtype) for variable in plan.variables)
        taken = {*plan.dims, *plan.coords, *(name for name, _ in variables)}
        return cls(
            tuple(plan.dims),
            tuple(map(int, plan.shape)),
            tuple(map(int, plan.chunk)),
            variables,
            tuple(map(str, plan.measure.statuses)),
            plan.measure.drawn,
            _free_names(taken),
        )

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the layout that a store's attributes tell.

        Raises:
            ValueError: The text tells none.
        """
        try:
            told = json.loads(text)
            found = cls(
                tuple(told["dims"]),
                tuple(told["shape"]),
                tuple(told["chunk"]),
                tuple((name, dtype) for name, dtype in told["variables"]),
                tuple(told["statuses"]),
                told["drawn"],
                dict(told["books"]),
            )
            found._check()
        except (KeyError, TypeError) as error:
            raise ValueError(str(error)) from None
        return found

    def _check(self) -> None:
        """Refuse a layout that no sweep has.

        Raises:
            ValueError: It is one.
        """
        names = [name for name, _ in self.variables]
        sizes = (*self.shape, *self.chunk)
        if not (
            len(self.dims) == len(self.shape) == len(self.chunk) > 0
            and all(isinstance(size, int) and size > 0 for size in sizes)
            and {dtype for _, dtype in self.variables} <= {"f8", "i1"}
            and {STATUS, self.drawn} <= {*names}
            and self.statuses
            and self.books.keys() == _free_names(set()).keys()
        ):
            raise ValueError("a layout of another kind")

    def to_text(self) -> str:
        """Return the layout as JSON."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @property
    def grid(self) -> tuple[int, ...]:
        """How many chunks lie along each dimension."""
        return tuple(-(-n // step) for n, step in zip(self.shape, self.chunk, strict=True))

    @property
    def task_count(self) -> int:
        """How many tasks there are."""
        return math.prod(self.grid)

    @property
    def block_count(self) -> int:
        """How many chunks the arrays along tasks have."""
        return -(-self.task_count // BLOCK)

    @property
    def floats(self) -> tuple[str, ...]:
        """The arrays of floats, in their order: the entries of `task_min` and `task_max`."""
        return tuple(name for name, dtype in self.variables if dtype == "f8")

    def place(self, task: int) -> tuple[int, ...]:
        """Return a task's place in the grid of chunks, in C order.

        Raises:
            IndexError: There is no such task.
        """
        if not 0 <= task < self.task_count:
            raise IndexError(f"tasks are 0 to {self.task_count - 1}, found {task}")
        place: list[int] = []
        for count in reversed(self.grid):
            task, at = divmod(task, count)
            place.append(at)
        return tuple(reversed(place))

    def slices(self, task: int) -> tuple[slice, ...]:
        """Return the points that a task fills."""
        return tuple(
            slice(at * step, min((at + 1) * step, n))
            for at, step, n in zip(self.place(task), self.chunk, self.shape, strict=True)
        )

    def task_shape(self, task: int) -> tuple[int, ...]:
        """Return how many points a task fills along each dimension."""
        return tuple(part.stop - part.start for part in self.slices(task))

    def key(self, variable: str, task: int) -> str:
        """Return where a task's chunk of an array lies, below the store's root."""
        return "/".join([variable, "c", *map(str, self.place(task))])

    def block_key(self, book: str, block: int) -> str:
        """Return where a chunk of an array along tasks lies; `book` is a key of `books`."""
        return "/".join([self.books[book], "c", str(block), *["0"] * (book != "done")])

    def damaged(self, root: Path, key: str, block: int) -> FileError:
        """Return the error of a chunk that was cut or spoiled, and how it is computed anew."""
        first, end = block * BLOCK, min((block + 1) * BLOCK, self.task_count)
        return FileError(
            f"'{root / key}' is damaged or missing: remove "
            f"'{root / self.block_key('done', block)}' and sweep again with --resume "
            f"(resume=True); tasks {first} to {end - 1} are then computed anew"
        )

    def book_row(self, book: str) -> tuple[str, tuple[int, ...]]:
        """Return the dtype of an array along tasks, and its shape without them."""
        if book == "done":
            return "u1", ()
        return (
            ("i8", (len(self.statuses),)) if book == "task_count" else ("f8", (len(self.floats),))
        )

    @property
    def data_size(self) -> tuple[int, int]:
        """The bytes and the files that a complete store takes, without coordinates and names."""
        points = math.prod(self.chunk) * self.task_count  # chunks at the edge are whole, too
        size = sum(points * np.dtype(dtype).itemsize for _, dtype in self.variables)
        row = 1 + 8 * len(self.statuses) + 16 * len(self.floats)
        files = len(self.variables) * self.task_count + 4 * self.block_count
        return size + row * self.block_count * BLOCK + 4 * files, files

    def encode(self, variable: str, task: int, values: ArrayLike) -> bytearray:
        """Return the bytes of a task's chunk of an array.

        Raises:
            ValueError: The values have another shape, or are statuses that have no word.
        """
        dtype = dict(self.variables)[variable]
        found = np.asarray(values)
        if found.shape != self.task_shape(task):
            raise ValueError(
                f"'{variable}' of task {task} has shape {self.task_shape(task)}, "
                f"found {found.shape}"
            )
        if (
            variable == STATUS
            and found.size
            and not 0 <= found.min() <= found.max() < len(self.statuses)
        ):
            raise ValueError(f"'{variable}' of task {task} counts words that are not there")
        return encode(found, dtype, self.chunk)

    def decode(self, variable: str, task: int, content: bytes, root: Path) -> NDArray[Any]:
        """Return a task's values of an array, from its chunk's bytes.

        Raises:
            FileError: They are not those of a whole chunk.
        """
        whole = decode(content, dict(self.variables)[variable], self.chunk)
        if whole is None:
            raise self.damaged(root, self.key(variable, task), task // BLOCK)
        return whole[tuple(slice(0, n) for n in self.task_shape(task))]


def encode(values: NDArray[Any], dtype: str, chunk: tuple[int, ...]) -> bytearray:
    """Return the bytes of a chunk: its values, filled up to the whole chunk, and their checksum."""
    kind = np.dtype(dtype).newbyteorder("<")
    size = math.prod(chunk) * kind.itemsize
    buffer = bytearray(size + _CHECKSUM)  # written once: chunks are large
    whole = np.frombuffer(buffer, kind, math.prod(chunk)).reshape(chunk)
    if values.shape != chunk:
        whole[...] = FILLS[dtype]
    whole[tuple(slice(0, n) for n in values.shape)] = values
    if dtype == "f8":
        unknown = np.isnan(whole)
        if unknown.any():
            whole[unknown] = math.nan  # one NaN of the many that there are
    buffer[size:] = _checksum(memoryview(buffer)[:size])
    return buffer


def decode(content: bytes, dtype: str, chunk: tuple[int, ...]) -> NDArray[Any] | None:
    """Return the values of a whole chunk; None where the bytes are not those of one."""
    kind = np.dtype(dtype).newbyteorder("<")
    size = math.prod(chunk) * kind.itemsize
    if len(content) != size + _CHECKSUM:
        return None
    if not has_checksum(memoryview(content)):
        return None
    return np.frombuffer(content, kind, math.prod(chunk)).reshape(chunk)


def has_checksum(content: memoryview) -> bool:
    """Whether some bytes end with the checksum of what stands before it."""
    return _checksum(content[:-_CHECKSUM]) == content[-_CHECKSUM:]


def _checksum(content: memoryview) -> bytes:
    """Return the CRC-32C of some bytes."""
    need("zarr")
    import google_crc32c  # comes with zarr

    found = 0
    for first in range(0, len(content), _PIECE):  # it takes copies: small ones stay in the cache
        found = google_crc32c.extend(found, bytes(content[first : first + _PIECE]))
    return found.to_bytes(_CHECKSUM, "little")


def _free_names(taken: set[str]) -> dict[str, str]:
    free: dict[str, str] = {}
    names: tuple[
        Literal["done", "task_min", "task_max", "task_count", "task", "variable", "word"], ...
    ] = ("done", "task_min", "task_max", "task_count", "task", "variable", "word")
    for name in names:
        label: str = name
        while label in taken:
            label += "_"
        taken.add(label)
        free[name] = label
    return free
