"""JAX as the others count: in doubles, on one thread."""

from __future__ import annotations

import os
from typing import Any


def in_doubles() -> Any:
    """Return JAX, its numbers doubles like everybody's, its code on one thread like the C's."""
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax
