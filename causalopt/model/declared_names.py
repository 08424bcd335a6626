"""What may be called what in a declaration, and how a declared function is written."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping

from causalopt.errors import ModelError
from causalopt.language.scope import normalized, reserved
from causalopt.model.declaration import Variable, motion


def check_names(
    sections: Mapping[str, Iterable[str]], more_words: Iterable[str] = (), free: Container[str] = ()
) -> None:
    """Refuse names that no rule could mean.

    Args:
        sections: `variables`, `parameters`, ... -> the keys declared there.
        more_words: Further words of the language.
        free: Variables that may be called anything, for no rule reads them.

    Raises:
        ModelError: One is no name, a word of the language, or declared twice.
    """
    seen: dict[str, str] = {}
    words = reserved() | set(more_words)
    if not list(sections["variables"]):
        raise ModelError("a model has at least one variable", ("variables",))
    for section, keys in sections.items():
        for key in keys:
            name = signature(key)[0] if section == "functions" else key
            problem = "" if key in free else _problem(name, words, seen)
            if problem:
                raise ModelError(problem, (section, key), is_key=True)
            seen[normalized(name)] = section


def _problem(name: str, words: set[str], seen: Mapping[str, str]) -> str:
    if not name.isidentifier():
        plain = re.sub(r"\W+", "_", name).strip("_")
        such = f", such as {plain}" if plain.isidentifier() and plain not in words else ""
        return (
            f"'{name}' cannot be a name: use letters, digits and _, not starting with a digit{such}"
        )
    if name in words:
        return f"'{name}' is a word of the language: choose another name"
    if name != normalized(name):
        return (
            f"'{name}' is spelt with characters that are written as others: spell it "
            f"'{normalized(name)}'"
        )
    if name in seen:
        return f"'{name}' is declared under {seen[name]} too: rename one of them"
    return ""


def signature(key: str) -> tuple[str, tuple[str, ...]]:
    """Return the name and the arguments of a declared function.

    Raises:
        ModelError: The key is not of the form f(x).
    """
    match = re.fullmatch(r"\s*(\w+)\s*\(([^()]*)\)\s*", key)
    arguments = tuple(a.strip() for a in match[2].split(",")) if match else ()
    if match is None or not all(a.isidentifier() and a not in reserved() for a in arguments):
        raise ModelError(
            f"'{key}' does not declare a function: write 'f(x): \"x**2\"', with plain names as "
            "arguments",
            ("functions", key),
            is_key=True,
        )
    if len(set(arguments)) < len(arguments):
        raise ModelError(f"'{key}' names an argument twice", ("functions", key), is_key=True)
    return match[1], arguments


def has_time(variable: Variable) -> bool:
    """Whether a variable's texts speak of steps or of time."""
    texts = (variable.rule or "", *(variable.parents or ()))
    return motion(variable) != "rule" or any(re.search(r"\[\s*t(ime)?\b", text) for text in texts)
