"""What is wrong with a text that is nearly YAML: the mistakes of people who write it by hand.

A scanner of its own walks the text line by line, and through braces and brackets character by
character. It finds texts that YAML cuts at a comma or a bracket and that want quotes, brackets and
quotation marks left open, tabs, colons without their space, and lines in no column. It is asked
only where YAML, or what YAML made of the text, is refused: a text that it doubts may be right.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Literal

from causalopt.model.declaration import Question, Variable

Kind = Literal["quote", "open", "tab", "colon", "comma", "column", "decimal", "start", "after"]
_KEY = re.compile(r"(?P<key>[^\s#'\"\[\]{},&*!|>%@`:-][^#'\"\[\]{},:]*?)\s*:(?=\s|$)")
_FLOW_KEY = re.compile(r"(?P<key>[^\s'\"\[\]{},:][^'\"\[\]{},:\n]*?)\s*:(?=[\s,\[\]{}])")
_TIGHT = re.compile(r"(?P<key>[A-Za-z_]\w*):(?P<value>(?!//)[^\s,{}\[\]].*)")
_WORD = re.compile(r"[A-Za-z_]\w*")
_KEYS = sorted({*Variable.model_fields, *Question.model_fields})
_LONGEST = 1 << 20
_MOST = 20  # mistakes after which no more are looked for
_CLOSES = {"{": "}", "[": "]"}


@dataclasses.dataclass(frozen=True)
class Mistake:
    """One mistake: what to do about it, and its place; lines and columns count from 1."""

    kind: Kind
    message: str
    line: int
    column: int


def mistakes(text: str) -> list[Mistake]:
    """Return the mistakes of a YAML text, in order.

    Example:
        >>> (found,) = mistakes('x: {rule: clip(x[t-1], 0, 1), initial: 1}')
        >>> found.message
        'quote the rule: write rule: "clip(x[t-1], 0, 1)"'
    """
    if len(text) > _LONGEST:
        return []
    scanner = _Scanner(text)
    scanner.walk()
    return sorted(scanner.found, key=lambda m: (m.line, m.column))


def _quoted(text: str) -> str:
    """Return a text in quotes, as YAML reads it back."""
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def _second_key(text: str) -> re.Match[str] | None:
    """Return where a key of variables or questions stands within a text, with its colon."""
    return re.search(rf"\s(?P<key>{'|'.join(_KEYS)}):(?=\s|$)", text)


def _shown(text: str) -> str:
    return text if len(text) <= 70 else text[:67] + "..."


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[Mistake] = []
        self._starts = [0]
        for line in text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._columns: list[tuple[int, str]] = []  # open mappings: their column, and a key of each
        self._plain: tuple[int, str] | None = None  # the column and key of a text that may go on

    def _note(self, kind: Kind, place: int, message: str) -> None:
        line = self._line_of(place)
        self.found.append(Mistake(kind, message, line + 1, place - self._starts[line] + 1))

    def _line_of(self, place: int) -> int:
        low, high = 0, len(self._starts) - 1
        while low + 1 < high:
            middle = (low + high) // 2
            low, high = (middle, high) if self._starts[middle] <= place else (low, middle)
        return low

    # Lines

    def walk(self) -> None:
        """Walk over the lines that are in no braces."""
        number, count = 0, len(self._starts) - 1
        while number < count and len(self.found) < _MOST:
            line = self.text[self._starts[number] : self._starts[number + 1]].rstrip("\r\n")
            number = max(self._line(number, line), number + 1)

    def _line(self, number: int, line: str) -> int:
        """Read one line and return the number of the next."""
        body = line.lstrip()
        if not body or body.startswith(("#", "---", "...")):
            return number + 1
        indent = line[: len(line) - len(body)]
        start = self._starts[number]
        if "\t" in indent:
            self._note(
                "tab",
                start + indent.index("\t"),
                "a tab indents this line, and YAML is indented by spaces: replace the tab",
            )
        column = len(indent)
        while body.startswith("- "):
            rest = body[1:].lstrip()
            column, body = column + len(body) - len(rest), rest
        return self._entry(number, start, column, body)

    def _entry(self, number: int, start: int, column: int, body: str) -> int:
        """Read what a line says after its indent and dashes."""
        if body[:1] in {"{", "["}:
            return self._braces(number, start + column, column)
        quoted_key = re.match(r"(\"[^\"]*\"|'[^']*')\s*:(?=\s|$)", body)
        match = quoted_key or _KEY.match(body)
        if match is None:
            self._no_key(start + column, column, body)
            return number + 1
        key = match["key"] if quoted_key is None else match[1]
        self._check_column(start + column, column, key)
        rest = body[match.end() :]
        value = rest.lstrip()
        place = start + column + len(body) - len(value)
        return self._value(number, place, column, key.strip(), value)

    def _value(self, number: int, place: int, column: int, key: str, value: str) -> int:
        """Read a key's value."""
        self._plain = None
        if not value or value.startswith("#"):
            return number + 1
        if value[0] in "{[":
            return self._braces(number, place, column)
        if value[0] in "\"'":
            return self._quotation(number, place, key, value)
        if value[0] in "|>" and re.fullmatch(r"[|>][-+\d]*\s*(#.*)?", value):
            return self._block(number, column, key)
        plain = re.split(r"\s#", value, maxsplit=1)[0].rstrip()
        self._plain = (column, key)
        if value[0] in "@%`&*!?|>" or value.startswith("- "):
            self._note(
                "start",
                place,
                f"a text that begins with '{value[0]}' is quoted: write "
                f"{_shown(f'{key}: {_quoted(plain)}')}",
            )
        elif re.match(r"[A-Za-z_]\w*:\s", plain):
            self._note(
                "colon",
                place,
                f"two keys on one line stand in braces: write {_shown(f'{key}: {{{plain}}}')}",
            )
        elif second := _second_key(plain):
            self._second(place + second.start("key"), second["key"])
        elif re.search(r":\s|:$", plain):
            self._note(
                "colon",
                place + re.search(r":(\s|$)", plain).start(),  # type: ignore[union-attr]
                "a colon and a space begin a value: quote a text that has them, write "
                f"{_shown(f'{key}: {_quoted(plain)}')}",
            )
        return number + 1

    def _second(self, place: int, key: str) -> None:
        self._note("colon", place, f"'{key}' is a second key on this line: give it its own line")

    def _block(self, number: int, column: int, key: str) -> int:
        """Skip a text of many lines, indented more than its key."""
        following = number + 1
        line = self.text[self._starts[following] :].partition("\n")[0]
        if (
            line.strip()
            and len(line) - len(line.lstrip()) <= column
            and not _KEY.match(line.strip())
        ):
            self._note(
                "column",
                self._starts[following] + len(line) - len(line.lstrip()),
                f"the text of '{key}' stands further right than it: indent this line",
            )
            return following + 1
        while following < len(self._starts) - 1:
            line = self.text[self._starts[following] : self._starts[following + 1]]
            if line.strip() and len(line) - len(line.lstrip()) <= column:
                break
            following += 1
        return following

    def _quotation(self, number: int, place: int, key: str, value: str) -> int:
        """Read a quoted value; it may go over lines."""
        end = self._closing(place)
        line_end = self._starts[number] + len(
            self.text[self._starts[number] : self._starts[number + 1]].rstrip("\r\n")
        )
        if end is None or (end > line_end and self._begins_a_key(number + 1, end)):
            self._note(
                "open", place, f"the quotation mark {value[0]} that opens here is not closed"
            )
            return number + 1
        last = self._line_of(end)
        rest = self.text[end : self._starts[last + 1]].strip()
        second = _second_key(f" {rest}")
        if second and second.start("key") == 1:
            self._second(self.text.index(second["key"], end), second["key"])
        elif rest and not rest.startswith("#"):
            inner = (
                self.text[place + 1 : end - 1] + self.text[end : self._starts[last + 1]].rstrip()
            )
            inner = inner.replace(value[0], "")
            self._note(
                "after",
                end + len(self.text[end:]) - len(self.text[end:].lstrip()),
                "text follows the closing quotation mark: put all of it into one pair, write "
                f"{_shown(f'{key}: {_quoted(inner)}')}",
            )
        return last + 1

    def _begins_a_key(self, first: int, end: int) -> bool:
        """Whether a quotation goes over lines that read like keys of their own."""
        last = self._line_of(end)
        return any(
            _KEY.match(self.text[self._starts[n] : self._starts[n + 1]].lstrip())
            for n in range(first, last + 1)
        )

    def _closing(self, place: int) -> int | None:
        """Return the place after the mark that closes a quotation."""
        mark = self.text[place]
        pattern = r'"(?:[^"\\]|\\.)*"' if mark == '"' else r"'(?:[^']|'')*'"
        match = re.compile(pattern, re.DOTALL).match(self.text, place)
        return match.end() if match else None

    def _check_column(self, place: int, column: int, key: str) -> None:
        """Refuse a key in a column in which no mapping stands."""
        if self._plain is not None and column > self._plain[0]:
            self._note(
                "column",
                place,
                f"'{key}' stands in column {column + 1}, and '{self._plain[1]}' above it in column "
                f"{self._plain[0] + 1}: keys of one mapping stand in one column",
            )
            return
        columns = [level for level, _ in self._columns]
        if columns and column < columns[-1] and column not in columns:
            near = [f"{level + 1} as '{name}'" for level, name in self._columns[-2:]]
            self._note(
                "column",
                place,
                f"'{key}' stands in column {column + 1}, where no mapping goes on: indent it to "
                f"column {' or '.join(near)}",
            )
            return
        self._columns = [(level, name) for level, name in self._columns if level < column]
        self._columns.append((column, key))

    def _no_key(self, place: int, column: int, body: str) -> None:
        """Read a line that is no key: the rest of a text above, or a colon forgotten."""
        if self._plain is not None and column > self._plain[0]:
            return
        tight, word = _TIGHT.match(body), _WORD.match(body)
        if tight:
            self._tight(place, tight)
            return
        rest = body[word.end() :] if word else ""
        value = rest.strip().lstrip("=;").strip()
        apart = rest.strip()[:1] in {"=", ";"} or (rest[:1] == " " and " " not in rest.strip())
        if word and value and apart:
            self._note(
                "colon", place, f"a key is followed by a colon: write {word.group()}: {value}"
            )

    def _tight(self, place: int, tight: re.Match[str]) -> None:
        key, value = tight["key"], tight["value"].rstrip()
        self._note(
            "colon",
            place + len(key),
            f"a colon is followed by a space: write {_shown(f'{key}: {value}')}",
        )

    # Braces and brackets

    def _braces(self, number: int, place: int, column: int) -> int:
        """Read braces or brackets from their opening on, and return the number of the next line."""
        self._plain = None
        before = len(self.found)
        end = _Braces(self, place, self._indent(number, column)).read()
        if end is None:
            return number + 1
        line = self._line_of(max(end - 1, place))
        rest = self.text[end : self._starts[line + 1]].strip()
        if rest and not rest.startswith("#") and len(self.found) == before:
            self._note(
                "after",
                end,
                f"'{_shown(rest)}' follows the bracket that closes all: is one too many closed, or "
                "one too few opened?",
            )
        return line + 1

    def _indent(self, number: int, column: int) -> int:
        line = self.text[self._starts[number] : self._starts[number + 1]]
        return min(column, len(line) - len(line.lstrip()))


class _Braces:
    """One collection in braces or brackets being read, with those inside it."""

    def __init__(self, scanner: _Scanner, place: int, indent: int) -> None:
        self._scanner, self._text = scanner, scanner.text
        self._place = place
        self._indent = indent  # of the line that opens it: what is in it stands further right
        self._open: list[int] = []
        self._key: str | None = None
        self._last = ""  # the plain value before

    def read(self) -> int | None:
        """Return the place after the bracket that closes it, None where none does."""
        while self._place < len(self._text):
            character = self._text[self._place]
            if character == "\n" and self._leaves():
                break
            if character in " \t\r\n":
                self._place += 1
            elif character == "#":
                self._place = self._line_end()
            elif character in "{[":
                self._open.append(self._place)
                self._place, self._key, self._last = self._place + 1, None, ""
            elif character in "}]":
                if not self._close(character):
                    return None
                if not self._open:
                    return self._place
            elif character == ",":
                self._place, self._key = self._place + 1, None
            elif not (self._quotation() if character in "\"'" else self._item()):
                return None
        opened = self._text[self._open[-1]]
        self._scanner._note(
            "open",
            self._open[-1],
            f"the '{opened}' that opens here is not closed: add '{_CLOSES[opened]}'",
        )
        return None

    def _line_end(self) -> int:
        end = self._text.find("\n", self._place)
        return len(self._text) if end < 0 else end

    def _leaves(self) -> bool:
        """Whether the next line is a key outside: not further right than what opens this."""
        line = self._text[self._place + 1 :].partition("\n")[0]
        body = line.lstrip(" ")
        return bool(_KEY.match(body)) and len(line) - len(body) <= self._indent

    def _close(self, character: str) -> bool:
        opened = self._open.pop()
        if _CLOSES[self._text[opened]] != character:
            self._scanner._note(
                "open",
                opened,
                f"the '{self._text[opened]}' that opens here is closed by '{character}': close it "
                f"by '{_CLOSES[self._text[opened]]}' first",
            )
            return False
        self._place, self._key, self._last = self._place + 1, None, ""
        return True

    def _quotation(self) -> bool:
        start = self._place
        end = self._scanner._closing(start)
        line_end = self._line_end()
        if end is None or (end > line_end and _FLOW_KEY.search(self._text[line_end:end])):
            self._scanner._note(
                "open",
                start,
                f"the quotation mark {self._text[start]} that opens here is not closed",
            )
            return False
        self._place = end
        after = re.compile(r"[ \t]*").match(self._text, end)
        assert after is not None
        following = self._text[after.end() : after.end() + 1]
        if following == ":":
            self._place, self._key = after.end() + 1, self._text[start + 1 : end - 1]
        elif following and following not in ",}]#\n\r":
            self._after(start, end, after.end())
            return False
        return True

    def _after(self, start: int, end: int, place: int) -> None:
        """Say what follows a closing quotation mark: a key without its comma, or more text."""
        match = _FLOW_KEY.match(self._text, place)
        if match:
            self._scanner._note("comma", end, f"a comma is missing before '{match['key']}'")
            return
        rest, _ = self._balanced(place)
        inner = (self._text[start + 1 : end - 1] + self._text[end:place] + rest).replace(
            self._text[start], ""
        )
        written = f"{self._key}: {_quoted(inner)}" if self._key else _quoted(inner)
        self._scanner._note(
            "after",
            place,
            "text follows the closing quotation mark: put all of it into one pair, write "
            f"{_shown(written)}",
        )

    def _balanced(self, place: int) -> tuple[str, int]:
        """Return the text to the comma or bracket that ends it for a reader, and its end."""
        deep, at = [], place
        closes = {"(": ")", **_CLOSES}
        end = len(self._text)
        while at < end:
            character = self._text[at]
            if character == "\n" or (character == "#" and self._text[at - 1] == " "):
                break
            if character in closes:
                deep.append(closes[character])
            elif character in ")]}":
                if not deep:
                    if character != ")":
                        break
                elif deep.pop() != character:
                    break
            elif character == "," and not deep:
                break
            at += 1
        return self._text[place:at].strip(), at

    def _item(self) -> bool:
        """Read a plain key, or a plain value to where a reader would end it."""
        start = self._place
        in_mapping = self._text[self._open[-1]] == "{"
        match = _FLOW_KEY.match(self._text, start) if self._key is None else None
        if match:
            self._place, self._key = match.end(), match["key"]
            return True
        value, end = self._balanced(start)
        key, last = self._key, self._last
        self._place, self._last = end, value
        if in_mapping and key is None:
            self._no_colon(start, value, last)
            return True
        missing = re.search(r"\s(?P<key>[A-Za-z_]\w*):\s", value)
        if missing and "?" not in value[: missing.start()]:
            self._scanner._note(
                "comma", start + missing.start(), f"a comma is missing before '{missing['key']}'"
            )
        elif re.search(r"[\[\]{},]|:\s", value):
            self._quote(start, key, value)
        elif value == "":
            self._place += 1
        return True

    def _quote(self, start: int, key: str | None, value: str) -> None:
        value = value.strip("“”„‟‘’«»")
        if value.count('"') == 1:
            value = value.replace('"', "")  # the mark that would open the text is forgotten
        said = f"{key}: {_quoted(value)}" if key else _quoted(value)
        what = f"the {key}" if key else "it"
        self._scanner._note("quote", start, f"quote {what}: write {said}")

    def _no_colon(self, start: int, value: str, last: str) -> None:
        """Say what a key without a value is: a number after a comma, a colon forgotten."""
        tight = _TIGHT.match(value)
        decimal = re.fullmatch(r"\d+(?:[eE][-+]?\d+)?", value)
        if decimal and re.fullmatch(r"[-+]?\d+", last):
            self._scanner._note(
                "decimal", start, f"a decimal has a point: write {last}.{value} for {last},{value}"
            )
        elif tight:
            self._scanner._tight(start, tight)
        elif not _WORD.fullmatch(value):
            match = re.fullmatch(r"(?P<key>[A-Za-z_]\w*)(?:\s*=\s*|\s+)(?P<value>\S.*)", value)
            if match:
                said = f"{match['key']}: {match['value']}"
                self._scanner._note("colon", start, f"a key is followed by a colon: write {said}")
            else:
                self._scanner._note(
                    "quote", start, f"quote it, and drop the braces: write {_quoted(value)}"
                )
