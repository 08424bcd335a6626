"""Mutation testing: where a wrong number would be silent, would a test notice a wrong line?

`python -m tools.mutants [MODULE ...]` changes the modules below in thousands of places, one at a
time, and runs the tests that reach the place. mutmut makes the changes inside functions; what it
leaves out, numbers outside them and functions under a decorator, is added here. Everything is done
on copies under `.mutants`, which also keep what was found: a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import difflib
import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".mutants"
# A module below causalopt, or a folder of them, and the tests that concern it.
TARGETS: dict[str, tuple[str, ...]] = {
    "effects/asked": ("tests/effects",),
    "effects/measures": ("tests/effects",),
    "effects/finite": ("tests/effects", "tests/worlds"),
    "effects/limit": ("tests/effects",),
    "effects/sweeps/lanes": ("tests/effects", "tests/engine/test_batch.py"),
    "model/reach": ("tests/model/test_reach.py", "tests/effects"),
    "model/regions": ("tests/model/regions",),
    "effects/matrices": ("tests/effects", "tests/engine/test_adjoint.py"),
    "effects/exponents/rates": ("tests/effects",),
    "effects/sweeps/axes": ("tests/effects",),
    "engine/jacobians": (
        "tests/optimizers/test_optimizers.py",
        "tests/effects/exponents/test_rates.py",
        "tests/engine/test_jacobians.py",
    ),
    "engine/held_sets": ("tests/engine/test_jacobians.py", "tests/optimizers"),
    "engine/rescaling": ("tests/engine",),
    "influence": ("tests/influence",),
    "optimizers": ("tests/optimizers",),
    "effects/sweeps/point_lanes": ("tests/effects",),
    "effects/sweeps/sweep": ("tests/effects",),
    "effects/sweeps/sweep_dataset": ("tests/effects",),
    **{
        f"basins/{stem}": ("tests/basins",)
        for stem in (
            "cell_refinement",
            "cell_shares",
            "linked_cells",
            "op_basins",
            "recurrence_machine",
            "region_tracks",
        )
    },
    "worlds": ("tests/worlds", "tests/effects"),
    "symbolic/verification": ("tests/symbolic",),
    "symbolic/program_checks": ("tests/symbolic",),
    "model/labels": ("tests/model", "tests/laws", "tests/entropy"),
}
WORKERS = "2"
_COPIED = ("causalopt", "tests", "tools", "models", "docs", "README.md", "CONTRIBUTING.md")
_OPTIONS = ("-p", "tools.fresh_caches", "-p", "no:cacheprovider", "-m", "not slow and not browser")
_SILENT = (  # left as they are: messages have tests of their own, warnings are errors in all
    r"raise \w+",
    r"np\.errstate",
)
_SURVIVED, _UNREACHED = 0, 33  # mutmut's exit codes; None is a mutant not yet tried


@dataclasses.dataclass(frozen=True)
class Survivor:
    """A change that no test noticed.

    Attributes:
        place: File and line.
        change: The change, as a diff.
        note: Whether any test ran the place.
    """

    place: str
    change: str
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Tally:
    """What became of one module's mutants."""

    module: str
    tried: int
    survivors: tuple[Survivor, ...]

    def text(self) -> str:
        """Return the tally in Markdown, with every survivor."""
        parts = [f"## {self.module}: {share(len(self.survivors), self.tried)}"]
        parts += [f"{s.place}{s.note}\n```diff\n{s.change}\n```" for s in self.survivors]
        return "\n\n".join(parts)


def share(survived: int, tried: int) -> str:
    """Return `N of M survived (x %)`."""
    return f"{survived} of {tried} survived ({100 * survived / max(tried, 1):.1f} %)"


@dataclasses.dataclass(frozen=True)
class Bench:
    """A copy of a source tree in which one file is changed.

    Attributes:
        home: The copy, with what was found.
        source: The tree it was made of.
        file: The changed file, from the top of the tree.
        tests: The tests that concern it.
    """

    home: Path
    source: Path
    file: str
    tests: tuple[str, ...]

    @property
    def mutated(self) -> Path:
        """The tree in which mutmut runs the tests."""
        return self.home / "mutants"

    def lay(self) -> None:
        """Bring the copy up to date; where tests have changed, survivors are to be tried anew."""
        before = digest(self.home)
        for name in _COPIED:
            copy(self.source / name, self.home / name, but=self.file)
        if digest(self.home) != before:
            self.forget_survivors()
        write(self.home / self.file, lifted((self.source / self.file).read_text()).encode())
        write(self.home / "pyproject.toml", self.settings().encode())
        # A folder that is missing when Python starts is never looked at again.
        self.mutated.mkdir(exist_ok=True)

    def settings(self) -> str:
        """Return the project's settings with mutmut's for this file."""
        settings = {
            "source_paths": ["causalopt"],
            "only_mutate": [self.file],
            "also_copy": [name for name in _COPIED if name != "causalopt"],
            "pytest_add_cli_args": _OPTIONS,
            "pytest_add_cli_args_test_selection": self.tests,
            "do_not_mutate_patterns": _SILENT,
            "process_isolation": "forkserver",  # no test finds what another has cached
            "use_git_change_detection": False,
            "on_dependency_change": "ignore",
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
        plain = (self.source / "pyproject.toml").read_text()
        return f"{plain}\n[tool.mutmut]\n" + "\n".join(lines) + "\n"

    def meta(self) -> dict[str, Any]:
        """Return mutmut's findings."""
        found: dict[str, Any] = kept(self.mutated / f"{self.file}.meta")
        return found

    def forget_survivors(self) -> None:
        """Have survivors tried anew. What was killed stays so."""
        for stale in ("noticed.json", "numbers.json", "mutants/mutmut-stats.json"):
            (self.home / stale).unlink(missing_ok=True)
        found = self.meta()
        for name, code in found.get("exit_code_by_key", {}).items():
            if code in {_SURVIVED, _UNREACHED}:
                found["exit_code_by_key"][name] = None
        if found:
            keep(self.mutated / f"{self.file}.meta", found)
        # mutmut copies what is missing, and only that.
        for name in _COPIED[1:]:
            shutil.rmtree(self.mutated / name, ignore_errors=True)

    def command(self, *words: str) -> list[str]:
        """Return a command of mutmut's."""
        return [sys.executable, "-m", "mutmut", *words]

    def environment(self, tree: Path, mutant: str = "") -> dict[str, str]:
        """Return an environment that imports a tree and keeps its compiled steps apart."""
        own = {"PYTHONPATH": str(tree), "CAUSALOPT_CACHE": str(self.home / "cache")}
        return {**os.environ, **own, **({"MUTANT_UNDER_TEST": mutant} if mutant else {})}

    def passes(self, tree: Path, tests: Sequence[str], mutant: str = "") -> bool:
        """Return whether tests pass in a tree, with one of mutmut's mutants in place."""
        listed = self.home / "tests.txt"
        listed.write_text("\n".join(tests))
        words = ["-m", "pytest", "-x", "-q", "-n", WORKERS, *_OPTIONS, f"@{listed}"]
        try:
            done = subprocess.run(
                [sys.executable, *words],
                cwd=tree,
                env=self.environment(tree, mutant),
                capture_output=True,
                check=False,
                timeout=1800,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


def examine(module: str, tests: Sequence[str], *, source: Path = ROOT) -> Tally:
    """Return what became of a module's mutants, those of an earlier run included."""
    home = WORK / module.replace("/", ".")
    bench = Bench(home, source, f"causalopt/{module}.py", tuple(tests))
    bench.lay()
    tried, inside = in_functions(bench)
    numbers, outside = in_numbers(bench)
    return Tally(module, tried + numbers, (*inside, *outside))


def in_functions(bench: Bench) -> tuple[int, list[Survivor]]:
    """Return how many mutants mutmut made, and those that lived."""
    run = bench.command("run", "--max-children", WORKERS)
    done = subprocess.run(run, cwd=bench.home, env=bench.environment(bench.mutated), check=False)
    codes: dict[str, int | None] = bench.meta().get("exit_code_by_key", {})
    if done.returncode and codes:
        sys.exit(f"mutmut failed in {bench.home}")
    alive = [name for name, code in codes.items() if code in {_SURVIVED, _UNREACHED}]
    return len(codes), [
        survivor(bench, name, " (no test reaches it)" if codes[name] == _UNREACHED else "")
        for name in alive
        if not noticed(bench, name)
    ]


def noticed(bench: Bench, name: str) -> bool:
    """Return whether the other tests notice a mutant that those known to reach it did not.

    A test is known to reach a function if it called it. One that reads what was computed before,
    when a module was imported or for tests together, is not.
    """
    known = kept(bench.home / "noticed.json")
    if name not in known:
        stats = kept(bench.mutated / "mutmut-stats.json")
        function = name.rpartition("__mutmut_")[0]
        reach = set(stats["tests_by_mangled_function_name"].get(function, ()))
        others = [test for test in stats["duration_by_test"] if test not in reach]
        known[name] = bool(others) and not bench.passes(bench.mutated, others, name)
        keep(bench.home / "noticed.json", known)
    return bool(known[name])


def survivor(bench: Bench, name: str, note: str) -> Survivor:
    """Return one of mutmut's mutants as a change of the file as it is."""
    mutated = bench.mutated / bench.file
    spans = kept(mutated.with_name(f"{mutated.name}.spans"))["spans"]
    mutant = name.rpartition(".")[2]
    function = mutant.rpartition("__mutmut_")[0]
    texts = mutated.read_text().splitlines()
    before, after = (
        definition(texts[spans[key][0] - 1 : spans[key][1]])
        for key in (f"{function}__mutmut_orig", mutant)
    )
    path = function.removeprefix("xǁ").split("ǁ") if "ǁ" in function else [function[2:]]
    first = line_of(ast.parse((bench.home / bench.file).read_text()), path)
    pairs = itertools.zip_longest(before[1:], after[1:])
    moved = next((k for k, (a, b) in enumerate(pairs, start=1) if a != b), 0)
    change = list(difflib.unified_diff(before[1:], after[1:], lineterm="", n=1))[3:]
    if not change:  # a default in the first line, which also has the name
        change = [f"-{before[0]}", f"+{after[0]}"]
    return Survivor(f"{bench.file}:{first + moved}", "\n".join(change), note)


def definition(lines: list[str]) -> list[str]:
    """Return a function's lines from its `def` on."""
    start = next(k for k, line in enumerate(lines) if line.lstrip().startswith(("def ", "async ")))
    return lines[start:]


def line_of(tree: ast.Module | ast.ClassDef, path: Sequence[str]) -> int:
    """Return the line in which a function, or a method of a class, is defined."""
    node = next(node for node in tree.body if getattr(node, "name", None) == path[0])
    if len(path) > 1 and isinstance(node, ast.ClassDef):
        return line_of(node, path[1:])
    return node.lineno


def in_numbers(bench: Bench) -> tuple[int, list[Survivor]]:
    """Return how many numbers stand outside functions, and those that no test would miss."""
    file = bench.home / bench.file
    text = file.read_text()
    known = kept(bench.home / "numbers.json")
    survivors = []
    changes = list(numbers(text))
    for line, column, end, value in changes:
        lines = text.split("\n")
        old = lines[line - 1]
        lines[line - 1] = f"{old[:column]}{value}{old[end:]}"
        key = f"{hashlib.sha256(text.encode()).hexdigest()[:12]}:{line}:{column}"
        if key not in known:
            file.write_text("\n".join(lines))
            known[key] = bench.passes(bench.home, bench.tests)
            keep(bench.home / "numbers.json", known)
            file.write_text(text)
        if known[key]:
            survivors.append(Survivor(f"{bench.file}:{line}", f"-{old}\n+{lines[line - 1]}"))
    return len(changes), survivors


def numbers(text: str) -> Iterator[tuple[int, int, int, str]]:
    """Yield (line, column, end, another number) of the numbers that stand outside functions."""
    outside: list[ast.AST] = [ast.parse(text)]
    while outside:
        node = outside.pop()
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            yield node.lineno, node.col_offset, node.end_col_offset or 0, repr(other(node.value))
        if isinstance(node, ast.ClassDef):  # a decorator's options are no numbers of the theory
            outside += node.body
        elif not isinstance(node, ast.FunctionDef | ast.Lambda):
            outside += ast.iter_child_nodes(node)


def other(value: float) -> float:
    """Return another number than this one, or the other truth value."""
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else 2 * value or 1.0


def lifted(text: str) -> str:
    """Return a module with `@decorator` before a function as a call after it, line for line.

    mutmut leaves decorated functions alone. A comment takes the decorator's lines and the call the
    blank line after the function, so that every place stays what it is.
    """
    lines = [*text.rstrip("\n").split("\n"), ""]
    for function in decorated(ast.parse(text)):
        indent, call, end = " " * function.col_offset, function.name, function.end_lineno or 0
        if lines[end].strip():
            continue  # something follows at once: leave it as it is
        for decorator in reversed(function.decorator_list):
            call = f"{ast.unparse(decorator)}({call})"
            for line in range(decorator.lineno - 1, decorator.end_lineno or 0):
                lines[line] = f"{indent}# applied below"
        lines[end] = f"{indent}{function.name} = {call}"
    return "\n".join(lines).rstrip("\n") + "\n"


def decorated(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Yield the functions and methods that mutmut leaves out for their decorators."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    for node in [*tree.body, *(method for found in classes for method in found.body)]:
        if isinstance(node, ast.FunctionDef):
            names = [ast.unparse(decorator) for decorator in node.decorator_list]
            alone = names in (["staticmethod"], ["classmethod"])
            if names and not alone and not any(".setter" in n or "overload" in n for n in names):
                yield node


def files_of(tree: Path) -> list[Path]:
    """Return the files of a folder, or the file itself, without compiled ones."""
    found = [tree] if tree.is_file() else sorted(f for f in tree.rglob("*") if f.is_file())
    return [file for file in found if "__pycache__" not in file.parts]


def copy(source: Path, target: Path, *, but: str) -> None:
    """Make a copy equal to its source, but for one file; what is equal keeps its time."""
    for file in files_of(source):
        place = target / file.relative_to(source) if source.is_dir() else target
        if not place.as_posix().endswith(f"/{but}"):
            write(place, file.read_bytes())
    for file in files_of(target) if source.is_dir() else ():
        if not (source / file.relative_to(target)).exists():
            file.unlink()


def write(file: Path, content: bytes) -> None:
    """Write a file that does not say so already."""
    if not file.exists() or file.read_bytes() != content:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def digest(home: Path) -> str:
    """Return what a copy comes to without the package: the tests, and what they read."""
    found = hashlib.sha256()
    for name in _COPIED[1:]:
        for file in files_of(home / name):
            found.update(str(file).encode() + file.read_bytes())
    return found.hexdigest()


def kept(file: Path) -> dict[str, Any]:
    """Return what was found earlier."""
    found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return found


def keep(file: Path, found: dict[str, Any]) -> None:
    """Keep what was found, whole or not at all."""
    new = file.with_name(f"{file.name}.new")
    new.write_text(json.dumps(found))
    new.replace(file)


def modules(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return module -> tests, of the targets or modules that are named, or of all."""
    found = {}
    for name, tests in TARGETS.items():
        place = ROOT / "causalopt" / name
        for file in sorted(place.glob("*.py")) if place.is_dir() else [place.with_suffix(".py")]:
            module = file.relative_to(ROOT / "causalopt").with_suffix("").as_posix()
            if file.stem != "__init__" and (not names or {name, module} & set(names)):
                found[module] = tests
    if not found:
        sys.exit(f"nothing is named {', '.join(names)}; there are {', '.join(TARGETS)}")
    return found


_SMOKE = '''"""Two lines that a test looks at, and two that it does not."""

LIMIT = 3
SLACK = 1e-9


class Scale:
    @property
    def factor(self):
        return 2


def double(x):
    return Scale().factor * x if x < LIMIT else x


def half(x):
    return x - 1
'''
_SMOKE_TEST = """from causalopt.scale import double, half


def test_double():
    assert [double(x) for x in (1, 2, 3, 4)] == [2, 4, 3, 4]


def test_half():
    half(1)
"""


def smoke() -> None:
    """Show that a change which a test notices is told from one that none does.

    Raises:
        SystemExit: It is not.
    """
    shutil.rmtree(WORK / "smoke", ignore_errors=True)
    shutil.rmtree(WORK / "scale", ignore_errors=True)
    source = WORK / "smoke"
    for name, text in {
        "causalopt/__init__.py": "",
        "causalopt/scale.py": _SMOKE,
        "tests/test_scale.py": _SMOKE_TEST,
        "tools/__init__.py": "",
        "tools/fresh_caches.py": (ROOT / "tools" / "fresh_caches.py").read_text(),
        "pyproject.toml": "[tool.pytest.ini_options]\nmarkers = ['slow', 'browser']\n",
    }.items():
        write(source / name, text.encode())
    tally = examine("scale", ["tests"], source=source)
    print(tally.text())
    lived = {s.place.rpartition(":")[2] for s in tally.survivors}
    lines = {
        word: str(_SMOKE[: _SMOKE.index(word)].count("\n") + 1)
        for word in ("SLACK =", "x - 1", "LIMIT =", "return 2", "x < LIMIT")
    }
    if lived != {lines["SLACK ="], lines["x - 1"]} or tally.tried < len(lived) + 3:
        sys.exit(f"the tool is blind: it found survivors in lines {', '.join(sorted(lived))}")
    print("the tool tells what a test notices from what none does")


def main() -> None:
    """Examine the targets named, or all, and report what survived."""
    parser = argparse.ArgumentParser(description="Mutation testing; CONTRIBUTING.md explains it.")
    parser.add_argument("module", nargs="*", help=f"of {', '.join(TARGETS)}; all if none is named")
    parser.add_argument("--smoke", action="store_true", help="only show that the tool works")
    chosen = parser.parse_args()
    if chosen.smoke:
        smoke()
        return
    tallies = []
    for module, tests in modules(chosen.module).items():
        tallies.append(examine(module, tests))
        print(f"\n{tallies[-1].text()}\n", flush=True)
        lived, tried = (sum(len(t.survivors) for t in tallies), sum(t.tried for t in tallies))
        report = [*(tally.text() for tally in tallies), f"Total: {share(lived, tried)}"]
        write(WORK / "report.md", ("\n\n".join(["# Mutants", *report]) + "\n").encode())
    print(f"{share(lived, tried)}; the report is {WORK / 'report.md'}")


if __name__ == "__main__":
    main()
