"""Which equations a node is made of: its own, and stages of an integrator.

The stages of the step from t-1 to t belong to a flow's nodes at t-1 and t: they lie on the way from
one to the other. An algebraic variable's node stands for all of the step that it begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

from causalopt.model.declaration import Variable, motion
from causalopt.model.selectors import Selection
from causalopt.model.template import Equation, Template

if TYPE_CHECKING:
    import numpy as np

Belonging: TypeAlias = Literal["own", "between", "before"]


def belonging(variables: Mapping[str, Variable], equation: Equation) -> Belonging:
    """Return to which of its variable's nodes an equation at step t belongs.

    To the one at t (own), to those at t-1 and t (between), or to the one at t-1 (before).
    """
    if equation.owner == equation.name:
        return "own"
    return "between" if motion(variables[equation.owner]) == "flow" else "before"


def has_stages(template: Template) -> bool:
    """Whether some equations lie between two steps."""
    return any(e.owner != e.name for e in template.equations)


def equations_mask(
    template: Template, variables: Mapping[str, Variable], nodes: Selection, rows: int
) -> np.ndarray:
    """Return which equations belong to some nodes, shape [rows, equation].

    Args:
        template: The equations.
        variables: The declared variables.
        nodes: The nodes; elements do not count.
        rows: The number of steps.
    """
    import numpy as np  # formulas read interventions, and need no arrays

    mask = np.zeros((rows, len(template.equations)), dtype=bool)
    own: dict[str, np.ndarray] = {}
    for window in nodes:
        at = own.setdefault(window.variable, np.zeros(rows, dtype=bool))
        at[window.first : None if window.last is None else window.last + 1] = True
    for i, equation in enumerate(template.equations):
        if equation.owner not in own:
            continue
        at = own[equation.owner]
        before = np.concatenate([at[:1], at[:-1]])
        places = {"own": at, "between": before & at, "before": before}
        mask[:, i] = places[belonging(variables, equation)]
    return mask
