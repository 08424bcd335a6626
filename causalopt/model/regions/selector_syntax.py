"""The language of sets: items, `~` `-` `&` `^` `|` as Python binds them, commas, and functions.

    set     = either {("," | "|") either}       a comma is a union
    either  = both {"^" both}                   in one of the two and not in both
    both    = rest {"&" rest}
    rest    = part {"-" part}                   from the left: a - b - c is (a - b) - c
    part    = "~" part | "(" set ")" | name "(" union {"," union} ")" | item
    union   = either {"|" either}               within a function a comma begins an argument
    item    = name ["[" steps and elements "]"] | "[" steps "]"

Items without operators are what `causalopt.model.selectors` reads. A name may have dots and dashes
in it, as labels have: where `a-b` is no name, it is `a - b`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import TypeAlias

from causalopt.errors import QuestionError, suggestion

_LONGEST = 100_000  # characters
_DEEPEST = 60  # parentheses within each other


@dataclasses.dataclass(frozen=True)
class Item:
    """Nodes by a name, or by steps alone when the name is empty.

    Attributes:
        name: A variable, a label or the name of a set; a number, where a function takes one.
        brackets: What stands in its brackets, None for no brackets.
        position: Where it begins in the text, from 0.
    """

    name: str
    brackets: str | None = None
    position: int = dataclasses.field(default=0, compare=False)

    def __str__(self) -> str:
        return self.name if self.brackets is None else f"{self.name}[{self.brackets}]"


@dataclasses.dataclass(frozen=True)
class Complement:
    """All nodes of the run that are not in a set."""

    of: Expression

    def __str__(self) -> str:
        return f"~{_wrapped(self.of, _TIGHTEST)}"


@dataclasses.dataclass(frozen=True)
class Combination:
    """Two or more sets with one operator between them: `|`, `^`, `&` or `-`, from the left."""

    operator: str
    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        strength = _STRENGTH[self.operator] + 1
        return f" {self.operator} ".join(_wrapped(part, strength) for part in self.parts)


@dataclasses.dataclass(frozen=True)
class Call:
    """A function of sets, such as `between(n, m)`.

    Attributes:
        function: Its name.
        arguments: Its arguments.
        position: Where it begins in the text, from 0.
    """

    function: str
    arguments: tuple[Expression, ...]
    position: int = dataclasses.field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.arguments))})"


Expression: TypeAlias = Item | Complement | Combination | Call
_STRENGTH = {"|": 1, "^": 2, "&": 3, "-": 4}
_TIGHTEST = 5
# Function -> what its arguments are.
FUNCTIONS = {
    "upstream": ("set",),
    "downstream": ("set",),
    "between": ("set", "set"),
    "parents": ("set",),
    "children": ("set",),
    "boundary": ("set",),
    "inner": ("set",),
    "cone": ("node", "speed"),
    "past_cone": ("node", "speed"),
    "tube": ("node", "node", "distance"),
}
RING = "ring"  # a last argument of those that measure distances: dims close on themselves
MEASURING = ("cone", "past_cone", "tube")
_TOKEN = re.compile(
    r"\s*(?:(?P<name>\w+(?:[.\-]\w+)*(?:\.\*)?)|(?P<sign>[(),|^&~\-])|(?P<brackets>\[[^\[\]]*\]))"
)
_BRACKETS = re.compile(r"\s*\[(?P<inner>[^\[\]]*)\]")
_SPACE = re.compile(r"\s*")


def _wrapped(part: Expression, strength: int) -> str:
    """Return a part's text, in parentheses where it binds less."""
    is_loose = isinstance(part, Combination) and _STRENGTH[part.operator] < strength
    return f"({part})" if is_loose else str(part)


def parse_set(text: str, is_name: Callable[[str], bool] = lambda _: False) -> Expression:
    """Return the expression that a text says.

    Args:
        text: The text.
        is_name: Whether a text with a dash in it is a name rather than a difference.

    Raises:
        QuestionError: The text is no such expression; the message says where, from 1, and what was
            expected there.

    Example:
        >>> str(parse_set("(a | b[t<=3]) - c & ~upstream(c[9])"))
        '(a | b[t<=3]) - c & ~upstream(c[9])'
        >>> parse_set("a, b - c") == parse_set("a | b - c")
        True
    """
    if len(text) > _LONGEST:
        raise QuestionError(f"a selector has at most {_LONGEST} characters, found {len(text)}")
    reader = _Reader(text, is_name)
    found = reader.commas()
    if reader.sign:
        raise reader.error("an operator (| & ^ - or a comma) or the end")
    return found


class _Reader:
    """A recursive descent over the text, one token ahead."""

    def __init__(self, text: str, is_name: Callable[[str], bool]) -> None:
        self._text, self._is_name = text, is_name
        self._place = self._depth = 0
        self.sign = self._ahead = ""
        self._advance(0)

    def error(self, expected: str) -> QuestionError:
        """Return an error at the token that is next."""
        return error_at(self._text, self._place, expected, self._ahead)

    def commas(self) -> Expression:
        """Read a set: unions, in which a comma is as good as a bar."""
        return self._left("|,")

    def _left(self, operator: str) -> Expression:
        """Read parts with an operator between them, which bind from the left."""
        tighter = {"|,": "^", "|": "^", "^": "&", "&": "-"}.get(operator)

        def part() -> Expression:
            return self._part() if tighter is None else self._left(tighter)

        found = [part()]
        while self.sign and self.sign in operator:
            self._next()
            found.append(part())
        return found[0] if len(found) == 1 else Combination(operator[0], tuple(found))

    def _part(self) -> Expression:
        marks = 0
        while self.sign == "~":
            marks += 1
            if marks > _DEEPEST:
                raise self.error(f"at most {_DEEPEST} of ~ on end")
            self._next()
        found = self._inside("(") if self.sign == "(" else self._named()
        for _ in range(marks):
            found = Complement(found)
        return found

    def _inside(self, opened: str) -> Expression:
        """Read what stands in parentheses."""
        begun = self._place
        self._open()
        found = self.commas()
        self._close(begun, opened)
        return found

    def _named(self) -> Expression:
        begun, name = self._place, ""
        if self.sign == "name":
            name = self._ahead
            self._advance(self._place + len(name))
            if self.sign == "(":
                return self._call(name, begun)
        if self.sign != "brackets":
            if not name:
                raise self.error("a set: a name, [steps], ~, a function or (")
            return Item(name, None, begun)
        inner = self._ahead[1:-1]
        self._advance(self._place + len(self._ahead))
        return Item(name, inner.strip(), begun)

    def _call(self, name: str, begun: int) -> Expression:
        if name not in FUNCTIONS:
            raise QuestionError(
                f"'{self._text}', character {begun + 1}: unknown function "
                f"'{name}'{suggestion(name, FUNCTIONS)}"
            )
        opened = self._place
        self._open()
        arguments = [self._left("|")]
        while self.sign == ",":
            self._next()
            arguments.append(self._left("|"))
        self._close(opened, f"{name}(")
        _check_count(self._text, name, arguments, begun)
        return Call(name, tuple(arguments), begun)

    def _open(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.error(f"at most {_DEEPEST} parentheses within each other")
        self._next()

    def _close(self, begun: int, opened: str) -> None:
        if self.sign != ")":
            raise self.error(
                f"an operator, a comma or the ')' that closes '{opened}' of character {begun + 1}"
            )
        self._depth -= 1
        self._next()

    def _next(self) -> None:
        self._advance(self._place + len(self._ahead))

    def _advance(self, place: int) -> None:
        """Read the token at a place: its kind, or the sign itself; "" at the end."""
        match = _TOKEN.match(self._text, place)
        self._place = _SPACE.match(self._text, place).end()  # type: ignore[union-attr]
        if match is None:
            self.sign, self._ahead = "", self._text[self._place : self._place + 1]
            if self._ahead:
                raise self.error(
                    "a ']' after this '['" if self._ahead == "[" else "a name or an operator"
                )
        elif match["name"] is not None:
            self.sign, self._ahead = "name", self._name(match["name"])
        elif match["brackets"] is not None:
            self.sign, self._ahead = "brackets", match["brackets"]
        else:
            self.sign = self._ahead = match["sign"]

    def _name(self, found: str) -> str:
        """Return as much of a text with dashes as is a name."""
        whole = found
        while "-" in found and not self._is_name(found):
            found = found.rpartition("-")[0]
        return found if self._is_name(found) or whole == found else whole.partition("-")[0]


def error_at(text: str, place: int, expected: str, found: str) -> QuestionError:
    """Return the error of a text that has something else than expected at a place."""
    came = f"'{found}'" if found else "the end"
    return QuestionError(f"'{text}', character {place + 1}: expected {expected}, found {came}")


def _check_count(text: str, name: str, arguments: list[Expression], begun: int) -> None:
    kinds, given = FUNCTIONS[name], list(arguments)
    if name in MEASURING and len(given) == len(kinds) + 1 and str(given[-1]) == RING:
        given.pop()
    if len(given) != len(kinds):
        more = f", and the word {RING}" if name in MEASURING else ""
        raise QuestionError(
            f"'{text}', character {begun + 1}: {name} takes {len(kinds)} "
            f"argument{'s' * (len(kinds) > 1)}, {name}({', '.join(kinds)}){more}, found "
            f"{len(arguments)}"
        )
