"""Which execution runs a plan: chosen by the work, so that the same call runs the same way.

Generated Python has no compile time; machine code needs a tenth of a second for a small model and
then runs hundreds of times faster; numpy by level suits thousands of different rules that are each
evaluated a few times.
"""

from __future__ import annotations

import importlib.util

from causalopt.engine import levels, python
from causalopt.engine.contract import Tangents, Trajectory
from causalopt.engine.plan import Plan
from causalopt.engine.program import operation_count
from causalopt.engine.python import Progress
from causalopt.engine.subnormals import warn_if_flushed
from causalopt.errors import QuestionError
from causalopt.language.term import Term
from causalopt.model.template import Structure

EXECUTIONS = ("python", "llvm", "levels")
_COMPILE_FROM = 3_000_000  # operations: about a quarter of a second of generated Python
_LEVELS_FROM = 5_000  # operations of one step
_LEVELS_STEPS = 64


def choose(structure: Structure, plan: Plan, mode: str) -> str:
    """Return the execution that a plan's work calls for: `python`, `llvm` or `levels`."""
    if plan.steps < _LEVELS_STEPS and len(structure.names) >= _LEVELS_FROM:
        return "levels"  # without counting: an equation is at least one operation
    operations = operation_count(structure, mode)
    if operations >= _LEVELS_FROM and plan.steps < _LEVELS_STEPS:
        return "levels"
    if operations * (plan.steps + 1) >= _COMPILE_FROM and _has_compiler():
        return "llvm"
    return "python"


def run_values(
    structure: Structure,
    plan: Plan,
    extras: tuple[Term, ...] = (),
    progress: Progress | None = None,
    *,
    execution: str | None = None,
) -> Trajectory:
    """Return one world's values, and those of further terms, at every step.

    Args:
        structure: The template's rules.
        plan: The run.
        extras: Further terms to evaluate at every step.
        progress: Called with the number of steps done, now and then.
        execution: `python`, `llvm` or `levels`; chosen by the work when not given.
    """
    warn_if_flushed()
    chosen = _checked(execution) or choose(structure, plan, "values")
    if chosen == "llvm":
        from causalopt.engine.machine import trajectory

        return trajectory.run_values(structure, plan, extras, progress)
    if chosen == "levels":
        return levels.run_values(structure, plan, extras, progress)
    return python.run_values(structure, plan, extras, progress)


def run_tangents(
    structure: Structure,
    plan: Plan,
    progress: Progress | None = None,
    *,
    execution: str | None = None,
) -> Tangents:
    """Return W with the total and direct tangents of every node, at every step."""
    warn_if_flushed()
    chosen = _checked(execution) or choose(structure, plan, "tangents")
    if chosen == "llvm":
        from causalopt.engine.machine import trajectory

        return trajectory.run_tangents(structure, plan, progress)
    if chosen == "levels":
        return levels.run_tangents(structure, plan, progress)
    return python.run_tangents(structure, plan, progress)


def _checked(execution: str | None) -> str | None:
    if execution is not None and execution not in EXECUTIONS:
        raise QuestionError(
            f"there is no execution '{execution}': choose one of {', '.join(EXECUTIONS)}"
        )
    return execution


def _has_compiler() -> bool:
    return importlib.util.find_spec("llvmlite") is not None
