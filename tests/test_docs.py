"""Every example in a docstring and every code block in the documentation runs and is true."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import re
import shlex
from pathlib import Path
from typing import get_args

import pytest

import causalopt
from causalopt import Fact
from causalopt.cli import main
from causalopt.model.declaration import Chance, Quantity

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(causalopt.__path__, "causalopt.")
    if not info.name.endswith("__main__")
)


@pytest.mark.parametrize("name", ["causalopt", *MODULES])
def test_examples_in_docstrings_are_true(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert results.failed == 0


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def in_turn(page: Path) -> list[tuple[str, str]]:
    """Return what runs on a page, from the top to the bottom: a command reads what Python wrote."""
    pattern = r"^```(python|console)\n(.*?)^```"
    return re.findall(pattern, page.read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_documentation_is_true(
    page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are written, Python runs with its shown output, commands print what is shown."""
    monkeypatch.setenv("CAUSALOPT_DATA", str(tmp_path / "data"))
    os.chdir(tmp_path)
    try:
        for text in blocks(page, "yaml"):
            name = re.match(r"# (\S+\.yaml)\n", text)
            if name:
                (tmp_path / name[1]).write_text(text)
        names: dict[str, object] = {}
        for language, text in in_turn(page):
            if language == "python":
                check_python(text, page, names)
            else:
                check_console(text, capsys)
    finally:
        os.chdir(ROOT)


def test_the_keys_and_measures_of_a_fact_are_those_the_format_names() -> None:
    page = (ROOT / "docs" / "model-format.md").read_text()
    table = page.partition("A fact has:")[2].partition("A variable given")[0]
    rows = dict(re.findall(r"^\| (`.*?) \| (.*) \|$", table, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == set(Fact.model_fields)
    # Entropies are named by the command that prints them.
    measures = set(re.findall(r"`(\w+)`", rows["`measure`"]))
    assert measures == {*get_args(Quantity), *get_args(Chance)}


def check_python(text: str, page: Path, names: dict[str, object]) -> None:
    if ">>>" not in text:
        text = "".join(
            f">>> {line}\n" if line[:1] not in " )]}" else f"... {line}\n"
            for line in text.splitlines()
            if line
        )
    test = doctest.DocTestParser().get_doctest(text, names, page.name, str(page), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    assert runner.run(test, clear_globs=False).failed == 0
    names.update(test.globs)


def check_console(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, shown = part.partition("\n")
        words = shlex.split(line, comments=True)
        if words[:1] != ["causalopt"]:
            continue
        capsys.readouterr()
        code = main(words[1:])
        captured = capsys.readouterr()
        printed = captured.out + captured.err
        assert code in ({2} if "error:" in shown else {0}), printed
        for expected in shown.splitlines():
            if expected.strip() not in {"", "..."}:
                assert expected.rstrip() in printed, f"{line}\nprinted:\n{printed}"
