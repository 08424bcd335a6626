"""A command line read without typer gives a command what typer gives it, or is left to typer."""

from __future__ import annotations

import inspect
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import typer

from causalopt.cli import COMMANDS, command_function
from causalopt.commands.help_sections import SectionedCommand
from causalopt.commands.plain_words import read_plainly
from causalopt.commands.told_options import Argument, Option, for_typer, told_of
from causalopt.errors import CausaloptError

VALUES = (
    *("thermostat", "k=0.01", "R[0]=5:45:9", "a, b", " x ", "é", "euler", "rk4", "op", "light"),
    *("0", "7", "007", "12", "1000", "1.5", "1e3", "2.5e-3", "1_000", "0x10", "+3", "٣", "1e999"),
    *(
        ".5",
        "5.",
        "nan",
        "inf",
        "1e",
        "",
        " 5",
        "5 ",
        "true",
        "-1",
        "-x",
        "--json",
        "--",
        "-",
        "-h",
    ),
)


def by_typer(name: str, function: Callable[..., Any]) -> Callable[[Sequence[str]], dict[str, Any]]:
    """Return what reads a command line by typer and returns the arguments it gives."""
    found: list[dict[str, Any]] = []

    def recorder(**arguments: Any) -> None:
        found.append(arguments)

    told = for_typer(function)
    recorder.__signature__ = inspect.signature(told, eval_str=True)  # type: ignore[attr-defined]
    recorder.__annotations__ = told.__annotations__
    app = typer.Typer(
        add_completion=False, context_settings={"help_option_names": ["-h", "--help"]}
    )
    app.callback()(lambda: None)
    app.command(name, cls=SectionedCommand)(recorder)

    def read(words: Sequence[str]) -> dict[str, Any]:
        found.clear()
        app(args=[name, *words], prog_name="causalopt", standalone_mode=False)
        return found[0]

    return read


def with_defaults(function: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
    bound = inspect.signature(function).bind(**given)
    bound.apply_defaults()
    return bound.arguments


def lines(function: Callable[..., Any], count: int, seed: int) -> list[list[str]]:
    """Return command lines, most of them with a mistake or something unusual."""
    draw = random.Random(seed)
    told = told_of(function)
    options = [
        word for name, (_, o) in told.items() if isinstance(o, Option) for word in o.written(name)
    ]
    places = sum(isinstance(o, Argument) for _, o in told.values())
    found = []
    for _ in range(count):
        line = [draw.choice(VALUES[:10]) for _ in range(places + draw.choice((0, 0, 0, 0, 1, -1)))]
        for _ in range(draw.randrange(5)):
            option = draw.choice([*options, *options, "--nonsense", "--no-json", "--s"])
            value = draw.choice(VALUES)
            line += draw.choice([[option], [option, value], [f"{option}={value}"]])
        draw.shuffle(line)
        found.append(line)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_read_plainly_is_what_typer_reads(name: str) -> None:
    function = command_function(name)
    typers = by_typer(name, function)
    for line in lines(function, 400, seed=len(name)):
        plain = read_plainly(function, line)
        if plain is None:
            continue
        given = typers(line)
        assert with_defaults(function, plain) == given, line
        kinds = {key: type(value) for key, value in with_defaults(function, plain).items()}
        assert kinds == {key: type(value) for key, value in given.items()}, line


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_by_itself_is_read_plainly(name: str) -> None:
    function = command_function(name)
    typers = by_typer(name, function)
    told = told_of(function)
    needed: list[str] = []
    for key, parameter in inspect.signature(function).parameters.items():
        if parameter.default is parameter.empty:
            kind, option = told[key]
            needed += option.written(key)[:1] if isinstance(option, Option) else ()
            needed.append("word" if "str" in str(kind) else "7")
    required = {word for word in needed if word.startswith("--")}
    for key, (_, option) in told.items():
        if not isinstance(option, Option) or set(option.options) & {"min"}:
            continue
        word = option.written(key)[0]
        if word in required:
            continue
        plain = [
            line
            for value in ("word", "7", "1.5", *_choices(told[key][0]))
            for line in ([*needed, word], [*needed, word, value], [*needed, f"{word}={value}"])
            if read_plainly(function, line) is not None
        ]
        assert plain, word
        for line in plain:
            assert with_defaults(function, read_plainly(function, line) or {}) == typers(line), line


def _choices(kind: Any) -> list[str]:
    inner = [kind, *getattr(kind, "__args__", ())]
    return [
        word for each in inner for word in getattr(each, "__args__", ()) if isinstance(word, str)
    ]


@pytest.mark.parametrize(
    "line",
    [
        ["thermostat", "--stepz", "3"],
        ["thermostat", "--steps", "x"],
        ["thermostat", "--step", "3"],
        ["thermostat", "--steps", "3", "--steps", "4"],
        ["thermostat", "--method", "rk5"],
        ["thermostat", "--json=yes"],
        ["thermostat", "thermostat"],
        ["thermostat", "--steps"],
        ["thermostat", "--", "--json"],
        ["thermostat", "--help"],
        [],
    ],
)
def test_a_mistake_is_left_to_typer(line: list[str]) -> None:
    function = command_function("run")
    assert read_plainly(function, ["thermostat", "--steps", "-3"]) is None  # reads like an option
    assert read_plainly(function, line) is None
    assert read_plainly(function, ["thermostat", "--steps", "3"]) is not None
    if line[-1:] != ["--help"]:
        with pytest.raises((typer.TyperException, CausaloptError)):
            by_typer("run", function)(line)


@pytest.mark.parametrize(
    "words",
    [
        "run thermostat --steps 3 --json",
        "check thermostat",
        "sweep thermostat --grid R[0]=1:2:3 --json",
        "models",
    ],
)
def test_a_usual_command_needs_no_typer(words: str) -> None:
    code = (
        f"import sys, causalopt.cli as c\nassert c.main({words.split()!r}) == 0\n"
        "assert 'typer' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_line_that_a_terminal_cannot_show_is_written_as_far_as_it_can() -> None:
    code = "from causalopt.display.echo import echo; echo('a → b'); echo('c', err=True)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        env={"PYTHONIOENCODING": "ascii", "PYTHONPATH": ":".join(sys.path)},
    )
    assert (done.stdout, done.stderr) == (b"a ? b\n", b"c\n")
