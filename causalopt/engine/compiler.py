"""Whether machine code can be made here: llvmlite is an optional package."""

from __future__ import annotations

import functools
import importlib.util


@functools.cache
def has_compiler() -> bool:
    """Whether llvmlite is installed; it is not imported."""
    return importlib.util.find_spec("llvmlite") is not None
