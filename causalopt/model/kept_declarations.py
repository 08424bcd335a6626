"""Declarations that were read and checked before, kept on disk by the text of their file.

Reading YAML and checking keys and types takes longer than most questions. What is kept is what came
of that: the fields' values, as JSON. They are read as data, and nothing in them is run or imported:
a pickle could do both. What the texts in them mean, a model's own work, is checked each time anew.
The key has the file's whole text, the versions of what read it and the state of our own sources; an
entry is written whole, has a checksum and is believed only in a folder that is the user's own, as
compiled code is (`causalopt.object_store`). An entry that is not what is expected is not used.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from causalopt.model import declaration
from causalopt.model.declaration import FixedMapping
from causalopt.model.frozen_record import Record, of_checked
from causalopt.model.model import Model
from causalopt.object_store import ObjectStore

_RECORDS: Mapping[str, type[Record]] = {
    kind.__name__: kind
    for kind in (
        declaration.Variable,
        declaration.Partition,
        declaration.Question,
        declaration.TrainingSettings,
        declaration.Fact,
    )
}
_SOURCES = ("declaration", "files", "frozen_record", "kept_declarations", "model", "positions")
_READERS = ("pydantic/version.py", "ruamel/yaml/__init__.py")  # each says its package's version


class _NoDataError(Exception):
    """A value is none of those that declarations have."""


def find_kept(text: str, kind: str) -> dict[str, Any] | None:
    """Return the fields of the model that a text declares, None where they are not kept.

    Args:
        text: The file's text.
        kind: `yaml`, `toml` or `json`.
    """
    store, key = ObjectStore.default().beside("declarations"), _key(text, kind)
    content = None if key is None else store.find(key)
    if content is None:
        return None
    try:
        return _fields(Model, json.loads(content))
    except (_NoDataError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def keep(text: str, kind: str, model: Model) -> None:
    """Keep the fields of the model that a text declares."""
    key = _key(text, kind)
    if key is None:
        return
    try:
        values = {name: _written(getattr(model, name)) for name in Model.model_fields}
    except _NoDataError:
        return
    ObjectStore.default().beside("declarations").keep(key, json.dumps(values).encode())


def _key(text: str, kind: str) -> str | None:
    """Return what an entry is found by: None where sources are not files."""
    try:
        here = Path(__file__).parent
        states = [(here / f"{name}.py").stat() for name in _SOURCES]
        states += [_file_of(reader).stat() for reader in _READERS]
    except (OSError, LookupError):
        return None
    said = [[state.st_mtime_ns, state.st_size] for state in states]
    return f"declaration\n{sys.version}\n{__file__}\n{said}\n{kind}\n{text}"


def _file_of(reader: str) -> Path:
    package, _, rest = reader.partition("/")
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        if (Path(folder) / rest).is_file():
            return Path(folder) / rest
    raise LookupError(reader)


def _written(value: Any) -> Any:
    """Return a value as JSON; what JSON does not tell apart is a pair of its kind and its parts."""
    if value is None or type(value) in {bool, int, float, str}:
        return value
    if isinstance(value, Record):
        name = type(value).__name__
        if _RECORDS.get(name) is not type(value):
            raise _NoDataError
        return [name, {key: _written(getattr(value, key)) for key in value.model_fields}]
    if type(value) is dict or type(value) is FixedMapping:
        pairs = [[_written(key), _written(each)] for key, each in value.items()]
        return [type(value).__name__, pairs]
    if type(value) in {list, tuple}:
        return [type(value).__name__, [_written(each) for each in value]]
    raise _NoDataError


def _read(value: Any) -> Any:
    if value is None or type(value) in {bool, int, float, str}:
        return value
    name, parts = value
    if name in _RECORDS:
        return of_checked(_RECORDS[name], _fields(_RECORDS[name], parts))
    if name in {"list", "tuple"}:
        items = [_read(each) for each in parts]
        return items if name == "list" else tuple(items)
    if name not in {"dict", "FixedMapping"}:
        raise _NoDataError
    pairs = {_read(key): _read(each) for key, each in parts}
    return pairs if name == "dict" else FixedMapping(pairs)


def _fields(kind: type[Record], parts: dict[str, Any]) -> dict[str, Any]:
    if parts.keys() != kind.model_fields.keys():
        raise _NoDataError
    return {key: _read(value) for key, value in parts.items()}
