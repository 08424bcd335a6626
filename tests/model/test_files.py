from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings

from causalopt import (
    FileError,
    Model,
    ModelError,
    load,
    parse_model,
    read_model,
    shipped,
    to_text,
    write_model,
)
from tests.strategies import templates

THERMOSTAT = """\
name: thermostat
parameters: {k: 0.01, d: 25}
variables:
  T: {rule: "R[t-1] - d", initial: 10}
  R: {rule: "R[t-1] - k*T[t-1]", initial: 35}
partition: {A: [T], B: [R]}
question: {nudge: "R[0]", hold: A, target: R, steps: 10}
"""


@given(templates())
@settings(max_examples=30)
def test_every_format_gives_the_same_model_back(model: Model) -> None:
    for kind in ("yaml", "toml", "json"):
        assert parse_model(to_text(model, kind), kind) == model


@pytest.mark.parametrize("name", sorted(shipped()))
@pytest.mark.parametrize("ending", ["yaml", "toml", "json"])
def test_a_shipped_model_survives_every_file(name: str, ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"model.{ending}"
    write_model(load(name), file)
    assert read_model(file) == load(name)


def text_at(text: str, line: int | None, column: int | None) -> str:
    assert line is not None
    assert column is not None
    return text.splitlines()[line - 1][column - 1 :]


@pytest.mark.parametrize(
    ("old", "new", "there", "message"),
    [
        ("k*T", "kk*T", "kk*T[t-1]", "unknown name 'kk'; did you mean 'k'"),
        ("rule", "rul", "rul:", "unknown key 'rul'; did you mean 'rule'"),
        ("initial: 10", "initial: yes!", "!}", "a factorial is not part of the language"),
        ("initial: 10", "initial: true", "true", "truth value"),
        ("d: 25", "d: .nan", ".nan", "finite"),
        ("d: 25", "d: 1/0", "1/0", "finite number"),
        ("d: 25", "d: k2", "k2", "unknown name 'k2'"),
        ("d: 25", "t: 26", "t: 26", "word of the language"),
        ("d: 25", "k: 25", "k: 25", "a second time"),
        ("A: [T]", "A: [Q]", "Q]", "unknown variable 'Q'"),
        ("B: [R]", "B: []", "{A:", "neither A nor B"),
        ("B: [R]", "B: [R, T]", "{A:", "in A and in B"),
        ('"R[0]"', '"Q[0]"', "Q[0]", "unknown variable 'Q'"),
        ("hold: A", "hold: 'T[x]'", "T[x]", "steps must read"),
        ("steps: 10", "steps: -1", "-1", "greater than or equal to 0"),
        ("steps: 10", "steps: many", "many", "expected a whole number, found 'many'"),
        ('R[t-1] - d", initial: 10', 'R[t-1] - d"', "R[t-1]", "before t = 0"),
        ("name: thermostat", "nam: thermostat", "nam", "unknown key 'nam'|'name' is missing"),
        ("name: thermostat", "name: &a thermostat\nsource: *a", "*a", "aliases"),
        ("d: 25}", "d: 25", "{k", "the '{' that opens here is not closed"),
        ("variables:", "functions: {f: 1}\nvariables:", "f: 1}", "does not declare a function"),
        ("variables:", "functions: {f(x): 2*z}\nvariables:", "z}", "unknown name 'z'"),
        ("variables:", "dt: 0\nvariables:", "0", "greater than 0"),
        ("variables:", "method: rk4\nvariables:", "rk4", "this model has none"),
    ],
)
def test_an_error_points_at_its_place(old: str, new: str, there: str, message: str) -> None:
    text = THERMOSTAT.replace(old, new, 1)
    with pytest.raises(ModelError, match=message) as caught:
        parse_model(text, name="model.yaml")
    location = caught.value.location
    assert location.file == "model.yaml"
    assert text_at(text, location.line, location.column).startswith(there)


@pytest.mark.parametrize(
    ("text", "kind", "place", "message"),
    [
        ('{"name": "m",\n "variables": {"x": {"rule": "q"}}}', "json", (2, 31), "unknown name 'q'"),
        ('{"name": "m",\n "name": "n"}', "json", (2, 2), "a second time"),
        ('{"name": }', "json", (1, 10), "not JSON"),
        ('{"name": NaN}', "json", (None, None), "no NaN"),
        ('name = "m"\n[variables]\nx = {rule = "1 + q"}', "toml", (3, 18), "unknown name 'q'"),
        ('name = "m"\n[variables.x]\nrule = "1 + q"', "toml", (3, 13), "unknown name 'q'"),
        ("name = ", "toml", (1, 8), "not TOML"),
        ("name: m\nvariables: {x: {rule: !!python/name:os.system ''}}", "yaml", (2, 23), "tag"),
        ("- 1", "yaml", (1, 1), "is a mapping"),
        ("", "yaml", (1, 1), "is a mapping"),
        ("a: \x00", "yaml", (1, 1), "not YAML"),
        ("[" * 100, "yaml", (1, 51), "nested more than 50"),
        ("? {a: 1}\n: 2", "yaml", (1, 3), "plain text"),
    ],
)
def test_other_formats_have_places_too(
    text: str, kind: str, place: tuple[int, int], message: str
) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        parse_model(text, kind)
    assert (caught.value.location.line, caught.value.location.column) == place


def test_yaml_is_version_1_2() -> None:
    text = "name: m\nparameters: {no: 1e-3, on: 0o17}\nvariables: {x: {rule: 'no + on'}}"
    assert parse_model(text).parameters == {"no": 0.001, "on": 15}


def test_a_rule_may_span_lines() -> None:
    folded = "name: m\nvariables:\n  x:\n    initial: 1\n    rule: >\n      x[t-1]\n      + {}\n"
    plain = "name: m\nvariables:\n  x:\n    initial: 1\n    rule: x[t-1]\n      + {}\n"
    quoted = 'name: m\nvariables:\n  x: {{initial: 1, rule: "x[t-1]\n      + {}"}}\n'
    literal = folded.replace(">", "|")
    for text in (folded, plain, quoted, literal):
        rule = parse_model(text.format("1")).variables["x"].rule
        assert rule is not None
        assert rule.split() == ["x[t-1]", "+", "1"]
        with pytest.raises(ModelError, match="unknown name 'zz'") as caught:
            parse_model(text.format("zz"))
        location = caught.value.location
        assert text_at(text.format("zz"), location.line, location.column).startswith("zz")


@pytest.mark.parametrize(
    ("name", "message"),
    [("no.yaml", "No such file"), ("model.txt", "ends in .yaml"), (".", "ends in .yaml")],
)
def test_a_file_that_cannot_be_read_says_why(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=message):
        read_model(tmp_path / name)


def test_a_file_that_is_not_text_says_so(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_bytes(b"name: \xff\xfe")
    with pytest.raises(FileError, match="byte 6 is not UTF-8"):
        read_model(file)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").mkdir()
    with pytest.raises(FileError, match="cannot write"):
        write_model(load("thermostat"), tmp_path / "model.yaml")
    assert [p.name for p in tmp_path.iterdir()] == ["model.yaml"]
    with pytest.raises(FileError, match="ends in"):
        write_model(load("thermostat"), tmp_path / "model.txt")


def test_the_schema_describes_every_shipped_model() -> None:
    schema = Model.model_json_schema()
    known = set(schema["properties"])
    for name in shipped():
        assert set(json.loads(to_text(load(name), "json"))) <= known
