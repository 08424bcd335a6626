"""What stands above a sweep: the model, and what is measured of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def question_lines(
    name: str, measure: str, settings: Mapping[str, Any], swept: Sequence[str]
) -> tuple[str, ...]:
    """Return the lines above a sweep: the model, and what is measured of it.

    Args:
        name: The model's name or title.
        measure: What is measured: `op`, or another measure's word.
        settings: The question; what is None does not count.
        swept: The names of the axes: what of the question is swept is written as a letter.

    Example:
        >>> asked = {"hold": "T", "nudge": "R[0]", "target": "R", "at": 9}
        >>> question_lines("thermostat", "op", asked, ["k", "hold"])
        ('thermostat', 'Op(A; R[0], R), at step 9')
        >>> question_lines("sgd_well", "escape", {"start": 0.0, "within": [5], "method": None}, [])
        ('sgd_well', 'escape: start 0.0, within [5]')
    """
    letters = {"hold": "A", "nudge": "n", "target": "m"}
    said = {key: value for key, value in settings.items() if _is_said(key, value)}
    asked = {**said, **{key: letter for key, letter in letters.items() if key in swept}}
    if measure == "op" and all(key in asked for key in letters):
        line = f"Op({asked['hold']}; {asked['nudge']}, {asked['target']})"
        line += f", at step {said['at']}" if "at" in said else ""
    else:
        line = ", ".join(f"{key} {value}" for key, value in said.items() if key not in swept)
        line = f"{measure}: {line}" if measure and line else measure or line
    return tuple(text for text in (name, line) if text)


def identity_lines(identity: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the lines above a store's sweep, from its identity."""
    model, told = identity.get("model", {}), dict(identity.get("measure", {}))
    swept = [str(axis.get("name")) for axis in identity.get("axes", [])]
    return question_lines(str(model.get("name", "")), str(told.pop("name", "")), told, swept)


_UNSAID = {
    *("estimate", "seed", "given", "delta", "data", "arrays"),
    *("exponents", "walkers", "transient", "horizon", "lasting"),
}
_NOTHING: tuple[Any, ...] = (None, "", "None", [], "[]", {}, "{}")


def _is_said(key: str, value: Any) -> bool:
    return key not in _UNSAID and value is not False and value not in _NOTHING
