"""What a command's start costs: `python -m tools.start`, milliseconds of import by package.

Each command runs in fresh processes with `-X importtime`; the time of a module without those that
it imports is added to its package's. What stands in `calls` is the process's CPU time, without the
option, less the interpreter's own start and the imports.
"""

from __future__ import annotations

import collections
import resource
import subprocess
import sys
from collections.abc import Sequence

COMMANDS = {
    "--help": ["--help"],
    "check": ["check", "thermostat"],
    "run": ["run", "thermostat", "--json"],
    "sweep": ["sweep", "thermostat_saturating", "--grid", "R[0]=5:45:401", "--json"],
    "derive": ["derive", "thermostat"],
}
ROUNDS = 7
_LEAST = 2.0  # milliseconds: packages below it are put together


def cpu_time(command: Sequence[str]) -> float:
    """Return the least CPU time of a fresh process over some rounds, in milliseconds."""
    return min(_cpu_time(command) for _ in range(ROUNDS))


def _cpu_time(command: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1e3 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def import_times(words: Sequence[str]) -> dict[str, float]:
    """Return package -> milliseconds of its own modules' import, the least of some rounds."""
    rounds = [_import_times(words) for _ in range(ROUNDS)]
    packages = {package for times in rounds for package in times}
    return {p: min(times.get(p, 0.0) for times in rounds) for p in packages}


def _import_times(words: Sequence[str]) -> dict[str, float]:
    command = [sys.executable, "-X", "importtime", "-m", "causalopt", *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    times: dict[str, float] = collections.defaultdict(float)
    for line in done.stderr.splitlines():
        own, _, module = line.removeprefix("import time:").split("|")
        if own.strip().isdigit():
            times[package_of(module.strip())] += int(own) / 1e3
    return dict(times)


def package_of(module: str) -> str:
    """Return the package a module counts for; the standard library is one."""
    top = module.partition(".")[0]
    standard = top in sys.stdlib_module_names or top.startswith("_")
    return "Python" if standard else top


def main() -> None:
    """Print the table, in Markdown."""
    bare = cpu_time([sys.executable, "-c", "pass"])
    print(f"python -c pass: {bare:.0f} ms\n")
    print("| command | in all | calls | imports |\n|---|---|---|---|")
    for name, words in COMMANDS.items():
        whole = cpu_time([sys.executable, "-m", "causalopt", *words])
        times = import_times(words)
        shown = sorted(times.items(), key=lambda item: -item[1])
        parts = [f"{package} {ms:.0f}" for package, ms in shown if ms >= _LEAST]
        rest = sum(ms for _, ms in shown if ms < _LEAST)
        if rest >= 1:
            parts.append(f"others {rest:.0f}")
        calls = max(whole - bare - sum(times.values()), 0.0)
        print(f"| `{name}` | {whole:.0f} ms | {calls:.0f} ms | {', '.join(parts)} |")


if __name__ == "__main__":
    main()
