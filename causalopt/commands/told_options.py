"""How a command tells its options and arguments: records that typer is given when it is needed.

A command's signature is their one declaration. `plain_words` reads the usual command lines by it,
without typer; help, mistakes and everything unusual are typer's, which is told the same.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

# The sections of a command's help.
QUESTION = "Question"
CHANGES = "Changes to the model"
PLACES = "Where it is computed"
OUTPUT = "Output"
SECTIONS = (QUESTION, "Options", CHANGES, PLACES, OUTPUT)


class _Told:
    """What typer's `Option` or `Argument` takes, kept as it was written."""

    __slots__ = ("options", "words")

    def __init__(self, *words: str, **options: Any) -> None:
        self.words = words
        self.options = options


class Option(_Told):
    """An option: how it is written, and `metavar`, `help`, `rich_help_panel`, `hidden`, `min`."""

    __slots__ = ()

    def written(self, name: str) -> tuple[str, ...]:
        """Return how the option of a parameter is written."""
        return self.words or (f"--{name.replace('_', '-')}",)

    @property
    def is_hidden(self) -> bool:
        """Whether help leaves it out."""
        return bool(self.options.get("hidden"))


class Argument(_Told):
    """A word that stands by itself, such as MODEL."""

    __slots__ = ()


@functools.cache
def told_of(function: Callable[..., Any]) -> dict[str, tuple[Any, _Told | None]]:
    """Return parameter -> its type, and what is told of it; None where it is no option of ours."""
    found: dict[str, tuple[Any, _Told | None]] = {}
    hints = get_type_hints(function, include_extras=True)
    hints.pop("return", None)
    for name, hint in hints.items():
        told = [each for each in getattr(hint, "__metadata__", ()) if isinstance(each, _Told)]
        found[name] = (getattr(hint, "__origin__", hint), told[0] if told else None)
    return found


def for_typer(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the same function, with annotations that typer reads."""
    import typer

    made = {Option: typer.Option, Argument: typer.Argument}
    hints = get_type_hints(function, include_extras=True)
    for name, (kind, told) in told_of(function).items():
        if told is not None:
            hints[name] = Annotated[kind, made[type(told)](*told.words, **told.options)]
    copy = types.FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__
    )
    functools.update_wrapper(copy, function)
    del copy.__dict__["__wrapped__"]  # typer would read the annotations of that
    copy.__annotations__ = hints
    return copy
