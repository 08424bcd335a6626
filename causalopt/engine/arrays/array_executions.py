"""Which execution runs a loop over steps: chosen by the work, so that a call always runs one way.

numpy starts at once; JAX takes its time to compile, and then a part of numpy's for each step.
"""

from __future__ import annotations

import functools
import math

from causalopt.engine.arrays.array_loop import StepGraph
from causalopt.errors import QuestionError, suggestion
from causalopt.extras import has, need
from causalopt.tensors.tensor import Tensor, postorder

ARRAY_EXECUTIONS = ("numpy", "jax")
# Seconds, measured on networks of 30 to 79,000 numbers: for each operation of a step, and for each
# elementary one on its elements. JAX is to save several times what it takes to compile, for a
# status asks for a second run.
_CALL = {"numpy": 0.6e-6, "jax": 0.1e-6}
_ELEMENT = {"numpy": 0.25e-9, "jax": 0.12e-9}
_START, _START_CALL = 0.6, 5e-3
_PAYS = 4.0


def chosen(name: str | None, graph: StepGraph, steps: int) -> str:
    """Return the execution for so many steps of a graph.

    Args:
        name: What the caller wants; None leaves it to the work.
        graph: The step.
        steps: How many.

    Raises:
        QuestionError: There is none of that name.
        MissingPackageError: It is JAX, and that is not installed.
    """
    if name is not None:
        return checked(name)
    if not has("jax"):
        return "numpy"
    calls, elements = work(graph)
    spent = {key: calls * _CALL[key] + elements * _ELEMENT[key] for key in ARRAY_EXECUTIONS}
    saved = steps * (spent["numpy"] - spent["jax"])
    return "jax" if saved > _PAYS * (_START + calls * _START_CALL) else "numpy"


def checked(name: str) -> str:
    """Return the name of an execution that can run.

    Raises:
        QuestionError: There is none of that name.
        MissingPackageError: It is JAX, and that is not installed.
    """
    if name not in ARRAY_EXECUTIONS:
        raise QuestionError(f"unknown execution '{name}'{suggestion(name, ARRAY_EXECUTIONS)}")
    if name == "jax":
        need("jax")
    return name


@functools.lru_cache(maxsize=64)
def work(graph: StepGraph) -> tuple[int, int]:
    """Return how many operations a step has, and how many they are on all elements."""
    found = [tensor for tensor in postorder(*graph.nodes.values()) if not tensor.is_leaf]
    return len(found), sum(_elements(tensor) for tensor in found)


def _elements(tensor: Tensor) -> int:
    if tensor.op in {"reshape", "permute", "expand", "slice", "still"}:
        return 0
    if tensor.op != "einsum":
        return max(tensor.size, *(arg.size for arg in tensor.args), 1)
    indices, _ = tensor.payload
    sizes: dict[int, int] = {}
    for axes, arg in zip(indices, tensor.args, strict=True):
        sizes |= dict(zip(axes, arg.shape, strict=True))
    return 2 * math.prod(sizes.values())
