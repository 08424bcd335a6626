"""A pytest plugin: every test begins with the package's function caches empty.

Mutation testing asks which tests run a function. Without this, only the first of those that need a
cached value does.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest


def pytest_runtest_setup() -> None:
    """Empty every cache of `functools` that stands in a module of the package."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "causalopt":
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def pytest_sessionstart() -> None:
    """Refuse to test another copy of the package than the one in this folder."""
    home = Path(importlib.import_module("causalopt").__file__ or "").parent.parent
    if home != Path.cwd():
        raise pytest.UsageError(f"causalopt comes from {home} and not from {Path.cwd()}")
