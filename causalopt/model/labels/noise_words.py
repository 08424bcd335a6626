"""The noise a text names, and its arguments."""

from __future__ import annotations

import re

from causalopt.errors import ModelError, suggestion

_NOISE = re.compile(r"\s*(\w+)\s*(?:\((.*)\))?\s*", re.DOTALL)


def noise_parts(text: str, path: tuple[str | int, ...]) -> tuple[str, tuple[str, ...]]:
    """Return a noise's kind and its arguments.

    Raises:
        ModelError: It is none of uniform, normal(mean, sd) and bernoulli(p).

    Example:
        >>> noise_parts("normal(0, 1)", ())
        ('normal', ('0', '1'))
    """
    match = _NOISE.fullmatch(text)
    wanted = {"uniform": 0, "normal": 2, "bernoulli": 1}
    kind = match[1] if match else text
    if match is None or kind not in wanted:
        raise ModelError(
            f"expected noise such as uniform, normal(0,1), bernoulli(1/2) or a map of labels to "
            f"probabilities, found '{text}'{suggestion(kind, wanted)}",
            path,
        )
    inner = (match[2] or "").strip()
    arguments = tuple(part.strip() for part in inner.split(",")) if inner else ()
    if len(arguments) != wanted[kind]:
        raise ModelError(
            f"{kind} takes {wanted[kind]} arguments, found {len(arguments)} in '{text}'", path
        )
    return kind, arguments
