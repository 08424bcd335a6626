"""Where a declaration's arrays are: in files beside it, or in memory with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class ArraySource:
    """What texts such as `net.npz#W1` and `#W1` in a declaration mean.

    Attributes:
        folder: Where files are that are named without a folder; the working folder when None.
        arrays: Name -> array, for what `#name` means: arrays that go with a model in memory.
    """

    folder: Path | None = None
    arrays: Mapping[str, np.ndarray[Any, Any]] = dataclasses.field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        """Compare arrays: where files lie decides nothing."""
        if not isinstance(other, ArraySource):
            return NotImplemented
        mine, others = self.arrays, other.arrays
        return mine.keys() == others.keys() and all(
            values.shape == others[name].shape and bool((values == others[name]).all())
            for name, values in mine.items()
        )

    __hash__ = object.__hash__

    def file(self, path: str) -> Path:
        """Return where a file is that a declaration names."""
        return Path(path) if self.folder is None else self.folder / path
