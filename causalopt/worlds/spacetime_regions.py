"""Regions of a model's runs, as users make them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from causalopt.errors import QuestionError
from causalopt.model.model import Model, run_length
from causalopt.model.selectors import Node, Window
from causalopt.worlds.interventions import Intervention, given_nodes

if TYPE_CHECKING:
    from causalopt.model.regions.region import Region


def region(
    model: Model,
    nodes: str | Node | Sequence[str | Node | Window],
    *,
    steps: int | None = None,
    given: Sequence[Intervention] = (),
) -> Region:
    """Return a set of nodes of a run, such as `between(R[0], R[9]) - T[t<=3]`.

    It may be empty: only as a set A must a region have nodes.

    Args:
        model: The model.
        nodes: A selector, with `|`, `&`, `-`, `^`, `~` and functions of sets, or several of them,
            or nodes; `n` and `m` are the nodes of the model's own question, where no variable is
            called so.
        steps: The last step; the question's when not given.
        given: Interventions that make the baseline: a node that is set has no edges into it.

    Raises:
        QuestionError: The text is no set, or names nodes after the last step.
        UnknownNameError: A variable is not declared.

    Example:
        >>> from causalopt import load
        >>> between = region(load("thermostat"), "between(R[0], R[4])", steps=4)
        >>> between
        <Region between(R[0], R[4]): 6 nodes of 'thermostat', t = 0..4>
        >>> [str(window) for window in between.windows]
        ['T[1<=t<=3]', 'R[1<=t<=3]']
    """
    from causalopt.model.regions.set_evaluation import region_of, region_of_windows

    last = run_length(model, steps)
    asked = model.question_nodes(last)
    space = model.spacetime(last, given=given_nodes(model, given, last), asked=asked)
    if isinstance(nodes, str):
        if not nodes.strip():
            raise QuestionError("which nodes? write a selector such as T, R[t<=9] or ~T")
        return region_of(space, nodes)
    if isinstance(nodes, Node | Window):
        nodes = [nodes]
    parts = [
        region_of(space, item)
        if isinstance(item, str)
        else region_of_windows(space, model.selection([item]))
        for item in nodes
    ]
    if not parts:
        return region_of_windows(space, ())
    found = parts[0]
    for part in parts[1:]:
        found = found | part
    return found
