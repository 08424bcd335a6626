"""The core alone: how many packages and megabytes it takes, and that its commands answer.

Run by the Python of an environment in which causalopt is installed without extras; what pip itself
brings does not count. It needs nothing but the standard library.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

MOST_PACKAGES = 25
MOST_MEGABYTES = 350
INSTALLERS = {"pip", "setuptools", "wheel"}
EXTRAS = (
    "llvmlite",
    "matplotlib",
    "scipy",
    "xarray",
    "h5py",
    "h5netcdf",
    "zarr",
    "pandas",
    "onnx",
    "sklearn",
)
# What is asked, and what its answer holds; each is read as JSON where it is asked for.
ANSWERS = {
    "models": "thermostat",
    "check lorenz": "sigma",
    "check thermostat --json": "edges",
    "run thermostat --json": "op",
    "run lorenz --method rk4 --steps 2000 --json": "op",
    "derive thermostat --json": "verified",
    "derive maze --at 8 --json": "value",
    "entropy thermostat_smart --at 1 --json": "optimizing_strength",
    "rates lorenz --steps 300 --json": "lyapunov",
    "sweep thermostat_saturating --grid R[0]=5:45:41 --json": "power",
    "escape sgd_pit --start 0 --beyond 1 --within 5 --method ensemble --walkers 50 --json": "error",
    "draw thermostat --steps 3 --out graph.svg": "",
    "schema": "properties",
}
# What needs an extra, and the extra whose install line is to be named.
REFUSALS = {
    "run thermostat --plot run.png": "plots",
    "run thermostat --out run.nc": "files",
    "sweep thermostat --grid k=0:1:3 --out s.zarr": "files",
    "descent sgd_pit --show losses --plot d.png": "plots",
    "reproduce --demo": "plots",
    "escape sgd_pit --start 0 --beyond 1 --within 5 --method operator": "numerics",
}


def packages() -> list[str]:
    """Return the packages that causalopt's core brings, itself left out."""
    names = {dist.metadata["Name"].lower() for dist in importlib.metadata.distributions()}
    return sorted(names - INSTALLERS - {"causalopt"})


def megabytes(folder: Path) -> float:
    """Return what all packages take on disk, installers left out, in units of 10^6 bytes."""
    total = 0
    for place, _, files in os.walk(folder):
        top = Path(place).relative_to(folder).parts[:1]
        name = top[0].partition("-")[0] if top else ""
        if name not in {*INSTALLERS, "pkg_resources", "_distutils_hack"}:
            total += sum(os.path.getsize(os.path.join(place, file)) for file in files)
    return total / 1e6


def ask(words: str, folder: str) -> subprocess.CompletedProcess[str]:
    """Run one command."""
    command = [sys.executable, "-m", "causalopt", *words.split()]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def check_answers(folder: str) -> None:
    """Ask what the core answers, and what it refuses with an install line.

    Raises:
        SystemExit: An answer is missing, or ends in a traceback.
    """
    for words, expected in ANSWERS.items():
        done = ask(words, folder)
        found = json.loads(done.stdout) if "--json" in words else done.stdout
        if done.returncode or expected not in found:
            raise SystemExit(f"causalopt {words}: exit {done.returncode}\n{done.stderr}")
    for words, extra in REFUSALS.items():
        done = ask(words, folder)
        line = f"pip install 'causalopt[{extra}]'"
        if done.returncode != 2 or line not in done.stderr or "Traceback" in done.stderr:
            raise SystemExit(f"causalopt {words}: exit {done.returncode}\n{done.stderr}")


def main() -> None:
    """Measure, ask, and say what was found."""
    found = packages()
    spec = importlib.util.find_spec("causalopt")
    assert spec is not None
    assert spec.origin is not None
    size = megabytes(Path(spec.origin).parents[1])
    print(f"{len(found)} packages, {size:.0f} MB: {', '.join(found)}")
    extra = [name for name in EXTRAS if importlib.util.find_spec(name) is not None]
    if extra:
        raise SystemExit(f"this is more than the core: {', '.join(extra)}")
    if len(found) > MOST_PACKAGES or size > MOST_MEGABYTES:
        raise SystemExit(f"the core is at most {MOST_PACKAGES} packages and {MOST_MEGABYTES} MB")
    with tempfile.TemporaryDirectory() as folder:
        check_answers(folder)
    print(f"{len(ANSWERS)} answers, {len(REFUSALS)} install lines")


if __name__ == "__main__":
    main()
