"""Every error causalopt raises on purpose, under one root.

A message says what was expected, what came instead and what to do next. Where the fault lies in a
model file the error carries the file, line and column, so that a terminal or an editor can jump
there.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Sequence

_MOST_SHOWN, _MOST_BEFORE = 100, 70  # characters of a line, and those before the caret


@dataclasses.dataclass(frozen=True)
class Location:
    """A place in a text: lines and columns count from 1."""

    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.file, self.line, self.column]
        return ":".join(str(part) for part in parts if part is not None)


def excerpt(line: str, column: int | None, number: int | None = None) -> str:
    """Return a line of a text with a caret under the character that is meant.

    Args:
        line: The line.
        column: The character's column, from 1; no caret where it is None.
        number: The line's number, shown before it.

    Example:
        >>> print(excerpt("k: 0,5", 5, 2))
          2 | k: 0,5
            |     ^
    """
    line = "".join(character if character.isprintable() else " " for character in line.rstrip())
    at = min(column or 1, len(line) + 1) - 1
    first = max(0, at - _MOST_BEFORE)
    first = first if len(line) > _MOST_SHOWN else 0
    shown = line[first : first + _MOST_SHOWN]
    shown = "..." * (first > 0) + shown + "..." * (first + _MOST_SHOWN < len(line))
    at += 3 * (first > 0) - first
    margin = "  " if number is None else f"  {number} | "
    below = margin if number is None else f"  {' ' * len(str(number))} | "
    caret = "" if column is None else f"\n{below}{' ' * at}^"
    return f"{margin}{shown}{caret}"


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

    @property
    def excerpt(self) -> str:
        """The line that is wrong with a caret under its place, "" where there is no text."""
        return ""

    def to_dict(self) -> dict[str, str | int | None]:
        """Return the message and its place as JSON's types."""
        return {"message": self.message, **dataclasses.asdict(self.location)}


class ModelError(CausaloptError, ValueError):
    """A model's declaration is wrong.

    Args:
        message: What was expected, what came, and the next step.
        path: Keys that lead to the fault in the declaration, such as ("variables", "R", "rule").
        offset: Characters into the text found there, when that text is an expression.
        location: Where in a file the fault lies, once the file is known.
        is_key: Whether the fault is the last key itself, not the value under it.
        text: The line of the file that the location names; without one the expression itself.
    """

    def __init__(
        self,
        message: str,
        path: tuple[str | int, ...] = (),
        offset: int | None = None,
        location: Location | None = None,
        *,
        is_key: bool = False,
        text: str | None = None,
    ) -> None:
        super().__init__(message, location)
        self.path = path
        self.is_key = is_key
        self.offset = offset
        self.text = text

    def __str__(self) -> str:
        place = str(self.location)
        if not place and self.path:
            place = ".".join(str(key) for key in self.path)
            place += f", column {self.offset + 1}" if self.offset is not None else ""
        said = f"{place}: {self.message}" if place else self.message
        return f"{said}\n{self.excerpt}" if self.excerpt else said

    @property
    def excerpt(self) -> str:
        """The line that is wrong with a caret under its place, "" where there is no text."""
        if self.text is None:
            return ""
        if self.location.line is not None:
            return excerpt(self.text, self.location.column, self.location.line)
        before, offset = self.text[: self.offset or 0], self.offset or 0
        line = self.text.splitlines()[before.count("\n")] if self.text.strip() else ""
        return excerpt(line, offset - (before.rfind("\n") + 1) + 1) if line else ""

    def shown_in(self, text: str) -> ModelError:
        """Return the error with the line of a text that its location names."""
        lines, number = text.splitlines(), self.location.line
        self.text = None
        if number is not None and 0 < number <= len(lines) and lines[number - 1].strip():
            self.text = lines[number - 1]
        return self


class ModelMistakesError(ModelError):
    """Several mistakes of one model file, found together.

    Args:
        errors: The mistakes, in the order of the file; the first one speaks for all.
        warnings: What is doubtful beside them.
    """

    def __init__(self, errors: Sequence[ModelError], warnings: Sequence[ModelError] = ()) -> None:
        first = errors[0]
        super().__init__(
            first.message,
            first.path,
            first.offset,
            first.location,
            is_key=first.is_key,
            text=first.text,
        )
        self.errors, self.warnings = tuple(errors), tuple(warnings)

    def __str__(self) -> str:
        return "\n".join(map(str, self.errors))


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


class ArgumentError(QuestionError, TypeError):
    """An argument of a Python call that is of no type that the function takes."""


class GraphError(CausaloptError, ValueError):
    """A graph that does not fit the model, or a node it does not have."""


class FileError(CausaloptError, OSError):
    """A file that cannot be read or written."""


class WorkersError(CausaloptError, RuntimeError):
    """Workers, or the scheduler that feeds them, are gone or of another version; the input is not.

    What was done before stands; the message says how to go on.
    """


class MissingPackageError(CausaloptError, ImportError):
    """A package that one kind of answer needs is not installed; the message says how to get it."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return a hint such as `; did you mean 'rho'?`, else the list of known names.

    Example:
        >>> suggestion("rh", ["rho", "sigma"])
        "; did you mean 'rho'?"
    """
    names = sorted(other for other in known if not other.startswith("draw\xb7"))  # none of a text
    close = [other for other in names if other.lower() == name.lower()]  # K for k, Max for max
    begun = [other for other in names if len(name) > 2 and other.startswith(name)]
    close = close or (begun if len(begun) == 1 else [])
    if not close:
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
        close = [other for other in close if len(name) > 1 or other.startswith(name)]
    if close:
        return f"; did you mean '{close[0]}'?"
    if not names:
        return ""
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"; known here: {shown}"
