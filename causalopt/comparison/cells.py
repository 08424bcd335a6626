"""What becomes of a measure that cannot be had: a cell that says why, never a blank."""

from __future__ import annotations

from collections.abc import Callable

from causalopt.comparison.comparison import NOT_DEFINED, Cell
from causalopt.effects.measures import STATUSES
from causalopt.errors import CausaloptError, MissingPackageError


def defined(measure: Callable[[], float | Cell]) -> Cell:
    """Return a measure's cell; what the measure refuses is not defined, in its own words."""
    try:
        found = measure()
    except MissingPackageError:
        raise
    except CausaloptError as error:
        return not_defined(error.message)
    return found if isinstance(found, Cell) else Cell(float(found), "ok")


def not_defined(why: str) -> Cell:
    """Return the cell of a measure that is not defined."""
    return Cell(float("nan"), NOT_DEFINED, f"not defined: {why}")


def said(status: str) -> str:
    """Return what a status means; nothing for `ok`."""
    return "" if status == "ok" else f"{status}: {STATUSES[status]}"
