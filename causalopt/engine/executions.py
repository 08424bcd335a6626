"""Which execution runs a plan: chosen by the work, so that the same call runs the same way.

Generated Python has no compile time; machine code needs a tenth of a second for a small model and
then runs hundreds of times faster; numpy by level suits thousands of different rules that are each
evaluated a few times.
"""

from __future__ import annotations

import functools
import sys
import warnings

from causalopt.engine.contract import Adjoint, Execution, Plan, Progress, Tangents, Trajectory
from causalopt.engine.python import GeneratedPython
from causalopt.errors import QuestionError
from causalopt.language.term import Term, postorder
from causalopt.model.template import Structure

EXECUTIONS = ("python", "llvm", "levels")
_COMPILE_FROM = (
    1_000_000  # operations: a sixtieth of a second of generated Python, half a compilation
)
_LEVELS_FROM = 5_000  # operations of one step
_LEVELS_STEPS = 64
_PER_TERM = 40  # operations of a step, with tangents and kinks, for each term of its rules


def execution(name: str) -> Execution:
    """Return an execution by name; numpy by level and machine code are imported when asked for.

    Raises:
        QuestionError: There is none of that name.
        MissingPackageError: It is machine code, and llvmlite is not installed.
    """
    if name == "python":
        return GeneratedPython()
    if name == "llvm":
        from causalopt.extras import need

        need("llvmlite", "the execution 'llvm'")
        from causalopt.engine.machine.trajectory import MachineCode

        return MachineCode()
    if name == "levels":
        from causalopt.engine.levels import NumpyLevels

        return NumpyLevels()
    raise QuestionError(f"there is no execution '{name}': choose one of {', '.join(EXECUTIONS)}")


def choose(structure: Structure, plan: Plan, mode: str) -> str:
    """Return the execution that a plan's work calls for: `python`, `llvm` or `levels`."""
    is_short = plan.steps < _LEVELS_STEPS
    if is_short and len(structure.names) >= _LEVELS_FROM:
        return "levels"  # without counting: an equation is at least one operation
    most = most_operations(structure)
    if (most < _LEVELS_FROM or not is_short) and most * (plan.steps + 1) < _COMPILE_FROM:
        return "python"  # without counting, so that the linearization need not be imported
    from causalopt.engine.program import operation_count

    operations = operation_count(structure, mode)
    if operations >= _LEVELS_FROM and is_short:
        return "levels"
    return "llvm" if operations * (plan.steps + 1) >= _COMPILE_FROM and _compiles() else "python"


def _compiles() -> bool:
    """Whether there is a compiler; a short run does not ask."""
    from causalopt.extras import has_compiler

    return has_compiler()


@functools.lru_cache(maxsize=512)
def most_operations(structure: Structure) -> int:
    """Return a number of operations that one step does not exceed, from its rules alone."""
    rules = [rule for rule in structure.rules if rule is not None]
    return _PER_TERM * (len(structure.names) + sum(1 for _ in postorder(*rules)))


def run_values(
    structure: Structure,
    plan: Plan,
    extras: tuple[Term, ...] = (),
    progress: Progress | None = None,
) -> Trajectory:
    """Return one world's values, and those of further terms, by the execution its work calls for.

    Args:
        structure: The template's rules.
        plan: The run.
        extras: Further terms to evaluate at every step.
        progress: Called with the number of steps done, now and then.
    """
    chosen = _chosen(structure, plan, "values")
    return chosen.run_values(structure, plan, extras, progress)


def run_tangents(structure: Structure, plan: Plan, progress: Progress | None = None) -> Tangents:
    """Return W with the total and direct tangents of every node, likewise."""
    return _chosen(structure, plan, "tangents").run_tangents(structure, plan, progress)


def run_adjoint(structure: Structure, plan: Plan, target: int) -> Adjoint:
    """Return the derivatives of an equation's value at the last step by every node, likewise."""
    return _chosen(structure, plan, "tangents").run_adjoint(structure, plan, target)


def _chosen(structure: Structure, plan: Plan, mode: str) -> Execution:
    warn_if_flushed()
    return execution(choose(structure, plan, mode))


def are_flushed() -> bool:
    """Whether this process takes numbers below 2**-1022 for 0.

    Loading a library built with -ffast-math can switch the processor to flush-to-zero. Tangents
    that contract then die early, and an effect reads 0 that is not.

    Example:
        >>> are_flushed()
        False
    """
    return sys.float_info.min * 0.5 == 0.0


def warn_if_flushed() -> None:
    """Warn when subnormal numbers are lost."""
    if are_flushed():
        warnings.warn(
            "this process flushes subnormal numbers to zero, so that very small effects read 0: a "
            "library built with -ffast-math was loaded; load it after the run, or not at all",
            RuntimeWarning,
            stacklevel=4,
        )
