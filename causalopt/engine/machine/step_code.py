"""Step code by what it computes: from disk without its text being written, else written anew.

To write the text of a small model's step takes as long as to run it a million times. What the text
follows from is short: the program, how it is asked for, the processor, and our own sources. The
entry that is kept under that names the object and says how its frame is laid out.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from causalopt.engine.machine.driver import DRIVER_ARGUMENTS
from causalopt.engine.machine.effort import FULL, QUICK, STRAIGHT, Effort
from causalopt.engine.machine.frame import Frame
from causalopt.engine.machine.native import (
    CompiledLibrary,
    key_of,
    load_library,
    loaded_from,
    processor,
)
from causalopt.engine.program import Program
from causalopt.object_store import ObjectStore, name_of

_WRITTEN_BY = ("engine", "engine/machine", "language", "model/template.py")  # what decides a text


def load_steps(program: Program, careful: float) -> tuple[CompiledLibrary, Frame]:
    """Return the driver of a batch with its step code, and its frame.

    Args:
        program: What is computed.
        careful: The share of steps that are careful; where all are, no other code is made.
    """
    # Run once a group, careful steps are not worth the optimiser's time.
    is_often, is_always = careful > 0.02, careful >= 1

    def made() -> tuple[str, Effort, Frame]:
        from causalopt.engine.machine.step_text import batch_text

        text, frame = batch_text(program, often=is_often, always=is_always)
        effort = FULL if program.is_small else STRAIGHT
        return text, QUICK if program.brief else effort, frame

    exports = {"drive": len(DRIVER_ARGUMENTS)}
    return _loaded(f"batch {is_often} {is_always}\n{program.described()}", exports, made)


def load_trajectory(program: Program, effort: Effort) -> tuple[CompiledLibrary, Frame]:
    """Return the step code of one trajectory, and its frame."""

    def made() -> tuple[str, Effort, Frame]:
        from causalopt.engine.machine.step_text import trajectory_text

        text, frame = trajectory_text(program)
        return text, effort, frame

    described = f"trajectory {effort}\n{program.described()}"
    return _loaded(described, {"advance": 8}, made)


def _loaded(
    described: str, exports: dict[str, int], made: Callable[[], tuple[str, Effort, Frame]]
) -> tuple[CompiledLibrary, Frame]:
    host, state = processor(), _state_of_sources()
    if state is None:
        text, effort, frame = made()
        return load_library(text, exports, effort), frame
    objects = ObjectStore.default()
    store = objects.beside("steps")
    key = f"{host.name}\n{host.features}\n{host.triple}\n{host.version}\n{state}\n{described}"
    kept = _kept(store, key)
    if kept is not None:
        library = loaded_from(kept[0], exports)
        if library is not None:
            return library, kept[1]
    text, effort, frame = made()
    library = load_library(text, exports, effort)
    said = {"object": name_of(key_of(text, effort)), "frame": frame.told()}
    store.keep(key, json.dumps(said).encode())
    return library, frame


def _kept(store: ObjectStore, key: str) -> tuple[str, Frame] | None:
    """Return the name of an object and its frame; None where they are not kept."""
    content = store.find(key)
    try:
        said: dict[str, Any] = {} if content is None else json.loads(content)
        return str(said["object"]), Frame.of_told(said["frame"])
    except (KeyError, TypeError, ValueError):
        return None


@functools.cache
def _state_of_sources() -> str | None:
    """Return what changes when our sources do; None where they are not files."""
    package = Path(__file__).resolve().parents[2]
    said = []
    try:
        for place in _WRITTEN_BY:
            path = package / place
            with os.scandir(path if path.is_dir() else path.parent) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    if entry.name.endswith(".py") and (path.is_dir() or entry.name == path.name):
                        state = entry.stat()
                        said.append(f"{place} {entry.name} {state.st_mtime_ns} {state.st_size}")
    except OSError:
        return None
    return "\n".join([str(package), *said])
