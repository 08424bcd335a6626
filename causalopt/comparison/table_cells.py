"""What becomes of a measure that cannot be had: a cell that says why, never a blank."""

from __future__ import annotations

from collections.abc import Callable

from causalopt.comparison.comparison import NOT_DEFINED, TableCell
from causalopt.effects.measures import STATUSES
from causalopt.errors import CausaloptError, MissingPackageError


def defined(measure: Callable[[], float | TableCell]) -> TableCell:
    """Return a measure's cell; what the measure refuses is not defined, in its own words."""
    try:
        found = measure()
    except MissingPackageError:
        raise
    except CausaloptError as error:
        return not_defined(error.message)
    return found if isinstance(found, TableCell) else TableCell(float(found), "ok")


def not_defined(why: str) -> TableCell:
    """Return the cell of a measure that is not defined."""
    return TableCell(float("nan"), NOT_DEFINED, f"not defined: {why}")


SETTLED = (
    "A is read within its own step alone: what it did is in B already, and one step later says "
    "nothing more"
)
"""The note of measures over one step that a zero owes to their clock."""


def said(status: str) -> str:
    """Return what a status means; nothing for `ok`."""
    return "" if status == "ok" else f"{status}: {STATUSES[status]}"
