"""Measures by their names, made of what a caller says: `rates` with `steps=2000`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from causalopt.errors import ArgumentError, QuestionError, suggestion
from causalopt.model.asked_words import nudge_text
from causalopt.model.declaration import shown

if TYPE_CHECKING:
    from causalopt.sweeps.swept_measure import SweptMeasure

MEASURES = ("op", "rates", "strength", "escape", "power")
_RESOLVED = {"counts", "swept", "is_power_axis"}  # fields that a measure finds by itself
_RANGE = ("low", "high", "count")


def measure_class(name: str) -> Callable[..., SweptMeasure]:
    """Return what makes a measure; only its own packages are loaded.

    Raises:
        QuestionError: There is no such measure.
    """
    if name == "op":
        from causalopt.sweeps.measures.op_measure import OpMeasure

        return OpMeasure
    if name == "rates":
        from causalopt.sweeps.measures.rates_measure import RatesMeasure

        return RatesMeasure
    if name == "strength":
        from causalopt.sweeps.measures.strength_measure import StrengthMeasure

        return StrengthMeasure
    if name == "escape":
        from causalopt.sweeps.measures.escape_measure import EscapeMeasure

        return EscapeMeasure
    if name == "power":
        from causalopt.sweeps.measures.power_measure import PowerMeasure

        return PowerMeasure
    raise QuestionError(
        f"the measure of a sweep is one of {', '.join(MEASURES)}, found {shown(name)}"
        f"{suggestion(str(name), MEASURES)}"
    )


def setting_names(name: str) -> tuple[str, ...]:
    """Return what may be said of a measure, in the order of its fields.

    Example:
        >>> setting_names("power")
        ('over', 'hold', 'target', 'steps', 'at', 'seed', 'estimate')
    """
    fields = dataclasses.fields(measure_class(name))  # type: ignore[arg-type]
    found = [field.name for field in fields if field.name not in _RESOLVED and field.init]
    hidden = _RANGE if name == "power" else (*_RANGE, "unit" if name == "rates" else "")
    return tuple(field for field in found if field not in hidden)


def named_measure(name: str, settings: Mapping[str, Any]) -> SweptMeasure:
    """Return a measure with what is said of it.

    Args:
        name: Which: one of `MEASURES`.
        settings: What is said, as the plain function of that measure takes it; what is None is not
            said. Of `power`, `over` is the nudged start with its range and its number of values,
            such as `{"R[0]": (5, 45, 401)}`.

    Raises:
        QuestionError: There is no such measure, or it has no such setting.
        ArgumentError: A value is of another kind.

    Example:
        >>> named_measure("rates", {"steps": 2000, "hold": ["a", "b"]}).settings()["hold"]
        'a, b'
    """
    make, known = measure_class(name), setting_names(name)
    said = {key: value for key, value in settings.items() if value is not None}
    if settings.get("lasting", 1) is None:
        said["lasting"] = None  # for ever
    for key in said:
        if key not in known:
            raise QuestionError(
                f"the measure '{name}' has no setting '{key}'{suggestion(key, known)}"
            )
    read = {key: _KINDS[key](key, value) if key in _KINDS else value for key, value in said.items()}
    if name == "power":
        read |= _range(read.get("over"))
    return make(**read)


def _range(over: tuple[str, float, float, int] | None) -> dict[str, Any]:
    if over is None:
        raise QuestionError(
            "power is an integral over n's starting value: say which and from where to where, "
            'over={"R[0]": (5, 45, 401)} (--over R[0]=5:45:401)'
        )
    return dict(zip(("over", *_RANGE), over, strict=True))


def _whole(key: str, value: Any) -> int:
    if isinstance(value, bool) or not hasattr(type(value), "__index__"):
        raise ArgumentError(f"{key} takes a whole number, found {shown(value)}")
    return int(value)


def _number(key: str, value: Any) -> float:
    if isinstance(value, bool | str) or not hasattr(type(value), "__float__"):
        raise ArgumentError(f"{key} takes a number, found {shown(value)}")
    return float(value)


def _truth(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ArgumentError(f"{key} is True or False, found {shown(value)}")
    return value


def _word(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ArgumentError(f"{key} takes a text, found {shown(value)}")
    return value


def _node(key: str, value: Any) -> str:
    del key
    found = nudge_text(value)
    return found if isinstance(found, str) else f"{found.variable}[{found.t}]"


def _words(key: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, Sequence) or not value:
        raise ArgumentError(f"{key} takes a text or a list of them, found {shown(value)}")
    return ", ".join(map(str, value))


def _steps(key: str, value: Any) -> tuple[int, ...]:
    many = list(value) if not isinstance(value, str) and hasattr(value, "__iter__") else [value]
    return tuple(_whole(key, one) for one in many)


def _duration(key: str, value: Any) -> int | None:
    return None if value is None else _whole(key, value)


def _span(key: str, value: Any) -> tuple[str, float, float, int]:
    """Return a node with the ends and the number of its values."""
    try:
        ((node, (low, high, count)),) = value.items()
    except (AttributeError, TypeError, ValueError):
        raise ArgumentError(
            f"{key} is a starting value with low, high and count, such as "
            f'{{"R[0]": (5, 45, 401)}}, found {shown(value)}'
        ) from None
    return str(node), _number(key, low), _number(key, high), _whole(key, count)


_KINDS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(
        ("steps", "at", "transient", "exponents", "seed", "horizon", "walkers"), _whole
    ),
    **dict.fromkeys(("start", "beyond", "delta"), _number),
    **dict.fromkeys(("fresh", "passage", "estimate"), _truth),
    **dict.fromkeys(("target", "method", "initial", "unit"), _word),
    **dict.fromkeys(("hold", "targets"), _words),
    "nudge": _node,
    "within": _steps,
    "lasting": _duration,
    "over": _span,
}
