"""All cases, by name."""

from __future__ import annotations

import functools

from benchmarks import (
    of_arrays,
    of_descent,
    of_formulas,
    of_graphs,
    of_influences,
    of_laws,
    of_sweeps,
    of_trajectories,
)
from benchmarks.case import Case

CALLS = (
    "run",
    "world",
    "run(delta=)",
    "op_from_all",
    "op_matrix",
    "rates",
    "find_optimizers",
    "strength",
    "escape",
    "derive",
    "sweep",
    "draw",
)


@functools.cache
def all_cases() -> tuple[Case, ...]:
    """Return every case, calls in the order of `CALLS`, parts of the engine last."""
    modules = (
        of_arrays,
        of_trajectories,
        of_influences,
        of_laws,
        of_descent,
        of_formulas,
        of_sweeps,
        of_graphs,
    )
    found = [case for module in modules for case in module.cases()]
    rank = {call: k for k, call in enumerate(CALLS)}
    return tuple(sorted(found, key=lambda case: rank.get(case.call, len(rank))))


def chosen(only: str | None, *, quick: bool) -> list[Case]:
    """Return the cases asked for.

    Args:
        only: Text that a case's title holds; all where not given.
        quick: The short form's alone.

    Raises:
        SystemExit: There are none.
    """
    found = [
        case
        for case in all_cases()
        if (not only or only in case.title) and (case.quick or not quick)
    ]
    if not found:
        titles = "\n  ".join(case.title for case in all_cases())
        raise SystemExit(f"no case is named '{only}'; there are\n  {titles}")
    return found


def named(title: str) -> Case:
    """Return one case by its whole title."""
    return next(case for case in all_cases() if case.title == title)
