"""Reading a usual command line by a command's own signature, without typer.

typer, with pydantic, which it loads to read options, takes longer to import than a short run. What
most people and all programs write needs nothing of it: long options written out, each once, with a
value that does not begin with a dash. Whatever is not plain in this sense, a mistake or a cry for
help, is answered by None: typer then reads all of it anew, and alone says what is wrong. On what is
read here the two agree (`tests/test_plain_words.py`).
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from causalopt.commands.told_options import Argument, Option, told_of

_NUMBERS = {
    int: re.compile(r"[0-9]{1,15}"),
    float: re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?([eE][-+]?[0-9]{1,2})?"),
}


class _NotPlainError(Exception):
    """A word needs typer."""


def read_plainly(function: Callable[..., Any], words: Sequence[str]) -> dict[str, Any] | None:
    """Return the arguments that a command line gives a command; None where typer must read it.

    Args:
        function: The command.
        words: What stands after the command's name.
    """
    try:
        return _read(function, words)
    except _NotPlainError:
        return None


def _read(function: Callable[..., Any], words: Sequence[str]) -> dict[str, Any]:
    options: dict[str, str] = {}
    places: list[str] = []
    kinds: dict[str, tuple[Any, bool]] = {}
    for name, (hint, told) in told_of(function).items():
        kinds[name] = _kind(hint)
        if isinstance(told, Argument):
            places.append(name)
        elif isinstance(told, Option) and not set(told.options) & {"min", "max", "callback"}:
            options |= dict.fromkeys(told.written(name), name)
    given: dict[str, Any] = {}
    left = iter(words)
    for word in left:
        if not word.startswith("-"):
            if not places or kinds[places[0]][1]:
                raise _NotPlainError
            _put(given, places.pop(0), word, kinds)
            continue
        option, equals, value = word.partition("=")
        name = options.get(option, "")
        kind = kinds[name][0] if name else None
        if kind is None or (kind is bool and equals):
            raise _NotPlainError
        _put(given, name, value if equals or kind is bool else next(left, ""), kinds)
    return _completed(function, given)


def _kind(hint: Any) -> tuple[Any, bool]:
    """Return what a value is read as, None where typer reads it, and whether there are several."""
    if get_origin(hint) in {types.UnionType, Union}:
        inner = [kind for kind in get_args(hint) if kind is not type(None)]
        hint = inner[0] if len(inner) == 1 else None
    several = get_origin(hint) is list
    if several:
        hint = get_args(hint)[0]
    known = hint in {str, int, float} or (hint is bool and not several)
    return (hint if known or get_origin(hint) is Literal else None), several


def _put(given: dict[str, Any], name: str, word: str, kinds: dict[str, tuple[Any, bool]]) -> None:
    kind, several = kinds[name]
    value = True if kind is bool else _value(kind, word)
    if several:
        given.setdefault(name, []).append(value)
    elif name in given:
        raise _NotPlainError
    else:
        given[name] = value


def _value(kind: Any, word: str) -> Any:
    if not word or word.startswith("-"):
        raise _NotPlainError
    if kind is str:
        return word
    if kind in _NUMBERS and _NUMBERS[kind].fullmatch(word):
        return kind(word)
    if get_origin(kind) is Literal and word in get_args(kind):
        return word
    raise _NotPlainError


def _completed(function: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return all arguments, with the defaults of those that are not given."""
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in given and parameter.default is parameter.empty:
            raise _NotPlainError
    return given
