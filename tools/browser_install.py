"""causalopt in Pyodide, run by Node, with packages from PyPI and npm alone: what answers there.

The package `pyodide` of npm holds the interpreter. Its compiled packages lie on a content network;
those of PyPI with a wheel for the platform can be had without it. pydantic-core has one. numpy has
none, so that runs cannot be asked; where a wheel is found, they are asked too, and must answer.
Formulas and checks need no numpy, and are compared with what this Python says.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PYODIDE = "314.0.7"
PYTHON, PLATFORM = "3.14", "pyemscripten_2026_0_wasm32"
COMPILED = "pydantic-core==2.50.5"
NUMPY = "numpy==2.4.6"  # the version that this Pyodide is tested with
PURE = (
    "annotated-doc==0.0.7",
    "annotated-types==0.8.0",
    "mpmath==1.3.0",
    "networkx==3.6.1",
    "opt-einsum==3.4.0",
    "pydantic==2.14.4",
    "ruamel.yaml==0.19.1",
    "shellingham==1.5.4",
    "sympy==1.14.0",
    "typer==0.29.2",
    "typing-extensions==4.16.0",
    "typing-inspection==0.4.5",
)
ANSWERS = (
    "check lorenz --json",
    "check thermostat_smart --json",
    "derive thermostat --json",
    "derive maze --json",
    "derive lorenz --at 3 --json",
)
RUNS = ("run thermostat --steps 100 --json", "run lorenz --steps 50 --json")


def download(folder: Path, *requirements: str, compiled: bool = False) -> bool:
    """Download wheels, without what they depend on; return whether there were any."""
    target = []
    if compiled:
        abi = f"cp{PYTHON.replace('.', '')}"
        target = ["--only-binary=:all:", "--implementation", "cp", "--abi", abi]
        target += ["--python-version", PYTHON, "--platform", PLATFORM]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
    done = subprocess.run(
        [*command, str(folder), *target, *requirements], capture_output=True, text=True, check=False
    )
    if done.returncode and "No matching distribution" not in done.stderr:
        raise SystemExit(done.stderr)
    return done.returncode == 0


def ask(folder: Path, wheels: Path, commands: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return what commands answer in Pyodide: `words`, `code`, `out`, `err`."""
    script = Path(__file__).with_suffix(".mjs")
    done = subprocess.run(
        ["node", str(script), str(wheels), *commands], cwd=folder, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"words"')]


def check(answer: dict[str, Any]) -> None:
    """Compare an answer with that of this Python.

    Raises:
        SystemExit: They differ.
    """
    words = answer["words"]
    command = [sys.executable, "-m", "causalopt", *words.split()]
    here = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if answer["code"] != 0 or json.loads(answer["out"]) != json.loads(here):
        raise SystemExit(f"causalopt {words} in Pyodide: {answer}\nhere: {here}")
    print(f"causalopt {words}: the same in Pyodide {PYODIDE}")


def main(wheel: str) -> None:
    """Ask what can be asked, and say what could not."""
    with tempfile.TemporaryDirectory() as name:
        folder, wheels = Path(name), Path(name) / "wheels"
        wheels.mkdir()
        (wheels / Path(wheel).name).write_bytes(Path(wheel).read_bytes())
        if not download(wheels, *PURE) or not download(wheels, COMPILED, compiled=True):
            raise SystemExit("a pinned package is gone from PyPI")
        has_numpy = download(wheels, NUMPY, compiled=True)
        subprocess.run(
            ["npm", "install", "--silent", "--prefix", name, f"pyodide@{PYODIDE}"], check=True
        )
        for answer in ask(folder, wheels, ANSWERS + (RUNS if has_numpy else ())):
            check(answer)
        if not has_numpy:
            (missing,) = ask(folder, wheels, RUNS[:1])
            assert "No module named 'numpy'" in missing["err"], missing
            print(f"runs: not asked, since PyPI has no wheel of {NUMPY} for {PLATFORM}")


if __name__ == "__main__":
    main(sys.argv[1])
