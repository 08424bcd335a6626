"""What those who work on causalopt go by: the maps, the fragments, the hooks, the second Python."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tools import code_map, mutants, rooms, second_python

ROOT = Path(__file__).resolve().parent.parent
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()


class TestTheMapOfTheCode:
    def test_names_every_folder_and_every_file_once(self) -> None:
        told = code_map.rows(CONTRIBUTING)
        assert list(told) == list(code_map.folders())
        for home, stems in code_map.folders().items():
            assert told[home][1] == [s for s in stems if home == "" or s != "__init__"], home

    def test_says_what_belongs_in_every_folder(self) -> None:
        assert [
            home
            for home, (purpose, _) in code_map.rows(CONTRIBUTING).items()
            if purpose in {"", code_map.UNTOLD}
        ] == []

    def test_is_what_the_command_writes(self) -> None:
        assert code_map.written_map(CONTRIBUTING) == CONTRIBUTING

    def test_a_missing_and_a_stale_file_are_seen(self) -> None:
        for false in (
            CONTRIBUTING.replace("`measures` ", "", 1),
            CONTRIBUTING.replace("`measures` ", "`measures` `gone` ", 1),
        ):
            assert false != CONTRIBUTING
            assert code_map.written_map(false) == CONTRIBUTING

    def test_a_new_folder_has_nothing_said_of_it(self) -> None:
        without = re.sub(r"^\| `causalopt/effects/`.*\n", "", CONTRIBUTING, flags=re.MULTILINE)
        assert code_map.UNTOLD in code_map.written_map(without)

    def test_a_page_without_a_place_for_it_is_refused(self) -> None:
        with pytest.raises(ValueError, match="no place marked <!-- map"):
            code_map.written_map("a page")


class TestTheDrawingOfTheImports:
    PAGE = code_map.IMPORTS_PAGE.read_text()

    def test_is_what_the_command_draws(self) -> None:
        assert code_map.written_imports(self.PAGE) == self.PAGE

    def test_counts_no_import_upwards_and_no_circle(self) -> None:
        assert code_map.zeros() == "0 imports upwards, 0 circles"

    def test_every_import_between_rooms_has_its_mark_and_a_way_through_the_drawing(self) -> None:
        arrows = re.findall(r'^    (?:main\["(\w+)"\]|(\w+)) --> (\w+)$', self.PAGE, re.MULTILINE)
        below: dict[str, set[str]] = {}
        for main, above, target in arrows:
            below.setdefault(main or above, set()).add(target)
        for above, target in rooms.between_rooms(rooms.imports()):
            reached, front = set(), {above}
            while front:
                front = {b for a in front for b in below.get(a, ())} - reached
                reached |= front
            assert target in reached


class TestImportsAreRead:
    @pytest.mark.parametrize(
        "line",
        [
            "import causalopt.model.model",
            "from causalopt.model.model import Model",
            "from causalopt.model import model",
            "from ..model.model import Model",
            "from ..model import model",
            "def f():\n    from causalopt.model.model import Model",
            "if TYPE_CHECKING:\n    from causalopt.model.model import Model",
        ],
    )
    def test_however_they_are_written(self, line: str) -> None:
        assert rooms.imported(line, "causalopt.effects.run") == ["causalopt.model.model"]

    def test_those_of_a_folder_itself_too(self) -> None:
        found = rooms.imported("from .run import Run", "causalopt.effects", is_package=True)
        assert found == ["causalopt.effects.run"]

    def test_those_of_others_do_not_count(self) -> None:
        assert rooms.imported("import numpy\nfrom sympy import Abs", "causalopt.effects.run") == []


def draft(root: Path) -> subprocess.CompletedProcess[str]:
    """Return what towncrier would write of a folder's fragments."""
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "next"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


class TestTheFragmentsOfTheChangelog:
    def test_every_fragment_is_in_the_draft(self) -> None:
        done = draft(ROOT)
        assert done.returncode == 0, done.stderr
        fragments = [f for f in (ROOT / "changes").glob("*.md") if f.name != "README.md"]
        for fragment in fragments:
            assert fragment.read_text().split("\n")[0] in done.stdout

    @pytest.mark.parametrize("name", ["tanh.md", "+tanh.wrong.md", "tanh.txt"])
    def test_one_that_is_misnamed_is_refused(self, tmp_path: Path, name: str) -> None:
        shutil.copy(ROOT / "pyproject.toml", tmp_path)
        shutil.copy(ROOT / "CHANGELOG.md", tmp_path)
        shutil.copytree(ROOT / "changes", tmp_path / "changes")
        (tmp_path / "changes" / name).write_text("A change.\n")
        done = draft(tmp_path)
        assert done.returncode == 1
        assert f"Invalid news fragment name: {name}" in done.stderr


class TestTheHooks:
    CONFIG = ROOT / ".pre-commit-config.yaml"

    def test_pre_commit_reads_them(self) -> None:
        command = [sys.executable, "-m", "pre_commit", "validate-config", str(self.CONFIG)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout

    def test_they_are_what_make_lint_runs(self) -> None:
        makefile = (ROOT / "Makefile").read_text().replace("$(BIN)", ".venv/bin")
        lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
        assert lint
        (repo,) = YAML(typ="safe").load(self.CONFIG)["repos"]
        entries = [hook["entry"] for hook in repo["hooks"]]
        assert entries == lint[1].replace("\t", "").splitlines()

    def test_they_fetch_nothing(self) -> None:
        (repo,) = YAML(typ="safe").load(self.CONFIG)["repos"]
        assert repo["repo"] == "local"
        assert {hook["language"] for hook in repo["hooks"]} == {"system"}


class TestTheSecondPython:
    def test_is_the_one_that_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SECOND_PYTHON", sys.executable)
        own = f"{sys.version_info.major}.{sys.version_info.minor}"
        assert second_python.second() == (own, sys.executable)

    def test_is_found_beside_this_one_s_installation(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        version = next(v for v in second_python.VERSIONS if v not in sys.version[:4])
        command = tmp_path / version / "bin" / f"python{version}"
        self.install(command, version)
        self.isolate(monkeypatch, tmp_path)
        assert second_python.second() == (version, str(command))

    def test_a_command_that_runs_no_python_is_passed_over(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        versions = [v for v in second_python.VERSIONS if v not in sys.version[:4]]
        for version in versions:
            command = tmp_path / version / "bin" / f"python{version}"
            self.install(command, version)
            command.write_text("#!/bin/sh\nexit 127\n")
        self.isolate(monkeypatch, tmp_path)
        assert second_python.second() is None

    def test_where_there_is_none_it_says_so(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.isolate(monkeypatch, tmp_path)
        second_python.main()
        assert capsys.readouterr().out.startswith("no second Python")

    def install(self, command: Path, version: str) -> None:
        command.parent.mkdir(parents=True)
        command.write_text(f"#!/bin/sh\necho {version}\n")
        command.chmod(0o755)

    def isolate(self, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
        monkeypatch.delenv("SECOND_PYTHON", raising=False)
        monkeypatch.setenv("PATH", "")
        monkeypatch.setattr(sys, "base_prefix", str(home / "own"))


class TestTheMutants:
    def test_every_target_and_its_tests_are_there(self) -> None:
        for target, tests in mutants.TARGETS.items():
            place = ROOT / "causalopt" / target
            assert place.is_dir() or place.with_suffix(".py").exists(), target
            assert [test for test in tests if not (ROOT / test).exists()] == []

    def test_a_target_is_its_modules_and_a_module_can_be_asked_for(self) -> None:
        assert "model/labels/noise_words" in mutants.modules(["model/labels"])
        assert list(mutants.modules(["model/labels/noise_words"])) == ["model/labels/noise_words"]

    def test_an_unknown_target_is_refused(self) -> None:
        with pytest.raises(SystemExit, match="nothing is named effects/none"):
            mutants.modules(["effects/none"])

    def test_numbers_outside_functions_are_changed_and_no_others(self) -> None:
        text = "A = 3\nB = -0.5\nclass C:\n    d: bool = True\ndef f(x=1):\n    return 2\n"
        found = {(line, value) for line, _, _, value in mutants.numbers(text)}
        assert found == {(1, "4"), (2, "1.0"), (4, "False")}

    @pytest.mark.parametrize("module", mutants.modules([]))
    def test_a_module_whose_decorators_are_moved_means_the_same(self, module: str) -> None:
        text = (ROOT / "causalopt" / f"{module}.py").read_text()
        moved = mutants.lifted(text)
        assert [*mutants.decorated(ast.parse(moved))] == []
        assert len(moved.splitlines()) - len(text.splitlines()) in {0, 1}
        kept = [
            (a, b) for a, b in zip(text.splitlines(), moved.splitlines(), strict=False) if a != b
        ]
        assert all(a.strip()[:1] in {"@", ""} for a, _ in kept)

    def test_a_moved_decorator_is_applied(self) -> None:
        names: dict[str, Any] = {}
        code = (
            "import functools\nclass C:\n"
            "    @functools.cached_property\n    def f(self):\n        return []\n"
        )
        exec(mutants.lifted(code), names)
        one = names["C"]()
        assert one.f is one.f

    def test_a_survivor_stands_where_it_is_in_the_file(self, tmp_path: Path) -> None:
        file = "causalopt/m.py"
        mutated = tmp_path / "mutants" / "causalopt" / "m.py"
        generated = [
            "def xǁCǁf__mutmut_orig(self):",
            "    x = 1",
            "    return x",
            "def xǁCǁf__mutmut_1(self):",
            "    x = 1",
            "    return -x",
        ]
        mutated.parent.mkdir(parents=True)
        mutated.write_text("\n".join(generated))
        spans = {"xǁCǁf__mutmut_orig": [1, 3], "xǁCǁf__mutmut_1": [4, 6]}
        mutated.with_name("m.py.spans").write_text(json.dumps({"spans": spans}))
        (tmp_path / "causalopt").mkdir()
        (tmp_path / file).write_text(
            "\nclass C:\n\n    def f(self):\n        x = 1\n        return x\n"
        )
        bench = mutants.Bench(tmp_path, tmp_path, file, ())
        found = mutants.survivor(bench, "causalopt.m.xǁCǁf__mutmut_1", "")
        assert found == mutants.Survivor(
            "causalopt/m.py:6", "     x = 1\n-    return x\n+    return -x"
        )


class TestThePagesKeepTheirPromises:
    @pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/design.md"])
    def test_every_path_that_is_named_is_there(self, page: str) -> None:
        text = (ROOT / page).read_text()
        paths = re.findall(r"`((?:causalopt|tests|tools|docs|changes|models)/[\w/.-]*)`", text)
        assert paths
        assert [path for path in paths if not (ROOT / path).exists()] == []

    def test_every_name_that_is_said_to_be_in_a_file_is_there(self) -> None:
        said = re.findall(r"`(\w+)`,? in\s+`((?:causalopt|tests)/[\w/]+\.py)`", CONTRIBUTING)
        assert len(said) >= 3
        for name, file in said:
            assert re.search(rf"\b{name}\b", (ROOT / file).read_text()), f"{name} in {file}"

    @pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/design.md"])
    def test_every_target_of_make_that_is_named_is_there(self, page: str) -> None:
        makefile = (ROOT / "Makefile").read_text()
        for target in re.findall(r"`make ([\w-]+)", (ROOT / page).read_text()):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_tests_that_the_gate_names_are_there() -> None:
    """A file that moved would end the gate at its last stages, after a quarter of an hour."""
    text = (ROOT / ".ci" / "run").read_text()
    named = re.findall(r"(?<![\w/])tests/[\w./]+", text)
    assert len(named) > 10
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_page_of_functions_is_theirs() -> None:
    from tools import api_page

    told = api_page.PAGE.read_text()
    assert told == api_page.page(), "run python -m tools.api_page"
