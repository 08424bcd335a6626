"""The shipped models of numbers: what formulas, pictures and exchanged graphs are made of."""

from __future__ import annotations

from causalopt import load, shipped


def shipped_numbers() -> list[str]:
    """Return the names of the shipped models without arrays."""
    return [name for name in sorted(shipped()) if not load(name).is_array]
