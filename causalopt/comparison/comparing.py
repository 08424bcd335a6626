"""Measures compared: one table of Op and other people's measures on the same models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from causalopt.comparison.comparison import ComparedModel, Comparison
from causalopt.comparison.label_cells import label_row
from causalopt.comparison.number_cells import number_row
from causalopt.comparison.subjects import DOZEN, label_question, subject
from causalopt.errors import QuestionError
from causalopt.laws.space import Label
from causalopt.model.model import Model
from causalopt.work.progress import Progress, long_work, through


@long_work("comparing")
def compare_measures(
    models: str | Model | Sequence[str | Model] | None = None,
    *,
    goal: Mapping[str, Label] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Comparison:
    """Return Op beside optimizing strength, currents and other people's measures.

    A model of numbers is asked its own question, information measures under small normal
    disturbances; one of labels from one state, by exact enumeration. What is not defined says why.

    Args:
        models: Shipped names, files, the comparison's own controls, or models; a dozen that are
            known by default.
        goal: For goal-directedness in models of labels, variable -> label.
        seed: Which draws the noise variables of models of numbers make.
        progress: Called with (done, total, what), in models.

    Raises:
        UnknownNameError: There is no such model.
        QuestionError: A model of numbers has no question, or a goal is not of its labels.

    Example:
        >>> compare_measures("base_optimizer")["base_optimizer", "op"].text
        '2.107'
    """
    del progress  # long_work tells it
    if models is None:
        names: Sequence[str | Model] = DOZEN
    else:
        names = [models] if isinstance(models, (str, Model)) else [*models]
    if not names:
        raise QuestionError("there is no model to compare measures on: name one")
    rows: list[ComparedModel] = []
    for name in through(names):
        model = subject(name)
        asked = label_question(model, goal)
        rows.append(number_row(model, seed) if asked is None else label_row(model, asked))
    return Comparison(tuple(rows))
