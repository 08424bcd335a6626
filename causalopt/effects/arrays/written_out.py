"""Small models of arrays run as models of numbers, where machine code takes less time for them.

Such a run's statuses are those of numbers: zeros are proved, kinks told by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from causalopt.effects.asked import Asked
from causalopt.effects.limit import tangent_effect
from causalopt.effects.measures import Effect
from causalopt.engine.arrays.array_forward import ArrayTangents
from causalopt.engine.arrays.array_step import moves
from causalopt.errors import QuestionError
from causalopt.extras import has_compiler
from causalopt.model.arrays.array_template import ArrayTemplate
from causalopt.model.model import Model
from causalopt.model.selectors import Node, Selection
from causalopt.tensors.tensor import postorder
from causalopt.worlds.expand import Expanded

NUMBERS = "numbers"
_MOST = 64  # numbers of a step: more take machine code long to make
# Seconds, measured: a step of arrays for each of its operations, W and tangents; to write out and
# compile a model for each number that its rules combine, and then to run one step of it.
_ARRAY_CALL = 1.8e-6
_MADE = 0.5e-3
_RUN = 8e-9


def pays(template: ArrayTemplate, node: Node, measured: Node, steps: int) -> bool:
    """Whether a question of one number and one is answered sooner by a model of numbers."""
    if not can_be_written_out(template, node, measured) or not has_compiler():
        return False
    rules = [v.rule for v in template.variables if v.rule is not None]
    graph = [tensor for tensor in postorder(*rules) if tensor.args]
    work = sum(max(tensor.size, *(arg.size for arg in tensor.args)) for tensor in graph)
    numbers = _MADE * work + steps * _RUN * work * 3
    return numbers < steps * _ARRAY_CALL * len(graph) / 2


def refuse_numbers(
    template: ArrayTemplate, node: Node, measured: Node, *, more: bool = False
) -> None:
    """Refuse a question that a model of numbers is not asked.

    Args:
        template: The model's arrays.
        node: The nudged node.
        measured: The measured one.
        more: Whether data, interventions, directions or checkpoints are asked for besides.

    Raises:
        QuestionError: The model is too large, or has noise or streams, or n or m several elements.
    """
    if more or not can_be_written_out(template, node, measured):
        raise QuestionError(
            f"execution '{NUMBERS}' is for one number nudged and one measured, in models of at "
            f"most {_MOST} numbers a step without noise, streams, data or interventions: leave it "
            "out"
        )


def can_be_written_out(template: ArrayTemplate, node: Node, measured: Node) -> bool:
    """Whether a model is small and made of rules alone, and n and m are single numbers."""
    if template.numbers > _MOST:
        return False
    if any(v.noise is not None or v.stream is not None for v in template.variables):
        return False
    return _is_single(template, node) and _is_single(template, measured)


def _is_single(template: ArrayTemplate, node: Node) -> bool:
    if node.elements is None:
        return template.by_name[node.variable].size == 1
    return all(stop == start + 1 for start, stop in node.elements)


def run_written_out(
    model: Model,
    node: Node,
    hold: Selection,
    measured: Node,
    steps: int,
    names: Sequence[str],
    *,
    seed: int = 0,
) -> tuple[ArrayTangents, Callable[[], Effect]]:
    """Return W and the derivatives of one number by one, as a model of numbers has them.

    Args:
        model: The model.
        node: The nudged number.
        hold: The set A.
        measured: The measured number.
        steps: The last step.
        names: The variables whose courses are kept.
        seed: Which draws initial laws make.
    """
    expanded = Expanded.of(model, seed=seed)
    target = expanded.node(measured, "measured").variable
    asked = Asked(
        expanded.model, expanded.node(node), expanded.selection(hold), target, steps, (), 0
    )
    found, answer = tangent_effect(asked)
    index, template = expanded.model.template.index, model.arrays
    values = {}
    for name in names:
        columns = [index[element] for element in expanded.names(Node(name))]
        values[name] = found.values[:, columns].reshape(-1, *template.by_name[name].shape)
    column, rank = index[target], len(template.by_name[measured.variable].shape)
    parts = [part[:, column].reshape(-1, 1, *[1] * rank) for part in (found.total, found.direct)]
    moving = moves(template, node.variable, 1).moving
    reached = measured.variable in moving["total"], measured.variable in moving["direct"]
    nothing = np.zeros((steps + 1, 0))
    tangents = ArrayTangents(
        values=values,
        total=parts[0],
        direct=parts[1],
        exponents=found.exponents,
        reached=reached,
        watched=nothing,
        execution=NUMBERS,
    )
    return tangents, answer
