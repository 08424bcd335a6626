"""Machine code from LLVM text: this processor's, optimised, kept on disk, called through ctypes.

ctypes releases the GIL during a call, so that threads run lanes in parallel. Nothing here is
imported until a run is long enough to be compiled, and llvmlite only where the code is not on disk.
"""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import importlib.util
import os
import sys
import threading
from pathlib import Path
from typing import Any

from causalopt.engine.machine.effort import FULL, QUICK, STRAIGHT, Effort
from causalopt.engine.machine.placement import placed
from causalopt.object_store import ObjectStore

__all__ = [
    "FULL",
    "QUICK",
    "STRAIGHT",
    "CompiledLibrary",
    "Effort",
    "Processor",
    "key_of",
    "load_library",
    "loaded_from",
    "processor",
]

_lock = threading.RLock()
# What Linux says of a processor that decides which code it runs; the rest changes, as its clock.
_DECIDES = frozenset({"vendor_id", "cpu family", "model", "model name", "stepping", "flags"})


@dataclasses.dataclass(frozen=True)
class Processor:
    """The processor code is made for, and the version of LLVM that makes it."""

    name: str
    features: str
    triple: str
    version: str = ""

    @property
    def has_fma(self) -> bool:
        """Whether a product and a sum can be one rounding."""
        return "+fma," in f"{self.features}," or self.triple.startswith(("aarch64", "arm64"))

    @property
    def has_avx512(self) -> bool:
        """Whether it has the instructions on doubles of AVX-512."""
        found = f"{self.features},"
        return "+avx512f," in found and "+avx512dq," in found

    @property
    def register(self) -> int:
        """Doubles in one vector register."""
        if "+avx512f," in f"{self.features},":
            return 8
        return 4 if "+avx," in f"{self.features}," else 2


@functools.cache
def processor() -> Processor:
    """Return the processor this process runs on: as Linux describes it, elsewhere as LLVM does."""
    found = _said_by_linux()
    if found is None:
        from causalopt.engine.machine.compiler import host

        found = Processor(*host())
    return found


def _said_by_linux() -> Processor | None:
    """Return what Linux says of a processor of x86-64 and what is installed; None elsewhere."""
    spec = importlib.util.find_spec("llvmlite")
    if sys.platform != "linux" or os.uname().machine != "x86_64" or not (spec and spec.origin):
        return None
    try:
        version = Path(spec.origin).with_name("_version.py").read_text(encoding="utf-8")
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n", 1)[0]
    except OSError:
        return None
    lines = [line.partition(":") for line in first.splitlines()]
    said = {key.strip(): value.strip() for key, _, value in lines}
    if not said.keys() >= _DECIDES:
        return None
    features = ",".join(f"+{flag}" for flag in said["flags"].split())
    name = ", ".join(said[key] for key in sorted(_DECIDES - {"flags"}))
    return Processor(name, features, "x86_64-linux", version)


@dataclasses.dataclass(frozen=True)
class CompiledLibrary:
    """Functions in machine code.

    Attributes:
        functions: Name -> callable through ctypes.
        from_disk: Whether the code was found compiled.
    """

    functions: dict[str, Any]
    from_disk: bool
    tracker: Any = dataclasses.field(repr=False, default=None)


def load_library(text: str, exports: dict[str, int], effort: Effort = FULL) -> CompiledLibrary:
    """Return the functions of an LLVM text, compiled now or earlier.

    Args:
        text: The module.
        exports: Function's name -> how many 64-bit arguments it takes.
        effort: How well it is optimised; results do not depend on it.
    """
    key = key_of(text, effort)
    with _lock:
        store = ObjectStore.default()
        image = store.find(key)
        from_disk = image is not None
        if image is None:
            from causalopt.engine.machine.compiler import object_from

            image = object_from(text, effort)
            store.keep(key, image)
        return _library(image, exports, from_disk=from_disk)


def key_of(text: str, effort: Effort) -> str:
    """Return what a text's object is kept under."""
    host = processor()
    return "\n".join(
        [host.name, host.features, host.triple, host.version, repr(effort), "nounwind", text]
    )


def loaded_from(name: str, exports: dict[str, int]) -> CompiledLibrary | None:
    """Return the functions of a kept object, None where it is there no longer."""
    with _lock:
        image = ObjectStore.default().find_named(name)
        return None if image is None else _library(image, exports, from_disk=True)


def _library(image: bytes, exports: dict[str, int], *, from_disk: bool) -> CompiledLibrary:
    addresses, tracker = placed(image, [*exports]) or _linked(image, [*exports])
    functions: dict[str, Any] = {
        name: ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * count)(addresses[name])
        for name, count in exports.items()
    }
    for function in functions.values():
        # The code lives as long as any function that can be called.
        function.library = tracker
    return CompiledLibrary(functions, from_disk, tracker)


def _linked(image: bytes, names: list[str]) -> tuple[dict[str, int], Any]:
    from causalopt.engine.machine.compiler import linked

    return linked(image, names)
