"""The structure itself: imports point down, and start-up stays light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import causalopt

PACKAGE = Path(causalopt.__file__).parent
# From the ground up; a module imports only from its own layer's package or from below.
LAYERS = [
    "errors", "collector", "expressions", "selectors", "declaration", "labels", "flows", "template",
    "reader", "model", "positions", "files", "library", "engine", "streams", "draws",
    "interventions", "worlds", "graph", "response", "measures", "runs", "dataset", "growth",
    "landscapes", "grids", "sweeps", "matrices", "optimizers", "distributions", "entropy",
    "families", "escape", "symbolic", "draw", "reproduce", "commands", "cli", "__main__",
]  # fmt: skip

# A result offers its own picture and data set; it reaches up for them only when asked.
OFFERED = re.compile(
    r"causalopt\.(runs|worlds|growth|sweeps|entropy\.\w+|escape\.\w+) imports "
    r"causalopt\.(draw|dataset)\b"
)


def layer(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def imports() -> list[tuple[str, str]]:
    found = []
    for file in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(("causalopt", *file.relative_to(PACKAGE).with_suffix("").parts))
        module = module.removesuffix(".__init__")
        tree = ast.parse(file.read_text())
        checking = {
            id(node)
            for block in ast.walk(tree)
            if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
            for node in ast.walk(block)
        }
        for node in ast.walk(tree):
            if id(node) in checking:
                continue
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("causalopt"):
                found.append((module, node.module or ""))
            elif isinstance(node, ast.Import):
                found += [(module, a.name) for a in node.names if a.name.startswith("causalopt.")]
    return found


def test_every_module_has_a_layer() -> None:
    modules = {p.stem if p.suffix else p.name for p in PACKAGE.iterdir() if p.name[0] not in "._"}
    assert modules - {"py", "__init__", "__pycache__"} <= {*LAYERS, "__init__", "py"}


def test_imports_point_down_also_inside_functions() -> None:
    wrong = [
        f"{module} imports {target}"
        for module, target in imports()
        if layer(module) and layer(target) and layer(module) != layer(target)
        and LAYERS.index(layer(target)) > LAYERS.index(layer(module))
    ]  # fmt: skip
    assert [w for w in wrong if not OFFERED.match(w)] == []


def test_no_module_imports_itself_in_a_circle() -> None:
    import networkx as nx

    graph = nx.DiGraph(
        (a, b) for a, b in imports() if a != b and not OFFERED.match(f"{a} imports {b}")
    )
    files = {e for e in graph.edges if not (PACKAGE / e[1].split(".", 1)[-1]).is_dir()}
    assert list(nx.simple_cycles(nx.DiGraph(files))) == []


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import causalopt", ["numpy", "sympy", "matplotlib", "pydantic", "networkx", "xarray"]),
        ("import causalopt.cli", ["numpy", "sympy", "matplotlib", "pydantic", "xarray"]),
        ("import causalopt as c; c.run(c.load('thermostat'), steps=3)",
         ["sympy", "matplotlib", "xarray", "networkx", "llvmlite", "pandas"]),
        ("import causalopt.cli as c\n"
         "c.main(['sweep', 'thermostat', '--grid', 'R[0]=0:1:9', '--steps', '3'])",
         ["sympy", "matplotlib", "xarray", "networkx", "pandas", "numpy.ma", "rich"]),
    ],
)  # fmt: skip
def test_nothing_slow_is_imported_before_it_is_needed(code: str, absent: list[str]) -> None:
    code += "\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(absent) & set(done.stdout.split()) == set()


def test_the_public_names_are_all_there() -> None:
    for name in causalopt.__all__:
        assert getattr(causalopt, name) is not None
    assert sorted(causalopt._HOME) == sorted(causalopt.__all__)


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="causalopt has no 'nonsense'"):
        _ = causalopt.nonsense
