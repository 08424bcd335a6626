"""The rooms of the package, read from its syntax trees: what imports what, up or down."""

from __future__ import annotations

import ast
from pathlib import Path

import networkx as nx

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "causalopt"
# From the ground up; a module imports only from its own room or from below.
ROOMS = [
    "errors",
    "folders",
    "object_store",
    "extras",
    "saving",
    "display",
    "work",
    "results",
    "language",
    "tensors",
    "model",
    "checks",
    "importers",
    "engine",
    "worlds",
    "datasets",
    "effects",
    "frequencies",
    "influence",
    "optimizers",
    "basins",
    "knowledge",
    "laws",
    "entropy",
    "descents",
    "training",
    "symbolic",
    "comparison",
    "sweeps",
    "refinement",
    "drawing",
    "showing",
    "posts",
    "studies",
    "arguments",
    "commands",
    "cli",
    "__main__",
]
FILES = {
    ".".join(("causalopt", *file.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): file
    for file in sorted(PACKAGE.rglob("*.py"))
}
Import = tuple[str, str]


def room(module: str) -> str:
    """Return the name below `causalopt` that a module belongs to, if there is one."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def imports() -> list[Import]:
    """Return (module, imported module) of every import, in functions and for types only too."""
    return [
        (module, target)
        for module, file in FILES.items()
        for target in imported(file.read_text(), module, is_package=file.stem == "__init__")
    ]


def imported(text: str, module: str, *, is_package: bool = False) -> list[str]:
    """Return the modules of the package that a module's text imports."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: (1 if is_package else 0) - node.level or None]
            home = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            names = [f"{home}.{alias.name}" for alias in node.names]
            found += [name if name in FILES else home for name in names]
    return [name for name in found if name.split(".")[0] == "causalopt"]


def upward(pairs: list[Import]) -> list[Import]:
    """Return the imports of a room above."""
    return [
        (module, target)
        for module, target in pairs
        if room(module) and room(target) and ROOMS.index(room(target)) > ROOMS.index(room(module))
    ]


def circles(pairs: list[Import]) -> list[list[str]]:
    """Return the sets of modules each of which imports, by way of others, all of them."""
    graph = nx.DiGraph((a, b) for a, b in pairs if a != b)
    return [sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1]


def between_rooms(pairs: list[Import]) -> dict[Import, int]:
    """Return (room, imported room) -> how many modules of the one import a module of the other."""
    counts: dict[Import, int] = {}
    for module, target in set(pairs):
        rooms = room(module), room(target)
        if all(rooms) and rooms[0] != rooms[1]:
            counts[rooms] = counts.get(rooms, 0) + 1
    return counts
