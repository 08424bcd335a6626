"""Which variables are declared in labels, and which keys go together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from causalopt.errors import ModelError, suggestion
from causalopt.model.declaration import Variable
from causalopt.model.labels.records import Parent

_PARENT = re.compile(r"\s*(\w+)\s*(\[\s*t\s*(?:-\s*(\d+)\s*)?\])?\s*")


def is_label_variable(variable: Variable) -> bool:
    """Whether a variable is declared in labels alone: by a table, or a domain without a rule."""
    return variable.table is not None or (
        variable.domain is not None and variable.rule is None and variable.noise is None
    )


def is_truth_value(variable: Variable) -> bool:
    """Whether a variable's labels are 0 and 1."""
    noise = variable.noise
    if isinstance(noise, str):
        return noise.lstrip().startswith("bernoulli")
    return {str(label) for label in noise or variable.domain or ()} == {"0", "1"}


def chance_key(variables: Iterable[str]) -> str:
    """Return the key of a joint law's probabilities: `p`, or `probability` beside a variable p."""
    return "probability" if "p" in variables else "p"


def starts_from_law(variable: Variable) -> bool:
    """Whether a variable's own initial value is a law rather than a number."""
    return isinstance(variable.initial, Mapping) or (
        is_label_variable(variable) and variable.initial is not None
    )


def table_parents(name: str, variable: Variable, known: Iterable[str]) -> tuple[Parent, ...]:
    """Return the `(variable, lag)` pairs a label variable reads.

    Raises:
        ModelError: A parent is no variable, or is not written as one.
    """
    found: list[Parent] = []
    for i, text in enumerate(variable.parents or ()):
        path = ("variables", name, "parents", i)
        match = _PARENT.fullmatch(text)
        if match is None:
            raise ModelError(f"expected a parent such as room[t-1], found '{text}'", path)
        if match[1] not in known:
            raise ModelError(f"unknown variable '{match[1]}'{suggestion(match[1], known)}", path)
        parent = (match[1], int(match[3] or 0))
        if parent in found:
            raise ModelError(f"the parent '{text}' stands here a second time", path)
        found.append(parent)
    return tuple(found)


def check_kind(name: str, variable: Variable) -> None:
    """Refuse combinations of keys that say two things about one variable.

    Raises:
        ModelError: Keys contradict each other, or one misses its companion.
    """
    path = ("variables", name)
    given = [
        key for key in ("rule", "flow", "table", "noise") if getattr(variable, key) is not None
    ]
    if len(given) > 1:
        raise ModelError(
            f"a variable has one of rule, flow, table and noise; this has {' and '.join(given)}",
            (*path, given[1]),
        )
    if variable.noise is not None and variable.initial is not None:
        raise ModelError(
            "noise is drawn afresh each step and has no initial value: drop it", (*path, "initial")
        )
    if variable.parents is not None and variable.table is None:
        raise ModelError(
            "'parents' belong to a table: add 'table', or name them in the rule", (*path, "parents")
        )
    if variable.table is not None and variable.domain is None:
        raise ModelError(
            "a table needs the variable's labels: add domain: [a, b, ...]", (*path, "table")
        )
    if variable.domain is not None and variable.flow is not None:
        raise ModelError(
            "a flow moves real numbers: drop 'domain', or give a rule", (*path, "domain")
        )


def uses_labels(variables: Mapping[str, Variable], initial: object) -> bool:
    """Whether a declaration has anything for this module to read."""
    keys = ("domain", "table", "noise")
    return bool(initial) or any(
        starts_from_law(v) or any(getattr(v, key) is not None for key in keys)
        for v in variables.values()
    )


def check_given(name: str, variable: Variable, *, starts: bool) -> None:
    """Refuse a label variable that has neither a table nor an initial label.

    Raises:
        ModelError: It has neither.
    """
    if variable.table is None and not starts:
        raise ModelError(
            f"'{name}' has neither a table nor an initial label: give one", ("variables", name)
        )


def takes_whole_numbers(variable: Variable) -> bool:
    """Whether a variable is declared an integer, or has a domain of whole numbers."""
    whole = all(isinstance(label, int) for label in variable.domain or ("",))
    return variable.kind == "integer" or whole
