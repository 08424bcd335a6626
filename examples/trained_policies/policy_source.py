"""Arrays of numbers out of a Python source file, which is parsed and never run."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def arrays_in(text: str) -> dict[str, Array]:
    """Return name -> array of every `name = np.array(numbers)` in a source, at any depth.

    `self.name = ...` counts as `name`. Numbers are literals: what is computed is left out.

    Example:
        >>> arrays_in("w = np.array([[1, -2.5]]); open('x', 'w')")
        {'w': array([[ 1. , -2.5]])}
    """
    found: dict[str, Array] = {}
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        function, target = node.value.func, node.targets[0]
        if getattr(function, "attr", None) != "array" or len(node.value.args) != 1:
            continue
        name = getattr(target, "id", None) or getattr(target, "attr", None)
        try:
            numbers = ast.literal_eval(node.value.args[0])
        except ValueError:
            continue
        if name is not None and name not in found:
            found[name] = np.asarray(numbers, dtype=float)
    return found


def installed_file(package: str, path: str) -> Path:
    """Return a file of an installed package, which is not imported.

    Raises:
        SystemExit: The package is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{package} is not installed: pip install -r requirements.txt")
    return Path(spec.submodule_search_locations[0]) / path
