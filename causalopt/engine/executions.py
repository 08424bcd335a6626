"""Which execution runs a plan: chosen by the work, so that the same call runs the same way.

Generated Python has no compile time; machine code needs a tenth of a second for a small model and
then runs hundreds of times faster; numpy by level suits thousands of different rules that are each
evaluated a few times.
"""

from __future__ import annotations

import functools
import sys
import warnings
from typing import TYPE_CHECKING

from causalopt.engine.contract import Adjoint, Execution, Floats, Plan, Tangents, Trajectory
from causalopt.engine.python import GeneratedPython
from causalopt.errors import QuestionError
from causalopt.language.term import Term, postorder
from causalopt.model.template import Structure

if TYPE_CHECKING:
    from causalopt.engine.carrier import Carrier
    from causalopt.engine.follower import Follower, Measured
    from causalopt.engine.jacobians import Products, StepDerivative
    from causalopt.engine.machine.growth_code import CompiledGrowth

EXECUTIONS = ("python", "llvm", "levels")
# Seconds, measured on models of 3 to 10,000 rules: to make step code, per operation of a step, and
# to run it, per operation and step. Of machine code half is counted, for results are asked for more
# than once; numpy by level takes longest for its calls.
_MAKE = {"python": 16e-6, "levels": 2e-6, "llvm": 80e-6}
_RUN = {"python": 18e-9, "levels": 5e-9, "llvm": 3e-9}
_CALL = 1.2e-6
_SHORT = 200_000  # operations that are not weighed: Python does them in some milliseconds
_FEW = 5_000  # operations of one step of which Python's code is made soon
_CARRY_FROM = 5_000  # products: numpy takes as long for them as machine code to load
_AT_ONCE = 32  # directions that numpy takes in the time of one
_FOLLOW_FROM = 20_000  # products and steps, ten times: Python takes as long as machine code to load
_GROW_FROM = 200  # steps: numpy's QR takes as long for them as machine code to load
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


def choose(structure: Structure, plan: Plan, mode: str, repeats: int = 1) -> str:
    """Return the execution that takes the least time: `python`, `llvm` or `levels`.

    Args:
        structure: The template's rules.
        plan: The run.
        mode: `values`, `tangents` or `finite`.
        repeats: How many such runs there will be.
    """
    most, steps = most_operations(structure), (plan.steps + 1) * repeats
    if most < _FEW and most * steps < _SHORT:
        return "python"  # without counting, so that the linearization need not be imported
    from causalopt.engine.program import operation_count
    from causalopt.extras import has_compiler

    operations = operation_count(structure, mode)
    if operations < _FEW and operations * steps < _SHORT:
        return "python"
    times = {
        name: operations * (_MAKE[name] + steps * _RUN[name])
        for name in ("python", "llvm")
        if name == "python" or has_compiler()
    }
    if operations >= _FEW:
        from causalopt.engine.schedule import calls, schedule

        step = _RUN["levels"] * operations + _CALL * calls(schedule(structure, mode))
        times["levels"] = _MAKE["levels"] * operations + steps * step
    return min(times, key=lambda name: times[name])


@functools.lru_cache(maxsize=512)
def most_operations(structure: Structure) -> int:
    """Return a number of operations that one step does not exceed, from its rules alone."""
    rules = [rule for rule in structure.rules if rule is not None]
    return _PER_TERM * (len(structure.names) + sum(1 for _ in postorder(*rules)))


def run_values(structure: Structure, plan: Plan, extras: tuple[Term, ...] = ()) -> Trajectory:
    """Return one world's values, and those of further terms, by the execution its work calls for.

    Args:
        structure: The template's rules.
        plan: The run.
        extras: Further terms to evaluate at every step.
    """
    chosen = _chosen(structure, plan, "values")
    return chosen.run_values(structure, plan, extras)


def run_worlds(
    structure: Structure, plan: Plan, delta: float, extras: tuple[Term, ...] = ()
) -> tuple[Trajectory, Trajectory, Trajectory] | None:
    """Return W, X and Y side by side; None where they take less time one after another.

    Args:
        structure: The template's rules.
        plan: W; its seed is the nudged node, its held set A.
        delta: The nudge's size.
        extras: Further terms to evaluate at every step of each.
    """
    warn_if_flushed()
    if choose(structure, plan, "finite") != "llvm":
        return None
    from causalopt.engine.machine.trajectory import MachineCode

    return MachineCode().run_worlds(structure, plan, delta, extras)


def run_tangents(structure: Structure, plan: Plan, *, repeats: int = 1) -> Tangents:
    """Return W with the total and direct tangents of every node, likewise."""
    chosen = _chosen(structure, plan, "tangents", repeats)
    return chosen.run_tangents(structure, plan)


def run_adjoint(structure: Structure, plan: Plan, target: int, *, repeats: int = 1) -> Adjoint:
    """Return the derivatives of an equation's value at the last step by every node, likewise."""
    return _chosen(structure, plan, "tangents", repeats).run_adjoint(structure, plan, target)


def carrier_for(step: StepDerivative, state: Floats, steps: int, repeats: int = 1) -> Carrier:
    """Return directions that are ready to be carried, by what their work calls for.

    Args:
        step: The derivative of a step.
        state: Tangents of the slots before the first step, shape [slot, direction].
        steps: How many steps they are to go.
        repeats: How many directions there will be, those of other calls too.
    """
    from causalopt.extras import has_compiler

    work = steps * len(step.products.columns) * max(1, repeats // _AT_ONCE)
    if work >= _CARRY_FROM and has_compiler():
        from causalopt.engine.machine.carrier_code import CompiledCarrier

        return CompiledCarrier(step.products, state)
    from causalopt.engine.carrier import PlainCarrier

    return PlainCarrier(step, state)


def growth_for(products: Products, frame: Floats, steps: int) -> CompiledGrowth | None:
    """Return directions to be kept orthonormal in machine code; None where numpy takes less time.

    Args:
        products: The products of a step.
        frame: The directions, orthonormal, shape [slot, direction].
        steps: How many steps they are to go.
    """
    from causalopt.extras import has_compiler

    if not frame.size or steps < _GROW_FROM or not has_compiler():
        return None
    from causalopt.engine.machine.growth_code import CompiledGrowth

    return CompiledGrowth(products, frame)


def follower_for(products: Products, start: Floats, measured: Measured, steps: int) -> Follower:
    """Return a tangent that is ready to be followed, by what its work calls for.

    Args:
        products: The products of a step.
        start: The slots' tangents before the first step, of length 1, shape [slot].
        measured: What is measureded of it.
        steps: How many steps it is to go.
    """
    from causalopt.extras import has_compiler

    if steps * (10 + len(products.columns)) >= _FOLLOW_FROM and has_compiler():
        from causalopt.engine.machine.follow_code import CompiledFollower

        return CompiledFollower(products, start, measured)
    from causalopt.engine.follower import PlainFollower

    return PlainFollower(products, start, measured)


def _chosen(structure: Structure, plan: Plan, mode: str, repeats: int = 1) -> Execution:
    warn_if_flushed()
    return execution(choose(structure, plan, mode, repeats))


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
