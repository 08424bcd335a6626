"""Checkpoints of a long run: all that its next step needs, and what it has stored, in one file.

A run that goes on from one has the digits of a run that was never stopped.
"""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from causalopt.engine.arrays.array_loop import Key
from causalopt.engine.arrays.array_plan import Values
from causalopt.engine.arrays.array_stretches import Stretches
from causalopt.errors import FileError, QuestionError

_FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """Where, and how often, a run is written down.

    Attributes:
        path: A file, `.npz`.
        every: After so many steps.
        marks: What the run's numbers follow from, by name: the hashes that a file must agree with.
    """

    path: Path
    every: int
    marks: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.path.suffix != ".npz":
            raise FileError(f"a checkpoint is a file .npz, found '{self.path}'")
        if self.path.is_dir() or not self.path.parent.is_dir():
            raise FileError(f"cannot write '{self.path}': its folder does not exist, or it is one")
        if self.every < 1:
            raise QuestionError(f"a checkpoint is written after 1 or more steps, not {self.every}")

    def restore(self, world: Stretches, stores: Mapping[Key, Values]) -> None:
        """Bring a world to where the file says it was; leave it at its start if there is none.

        Raises:
            FileError: The file cannot be read, or is of another run.
        """
        if not self.path.exists():
            return
        try:
            with self.path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            head = json.loads(str(arrays["head"]))
            t, keys, marks, version = (int(head["t"]), head["state"], head["marks"], head["format"])
            state = {tuple(key): arrays[f"state{i}"] for i, key in enumerate(keys)}
            parts, powers = [arrays[f"store{i}"] for i in range(len(stores))], arrays["powers"]
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, EOFError) as error:
            raise FileError(
                f"'{self.path}' is no checkpoint that can be read ({error}): remove it, or name "
                "another file, to start anew"
            ) from None
        self._compare(marks, version, world)
        for store, part in zip(stores.values(), parts, strict=True):
            store[:t] = part
        world.resume(t, state, powers)

    def _marks(self, world: Stretches) -> dict[str, str]:
        return {**self.marks, "the execution": world.execution}

    def _compare(self, marks: Mapping[str, str], version: int, world: Stretches) -> None:
        if version != _FORMAT:
            raise FileError(
                f"'{self.path}' is a checkpoint of another version: remove it, or name another "
                "file, to start anew"
            )
        own = self._marks(world)
        other = [name for name in own if own[name] != marks.get(name)]
        if other:
            raise FileError(
                f"'{self.path}' is a checkpoint of another run: what differs is "
                f"{', '.join(other)}. Remove it, or name another file, to start anew"
            )

    def write(self, world: Stretches, stores: Mapping[Key, Values]) -> None:
        """Write down where a world is, whole or not at all.

        Raises:
            FileError: The file cannot be written.
        """
        keys = list(world.state)
        head = {"format": _FORMAT, "marks": self._marks(world), "t": world.t, "state": keys}
        arrays: dict[str, Any] = {"head": np.array(json.dumps(head)), "powers": world.noted()}
        arrays |= {f"state{i}": np.asarray(world.state[key]) for i, key in enumerate(keys)}
        arrays |= {f"store{i}": store[: world.t] for i, store in enumerate(stores.values())}
        try:
            name = f".{self.path.name}."
            with tempfile.TemporaryDirectory(dir=self.path.parent, prefix=name) as folder:
                part = Path(folder) / "part.npz"
                np.savez(part, allow_pickle=False, **arrays)
                os.replace(part, self.path)
        except OSError as error:
            raise FileError(f"cannot write '{self.path}': {error.strerror or error}") from None
