"""A declaration with a disturbance and a measure in it, as a question asks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from causalopt.errors import ModelError, QuestionError, QuestionTextError


def declared_with(
    data: dict[str, Any], added: Mapping[str, Mapping[str, str]], keeps: Mapping[str, bool]
) -> dict[str, Any]:
    """Return a declaration with further variables, which lie in B.

    Args:
        data: The declaration.
        added: Name -> variable.
        keeps: Part of the question -> whether it stays; what only another question asked does not.
    """
    partition, question = dict(data["partition"]), dict(data["question"])
    if partition["B"] is not None:
        partition["B"] = (*partition["B"], *added)
    question |= {key: None for key, stays in keeps.items() if not stays}
    variables = {**data["variables"], **added}
    return {**data, "variables": variables, "partition": partition, "question": question}


def asked_error(error: ModelError, added: Mapping[str, object]) -> QuestionError | None:
    """Return what is wrong with a variable that a question added; None if it is something else."""
    said = error.path[1] if len(error.path) > 2 else None
    if said not in added:
        return None
    if error.offset is None:
        return QuestionError(f"'{said}': {error.message}")
    return QuestionTextError(
        f"'{said}', character {error.offset + 1}: {error.message}", error.offset
    )
