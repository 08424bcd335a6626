"""Points against time and memory: `python -m benchmarks.scale [--most POINTS]`.

Sweeps of the saturating thermostat, whole processes: into a store, and in memory as far as that
goes. Writes the table of docs/scale.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "scale.md"
MARKS = ("<!-- scale: written by `python -m benchmarks.scale` -->", "<!-- scale ends -->")
STEPS = 1000
_IN_MEMORY = 10**7


@dataclasses.dataclass(frozen=True)
class Measured:
    """One process: seconds by the clock and of CPU, and the most memory it had at once, in GB."""

    clock: float
    cpu: float
    memory: float


def measured(words: list[str]) -> Measured:
    """Run a command line and measure its process."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "causalopt", *words], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    passed = time.perf_counter() - begun
    if status:
        raise SystemExit(f"causalopt {' '.join(words)} ended with {status}")
    return Measured(passed, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6)


def size_of(folder: Path) -> tuple[int, int]:
    """Return the bytes and the number of files below a folder."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return sum(sizes), len(sizes)


def row(count: int, folder: Path) -> str:
    """Return one line of the table."""
    words = ["sweep", "thermostat_saturating", "--grid", f"R[0]=5:45:{count}", "--at", str(STEPS)]
    store = folder / f"{count}.zarr"
    kept = measured([*words, "--out", str(store), "--json"])
    size, files = size_of(store)
    shutil.rmtree(store)
    cells = [f"{count:,}", f"{kept.clock:.1f}", f"{kept.cpu:.1f}", f"{kept.memory:.2f}"]
    cells += [f"{size / 1e6:,.1f}", f"{files:,}"]
    if count <= _IN_MEMORY:
        held = measured([*words, "--json"])
        cells += [f"{held.clock:.1f}", f"{held.cpu:.1f}", f"{held.memory:.2f}"]
    else:
        cells += ["", "", ""]
    return f"| {' | '.join(cells)} |"


def table(most: int) -> str:
    """Return the table, a row a power of ten."""
    head = (
        "| points | store: s | CPU s | GB | its size, MB | files | in memory: s | CPU s | GB |\n"
        "|---|---|---|---|---|---|---|---|---|"
    )
    counts = [10**k for k in range(3, 13) if 10**k <= most]
    with tempfile.TemporaryDirectory() as folder:
        return "\n".join([head, *(row(count, Path(folder)) for count in counts)])


def main() -> None:
    """Measure, print the table and write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=float, default=1e8, help="the largest number of points")
    parser.add_argument("--keep", action="store_true", help="print the table and leave the page")
    said = parser.parse_args()
    found = table(round(said.most))
    print(found)
    if not said.keep:
        before, _, rest = PAGE.read_text().partition(MARKS[0])
        after = rest.partition(MARKS[1])[2]
        PAGE.write_text(f"{before}{MARKS[0]}\n{found}\n{MARKS[1]}{after}")


if __name__ == "__main__":
    main()
