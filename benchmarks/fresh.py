"""The first call in a fresh process: `python -m benchmarks.fresh TITLE START` is one.

What is counted is the whole process from its start to the call's end: Python, imports, the model,
compiling, the call. Of these, what imports and what compiling take is told apart.
"""

from __future__ import annotations

import builtins
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
COMPILER = "causalopt.engine.machine.compiler"


@dataclasses.dataclass(frozen=True)
class First:
    """CPU seconds of all threads and seconds by the clock, from start to the call's end."""

    cpu: float
    clock: float
    imports: float
    compiling: float


class Watch:
    """Counts the CPU of imports and of LLVM, in the process where it is put in place."""

    def __init__(self) -> None:
        self.imports, self.compiling = 0.0, 0.0
        self._inside = False
        self._import = builtins.__import__

    def install(self) -> None:
        """Put itself between importers and what they import."""
        builtins.__import__ = self._watched

    def _watched(self, *arguments: Any, **options: Any) -> Any:
        if self._inside:
            return self._import(*arguments, **options)
        self._inside, start = True, time.process_time()
        try:
            return self._import(*arguments, **options)
        finally:
            self.imports += time.process_time() - start
            self._inside = False
            native = sys.modules.get(COMPILER)
            if native is not None and hasattr(native, "_compiled"):
                self._count(native)

    def _count(self, native: Any) -> None:
        inner = native._compiled
        if getattr(inner, "counted", False):
            return

        def compiled(*arguments: Any) -> Any:
            start = time.process_time()
            try:
                return inner(*arguments)
            finally:
                self.compiling += time.process_time() - start

        compiled.counted = True  # type: ignore[attr-defined]
        native._compiled = compiled


def first(title: str, cache: Path) -> First:
    """Run a case once in a fresh process, its compiled code kept in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "CAUSALOPT_CACHE": str(cache)}
    words = [sys.executable, "-m", "benchmarks.fresh", title, str(time.monotonic())]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env=environment, cwd=HERE.parent
    )
    if done.returncode:
        raise RuntimeError(f"{title} in a fresh process:\n{done.stderr}")
    return First(**json.loads(done.stdout.splitlines()[-1]))


def both(title: str, repeats: int) -> tuple[First, First]:
    """Return the least of several first calls: nothing compiled before, and all of it."""
    empty, full = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(repeats):
            cache = Path(folder) / str(number)
            cache.mkdir(mode=0o700)
            empty.append(first(title, cache))
            full.append(first(title, cache))
    return min(empty, key=lambda f: f.cpu), min(full, key=lambda f: f.cpu)


def main() -> None:
    """Be the fresh process."""
    watch = Watch()
    watch.install()
    from benchmarks.cases import named

    named(sys.argv[1]).prepare()()
    cpu, clock = time.process_time(), time.monotonic() - float(sys.argv[2])
    print(json.dumps(dataclasses.asdict(First(cpu, clock, watch.imports, watch.compiling))))


if __name__ == "__main__":
    main()
