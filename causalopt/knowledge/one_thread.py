"""Processes side by side, each with one thread of linear algebra: more only wait for each other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let processes that start meanwhile use one thread, unless the user has said how many.

    Example:
        >>> with one_thread_each():
        ...     os.environ["OMP_NUM_THREADS"]
        '1'
    """
    unset = [name for name in VARIABLES if name not in os.environ]
    os.environ.update(dict.fromkeys(unset, "1"))
    try:
        yield
    finally:
        for name in unset:
            os.environ.pop(name, None)
