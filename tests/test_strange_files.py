"""Files as people leave them: other encodings, two models in one, a section in another's column.

Each has one message, with its place and what to type next, from the command line and from Python.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from causalopt import CausaloptError, load, read_model
from causalopt.cli import main

GOOD = """\
name: room
parameters: {k: 0.01, d: 25}
variables:
  T: {rule: "R[t-1] - d", initial: 10}
  R: {rule: "R[t-1] - k*T[t-1]", initial: 35}
partition: {A: [T], B: [R]}
question: {nudge: "R[0]", hold: A, target: R, steps: 10}
"""

TEXTS: dict[str, tuple[str, str]] = {
    "two models": (
        GOOD + "---\n" + GOOD,
        "8:1: another model begins here, and a file holds one: put it into a file of its own",
    ),
    "dashes at the end": (
        "---\n" + GOOD + "---\n",
        "9:1: nothing follows this '---', which begins another model: drop the line",
    ),
    "nothing": (
        "",
        "1:1: the file is empty: write name: and variables:, as `causalopt check thermostat` shows",
    ),
    "comments alone": (
        "# a room\n\n",
        "1:1: the file is empty but for comments: write name: and variables:, as "
        "`causalopt check thermostat` shows",
    ),
    "a list": ("- a\n- b\n", "1:1: a model file is a mapping: name, variables, ..., found a list"),
    "a comment of C": ("// a room\n" + GOOD, "1:1: a comment begins with #: write # and the text"),
    "a comment of Python": (
        '""" a room """\n' + GOOD,
        "1:1: a comment begins with #: write # and the text",
    ),
    "a comment of C after a brace": (
        GOOD.replace("10}", "10} // start"),
        "4:39: a comment begins with #: write # and the text",
    ),
    "a section among the variables": (
        GOOD.replace("partition: ", "  partition: "),
        "6:3: 'partition' is indented among the variables: move it to the column of 'variables'",
    ),
    "parameters among the variables": (
        GOOD.replace("parameters: {k: 0.01, d: 25}\n", "").replace(
            "partition:", "  parameters: {k: 0.01, d: 25}\npartition:"
        ),
        "5:3: 'parameters' is indented among the variables: move it to the column of 'variables'",
    ),
    "all of it in one key": (
        "model:\n" + "".join(f"  {line}\n" for line in GOOD.splitlines()),
        "1:1: 'model' holds what belongs at the top: drop this line and indent those below it less",
    ),
    "keys in the column of their variables": (
        'name: m\nvariables:\n  T:\n  rule: "R[t-1]"\n  R:\n  rule: "T[t-1]"\n',
        "6:3: 'rule' stands in the column of the variables, as on line 4: indent what belongs to a "
        "variable two spaces more than its name",
    ),
    "braces for brackets": (
        GOOD.replace("{A: [T], B: [R]}", "{A: {T}, B: [R]}"),
        "6:16: expected a list, found a mapping: write A: [T]",
    ),
    "a date": (
        GOOD.replace("k: 0.01", "k: 2024-01-01"),
        "2:17: '2024-01-01' is a date, and none is read here: write a number, or quote it",
    ),
    "negative steps": (GOOD.replace("10}\n", "-10}\n"), "7:54: expected a number from 0 up"),
    "steps beyond all": (
        GOOD.replace("steps: 10}", "steps: 1e20}"),
        "7:54: expected a whole number, found 1e+20",
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_strange_text_has_one_message(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, message = TEXTS[name]
    file = tmp_path / "room.yaml"
    file.write_text(text, encoding="utf-8")
    for command in ("run", "check"):
        assert main([command, str(file)]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        first, *shown = printed.err.removeprefix("error: ").splitlines()
        assert first.startswith(f"{file}:{message}")
        assert len(shown) == (2 if text else 0), "one message, with its line and a mark below"
    with pytest.raises(CausaloptError) as caught:
        load(file)
    assert str(caught.value).splitlines()[0] == first


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-8"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_file_of_another_system_is_read(codec: str, end: str, tmp_path: Path) -> None:
    file = tmp_path / "room.yaml"
    file.write_bytes((f"# für alle{end}" + GOOD.replace("\n", end)).encode(codec))
    assert read_model(file) == read_model_of(GOOD, tmp_path)


def read_model_of(text: str, folder: Path) -> object:
    """Return the model of a text in a plain file."""
    file = folder / "plain.yaml"
    file.write_text(text, encoding="utf-8")
    return read_model(file)


UTF16 = "it is saved as UTF-16, and a model file is UTF-8: save it with that encoding"
LATIN = "byte 33 is not UTF-8 text, on line 3: save the file with that encoding"


@pytest.mark.parametrize(
    ("codec", "message"), [("utf-16", UTF16), ("utf-16-le", UTF16), ("latin-1", LATIN)]
)
def test_another_encoding_is_named(codec: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "room.yaml"
    head = "name: a\n# ok\n"
    text = head + ("# gemessen im Flur: ü\n" if codec == "latin-1" else "") + GOOD
    file.write_bytes(text.encode(codec))
    with pytest.raises(CausaloptError) as caught:
        load(file)
    assert str(caught.value) == f"cannot read '{file}': {message}"


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("rooom.yaml", "; did you mean 'room.yaml'?"),
        ("room.yml", "; did you mean 'room.yaml'?"),
        ("lorenz.yaml", "; the shipped model is called 'lorenz'"),
        ("zz.yaml", ""),
        ("nowhere/room.yaml", "; there is no folder 'nowhere'"),
    ],
)
def test_a_file_that_is_not_there_is_looked_for_beside(
    asked: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "room.yaml").write_text(GOOD, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CausaloptError) as caught:
        load(asked)
    assert str(caught.value) == f"cannot read '{asked}': No such file or directory{hint}"


@pytest.mark.parametrize("asked", ["room", "room.ymal"])
def test_a_name_with_the_ending_forgotten(
    asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "room.yaml").write_text(GOOD, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CausaloptError) as caught:
        load(asked)
    assert str(caught.value) == f"no shipped model is called '{asked}'; did you mean 'room.yaml'?"
