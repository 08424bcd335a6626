"""What needs an extra names its install line, and everything else runs on the core alone."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
import warnings
from pathlib import Path

import numpy as np
import pytest

import causalopt
from causalopt import extras, results
from causalopt.errors import CausaloptError, MissingPackageError
from causalopt.extras import (
    DISTRIBUTIONS,
    EXTRAS,
    has,
    has_compiler,
    install_line,
    need,
    translated,
)
from causalopt.results import report
from tests.core import run_core
from tools.rooms import FILES, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Whose modules import an extra's package at their top, since nothing in them works without it;
# what loads them says the install line: `extras.load`, `need`, or the package's own `__getattr__`.
OFFERED = {
    f"causalopt.{module}" for offers in results._MODULES.values() for module in offers.values()
}
WHOLE = (
    *sorted(OFFERED),
    "causalopt.drawing.plots",
    "causalopt.drawing.graph.figure",
    "causalopt.showing.inline_figure",
    "causalopt.posts",
    "causalopt.frequencies",
    "causalopt.laws.samples",
    "causalopt.engine.machine.compiler",
    "causalopt.sweeps.store_metadata",
)


def names(requirements: list[str]) -> set[str]:
    return {re.match(r"[\w.-]+", text)[0] for text in requirements}


def test_the_table_of_extras_is_that_of_the_project() -> None:
    optional = PROJECT["optional-dependencies"]
    declared = {
        package: extra
        for extra in (
            "dask",
            "fast",
            "files",
            "jax",
            "learn",
            "numerics",
            "onnx",
            "parquet",
            "plots",
            "refine",
            "units",
        )
        for package in names(optional[extra])
    }
    table = {DISTRIBUTIONS.get(package, package): extra for package, (extra, _) in EXTRAS.items()}
    assert table == declared
    assert not names(PROJECT["dependencies"]) & set(table)
    assert optional["all"] == [
        "causalopt[dask,fast,files,learn,numerics,onnx,parquet,plots,refine,units]"
    ]
    assert "causalopt[all,jax]" in optional["dev"]


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "").partition(".")[0]]
    return []


def unguarded(tree: ast.Module) -> tuple[list[str], list[str]]:
    """Return the extras' packages imported at the top, and in functions that do not need them."""
    top = [package for node in tree.body for package in imported(node) if package in EXTRAS]
    inside = []
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        needed = set()
        for node in function.body:
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "need":
                    needed |= {getattr(argument, "value", "") for argument in call.args[:1]}
            inside += [p for p in imported(node) if p in EXTRAS and p not in needed]
    return top, inside


def test_every_import_of_an_extra_is_behind_its_install_line() -> None:
    for module, file in FILES.items():
        top, inside = unguarded(ast.parse(file.read_text()))
        if module.startswith(WHOLE):
            continue
        assert not inside, f"{module} imports {inside} in a function without `need`"
        assert not top, f"{module} imports {top} at its top"


def test_an_import_without_its_install_line_is_seen() -> None:
    text = "import scipy\ndef f():\n    from matplotlib import figure\n"
    assert unguarded(ast.parse(text)) == (["scipy"], ["matplotlib"])
    text = "def f():\n    need('matplotlib')\n    from matplotlib import figure\n"
    assert unguarded(ast.parse(text)) == ([], [])


MISSING = {
    "c.run(t, steps=3).plot()": "plots",
    "c.world(t, steps=3).plot()": "plots",
    "c.descent": "plots",
    "c.frequency": "numerics",
    "c.reproduce": "plots",
    "c.draw(t, steps=3).render('png')": "plots",
    "c.run(t, steps=3).dataset": "files",
    "c.run(t, steps=3).save('run.nc')": "files",
    "c.run(t, steps=3).to_pandas()": "files",
    "c.run(t, steps=3).save('run.parquet')": "files",
    "c.sweep(t, {'k': [0.1, 0.2]}, steps=3).dataset": "files",
    "c.op_from_all(t, 'R[3]')": "files",
    "c.op_to_all(t, 'R[0]', steps=3)": "files",
    "c.op_matrix(t, sources=['R[0]'], targets=['R[3]'])": "files",
    "c.escape(p, start=0.0, beyond=1.0, within=[5], method='operator')": "numerics",
    "c.escape(p, start=0.0, beyond=1.0, within=[5], method='diffusion')": "numerics",
    "from causalopt.engine.executions import execution; execution('llvm')": "fast",
    "c.load_images('digits')": "learn",
    "c.from_onnx('net.onnx')": "onnx",
    "c.sweep(t, {'k': [0.1, 0.2]}, steps=3, dask='tcp://127.0.0.1:9')": "dask",
    "c.world(a, steps=3, execution='jax')": "jax",
    "c.run(a, nudge='x[0]', hold=[], target='x', steps=3, execution='jax')": "jax",
}


def test_each_missing_extra_names_its_install_line() -> None:
    code = (
        "import causalopt as c, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "t, p = c.load('thermostat'), c.load('sgd_pit')\n"
        "x = {'shape': [2], 'rule': 'x[t-1]/2', 'initial': 1}\n"
        "a = c.Model(name='a', variables={'x': x})\n"
        f"for text in {list(MISSING)!r}:\n"
        "    try:\n"
        "        exec(text)\n"
        "    except c.CausaloptError as error:\n"
        "        print(type(error).__name__, '|', error)\n"
        "    else:\n"
        "        print('no error |', text)\n"
    )
    done = run_core(code)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(MISSING), done.stdout
    for (text, extra), line in zip(MISSING.items(), lines, strict=True):
        assert line.startswith("MissingPackageError | "), (text, line)
        assert line.endswith(f"is not installed: {install_line(extra)}"), (text, line)


COMMANDS = {
    "run thermostat --steps 3 --plot run.png": "plots",
    "run thermostat --steps 3 --out run.nc": "files",
    "sweep thermostat --grid k=0:1:3 --steps 3 --out s.nc": "files",
    "sweep thermostat --grid k=0:1:3 --steps 3 --out s.zarr": "files",
    "draw thermostat --steps 3 --out graph.pdf": "plots",
    "currents thermostat --steps 3 --plot course.png": "plots",
    "currents thermostat --steps 3 --draw graph.png": "plots",
    "currents thermostat --steps 3 --out currents.nc": "files",
    "descent sgd_pit --show losses --plot d.png": "plots",
    "reproduce --demo": "plots",
    "data digits": "learn",
    "escape sgd_pit --start 0 --beyond 1 --within 5 --method operator": "numerics",
}


def test_commands_that_miss_an_extra_end_with_exit_code_2_and_the_install_line(
    tmp_path: Path,
) -> None:
    code = (
        "import os, causalopt.cli as cli\n"
        f"os.chdir({str(tmp_path)!r})\n"
        f"for words in {list(COMMANDS)!r}:\n"
        "    print(cli.main(words.split()), flush=True)\n"
        "    if words.startswith('run'):\n"
        "        print(cli.main([*words.split(), '--json']), flush=True)\n"
    )
    done = run_core(code)
    assert "Traceback" not in done.stderr
    codes = [line for line in done.stdout.splitlines() if line in {"0", "1", "2"}]
    assert codes == ["2"] * (len(COMMANDS) + 2)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == len(COMMANDS)
    for line, extra in zip(errors, COMMANDS.values(), strict=True):
        assert line.endswith(install_line(extra))
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    for answer, extra in zip(told, ("plots", "files"), strict=True):
        assert answer["error"]["message"].endswith(install_line(extra))
    assert not list(tmp_path.iterdir())


CORE = {
    "models": "thermostat",
    "check lorenz": "lorenz",
    "run thermostat --json": '"op"',
    "run lorenz --method rk4 --steps 3000 --json": '"op"',
    "derive thermostat": "verified",
    "entropy thermostat_smart --at 1 --json": "optimizing_strength",
    "rates lorenz --steps 300 --json": "lyapunov",
    "sweep thermostat_saturating --grid R[0]=5:45:41 --json": "power",
    "sweep lorenz --grid rho=0.5:20:5 --steps 50 --delta 0.01 --json": "op_min",
    "escape sgd_pit --start 0 --beyond 1 --within 5 --method ensemble --walkers 50 --json": "error",
    "draw thermostat --steps 3 --out graph.svg": "",
    "draw thermostat --steps 3 --out graph.html": "",
    "schema": "{",
    "cache": "",
    "data": "mnist",
}


def test_commands_of_the_core_need_no_extra_and_answer_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = (
        "import os, causalopt.cli as cli\n"
        f"os.chdir({str(tmp_path)!r})\n"
        f"for words in {list(CORE)!r}:\n"
        "    code = cli.main(words.split())\n"
        "    print('\\n=', code, flush=True)\n"
    )
    done = run_core(code)
    assert "Traceback" not in done.stderr, done.stderr
    parts = re.split(r"\n= (\d)\n", done.stdout)
    assert parts[1::2] == ["0"] * len(CORE), done.stderr
    monkeypatch.chdir(tmp_path)
    for (words, expected), text in zip(CORE.items(), parts[::2], strict=False):
        assert expected in text, words
        if words.endswith("--json"):
            causalopt_main(words.split())
            compare(json.loads(capsys.readouterr().out), json.loads(text), words)
    assert done.stderr.count("llvmlite is not installed") == 1
    assert install_line("fast") in done.stderr


def causalopt_main(words: list[str]) -> None:
    from causalopt.cli import main

    assert main(words) == 0


def compare(one: object, other: object, place: str) -> None:
    """Compare two answers, numbers to within the last places of exp and its kin."""
    if isinstance(one, dict) and isinstance(other, dict):
        assert one.keys() == other.keys()
        for key, value in one.items():
            compare(value, other[key], f"{place}: {key}")
    elif isinstance(one, list) and isinstance(other, list):
        assert len(one) == len(other)
        for i, pair in enumerate(zip(one, other, strict=True)):
            compare(*pair, f"{place}[{i}]")
    elif isinstance(one, float) and isinstance(other, float):
        np.testing.assert_allclose(other, one, rtol=1e-9, err_msg=place)
    else:
        assert one == other, place


def test_without_a_compiler_a_warning_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.setattr(extras, "_said", set())
    with pytest.warns(RuntimeWarning, match=r"pip install 'causalopt\[fast\]'"):
        assert not has_compiler()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not has_compiler()


def test_long_runs_are_run_by_python_where_there_is_no_compiler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lorenz = causalopt.load("lorenz")
    fast = causalopt.run(lorenz, steps=20_000)
    assert fast.provenance["execution"] == "llvm"
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.setattr(extras, "_said", set())
    with pytest.warns(RuntimeWarning, match="llvmlite is not installed"):
        slow = causalopt.run(lorenz, steps=20_000)
    assert slow.provenance["execution"] == "python"
    np.testing.assert_array_equal(slow.op, fast.op)
    np.testing.assert_array_equal(slow.status, fast.status)


def test_what_a_result_does_not_offer_is_a_type_error() -> None:
    found = causalopt.run(causalopt.load("thermostat"), steps=3)
    with pytest.raises(TypeError, match="nothing is registered to report a Run"):
        report(found)


def test_what_is_missing_is_told_apart_from_what_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert has("numpy")
    assert not has("no_such_package")
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(MissingPackageError, match="this method needs scipy, which is not inst"):
        need("scipy")
    own = ModuleNotFoundError("No module named 'own'", name="own")
    assert translated(own) is own
    other = ModuleNotFoundError("No module named 'matplotlib.x'", name="matplotlib.x")
    assert isinstance(translated(other), CausaloptError)
    with pytest.raises(ModuleNotFoundError, match=r"causalopt\.nowhere"):
        extras.load("causalopt.nowhere")
