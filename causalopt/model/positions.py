"""Where each key and value of a YAML text stands, beside the data itself.

YAML is composed to its node graph and built from there: the graph has the marks. Aliases are
refused, since a few of them can expand without bound; so are custom tags and duplicate keys.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from causalopt.errors import Location, ModelError
from causalopt.language.term import collector_paused

MAX_DEPTH = 50


@dataclasses.dataclass(frozen=True)
class Spot:
    """Where a key stands, and where its value does; lines and columns count from 1.

    Attributes:
        line: Of the key.
        column: Of the key.
        value_line: Of the value.
        value_column: Of the value.
        pieces: Where a text continues: (characters into it, line, column), in order. A folded
            text has one a line; empty where characters cannot be placed.
    """

    line: int
    column: int
    value_line: int | None = None
    value_column: int | None = None
    pieces: tuple[tuple[int, int, int], ...] = ()

    def inside(self, offset: int) -> Spot | None:
        """Return where a character of the value's text stands."""
        before = [piece for piece in self.pieces if piece[0] <= offset]
        if not before:
            return None
        start, line, column = before[-1]
        return Spot(line, column + offset - start)


@dataclasses.dataclass(frozen=True)
class Positions:
    """Path of keys -> spot."""

    spots: Mapping[tuple[str | int, ...], Spot]

    def find(
        self, path: tuple[str | int, ...], offset: int | None = None, *, is_key: bool = False
    ) -> Spot:
        """Return the spot of the value a path leads to, or of the nearest one above it.

        Args:
            path: The keys that lead to a place.
            offset: Characters into the value's text, when the place is inside it.
            is_key: Whether the last key is meant rather than its value.
        """
        for length in range(len(path), -1, -1):
            spot = self.spots.get(path[:length])
            if spot is None:
                continue
            if is_key or spot.value_line is None or spot.value_column is None:
                return spot
            inside = spot.inside(offset) if offset is not None and length == len(path) else None
            return inside or Spot(spot.value_line, spot.value_column)
        return Spot(1, 1)


def yaml_document(text: str, name: str) -> tuple[Any, Positions]:
    """Return a YAML text's data and the positions in it.

    Raises:
        ModelError: The text is no YAML, or uses aliases, tags or a key twice.
    """
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        with collector_paused():
            root = _composed(text, name)
    except ModelError:
        raise
    except MarkedYAMLError as error:
        raise _explained(text, name, error) from None
    except (ValueError, RecursionError) as error:
        message = str(error).splitlines()[0] if str(error) else "not YAML"
        raise ModelError(f"not YAML: {message}", location=Location(name, 1, 1)) from None
    except YAMLError as error:
        message = str(error).splitlines()[0]
        raise ModelError(f"not YAML: {message}", location=Location(name, 1, 1)) from None
    builder = _Builder(name, text)
    data = builder.build(root, ()) if root is not None else None
    return data, Positions(builder.spots)


def _explained(text: str, name: str, error: Any) -> ModelError:
    """Return the error of a text that is no YAML: the mistake that was made, or YAML's words."""
    from causalopt.model.yaml_mistakes import mistakes

    mark = error.problem_mark or error.context_mark
    last = mark.line + 1 if mark else 1
    for found in mistakes(text):
        if found.line <= last:
            return ModelError(found.message, location=Location(name, found.line, found.column))
    return ModelError(
        f"not YAML: {error.problem or 'cannot read it'}", location=_location(name, mark)
    )


def _composed(text: str, name: str) -> Any:
    """Return a text's node graph, with no aliases in it and no deeper than it may be."""
    from ruamel.yaml.composer import ComposerError

    try:
        return _watched(name).compose(text)
    except ComposerError:
        # A second document. What is wrong in either is said rather than that there are two.
        for _ in _watched(name).parse(text):
            pass
        raise


def _watched(name: str) -> Any:
    """Return a reader of YAML that refuses aliases and depths as they pass."""
    from ruamel.yaml import YAML
    from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

    yaml = YAML(typ="safe", pure=True)
    following = yaml.parser.get_event
    depth = 0

    def watched() -> Any:
        nonlocal depth
        event = following()
        depth += isinstance(event, CollectionStartEvent)
        depth -= isinstance(event, CollectionEndEvent)
        if isinstance(event, AliasEvent) or depth > MAX_DEPTH:
            message = (
                "aliases (*name) are not allowed in a model file: write the value out, or quote a "
                "text that begins with *"
                if isinstance(event, AliasEvent)
                else f"nested more than {MAX_DEPTH} levels deep"
            )
            raise ModelError(message, location=_location(name, event.start_mark))
        return event

    # Scanning is nearly all the cost: one pass both watches and composes.
    yaml.parser.get_event = watched
    return yaml


def _location(name: str, mark: Any) -> Location:
    return Location(name, mark.line + 1, mark.column + 1) if mark else Location(name, 1, 1)


def _integer(text: str) -> int | float:
    plain = text.replace("_", "")
    if len(plain) > 400:
        raise ValueError("an integer of more than 400 digits")
    return int(plain, 0 if plain.lstrip("+-")[:2].lower() in {"0x", "0o"} else 10)


def _float(text: str) -> float:
    plain = text.replace("_", "").lower()
    special = {".inf": "inf", "+.inf": "inf", "-.inf": "-inf", ".nan": "nan"}
    return float(special.get(plain, plain))


_SCALARS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": _integer,
    "float": _float,
    "bool": lambda text: text.lower() == "true",
    "null": lambda _: None,
}


class _Builder:
    """Data from a node graph, noting where each key and value stands."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._lines = text.splitlines()
        self.spots: dict[tuple[str | int, ...], Spot] = {}

    def _fail(self, node: Any, message: str) -> ModelError:
        return ModelError(message, location=_location(self._name, node.start_mark))

    def build(self, node: Any, path: tuple[str | int, ...]) -> Any:
        kind = str(node.tag).rsplit(":", 1)[-1]
        if node.id == "mapping" and kind == "map":
            return self._mapping(node, path)
        if node.id == "sequence" and kind == "seq":
            return self._sequence(node, path)
        if node.id == "scalar" and kind in _SCALARS:
            try:
                return _SCALARS[kind](node.value)
            except ValueError as error:
                raise self._fail(node, f"cannot read this value: {error}") from None
        raise self._fail(
            node,
            f"the tag {node.tag} is not allowed in a model file: quote a text that begins with !",
        )

    def _mapping(self, node: Any, path: tuple[str | int, ...]) -> dict[str, Any]:
        self.spots.setdefault(path, Spot(node.start_mark.line + 1, node.start_mark.column + 1))
        data: dict[str, Any] = {}
        for key, value in node.value:
            if key.id != "scalar":
                raise self._fail(key, "a key is a plain text")
            if key.value in data:
                first = self.spots[(*path, key.value)].line
                raise self._fail(
                    key,
                    f"the key '{key.value}' stands here a second time, first on line {first}: "
                    "drop one of them, or rename it",
                )
            self._note((*path, key.value), key, value)
            data[key.value] = self.build(value, (*path, key.value))
        return data

    def _sequence(self, node: Any, path: tuple[str | int, ...]) -> list[Any]:
        for i, item in enumerate(node.value):
            self._note((*path, i), item, item)
        return [self.build(item, (*path, i)) for i, item in enumerate(node.value)]

    def _note(self, path: tuple[str | int, ...], key: Any, value: Any) -> None:
        start, mark = key.start_mark, value.start_mark
        if value.id == "scalar" and not value.value and value.style is None:
            mark = start  # nothing was written: the key is the place
        quoted = getattr(value, "style", None) in {"'", '"'}
        column = mark.column + 1 + quoted
        pieces = self._pieces(value, column) if value.id == "scalar" else ()
        self.spots[path] = Spot(start.line + 1, start.column + 1, mark.line + 1, column, pieces)

    def _pieces(self, value: Any, column: int) -> tuple[tuple[int, int, int], ...]:
        """Follow a text over its lines: each is cut free of its indent and joined by one space."""
        mark, last = value.start_mark, value.end_mark.line
        if last == mark.line:
            return ((0, mark.line + 1, column),)
        block = value.style in {"|", ">"}
        pieces = [] if block else [(0, mark.line + 1, column)]
        length = 0 if block else len(self._lines[mark.line].rstrip()) - column + 2
        for number in range(mark.line + 1, min(last + 1, len(self._lines))):
            line = self._lines[number]
            indent = len(line) - len(line.lstrip())
            pieces.append((length, number + 1, indent + 1))
            length += len(line.strip()) + 1
        return tuple(pieces)
