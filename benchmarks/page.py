"""The tables of docs/performance.md, between two marks in it."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.measured import OURS, Measured, shown, times
from benchmarks.native import compiler, processor

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- measured: written by `make bench` -->", "<!-- end of measured -->"
PEERS = (
    "numpy",
    "llvmlite",
    "jax",
    "numba",
    "pynamicalsys",
    "control",
    "pyagrum",
    "sympy",
    "networkx",
    "matplotlib",
)


def machine() -> str:
    """Return the processor and the versions, no name and no path of the machine."""
    first = subprocess.run([compiler(), "--version"], capture_output=True, text=True, check=True)
    name = first.stdout.splitlines()[0].split("(")[0].strip()
    number = first.stdout.splitlines()[0].split()[-1]
    wide = " with AVX-512" if "avx512f" in processor()[1] else ""
    packages = ", ".join(filter(None, map(_installed, PEERS)))
    return (
        f"{processor()[0]}{wide}, {os.cpu_count()} processors; {platform.system()} "
        f"{platform.release().split('-')[0]}; Python {platform.python_version()}; {name} "
        f"{number} -O3 -march=native; {packages}"
    )


def _installed(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def calls_table(found: Sequence[Measured]) -> str:
    """Return each case's times, ratio, and what is to be reached."""
    rows, before = [], ""
    for m in found:
        name = f"**`{m.case.call}`** {m.case.what}"
        first = m.case.beside[0].name if m.case.beside else ""
        beside = f"{shown(m.times[first].cpu)} {first}" if first else ""
        ratio = f"{m.ratio:.2g}" if m.ratio is not None else ""
        goals = ", ".join(f"{text}: {'yes' if met else 'no'}" for text, met in m.goals)
        rows.append(
            [
                name if name != before else "",
                m.case.size,
                times(m.empty) if m.empty else "",
                times(m.full) if m.full else "",
                times(m.ours),
                beside,
                ratio,
                goals,
            ]
        )
        before = name
    heads = (
        "call",
        "size",
        "first, nothing compiled",
        "first, compiled before",
        "again",
        "beside",
        "ratio",
        "to reach",
    )
    return table(heads, rows)


def others_table(found: Sequence[Measured]) -> str:
    """Return the other contestants' ratios: causalopt's CPU over theirs."""
    rows = []
    for m in found:
        for contestant in m.case.beside[1:]:
            if contestant.name in m.times:
                theirs = m.times[contestant.name]
                rows.append(
                    [
                        f"`{m.case.call}` {m.case.what}",
                        m.case.size,
                        contestant.name,
                        times(theirs),
                        f"{m.times[OURS].cpu / theirs.cpu:.2g}",
                    ]
                )
    return table(("call", "size", "beside", "its time", "ratio"), rows)


def shares_table(found: Sequence[Measured]) -> str:
    """Return where the time of later and of first calls goes."""
    rows = []
    for m in found:
        if m.share is None:
            continue
        s = m.share
        parts = [f"{100 * part:.0f} %" for part in (s.work, s.statuses, s.imports, s.other)]
        large = "; ".join(f"`{name}` {100 * part:.0f} %" for name, part in s.large.items())
        first = ""
        if m.empty is not None:
            first = f"{shown(m.empty.imports)} / {shown(m.empty.compiling)}"
        rows.append([f"`{m.case.call}` {m.case.what}", m.case.size, *parts, first, large])
    heads = (
        "call",
        "size",
        "work",
        "statuses",
        "imports",
        "other",
        "first call: imports / LLVM",
        "above a fifth",
    )
    return table(heads, rows)


def written(page: str, text: str) -> str:
    """Return a page with the text between its marks.

    Raises:
        ValueError: The page has no such marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no place marked {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def write(found: Sequence[Measured], wholes: Sequence[Sequence[str]]) -> None:
    """Write the page's tables, `wholes` as rows of a label and of what was measured."""
    parts = [
        f"Machine: {machine()}.",
        calls_table(found),
        "The other contestants:",
        others_table(found),
        "Where the time goes:",
        shares_table(found),
    ]
    if wholes:
        parts += ["Whole processes, curves and limits:", table(("", "measured"), wholes)]
    text = "\n\n".join(parts)
    page = written(PAGE.read_text(encoding="utf-8"), text)
    PAGE.write_text(page, encoding="utf-8")
