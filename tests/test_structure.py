"""The structure itself: imports point down, and start-up stays light."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

import causalopt
from tools.rooms import FILES, ROOMS, circles, imports, room, upward


def test_every_module_has_a_room() -> None:
    assert {room(module) for module in FILES} - {""} == set(ROOMS)


def test_imports_point_down_also_inside_functions_and_for_types() -> None:
    assert upward(imports()) == []


def test_no_module_imports_itself_in_a_circle() -> None:
    assert circles(imports()) == []


def test_an_import_upwards_and_a_circle_are_seen() -> None:
    pairs = [
        ("causalopt.model.a", "causalopt.worlds.b"),
        ("causalopt.worlds.b", "causalopt.errors"),
    ]
    assert upward(pairs) == pairs[:1]
    assert circles([*pairs, ("causalopt.worlds.b", "causalopt.model.a")]) == [
        ["causalopt.model.a", "causalopt.worlds.b"]
    ]


def singular(stem: str) -> str:
    """Return a file's name as a class's would be in small letters, without its plural."""
    return stem.replace("_", "").removesuffix("s")


def homes() -> dict[str, dict[str, list[str]]]:
    """Return kind -> noun -> the modules in which it is a file's stem, or a public class's name.

    Files are told apart without their plural; classes such as Mark and Marks are a thing and a set.
    Commands are named after what they call.
    """
    found: dict[str, dict[str, list[str]]] = {"stem": {}, "class": {}}
    for module, file in FILES.items():
        if room(module) == "commands" or file.stem.startswith("__"):
            continue
        found["stem"].setdefault(singular(file.stem), []).append(module)
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found["class"].setdefault(node.name.lower(), []).append(module)
    return found


def test_one_noun_stands_in_one_file() -> None:
    twice = {
        (kind, noun): modules
        for kind, nouns in homes().items()
        for noun, modules in nouns.items()
        if len(modules) > 1
    }
    assert twice == {}


def test_a_file_and_a_class_of_one_noun_share_a_room() -> None:
    stems, classes = homes().values()
    apart = {
        noun: (stems[noun], classes[noun])
        for noun in stems.keys() & classes.keys()
        if {room(m) for m in stems[noun]} != {room(m) for m in classes[noun]}
    }
    assert apart == {}


def test_no_public_name_is_also_a_room() -> None:
    # Importing a room would put the module in the function's place.
    assert set(causalopt.__all__) & set(ROOMS) == set()


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import causalopt", ["numpy", "sympy", "matplotlib", "pydantic", "networkx", "xarray"]),
        ("import causalopt.cli", ["numpy", "sympy", "matplotlib", "pydantic", "xarray"]),
        (
            "import causalopt as c; c.run(c.load('thermostat'), steps=3)",
            ["sympy", "matplotlib", "xarray", "networkx", "llvmlite", "pandas"],
        ),
        (
            "import causalopt.cli as c\n"
            "c.main(['sweep', 'thermostat', '--grid', 'R[0]=0:1:9', '--steps', '3'])",
            ["sympy", "matplotlib", "xarray", "networkx", "pandas", "numpy.ma", "rich"],
        ),
        (
            "import causalopt.cli as c; c.main(['check', 'thermostat'])",
            ["numpy", "sympy", "networkx", "rich"],
        ),
        (
            "import causalopt.cli as c; c.main(['derive', 'thermostat'])",
            ["numpy", "networkx", "matplotlib", "rich"],
        ),
        ("import causalopt.cli as c; c.main(['--help'])", ["numpy", "rich"]),
        ("import causalopt as c; c.load('thermostat')", ["numpy", "sympy", "networkx", "typer"]),
    ],
)
def test_nothing_slow_is_imported_before_it_is_needed(code: str, absent: list[str]) -> None:
    code += "\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(absent) & set(done.stdout.split()) == set()


def test_a_short_run_touches_few_files() -> None:
    code = (
        "import causalopt as c; c.run(c.load('thermostat'), steps=3)\n"
        "import sys\nprint(*(name for name in sys.modules if name.startswith('causalopt')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    touched = sorted(done.stdout.split())
    assert len(touched) < 48, "\n".join([f"a run of 3 steps loads {len(touched)}:", *touched])


def test_the_public_names_are_all_there() -> None:
    for name in causalopt.__all__:
        assert getattr(causalopt, name) is not None


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="causalopt has no 'nonsense'"):
        _ = causalopt.nonsense
