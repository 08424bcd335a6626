"""Calls as people make them from memory: each refused by one of our errors, with what to write."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

import causalopt
from causalopt import CausaloptError, Nudge, Set, load
from causalopt.cli import COMMANDS, main

C: Any = causalopt
ASK: Any = causalopt.run
RUN: Any = ASK("thermostat", steps=5)

REFUSED: dict[str, Callable[[], object]] = {
    "a set value must be a number, found 'hot'": lambda: ASK(
        "thermostat",
        given=[Set("R[0]", "hot")],  # type: ignore[arg-type]
    ),
    "a set value must be a number, found nothing": lambda: ASK(
        "thermostat",
        given=[Set("R[0]", None)],  # type: ignore[arg-type]
    ),
    "a set value must be a number, found a list": lambda: ASK(
        "thermostat",
        given=[Set("R[0]", [1, 2])],  # type: ignore[arg-type]
    ),
    "a nudge must be a number, found '1'": lambda: C.world("thermostat", Nudge("R[0]", "1")),  # type: ignore[arg-type]
    "an intervention is a Set, a Nudge or a Replace, found a list: write "
    "causalopt.Set('R[0]', 30)": lambda: ASK("thermostat", given=[("R[0]", 3)]),
    "an intervention is a Set, a Nudge or a Replace, found 3: write causalopt.Set('R[0]', 30)": (
        lambda: C.world("thermostat", 3)
    ),
    "strength: model takes a model or its name, found nothing: write "
    "causalopt.load('thermostat')": lambda: C.strength(None),
    "draw: subject takes a model or its name, found 3: write causalopt.load('thermostat')": (
        lambda: C.draw(3)
    ),
    "a model's text is yaml, toml or json, found kind 'yml'": lambda: C.parse_model(
        "name: m", kind="yml"
    ),
    "figsize takes a width and a height in inches such as (6, 4), found 3": lambda: RUN.plot(
        figsize=3
    ),
    "figsize takes a width and a height in inches such as (6, 4), found 'big'": lambda: RUN.plot(
        figsize="big"
    ),
    "figsize takes a width and a height in inches such as (6, 4), found '64'": lambda: RUN.plot(
        figsize="64"
    ),
    "figsize takes a width and a height in inches such as (6, 4), found (-1, 3)": (
        lambda: RUN.plot(figsize=(-1, 3))
    ),
    "figsize takes a width and a height in inches such as (6, 4), found (1,)": lambda: RUN.plot(
        figsize=(1,)
    ),
    "no panel 3: this plot has 'worlds', 'differences', 'op', 'comp', 'status'": lambda: RUN.plot(
        panels=3
    ),
    "ax takes axes with straight sides, found a polar one: make it without projection=": (
        lambda: RUN.plot(ax=plt.figure().add_subplot(projection="polar"), panels="op")
    ),
    "a file is named by a text or a path, found None": lambda: RUN.save(None),
    "a file is named by a text or a path, found b'x.csv'": lambda: RUN.save(b"x.csv"),
    "'x.png' must end in .csv, .json, .nc, .parquet or .zarr; a picture is written by "
    ".plot().savefig('x.png')": lambda: RUN.save("x.png"),
    "'x.xlsx' must end in .csv, .json, .nc, .parquet or .zarr; a sheet is written by "
    ".to_pandas().to_excel('x.xlsx')": lambda: RUN.save("x.xlsx"),
}


@pytest.mark.parametrize("message", REFUSED)
def test_a_strange_call_says_what_to_write(
    message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CausaloptError) as caught:
        REFUSED[message]()
    assert str(caught.value) == message
    assert not list(tmp_path.iterdir()), "nothing is half-written"


def test_a_file_s_name_is_no_declaration() -> None:
    with pytest.raises(CausaloptError, match=r"write causalopt\.load\('room\.yaml'\) for a file"):
        causalopt.parse_model("room.yaml")


@pytest.mark.parametrize("figsize", [(6, 4), [6, 4.0], np.array([6, 4]), (Fraction(6), "4")])
def test_a_size_is_two_numbers(figsize: Any) -> None:
    figure = RUN.plot(figsize=figsize)
    assert figure.get_size_inches().tolist() == [6.0, 4.0]


@pytest.mark.parametrize("value", [30, np.float32(30), np.array(30), Fraction(60, 2)])
def test_a_node_is_set_to_any_number(value: Any) -> None:
    found = causalopt.run(load("thermostat"), given=[Set("R[3]", value)], steps=5)
    assert found.W["R"][3] == 30.0


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_command_s_name_leads_to_its_function(command: str) -> None:
    if command == "cache":
        return  # of the files of this machine, and no question
    try:
        assert callable(causalopt.__getattr__(command))  # a room of this name may be loaded
    except AttributeError as error:
        start, _, name = str(error).rpartition("causalopt.")
        assert start == f"causalopt has no '{command}': the function of `causalopt {command}` is "
        assert callable(getattr(causalopt, name))


def test_an_unknown_name_has_a_hint() -> None:
    with pytest.raises(AttributeError, match="'sweeep'; did you mean 'sweep'"):
        _ = C.sweeep
    with pytest.raises(AttributeError, match=r"'zz'; dir\(causalopt\) lists what it has"):
        _ = C.zz


WORDS = {
    "run thermostat --nudge R[0] --nudge R[1]": "--nudge is given 2 times and takes one value: "
    "write it once; several nodes are one text, such as 'R[0], R[1]'",
    "run thermostat --steps 3 --target R --steps 4": "--steps is given 2 times and takes one "
    "value: write it once",
    "run thermostat --set k=1 --set k=2": "--set names 'k' twice: write it once",
    "run thermostat --initial R=1 --initial R=2": "--initial names 'R' twice: write it once",
    "run thermostat --set k=0,5": "--set takes one number, found 'k=0,5': a decimal has a point, "
    "and each parameter a --set of its own",
    "room.yaml --steps 3": "No such command 'room.yaml'. The command comes before the model: "
    "causalopt run room.yaml",
    "thermostat check": "No such command 'thermostat'. The command comes before the model: "
    "causalopt check thermostat",
}


@pytest.mark.parametrize("words", WORDS)
def test_strange_words_have_one_message(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[0] == f"error: {WORDS[words]}"


def test_options_that_add_up_may_be_given_again(capsys: pytest.CaptureFixture[str]) -> None:
    words = "run thermostat --steps 9 --set k=0.5 --set d=20 --json --json"
    assert main(words.split()) == 0
    assert '"steps": 9' in capsys.readouterr().out


def test_names_that_nobody_can_write_are_not_offered() -> None:
    drawn = causalopt.Model(
        name="m",
        sizes={"n": 2},
        variables={"x": {"shape": ["n"], "rule": "x[t-1]/2", "initial": "normal(0, 1)"}},
    )
    with pytest.raises(CausaloptError) as caught:
        drawn.replace(initial={"x": "zz"})
    assert "known here: dt, n, normal, pi, uniform" in str(caught.value)
