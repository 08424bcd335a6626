"""The tests on another Python than the first, where one is installed.

`python -m tools.second_python` looks for the newest of `VERSIONS` that is not the Python it runs
on: in SECOND_PYTHON, on the path, then beside this Python's own installation, where managers of
versions keep the others. It makes a virtual environment there from the lock file and runs the tests
in it. Where there is none, it says so and succeeds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ("3.13", "3.12", "3.11")
_LEFT_OUT = "not slow and not browser and not network"  # the first Python's tests run these


def candidates() -> Iterator[tuple[str, str]]:
    """Yield (version, command) of what may be a second Python, the best first."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    chosen = os.environ.get("SECOND_PYTHON")
    if chosen:
        yield version_of(chosen), chosen
        return
    beside = Path(sys.base_prefix).parent
    for version in VERSIONS:
        if version != own:
            yield version, shutil.which(f"python{version}") or ""
            for found in sorted(beside.glob(f"*/bin/python{version}")):
                yield version, str(found)


def version_of(command: str) -> str:
    """Return a Python's version, `3.13`; nothing if the command runs none that can make a venv."""
    code = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([command, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def second() -> tuple[str, str] | None:
    """Return (version, command) of the second Python, None where there is none."""
    for version, command in candidates():
        if command and version and version_of(command) == version:
            return version, command
    return None


def environment(version: str, command: str) -> Path:
    """Return the Python of a virtual environment with everything in the lock file."""
    home = ROOT / f".venv-{version}"
    python, done, lock = home / "bin" / "python", home / ".done", ROOT / "requirements.lock"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([command, "-m", "venv", "--clear", str(home)])
        run([*pip, "-r", str(lock)])
        run([*pip, "--no-deps", "-e", "."])
        done.touch()
    return python


def run(command: Sequence[str]) -> None:
    """Run a command at the top of the checkout; its failure is this program's."""
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if code:
        sys.exit(code)


def main() -> None:
    """Run the tests on the second Python, or say that there is none."""
    found = second()
    if found is None:
        others = " or ".join(VERSIONS)
        print(f"no second Python ({others}) is installed here: the tests ran on one version only")
        return
    print(f"the tests on Python {found[0]}, {found[1]}", flush=True)
    python = environment(*found)
    run([str(python), "-m", "pytest", "-n", "auto", "--dist", "loadgroup", "-m", _LEFT_OUT])


if __name__ == "__main__":
    main()
