"""The whole LLVM text of a batch's step code, and of a trajectory's."""

from __future__ import annotations

import dataclasses

from causalopt.engine.machine.driver import driver_text
from causalopt.engine.machine.frame import Frame
from causalopt.engine.machine.kernel import METADATA, elementary_text, kernel_text
from causalopt.engine.machine.native import processor
from causalopt.engine.program import Program


def batch_text(program: Program, *, often: bool, always: bool) -> tuple[str, Frame]:
    """Return the text of a driver with its step code, and the frame they work on.

    Args:
        program: What is computed.
        often: Whether careful steps are worth optimising.
        always: Whether all steps are careful.
    """
    fma = processor().has_fma
    attributes = "" if often else "noinline optnone"
    with_care = dataclasses.replace(program, careful=True)
    made = [kernel_text(with_care, "slow", fma=fma, attributes=attributes)]
    if not always:
        made.append(kernel_text(program, "fast", fma=fma))
    called = frozenset().union(*(kernel.called for kernel in made))
    functions, needs = elementary_text(called, program.register, fma=fma)
    needs = needs.union(*(kernel.needs for kernel in made))
    driver = driver_text(program.lanes, plain="slow" if always else "fast")
    texts = [kernel.text for kernel in made]
    text = "\n".join([functions, *texts, driver, *sorted(needs), METADATA])
    return text, max((kernel.frame for kernel in made), key=lambda frame: frame.size)


def trajectory_text(program: Program) -> tuple[str, Frame]:
    """Return the text of one trajectory's step code, and the frame it works on."""
    fma = processor().has_fma
    made = kernel_text(program, "advance", fma=fma)
    functions, needs = elementary_text(made.called, 1, fma=fma)
    return "\n".join([functions, made.text, *sorted(needs | made.needs), METADATA]), made.frame
