"""Every error causalopt raises on purpose, under one root.

A message says what was expected, what came instead and what to do next. Where the fault lies in a
model file the error carries the file, line and column, so that a terminal or an editor can jump
there.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable


@dataclasses.dataclass(frozen=True)
class Location:
    """A place in a text: lines and columns count from 1."""

    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.file, self.line, self.column]
        return ":".join(str(part) for part in parts if part is not None)


class CausaloptError(Exception):
    """The root of all errors raised on purpose: the input is wrong, and the message says how.

    Args:
        message: What was expected, what came, and the next step.
        location: Where in a file the fault lies, when it lies in one.
    """

    def __init__(self, message: str, location: Location | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.location = location or Location()

    def __str__(self) -> str:
        place = str(self.location)
        return f"{place}: {self.message}" if place else self.message


class ModelError(CausaloptError, ValueError):
    """A model's declaration is wrong.

    Args:
        message: What was expected, what came, and the next step.
        path: Keys that lead to the fault in the declaration, such as ("variables", "R", "rule").
        offset: Characters into the text found there, when that text is an expression.
        location: Where in a file the fault lies, once the file is known.
        is_key: Whether the fault is the last key itself, not the value under it.
    """

    def __init__(
        self,
        message: str,
        path: tuple[str | int, ...] = (),
        offset: int | None = None,
        location: Location | None = None,
        *,
        is_key: bool = False,
    ) -> None:
        super().__init__(message, location)
        self.path = path
        self.is_key = is_key
        self.offset = offset

    def __str__(self) -> str:
        place = str(self.location)
        if not place and self.path:
            place = ".".join(str(key) for key in self.path)
            place += f", column {self.offset + 1}" if self.offset is not None else ""
        return f"{place}: {self.message}" if place else self.message


class ExpressionError(CausaloptError, ValueError):
    """A text is not an expression causalopt reads; `offset` counts characters from its start."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


class UnknownNameError(CausaloptError, LookupError):
    """A name that the model does not declare."""


class QuestionError(CausaloptError, ValueError):
    """A question that cannot be asked of this model: its nodes, steps, sizes or settings."""


class QuestionTextError(QuestionError):
    """A text for n or m that cannot be read; `offset` counts characters from its start."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class SizeError(QuestionError):
    """A question whose answer would take more memory or time than is allowed."""


class GraphError(CausaloptError, ValueError):
    """A graph that does not fit the model, or a node it does not have."""


class FileError(CausaloptError, OSError):
    """A file that cannot be read or written."""


class MissingPackageError(CausaloptError, ImportError):
    """A package that one kind of answer needs is not installed; the message says how to get it."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return a hint such as `; did you mean 'rho'?`, else the list of known names.

    Example:
        >>> suggestion("rh", ["rho", "sigma"])
        "; did you mean 'rho'?"
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{close[0]}'?"
    if not names:
        return ""
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"; known here: {shown}"
