"""A model file looked through: all its mistakes at once, and what is doubtful in it.

A mistake is found by reading; to find the next, the place of the first is mended and the file read
again. The mended text is seen by nobody.
"""

from __future__ import annotations

import copy
import dataclasses
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from causalopt.checks.doubtful_parts import doubts
from causalopt.checks.unit_checks import has_units, unit_doubts
from causalopt.errors import Location, ModelError
from causalopt.extras import has, install_line
from causalopt.model.files import declared, file_of, place_of, read_data, read_text
from causalopt.model.model import Model
from causalopt.model.positions import Positions

_MOST = 25
_Keys = tuple[str | int, ...]


@dataclasses.dataclass(frozen=True)
class ExaminedFile:
    """What was found in a model file; errors and warnings have their places.

    Attributes:
        model: The model, None where the file is wrong.
        errors: All mistakes that were found, in the order of the file.
        warnings: What is doubtful, in the order of the file.
        notes: What was not looked at, and what is worth knowing.
    """

    model: Model | None
    errors: tuple[ModelError, ...] = ()
    warnings: tuple[ModelError, ...] = ()
    notes: tuple[str, ...] = ()


def examine(name: str | os.PathLike[str], changes: Mapping[str, Any] | None = None) -> ExaminedFile:
    """Return all that is wrong or doubtful in a model.

    Args:
        name: A shipped model's name, or a file.
        changes: What `Model.replace` takes: other parameter and initial values, dt and method.

    Raises:
        FileError: The file cannot be read.
        UnknownNameError: It is no file, and no shipped model has this name.
        CausaloptError: A change is wrong.

    Example:
        >>> examine("thermostat").warnings
        ()
    """
    file = file_of(name)
    text, kind = read_text(file)
    reading = _Reading(text, kind, str(file), file.parent)
    model = reading.read()
    if model is None:
        return ExaminedFile(None, tuple(_in_order(reading.errors)))
    model = model.replace(**(changes or {}))
    assert reading.positions is not None
    found = [reading.placed(doubt) for doubt in [*reading.empty_keys(), *model_doubts(model)]]
    return ExaminedFile(model, (), tuple(_in_order(found)), unit_notes(model))


def model_doubts(model: Model) -> list[ModelError]:
    """Return what is doubtful in a model, units included where pint is installed."""
    return [*doubts(model), *(unit_doubts(model) if has("pint") else [])]


def unit_notes(model: Model) -> tuple[str, ...]:
    """Return why units were not checked, where the model names some."""
    if not has_units(model):
        return ()
    if model.is_array:
        return ("units were not checked: rules on arrays are not read for them",)
    if not has("pint"):
        return (f"units were not checked, which needs pint: {install_line('units')}",)
    return ()


def _in_order(found: list[ModelError]) -> list[ModelError]:
    return sorted(found, key=lambda e: (e.location.line or 0, e.location.column or 0))


class _Reading:
    """One file being read, again and again while mistakes are found in it."""

    def __init__(self, text: str, kind: str, name: str, folder: Path) -> None:
        self._text, self._kind, self._name, self._folder = text, kind, name, folder
        self.errors: list[ModelError] = []
        self.positions: Positions | None = None
        self._data: dict[str, Any] = {}

    def read(self) -> Model | None:
        """Return the model; None after noting all mistakes that can be found."""
        try:
            self._data, self.positions = read_data(self._text, self._kind, self._name)
        except ModelError as error:
            self._note(error)
            self._further_quotes()
            return None
        data = copy.deepcopy(self._data)
        while len(self.errors) < _MOST:
            try:
                model = declared(
                    data,
                    self.positions,
                    self._text,
                    self._kind,
                    name=self._name,
                    folder=self._folder,
                )
            except ModelError as error:
                if not self._note(error):
                    return None
                if not error.path and not error.is_key:
                    self._further_quotes()
                    return None
                if not _mended(data, error):
                    return None
            else:
                return None if self.errors else model
        return None

    def _note(self, error: ModelError) -> bool:
        """Keep an error with its line; whether it is a new one."""
        places = [(e.location.line, e.location.column, e.message) for e in self.errors]
        if (error.location.line, error.location.column, error.message) in places:
            return False
        self.errors.append(error.shown_in(self._text))
        return True

    def _further_quotes(self) -> None:
        """Note all texts that want quotes: where one is cut at a comma, most of a file is."""
        if self._kind != "yaml":
            return
        from causalopt.model.yaml_mistakes import mistakes

        lines = {e.location.line for e in self.errors}
        for found in mistakes(self._text):
            if found.kind in {"quote", "decimal"} and found.line not in lines:
                place = Location(self._name, found.line, found.column)
                self._note(ModelError(found.message, location=place))

    def placed(self, doubt: ModelError) -> ModelError:
        """Return a doubt with its place in the file."""
        assert self.positions is not None
        spot = place_of(self.positions, doubt)
        doubt.location = Location(self._name, spot.line, spot.column)
        return doubt.shown_in(self._text)

    def empty_keys(self) -> list[ModelError]:
        """Return the keys of variables that have nothing after them, and so mean nothing."""
        variables = self._data.get("variables")
        return [
            ModelError(
                f"'{key}' has nothing after it, and '{name}' is read without it: write the {key}, "
                "or drop the key",
                ("variables", name, key),
                is_key=True,
            )
            for name, said in (variables or {}).items()
            if isinstance(said, dict)
            for key, value in said.items()
            if value is None
        ]


def _mended(data: dict[str, Any], error: ModelError) -> bool:
    """Mend the place of an error so that the rest can be read; whether that could be done."""
    path = error.path
    meant = re.search(r"did you mean '(\w+)'\?", error.message)
    if error.is_key:
        parent = _at(data, path[:-1])
        if path[0] in {"variables", "parameters", "functions"} and len(path) == 2:
            return False  # others name it
        value = parent.pop(path[-1], None) if isinstance(parent, dict) else None
        if meant and meant[1] not in parent:
            parent[meant[1]] = value
        return True
    if not path:
        missing = re.search(r"the key 'name' is missing", error.message)
        return bool(missing) and data.setdefault("name", "m") == "m"
    section = path[0]
    if section == "variables" and len(path) >= 2:
        return _mended_variable(data["variables"], path)
    if section == "parameters" and len(path) >= 2:
        data["parameters"][path[1]] = 1
        return True
    if section == "functions" and len(path) == 2:
        data["functions"][path[1]] = "0"
        return True
    if section in {"partition", "question", "training", "facts", "title", "source", "time_unit"}:
        if section == "question" and len(path) > 1:
            data["question"].pop(path[1], None)
            return True
        data.pop(str(section), None)
        if section == "partition" and isinstance(data.get("question"), dict):
            data["question"].pop("hold", None)
        return True
    return False


def _mended_variable(variables: dict[str, Any], path: _Keys) -> bool:
    name, key = path[1], path[2] if len(path) > 2 else None
    said = variables.get(str(name))
    if isinstance(said, str):
        said, key = {"rule": said}, "rule"
    if not isinstance(said, dict):
        variables[str(name)] = {"initial": 0}
        return True
    if any(word in said for word in ("domain", "table", "noise", "shape")):
        return False  # labels, laws and shapes are read by others
    said = variables[str(name)] = dict(said)
    if key == "rule":
        in_time = re.search(r"\[\s*t", str(said["rule"])) is not None
        said["rule"] = f"0*{name}[t-1]" if in_time else "0"
        if in_time and said.get("initial") is None:
            said["initial"] = 0
    elif key in {"flow", "algebraic"}:
        said[key] = "0"
    elif key == "initial" or key is None:
        said["initial"] = 0
    else:
        said.pop(str(key), None)
    return True


def _at(data: Any, path: _Keys) -> Any:
    for key in path:
        data = data[key]
    return data
