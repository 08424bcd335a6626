"""Mutation testing: where a wrong number would be silent, would a test notice a wrong line?

`python -m tools.mutants [MODULE ...]` changes the modules below in thousands of places, one at a time,
and runs the tests that reach the place. mutmut makes the changes inside functions; what it leaves out,
numbers outside them and functions under a decorator, is added here. Everything is done on copies
under `.mutants`, which also keep what was found, so that a run that was stopped goes on.
"""

from __future__ import annotations

import ast
import dataclasses
import difflib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".mutants"
# Module below causalopt, or a folder of them -> the tests that concern it.
TARGETS: dict[str, tuple[str, ...]] = {
    "effects/measures": ("tests/effects",),
    "effects/effect": ("tests/effects",),
    "effects/finite": ("tests/effects",),
    "effects/limit": ("tests/effects",),
    "effects/lanes": ("tests/effects", "tests/engine"),
    "effects/reach": ("tests/effects",),
    "effects/matrices": ("tests/effects", "tests/engine"),
    "effects/optimizers": ("tests/effects",),
    "effects/rates": ("tests/effects",),
    "effects/axes": ("tests/effects",),
    "effects/sweep": ("tests/effects",),
    "effects/sweep_dataset": ("tests/effects",),
    "worlds/interventions": ("tests/worlds", "tests/effects"),
    "worlds/world": ("tests/worlds", "tests/effects"),
    "symbolic/verification": ("tests/symbolic",),
    "symbolic/program_checks": ("tests/symbolic",),
    "model/labels": ("tests/model", "tests/laws", "tests/entropy"),
}
COPIED = ("causalopt", "tests", "tools", "models", "docs", "benchmarks", "README.md")
WORKERS = "2"
SURVIVED, UNTESTED, UNTRIED = 0, 33, None  # mutmut's exit codes
_OPTIONS = ["-p", "tools.fresh_caches", "-p", "no:cacheprovider", "-m", "not slow and not browser"]


@dataclasses.dataclass(frozen=True)
class Survivor:
    """A change that no test noticed.

    Attributes:
        place: File and line.
        diff: The change.
        reached: Whether any test ran the place.
    """

    place: str
    diff: str
    reached: bool = True


@dataclasses.dataclass(frozen=True)
class Tally:
    """What became of one module's mutants."""

    module: str
    tried: int
    survivors: tuple[Survivor, ...]

    def __str__(self) -> str:
        return f"{self.module}: {share(len(self.survivors), self.tried)}"


def share(survived: int, tried: int) -> str:
    """Return `N of M survived (x %)`."""
    return f"{survived} of {tried} survived ({100 * survived / max(tried, 1):.1f} %)"


def chosen(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return file below causalopt -> tests, of the targets named, or of all."""
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        sys.exit(f"no such target: {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    found = {}
    for name in names or TARGETS:
        place = ROOT / "causalopt" / name
        files = sorted(place.glob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
        for file in files:
            if file.stem != "__init__":
                found[file.relative_to(ROOT / "causalopt").with_suffix("").as_posix()] = TARGETS[name]
    return found


def examine(module: str, tests: Sequence[str], *, source: Path = ROOT) -> Tally:
    """Return what became of a module's mutants, those from an earlier run included."""
    home = WORK / module.replace("/", ".")
    file = f"causalopt/{module}.py"
    lay(home, source, file, tests)
    run_mutmut(home)
    codes = json.loads((home / "mutants" / f"{file}.meta").read_text())["exit_code_by_key"]
    suspects = [name for name, code in codes.items() if code in {SURVIVED, UNTESTED}]
    alive = [name for name in suspects if not noticed(home, name, tests)]
    inside = [survivor(home, source / file, name, reached=codes[name] == SURVIVED) for name in alive]
    tried, outside = try_numbers(home, file, tests)
    return Tally(module, len(codes) + tried, (*inside, *outside))


def lay(home: Path, source: Path, file: str, tests: Sequence[str]) -> None:
    """Copy a source tree to where its mutants are made, the module in a form mutmut changes whole."""
    home.mkdir(parents=True, exist_ok=True)
    before, after = digest(home, COPIED[1:]), ""
    for name in COPIED:
        copy(source / name, home / name)
    after = digest(home, COPIED[1:])
    write(home / file, lifted((source / file).read_text()))
    write(home / "pyproject.toml", configuration(source, file, tests))
    if before != after:
        forget_survivors(home, file)


def copy(source: Path, target: Path) -> None:
    """Make a copy of a file or folder equal to it; what is equal keeps its time."""
    if source.is_file():
        write(target, source.read_bytes())
        return
    wanted = {f.relative_to(source) for f in source.rglob("*") if f.is_file() and "__pycache__" not in f.parts}
    for old in [f for f in target.rglob("*") if f.is_file()]:
        if old.relative_to(target) not in wanted and "__pycache__" not in old.parts:
            old.unlink()
    for name in wanted:
        write(target / name, (source / name).read_bytes())


def write(target: Path, content: str | bytes) -> None:
    """Write a file unless it says so already."""
    data = content.encode() if isinstance(content, str) else content
    if not target.exists() or target.read_bytes() != data:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def digest(home: Path, names: Iterable[str]) -> str:
    """Return what the copied tests and what they read come to."""
    files = sorted(f for name in names for f in [home / name, *(home / name).rglob("*")] if f.is_file())
    found = hashlib.sha256()
    for file in files:
        if "__pycache__" not in file.parts:
            found.update(file.relative_to(home).as_posix().encode() + file.read_bytes())
    return found.hexdigest()


def forget_survivors(home: Path, file: str) -> None:
    """Have survivors tried anew: the tests are others. What was killed stays so."""
    for stale in (home / "noticed.json", home / "mutants" / "mutmut-stats.json"):
        stale.unlink(missing_ok=True)
    meta = home / "mutants" / f"{file}.meta"
    if meta.exists():
        found = json.loads(meta.read_text())
        codes = found["exit_code_by_key"]
        found["exit_code_by_key"] = {
            name: UNTRIED if code in {SURVIVED, UNTESTED} else code for name, code in codes.items()
        }
        meta.write_text(json.dumps(found))


def configuration(source: Path, file: str, tests: Sequence[str]) -> str:
    """Return the settings of the tests as they are, with mutmut's for one file."""
    settings = {
        "source_paths": ["causalopt"],
        "only_mutate": [file],
        "also_copy": [name for name in COPIED if name != "causalopt"],
        "pytest_add_cli_args": _OPTIONS,
        "pytest_add_cli_args_test_selection": list(tests),
        "do_not_mutate_patterns": [r"raise \w+"],  # messages are the business of their tests
        "process_isolation": "forkserver",  # no worker inherits what another test has cached
        "use_git_change_detection": False,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    plain = (source / "pyproject.toml").read_text()
    return plain + "\n[tool.mutmut]\n" + "\n".join(lines) + "\n"


def lifted(text: str) -> str:
    """Return a module with `@decorator` before a function as a call after it, line for line.

    mutmut leaves decorated functions alone. A comment takes the decorator's line and the call the
    blank line after the function, so that places stay what they are.
    """
    lines = text.split("\n")
    for function in decorated(ast.parse(text)):
        indent = " " * function.col_offset
        wrapped = function.name
        for decorator in reversed(function.decorator_list):
            wrapped = f"{ast.unparse(decorator)}({wrapped})"
            for number in range(decorator.lineno - 1, (decorator.end_lineno or 0)):
                lines[number] = f"{indent}# decorated below"
        end = function.end_lineno or 0
        if end < len(lines) and not lines[end].strip():
            lines[end] = f"{indent}{function.name} = {wrapped}"
    return "\n".join(lines) + "\n" * (lines[-1] != "")


def decorated(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Yield the functions and methods that mutmut would leave out for their decorators."""
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    for node in [node for body in bodies for node in body]:
        if isinstance(node, ast.FunctionDef):
            names = [ast.unparse(decorator) for decorator in node.decorator_list]
            if names and names not in (["staticmethod"], ["classmethod"]) and "overload" not in names:
                yield node


def run_mutmut(home: Path) -> None:
    """Have the mutants made, and those tried that were not."""
    command = [str(Path(sys.executable).parent / "mutmut"), "run", "--max-children", WORKERS]
    done = subprocess.run(command, cwd=home, env=environment(home), check=False)
    if done.returncode:
        sys.exit(f"mutmut failed in {home}")


def environment(home: Path, **more: str) -> Mapping[str, str]:
    """Return an environment in which the copied package is imported, its compiled steps kept apart."""
    path = str(home / "mutants")
    return {**os.environ, "PYTHONPATH": path, "CAUSALOPT_CACHE": str(home / "cache"), **more}


def noticed(home: Path, name: str, tests: Sequence[str]) -> bool:
    """Return whether all tests together notice a mutant that those known to reach it did not.

    A test that finds a value cached by an earlier one is not known to reach what computed it.
    """
    kept = home / "noticed.json"
    known: dict[str, bool] = json.loads(kept.read_text()) if kept.exists() else {}
    if name not in known:
        known[name] = not passes(home / "mutants", tests, environment(home, MUTANT_UNDER_TEST=name))
        kept.write_text(json.dumps(known))
    return known[name]


def passes(home: Path, tests: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Return whether the tests pass in a tree."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", WORKERS, *_OPTIONS, *tests]
    try:
        done = subprocess.run(
            command, cwd=home, env=environment, capture_output=True, check=False, timeout=1800
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def survivor(home: Path, file: str, name: str, *, reached: bool) -> Survivor:
    """Return one of mutmut's mutants as a change of the file as it is."""
    mutated = home / "mutants" / file
    spans = json.loads((mutated.parent / f"{mutated.name}.spans").read_text())["spans"]
    mutant = name.rpartition(".")[2]
    original = f"{mutant.rpartition('__mutmut_')[0]}__mutmut_orig"
    before, after = (body(mutated, spans[key]) for key in (original, mutant))
    names = original.removesuffix("__mutmut_orig").removeprefix("x").split("ǁ")
    first = line_of((home / file).read_text(), [part.removeprefix("_") if len(names) == 1 else part for part in names if part])
    change = list(difflib.unified_diff(before, after, lineterm="", n=1))[3:]
    moved = next(k for k, (a, b) in enumerate(zip([*before, ""], [*after, ""])) if a != b)
    return Survivor(f"{file}:{first + moved}", "\n".join(change), reached)
