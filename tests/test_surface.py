"""The public surface: one list, one order of arguments, and a function for every command."""

from __future__ import annotations

import ast
import csv
import doctest
import inspect
import json
import re
import shlex
from keyword import iskeyword
from pathlib import Path
from typing import Any

import pytest
import typer

import causalopt
from causalopt.cli import COMMANDS, GROUPS, application, main
from causalopt.commands.common_options import COMMON, absences, options_of
from tools.command_functions import CHANGES, COMMANDS_CALL

# What every function calls by the same name, in the order in which it stands.
ORDER = "nudge hold target steps at delta given parameters initial seed workers progress".split()  # noqa: SIM905 - read at a glance
PUBLIC = {name: getattr(causalopt, name) for name in causalopt._HOME}
FUNCTIONS = {name: found for name, found in PUBLIC.items() if inspect.isfunction(found)}


def arguments(name: str) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(PUBLIC[name]).parameters)


def test_dir_shows_what_is_public_and_nothing_else() -> None:
    shown = {name for name in dir(causalopt) if not name.startswith("__")}
    assert shown == set(causalopt._HOME)
    assert set(causalopt.__all__) == shown | {"__version__"}


def test_the_version_is_the_distribution_s() -> None:
    text = (Path(causalopt.__file__).parents[1] / "pyproject.toml").read_text()
    assert f'version = "{causalopt.__version__}"' in text


def test_type_checkers_are_told_the_same_names() -> None:
    tree = ast.parse(Path(causalopt.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    told = {
        (alias.name, node.module, alias.asname)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told == {(name, f"causalopt.{home}", name) for name, home in causalopt._HOME.items()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_functions_share_stands_in_one_order(name: str) -> None:
    options = [p for p in arguments(name).values() if p.kind is p.KEYWORD_ONLY]
    found = [option.name for option in options if option.name in ORDER]
    assert found == sorted(found, key=ORDER.index)


@pytest.mark.parametrize("argument", ORDER)
def test_one_word_has_one_type(argument: str) -> None:
    """None stands for the model's own; a strength may start from the uniform law, at many steps."""
    other = {("strength", "initial"), ("strengths", "initial"), ("strengths", "at")}
    types = {
        name: found.annotation.removesuffix(" | None")
        for name in FUNCTIONS
        for found in arguments(name).values()
        if found.name == argument and found.kind is found.KEYWORD_ONLY
        if (name, argument) not in other
    }
    types.pop("label_side_by_side", None)  # its nodes are variables of labels
    assert len(set(types.values())) == 1, types


@pytest.mark.parametrize("name", FUNCTIONS)
def test_options_after_the_subject_are_named(name: str) -> None:
    optional = [
        p.name
        for p in arguments(name).values()
        if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is not p.empty
    ]
    assert len(optional) <= 1, optional


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_s_docstring_has_an_example(name: str) -> None:
    found = FUNCTIONS[name]
    assert doctest.DocTestFinder(recurse=False).find(found, name)[0].examples


@pytest.mark.parametrize("command", COMMANDS)
def test_an_option_of_a_command_is_an_argument_of_its_function(command: str) -> None:
    function, elsewhere = COMMANDS_CALL[command]
    (registered,) = application([command]).registered_commands
    options = set(inspect.signature(registered.callback).parameters) - {"model", "json"}
    for option in options:
        if option in elsewhere:
            place = elsewhere[option]
        elif option in CHANGES and option not in arguments(function):
            place = CHANGES[option]
        else:
            place = option
        if place is None:
            continue
        owner, _, member = place.partition(".")
        if owner in PUBLIC:
            assert not member or hasattr(PUBLIC[owner], member)
        else:
            assert place in arguments(function), f"{command}: {option}"


def numbers(found: object) -> object:
    """Return a result as something that can be compared."""
    import numpy as np

    if isinstance(found, causalopt.Run | causalopt.Sweep):
        return found.op.tolist()
    if isinstance(found, causalopt.World):
        return np.asarray(found["R"]).tolist()
    if isinstance(found, causalopt.SideBySide | causalopt.NoisyOp):
        return found.op.tolist()
    if hasattr(found, "identical"):
        return str(found.op.values.tolist())
    if hasattr(found, "to_dict"):
        return {k: v for k, v in found.to_dict().items() if k not in ("latex", "hash")}
    return found if isinstance(found, float | list) else found.axes[0].get_ylabel()


QUESTIONS = {
    "across": {"region": "T", "steps": 5},
    "basins_along": {"along": {"d": [25.0]}, "over": {"R[0]": [1.0, 40.0]}, "steps": 9},
    "binned_strength": {"width": 1.0, "steps": 3, "draws": 3, "bins": 8},
    "currents": {"steps": 9},
    "derive": {"at": 3},
    "describe": {},
    "detect_optimizer": {"steps": 400, "starts": 2},
    "divide": {"steps": 9},
    "division_stability": {"steps": 9, "starts": 2},
    "find_optimizers": {"steps": 9},
    "frequency": {"frequencies": [0.1]},
    "loop_shares": {"steps": 9},
    "op_from_all": {"target": "R[5]"},
    "op_matrix": {"sources": ["R[0]"], "targets": ["R[5]"]},
    "optimizer_matrix": {"sources": ["R[0]"], "targets": ["R[5]"]},
    "optimizers_over_draws": {"steps": 9, "draws": 3, "spread": {"R": 1.0}},
    "op_basins": {"over": {"R[0]": [1.0, 40.0]}, "steps": 9},
    "op_share": {"over": {"R[0]": [1.0, 40.0]}, "level": 0.2, "steps": 9},
    "op_to_all": {"nudge": "R[0]", "steps": 5},
    "optimization_amount": {"over": {"R[0]": [1.0, 40.0]}, "steps": 9},
    "rate_curve": {"along": {"d": [25.0]}, "steps": 200},
    "rates": {"steps": 60},
    "refine": {"over": {"R[0]": [1.0, 40.0]}, "points": 40, "steps": 9},
    "run": {"steps": 9},
    "sensitivity": {"at": 9},
    "side_by_side": {"steps": 9},
    "sweep": {"grid": {"R[0]": [1.0, 2.0]}, "steps": 9},
    "world": {"steps": 9},
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_parameters_and_initial_are_the_model_s_own_replaced(name: str) -> None:
    model, changes = causalopt.load("thermostat"), {"k": 0.3}
    start = {} if name == "derive" else {"initial": {"T": 2}}
    asked = QUESTIONS[name]
    told = FUNCTIONS[name](model, parameters=changes, **start, **asked)
    changed = model.replace(parameters=changes, **start)
    known = {"parameters": changes} if name == "derive" else {}
    assert numbers(told) == numbers(FUNCTIONS[name](changed, **known, **asked))
    if name != "world":
        assert numbers(told) != numbers(FUNCTIONS[name](model, **asked))


def test_every_function_that_takes_parameters_is_asked() -> None:
    elsewhere = {"descent", "escape", "find_modes", "find_orbits", "linearise", "noisy_op"}
    elsewhere |= {"strength", "strengths", "transitions", "least_action", "basin_diagram"}
    elsewhere |= {"attraction_along", "attraction_basins"}  # tests/basins
    elsewhere |= {"gradient", "shapley", "train", "watch"}  # tests/training, tests/effects
    takes = {name for name in FUNCTIONS if "parameters" in arguments(name)}
    assert takes == elsewhere | QUESTIONS.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_calls_the_public_function(command: str) -> None:
    own = command + "_" * iskeyword(command)
    text = (Path(causalopt.__file__).parent / "commands" / f"{own}.py").read_text()
    assert f"causalopt.{COMMANDS_CALL[command][0]}" in text.replace("causalopt.commands", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_each_common_option_or_a_reason(command: str) -> None:
    found, reasons = set(options_of(command)), absences(command)
    assert found & set(COMMON) == set(COMMON) - reasons.keys()
    assert all(reasons.values())


# What asks about a model: the fewest common options that each of them has.
ASKS = [name for name in COMMANDS if "--set" not in absences(name)]


@pytest.mark.parametrize("command", ASKS)
def test_what_asks_about_a_model_takes_all_changes_to_it(command: str) -> None:
    assert {"--set", "--initial", "--dt", "--method", "--json"} <= set(options_of(command))


def test_what_gives_numbers_gives_a_table_a_file_and_a_picture() -> None:
    text = {"check", "draw", "derive", "descent"}
    for command in set(ASKS) - text:
        assert {"--out", "--csv", "--plot", "--theme"} <= set(options_of(command)), command


@pytest.mark.parametrize("option", COMMON)
def test_one_option_is_told_in_the_same_words_everywhere(option: str) -> None:
    """But where a command's own question gives it another meaning, which is listed here."""
    own = {
        "--nudge": {"frequency", "matrix"},
        "--target": {"escape", "matrix"},
        "--steps": {"action", "data", "derive", "frequency", "rates"},
        "--at": {"derive", "entropy", "frequency"},
        "--initial": {"entropy"},
        "--method": {"escape", "sweep"},
        "--seed": {"basins", "data"},
        "--plot": {"descent"},
        "--theme": {"draw", "landscapes"},
        "--out": {
            "compare",
            "data",
            "descent",
            "draw",
            "import",
            "landscapes",
            "reproduce",
            "sweep",
            "watch",
        },
    }
    told: dict[str, set[str]] = {}
    for command in set(COMMANDS) - own.get(option, set()):
        for param in click_command(command).params:
            if option in param.opts:
                told.setdefault(str(getattr(param, "help", None)), set()).add(command)
    assert len(told) == 1, told


def click_command(name: str) -> Any:
    group: Any = typer.main.get_command(application([name]))
    return group.commands[name]


def test_help_lists_every_command_once_under_what_people_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for group, names in GROUPS.items():
        start = lines.index(f"{group}:")
        listed = [line.split()[0] for line in lines[start + 1 : start + 1 + len(names)]]
        assert listed == list(names)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_lists_every_option_once_in_its_section(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--help"]) == 0
    text = capsys.readouterr().out
    sections: dict[str, str] = {}
    for line in text.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            head = line[:-1]
            assert head not in sections
            sections[head] = ""
        elif sections:
            sections[head] += line + "\n"
    heads = [name for name in sections if name not in ("Arguments",)]
    order = ["Question", "Options", "Changes to the model", "Where it is computed", "Output"]
    assert heads == sorted(heads, key=order.index)
    written = {
        head: re.findall(r"^  (?:-h, )?(--[\w-]+)", part, re.M) for head, part in sections.items()
    }
    every = [option for options in written.values() for option in options]
    assert len(every) == len(set(every))
    aliases = {"--out"} if command == "descent" else set()  # of --plot
    assert {*every} == {*options_of(command), "--help"} - aliases
    asked = {"--nudge", "--hold", "--target", "--steps", "--at", "--delta", "--seed"} & {*every}
    assert asked <= {*written.get("Question", [])}
    assert {"--set", "--dt"} & {*every} <= {*written.get("Changes to the model", [])}
    assert {"--json", "--csv", "--plot"} & {*every} <= {*written.get("Output", [])}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("run thermostat --at 3", "'run' has no --at: it measures at every step; it is an option "),
        ("run thermostat --horizon 3", "'run' has no --horizon; it is an option of sweep, entropy"),
        ("divide thermostat --hold T", "'divide' has no --hold: A is what is looked for; it is an"),
        ("models --set k=1", "'models' has no --set: it takes no model; it is an option of "),
        ("run thermostat --stepz 3", "No such option: --stepz"),
    ],
)
def test_an_option_of_another_command_is_told_with_those_that_have_it(
    words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words.split(), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["message"].startswith(message)


PIT = "--start 1.0037 --beyond 1.1959565"
WORDS = {
    "models": "", "schema": "", "cache": "", "data": "", "check": "thermostat",
    "draw": "thermostat --steps 3 --out {folder}/graph.svg",
    "run": "thermostat --steps 5 --csv {csv}",
    "derive": "thermostat --at 3",
    "currents": "thermostat --steps 5 --csv {csv}",
    "rates": "thermostat --steps 50 --csv {csv}",
    "frequency": "thermostat --frequencies 0.1,0.2 --csv {csv}",
    "sensitivity": "thermostat --steps 5 --csv {csv}",
    "sweep": "thermostat --grid k=0.1,0.2 --steps 5 --csv {csv}",
    "refine": "thermostat --grid k=0.1:0.4 --points 40 --steps 5 --csv {csv}",
    "matrix": "thermostat --steps 5 --csv {csv}",
    "basins": "thermostat_saturating --grid R[0]=5:45:8 --depth 3 --audit 8 --csv {csv}",
    "optimizers": "lorenz --steps 9 --csv {csv}",
    "divide": "thermostat --steps 9 --csv {csv}",
    "across": "thermostat --steps 5 --csv {csv}",
    "watch": "cart_pole --seeds 2 --updates 1 --frames 2 --starts 2 --permutations 0 --csv {csv}",
    "compare": "thermostat --set k=0.2 --csv {csv}",
    "entropy": "thermostat_smart --at 1 --horizon 2 --lasting ever --fresh --unit nat --csv {csv}",
    "escape": f"sgd_pit {PIT} --within 20,40 --set T=0.015 --csv {{csv}}",
    "transitions": "sgd_pit --restart --from 'W<1.05' --to 'W>1.19' --set T=0.015 --csv {csv}",
    "action": "sgd_swirl --end u=0.6 --end v=0.3 --limit rate --csv {csv}",
    "descent": "sgd_pit --show losses",
}  # fmt: skip
ELSEWHERE = {"import", "landscapes", "reproduce", "show"}  # tests of their own rooms


def strict(text: str) -> Any:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("command", WORDS)
def test_a_command_prints_strict_json_alone_and_its_table_has_rows(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "table.csv"
    words = WORDS[command].format(csv=file, folder=tmp_path)
    assert main([command, *shlex.split(words), "--json"]) == 0
    assert strict(capsys.readouterr().out)
    assert ("{csv}" in WORDS[command]) == ("--csv" in options_of(command))
    if file.exists():
        head, *rows = csv.reader(file.read_text().splitlines())
        assert rows
        assert len(set(head)) == len(head)
        assert {len(row) for row in rows} == {len(head)}


def test_json_of_every_command_is_looked_at() -> None:
    assert WORDS.keys() | ELSEWHERE == set(COMMANDS)


@pytest.mark.parametrize("command", sorted(set(COMMANDS_CALL) - set(causalopt._HOME)))
def test_a_command_s_word_leads_to_its_function(command: str) -> None:
    """Where a word is no function of its own, what is called by it says which one is."""
    function = COMMANDS_CALL[command][0]
    if not iskeyword(command) and function in FUNCTIONS:
        found = f"the function of `causalopt {command}` is causalopt.{function}"
        assert causalopt._hint(command).endswith(found)


def test_a_name_with_a_typing_error_is_told_what_is_near() -> None:
    with pytest.raises(AttributeError, match="causalopt has no 'swep'; did you mean 'sweep'"):
        getattr(causalopt, "swep")  # noqa: B009 - looked up for its error
    with pytest.raises(AttributeError, match=r"no 'zzz'; dir\(causalopt\) lists"):
        getattr(causalopt, "zzz")  # noqa: B009
