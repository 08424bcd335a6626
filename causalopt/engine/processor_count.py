"""How many processors this process may use."""

from __future__ import annotations

import os
import sys


def processors() -> int:
    """Return how many processors this process may use."""
    if sys.platform == "emscripten":
        return 1  # a browser starts no threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
