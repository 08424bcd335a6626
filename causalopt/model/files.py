"""Model files: YAML, TOML or JSON to a Model and back, a position for every error; shipped ones."""

from __future__ import annotations

import codecs
import functools
import io
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from causalopt.errors import (
    ArgumentError,
    FileError,
    Location,
    ModelError,
    UnknownNameError,
    suggestion,
)
from causalopt.model.array_source import ArraySource
from causalopt.model.declaration import Variable, shown
from causalopt.model.model import Model, model_of_checked
from causalopt.results import written
from causalopt.work.interrupts import imports_whole

if TYPE_CHECKING:
    from causalopt.model.positions import Positions, Spot

_PACKAGE = Path(__file__).resolve().parents[1]
MAX_BYTES = 16 << 20
FORMATS = {".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json"}


@functools.cache
def models_folder() -> Path:
    """Return the folder of the shipped models: in the wheel, else at the top of the checkout.

    Raises:
        FileError: Neither is there.
    """
    for folder in (_PACKAGE / "_models", _PACKAGE.parent / "models"):
        if folder.is_dir():
            return folder
    raise FileError("the shipped models are missing: install causalopt again")


def shipped() -> dict[str, Path]:
    """Return name -> file of every shipped model, in alphabetical order.

    Example:
        >>> "thermostat" in shipped()
        True
    """
    return {file.stem: file for file in sorted(models_folder().glob("*.yaml"))}


@imports_whole
def load(name: str | os.PathLike[str]) -> Model:
    """Return a shipped model by its name, or the model of a file.

    Args:
        name: A name that `causalopt models` lists, or a path ending in .yaml, .toml or .json.

    Raises:
        UnknownNameError: It is neither.
        ModelError: The file declares no valid model.

    Example:
        >>> load("thermostat").title
        'Continuous thermostat'
    """
    return read_model(file_of(name))


def file_of(name: str | os.PathLike[str]) -> Path:
    """Return the file of a model that its name or its path means; a path is not looked up.

    Raises:
        UnknownNameError: It is neither a path nor a shipped model's name.
        FileError: It is a folder.
    """
    text = os.fspath(name)
    if "\n" in text:
        raise UnknownNameError(
            "a text of many lines names no model: write causalopt.parse_model(text) for a "
            "declaration"
        )
    if Path(text).suffix.lower() in FORMATS or os.sep in text:
        return Path(text)
    files = shipped()
    if text in files:
        return files[text]
    if os.path.isfile(text):  # a name too long for a path is simply no file
        return Path(text)
    if os.path.isdir(text):
        raise FileError(f"'{text}' is a folder: name a model file in it")
    stem = os.path.splitext(text)[0]
    here = [name + end for name in (text, stem) for end in FORMATS if os.path.isfile(name + end)]
    if here:
        raise UnknownNameError(f"no shipped model is called '{text}'; did you mean '{here[0]}'?")
    raise UnknownNameError(
        f"no shipped model is called '{text}' (a file's name ends in {', '.join(FORMATS)})"
        f"{suggestion(text, files)}"
    )


@imports_whole
def read_model(path: str | os.PathLike[str]) -> Model:
    """Return the model a file declares.

    Args:
        path: A `.yaml`, `.yml`, `.toml` or `.json` file.

    Raises:
        FileError: The file cannot be read.
        ModelError: It declares no valid model; the location says file, line and column.

    Example:
        >>> from causalopt import shipped
        >>> read_model(shipped()["thermostat"]).name
        'thermostat'
    """
    from causalopt.model import kept_declarations

    file = Path(path)
    text, kind = read_text(file)
    kept = kept_declarations.find_kept(text, kind)
    if kept is not None:
        try:
            return model_of_checked(kept, ArraySource(file.parent))
        except ModelError:  # its place is found by reading the text
            pass
    model = parse_model(text, kind, name=str(file), folder=file.parent)
    kept_declarations.keep(text, kind, model)
    return model


def read_text(file: Path) -> tuple[str, str]:
    """Return a model file's text and its format.

    Raises:
        FileError: It cannot be read, or its name has no known ending.
    """
    kind = FORMATS.get(file.suffix.lower())
    if kind is None:
        raise FileError(f"'{file}' is no model file: its name ends in {', '.join(FORMATS)}")
    try:
        if file.stat().st_size > MAX_BYTES:
            raise FileError(f"'{file}' is larger than {MAX_BYTES >> 20} MiB: too large for a model")
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(f"cannot read '{file}': {error.strerror}{_files_near(file)}") from None
    except UnicodeDecodeError as error:
        raise FileError(f"cannot read '{file}': {_no_utf8(error)}") from None
    if text[1:2] == "\0":
        raise FileError(f"cannot read '{file}': {_UTF16}")
    return text, kind


_UTF16 = "it is saved as UTF-16, and a model file is UTF-8: save it with that encoding"


def _files_near(file: Path) -> str:
    """Return a hint at a model file beside one that is not there, or a shipped one of its name."""
    if file.exists():
        return ""
    if not file.parent.is_dir():
        return f"; there is no folder '{file.parent}'"
    if file.stem in shipped():
        return f"; the shipped model is called '{file.stem}'"
    files = [f for f in sorted(file.parent.iterdir()) if f.suffix.lower() in FORMATS]
    files.sort(key=lambda f: f.suffix == file.suffix)  # of two with one stem, that of this ending
    beside = {f.stem: f.name for f in files}
    hint = suggestion(file.stem, beside)
    for stem, name in beside.items():
        hint = hint.replace(f"did you mean '{stem}'?", f"did you mean '{name}'?")
    return hint if "did you mean" in hint else ""


def _no_utf8(error: UnicodeDecodeError) -> str:
    """Return why bytes are no text, and how the file is saved instead."""
    if error.object.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _UTF16
    line = error.object.count(b"\n", 0, error.start) + 1
    return f"byte {error.start} is not UTF-8 text, on line {line}: save the file with that encoding"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of model files, for editors.

    Example:
        >>> schema()["required"]
        ['name', 'variables']
    """
    data = Model.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **data}


@imports_whole
def parse_model(
    text: str,
    kind: str = "yaml",
    *,
    name: str = "<text>",
    folder: str | os.PathLike[str] | None = None,
) -> Model:
    """Return the model a text declares.

    Args:
        text: The declaration.
        kind: `yaml`, `toml` or `json`.
        name: What error messages call the text.
        folder: Where the files of arrays are that it names; the working folder when not given.

    Example:
        >>> model = parse_model("{name: m, variables: {x: {rule: 'x[t-1]/2', initial: 1}}}")
        >>> model.name
        'm'
    """
    try:
        data, positions = read_data(text, kind, name)
        return declared(data, positions, text, kind, name=name, folder=folder)
    except ModelError as error:
        raise error.shown_in(text) from None


def read_data(text: str, kind: str, name: str) -> tuple[dict[str, Any], Positions]:
    """Return what a text says, and where.

    Raises:
        ModelError: It is no YAML, TOML or JSON, or no mapping.
    """
    if kind not in _PARSERS:
        raise ArgumentError(f"a model's text is yaml, toml or json, found kind {shown(kind)}")
    data, positions = _PARSERS[kind](text, name)
    if data is None:
        raise ModelError(
            f"the file is empty{' but for comments' if text.strip() else ''}: write name: and "
            "variables:, as `causalopt check thermostat` shows",
            location=Location(name, 1, 1),
        )
    if not isinstance(data, dict):
        is_name = isinstance(data, str) and os.path.splitext(data)[1].lower() in FORMATS
        raise ModelError(
            f"a model file is a mapping: name, variables, ..., found {shown(data)}"
            f"{f': write causalopt.load({data!r}) for a file' if is_name else ''}",
            location=Location(name, 1, 1),
        )
    return {str(key): value for key, value in data.items()}, positions


def declared(
    data: Mapping[str, Any],
    positions: Positions,
    text: str,
    kind: str,
    *,
    name: str,
    folder: str | os.PathLike[str] | None = None,
) -> Model:
    """Return the model that a text's data declares.

    Raises:
        ModelError: It declares no valid model; the location says where.
    """
    try:
        return Model(ArraySource(None if folder is None else Path(folder)), **data)
    except ModelError as error:
        cut = _cut_short(text, name) if kind == "yaml" else None
        if cut is not None:
            raise cut from None
        error = _section_elsewhere(data, error) or error
        spot = place_of(positions, error)
        raise ModelError(
            error.message + _misplaced(data, positions),
            error.path,
            error.offset,
            Location(name, spot.line, spot.column),
            is_key=error.is_key,
        ) from None


def place_of(positions: Positions, error: ModelError) -> Spot:
    """Return where an error's path leads: to the value of a parameter that has a unit too."""
    path = error.path
    value = (*path, "value")
    if path[:1] == ("parameters",) and len(path) == 2 and not error.is_key:
        path = value if value in positions.spots else path
    return positions.find(path, error.offset, is_key=error.is_key)


def _cut_short(text: str, name: str) -> ModelError | None:
    """Return what explains an error better than its words: a text that YAML cut at a comma."""
    from causalopt.model.yaml_mistakes import mistakes

    for found in mistakes(text):
        if found.kind in {"quote", "decimal"} or (found.kind == "colon" and found.column > 1):
            return ModelError(found.message, location=Location(name, found.line, found.column))
    return None


def _section_elsewhere(data: Mapping[str, Any], error: ModelError) -> ModelError | None:
    """Return the error of a section of a model that stands in another."""
    path = error.path
    section = data.get(str(path[0])) if path else None
    if len(path) == 1 and error.is_key and isinstance(section, dict) and "variables" in section:
        return ModelError(
            f"'{path[0]}' holds what belongs at the top: drop this line and indent those below it "
            "less",
            path,
            is_key=True,
        )
    if len(path) < 2 or path[0] != "variables" or not isinstance(section, dict):
        return None
    found = section.get(str(path[1]))
    is_section = path[1] in {"parameters", "partition", "question", "sizes", "functions", "facts"}
    if is_section and not (isinstance(found, dict) and set(found) & set(Variable.model_fields)):
        return ModelError(
            f"'{path[1]}' is indented among the variables: move it to the column of 'variables'",
            path[:2],
            is_key=True,
        )
    return None


def _misplaced(data: Mapping[str, Any], positions: Positions) -> str:
    """Return what to say of a variable that is called like a key of variables."""
    variables = data.get("variables")
    before = None
    for key in variables if isinstance(variables, dict) else ():
        if key in Variable.model_fields and before is not None:
            line = positions.find(("variables", key), is_key=True).line
            return (
                f"; '{key}' on line {line} stands in the column of the variables: indent it to "
                f"belong to '{before}'"
            )
        before = key
    return ""


def _parse_yaml(text: str, name: str) -> tuple[Any, Positions]:
    from causalopt.model.positions import yaml_document  # a kept declaration is not read

    return yaml_document(text, name)


def _parse_json(text: str, name: str) -> tuple[Any, Positions]:
    try:
        data = json.loads(text, parse_constant=_no_constant(name))
    except json.JSONDecodeError as error:
        location = Location(name, error.lineno, error.colno)
        raise ModelError(f"not JSON: {error.msg}", location=location) from None
    except RecursionError:
        raise ModelError("nested too deeply for a model", location=Location(name, 1, 1)) from None
    from causalopt.model.positions import yaml_document

    # JSON is YAML once tabs, which JSON allows between tokens only, are spaces, and characters that
    # YAML does not know are others.
    _, positions = yaml_document(re.sub(_NOT_YAML, "\ufffd", text.replace("\t", " ")), name)
    return data, positions


_NOT_YAML = "[^\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"


def _no_constant(name: str) -> Callable[[str], Any]:
    def refuse(constant: str) -> Any:
        raise ModelError(f"JSON has no {constant}", location=Location(name))

    return refuse


def _parse_toml(text: str, name: str) -> tuple[Any, Positions]:
    import tomllib

    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        end = text.splitlines() or [""]
        spot = (int(match[1]), int(match[2])) if match else (len(end), len(end[-1]) + 1)
        place = Location(name, *spot)
        message = re.sub(r" \(at .*\)", "", str(error))
        raise ModelError(f"not TOML: {message}", location=place) from None
    except RecursionError:
        raise ModelError("nested too deeply for a model", location=Location(name, 1, 1)) from None
    return data, _toml_positions(text)


def _toml_positions(text: str) -> Positions:
    """Find keys by their lines: the standard parser keeps no positions."""
    from causalopt.model.positions import Positions, Spot

    spots: dict[tuple[str | int, ...], Spot] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[+\s*([^\[\]]+?)\s*\]+", line)
        if header:
            table = tuple(part.strip().strip("\"'") for part in header[1].split("."))
            spots[table] = Spot(number, 1)
            continue
        prefix = table
        for pair in re.finditer(r"([\w.\-]+|\"[^\"]*\"|'[^']*')\s*=\s*(\{?)\s*(['\"]?)", line):
            key = (*prefix, *(part.strip("\"'") for part in pair[1].split(".")))
            column = pair.end() + 1
            pieces = ((0, number, column),) if pair[3] else ()
            spots[key] = Spot(number, pair.start() + 1, number, column, pieces)
            prefix = key if pair[2] else prefix
    return Positions(spots)


_PARSERS = {"yaml": _parse_yaml, "json": _parse_json, "toml": _parse_toml}


@imports_whole
def to_text(model: Model, kind: str = "yaml") -> str:
    """Return a model as YAML, TOML or JSON that reads back as the same model.

    Example:
        >>> print(to_text(parse_model("{name: m, variables: {x: {initial: 1}}}")).rstrip())
        name: m
        variables:
          x:
            initial: 1
    """
    return _text_of(_declaration(model), kind)


def _declaration(model: Model) -> dict[str, Any]:
    """Return what a model says as a file says it: a parameter's unit beside its value."""
    data: dict[str, Any] = _plain(model.model_dump(mode="json", exclude_defaults=True))
    for name, unit in data.pop("parameter_units", {}).items():
        data["parameters"][name] = {"value": data["parameters"][name], "unit": unit}
    return data


def _text_of(data: dict[str, Any], kind: str) -> str:
    """Return a declaration as text."""
    if kind == "json":
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    if kind == "toml":
        return _to_toml(data)
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.allow_unicode = True
    yaml.width = 2**31
    known = yaml.representer.yaml_representers  # made now, with the settings above
    yaml.representer.yaml_representers = {**known, str: _yaml_text}
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()


def is_ordinary(text: str) -> bool:
    """Whether a text is one line of visible characters, each word a single space from the next.

    Only such a text goes unquoted through formats that fold lines and drop space.

    Example:
        >>> is_ordinary("R[t-1] - d"), is_ordinary("R[t-1]  - d")
        (True, False)
    """
    spaced = text == text.strip() and "  " not in text
    return spaced and text.isprintable() and not text.startswith('"')


def _yaml_text(representer: Any, text: str) -> Any:
    lines = text.split("\n")
    block = bool(lines[0]) and all(map(is_ordinary, lines))
    style = None if is_ordinary(text) else "|" if block else '"'
    return representer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _plain(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _plain(value) for key, value in data.items()}
    return [_plain(value) for value in data] if isinstance(data, list) else data


def _to_toml(data: dict[str, Any]) -> str:
    lines = [
        f"{key} = {_toml(value)}" for key, value in data.items() if not isinstance(value, dict)
    ]
    for key, table in data.items():
        if isinstance(table, dict):
            lines += ["", f"[{key}]"]
            lines += [f"{_toml_key(name)} = {_toml(value)}" for name, value in table.items()]
    return "\n".join(lines) + "\n"


def _toml_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        pairs = ", ".join(f"{_toml_key(k)} = {_toml(v)}" for k, v in value.items() if v is not None)
        return "{" + pairs + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


@written.register
def write_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model to a file, whole or not at all.

    Arrays that go with the model in memory are written beside it, in a file of the same name that
    ends in .npz.

    Raises:
        FileError: The file cannot be written, or its name has no known ending.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_model(Model(name="m", variables={"x": 1}), f"{folder}/m.yaml")
        ...     read_model(f"{folder}/m.yaml").variables["x"].initial
        1
    """
    target = Path(path)
    kind = FORMATS.get(target.suffix.lower())
    if kind is None:
        raise FileError(f"'{path}' needs a name that ends in {', '.join(FORMATS)}")
    data = _declaration(model)
    in_memory = _place_arrays(data, model.array_source, target)
    contents = {target: _text_of(data, kind).encode()}
    if in_memory:
        contents = {arrays_file(target): _npz(model.array_source, in_memory), **contents}
    write_together(contents)


def arrays_file(path: str | os.PathLike[str]) -> Path:
    """Return the file beside a model's file for arrays that were in memory.

    Example:
        >>> arrays_file("nets/net.yaml").name
        'net.npz'
    """
    return Path(path).with_suffix(".npz")


def _place_arrays(data: dict[str, Any], source: ArraySource, target: Path) -> list[str]:
    """Let a declaration name its arrays as seen from its file; return those in memory."""
    in_memory: list[str] = []
    for variable in data["variables"].values():
        for key in ("values", "data"):
            path, sign, name = str(variable.get(key, "")).partition("#")
            if key not in variable:
                continue
            if not path.strip():
                in_memory.append(name.strip())
                variable[key] = f"{arrays_file(target).name}#{name.strip()}"
            elif not Path(path.strip()).is_absolute():
                found = os.path.relpath(source.file(path.strip()), target.parent)
                variable[key] = f"{Path(found).as_posix()}{sign}{name}"
    return list(dict.fromkeys(in_memory))


def _npz(source: ArraySource, names: list[str]) -> bytes:
    import numpy as np

    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **{name: source.arrays[name] for name in names})
    return stream.getvalue()


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file so that a reader sees all of it or nothing of it.

    Raises:
        FileError: The file cannot be written.
    """
    write_together({Path(path): content})


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write files so that all of them are new, or all of them are as they were.

    Raises:
        FileError: One cannot be written.
    """
    temporary: dict[Path, str] = {}
    before: dict[Path, Path] = {}
    done: list[Path] = []
    target = next(iter(contents))
    try:
        try:
            for target, content in contents.items():
                temporary[target] = _written_beside(target, content)
            for target in contents:
                if len(contents) > 1 and target.is_file():
                    before[target] = Path(temporary[target] + ".before")
                    os.replace(target, before[target])
                os.replace(temporary[target], target)
                done.append(target)
        except BaseException:
            for file in done:
                file.unlink(missing_ok=True)
            for file, old in before.items():
                os.replace(old, file)
            raise
        finally:
            for left in [*map(Path, temporary.values()), *before.values()]:
                left.unlink(missing_ok=True)
    except OSError as error:
        raise FileError(f"cannot write '{target}': {error.strerror}") from None


def _written_beside(target: Path, content: bytes) -> str:
    """Write a file under a passing name beside its place, and return that name."""
    import tempfile

    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return temporary
