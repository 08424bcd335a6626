"""Goal-directedness of A's rules in a model of labels: one decision, by exact enumeration.

The decision is A's labels at t + 1; its contexts are what A's rules read there, with the law that
the world gives them; the utility of labels is the chance that the goal holds when A first moves it:
in the same step where it is read there, else up to four steps later.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from causalopt.comparison.normal_measures import FARTHEST
from causalopt.entropy.information import Unit
from causalopt.entropy.relatives.goal_directedness import Directedness, goal_directedness
from causalopt.errors import QuestionError
from causalopt.laws import sparse
from causalopt.laws.discrete import DiscreteModel, Mechanism, Parent
from causalopt.laws.law import Law
from causalopt.laws.space import Label

Array = npt.NDArray[np.float64]
MOST_CELLS = 2**17
"""Most pairs of a context and a decision."""


def rule_directedness(
    model: DiscreteModel, law: Law, goal: Mapping[str, Label], *, unit: Unit = "bit"
) -> Directedness | None:
    """Return the maximum-entropy goal-directedness of A's rules towards a goal.

    Args:
        model: Of finite domains.
        law: The law at t, over all state variables.
        goal: Variable of B -> its label where the goal holds.
        unit: Bits or nats.

    Returns:
        None where A moves the chance of the goal in none of the next steps.

    Raises:
        QuestionError: There is no A, the goal is in it, or there are too many contexts.

    Example:
        >>> from causalopt import load, strength
        >>> from causalopt.entropy.declared import finite_model
        >>> smart = load("thermostat_smart")
        >>> law = strength(smart, at=1, initial="uniform").P
        >>> found = rule_directedness(finite_model(smart), law, {"room": "warm"})
        >>> round(found.value, 6)  # log2 3: always the best of three
        1.584963
    """
    inside = [name for name in goal if name in model.A]
    if not model.A or inside or not goal:
        said = f"'{inside[0]}' is in A" if inside else "there is no A, or no goal"
        raise QuestionError(f"{said}: a goal is of variables outside A")
    read = [p for name in model.A for p in model[name].parents]
    notes = _notes(model, [p for p in dict.fromkeys(read) if p.lag or p.name not in model.A])
    contexts = math.prod(len(note.labels) for note in notes)
    decisions = list(itertools.product(*(model[name].labels for name in model.A)))
    if contexts * len(decisions) > MOST_CELLS:
        raise QuestionError(
            f"{contexts} contexts of {len(decisions)} decisions are more than {MOST_CELLS} cells"
        )
    noting = _with(model, notes)
    seen = tuple(note.name for note in notes)
    policy = _table(sparse.step(noting, law), (*seen, *model.A)).reshape(contexts, -1)
    weight = policy.sum(axis=1)
    met = weight > 0
    laws = [sparse.step(_doing(noting, decision), law) for decision in decisions]
    keeping = _with(model, [_kept(note) for note in notes])
    for _ in range(FARTHEST + 1):
        utility = np.stack([_chances(found, seen, goal, contexts) for found in laws], axis=1)
        if not np.allclose(utility[met], utility[met][:, :1], rtol=0.0, atol=1e-12):
            rows = policy[met] / weight[met, None]
            return goal_directedness(weight[met] / weight.sum(), rows, utility[met], unit=unit)
        laws = [sparse.step(keeping, found) for found in laws]
    return None


def _notes(model: DiscreteModel, read: Sequence[Parent]) -> list[Mechanism]:
    """Return variables that write down what is read when it is read."""
    return [
        Mechanism(f"seen {p.name} {p.lag}", model[p.name].labels, (p,), _copy(model[p.name]))
        for p in read
    ]


def _kept(note: Mechanism) -> Mechanism:
    return dataclasses.replace(note, parents=(Parent(note.name),))


def _copy(rule: Mechanism) -> npt.NDArray[np.float64]:
    return np.eye(len(rule.labels))


def _with(model: DiscreteModel, notes: Sequence[Mechanism]) -> DiscreteModel:
    return dataclasses.replace(model.inexact(), mechanisms=(*model.inexact().mechanisms, *notes))


def _doing(model: DiscreteModel, decision: Sequence[Label]) -> DiscreteModel:
    """Return the model in which A is set."""
    told = dict(zip(model.A, decision, strict=True))
    rules = [_set(m, told[m.name]) if m.name in told else m for m in model.mechanisms]
    return dataclasses.replace(model, mechanisms=tuple(rules))


def _set(rule: Mechanism, label: Label) -> Mechanism:
    table = np.array([float(other == label) for other in rule.labels])
    return dataclasses.replace(rule, parents=(), table=table, noise=False)


def _table(law: Law, names: Sequence[str]) -> Array:
    """Return the masses of some variables, one axis each."""
    found: Array = law.marginal(names).dense().p.astype(float)
    return found


def _chances(law: Law, seen: Sequence[str], goal: Mapping[str, Label], contexts: int) -> Array:
    """Return the chance that the goal holds in each context; 0 in one that is not met."""
    joint = _table(law, (*seen, *goal)).reshape(contexts, -1)
    space = law.space.only(goal)
    place = np.ravel_multi_index(space.position(goal), space.shape)
    weight = joint.sum(axis=1)
    found: Array = np.divide(joint[:, place], weight, out=np.zeros(contexts), where=weight > 0)
    return found
