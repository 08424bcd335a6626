"""docs/truth.md, from records: a section an oracle, which a run of that oracle writes anew."""

from __future__ import annotations

import inspect
import platform
import re
from collections.abc import Mapping
from pathlib import Path

from tests.truth import oracles
from tests.truth.oracles import Oracle
from tests.truth.record import Record

PAGE = Path(__file__).resolve().parents[2] / "docs" / "truth.md"
HEAD = """\
# Beside others

What is computed here, beside what others compute: packages of other people, their collections of
models and published outputs, and programs that share no code with this package. `make truth` writes
the page, in an environment of its own with the versions of `requirements-truth.lock`;
`make truth ORACLES="flows spectra"` writes these sections anew. `make truth-short` takes a few
cases of each kind, writes nothing, and is part of the gate.

A case is a model, or a question to one. It is compared where the package calls its answer `ok`, or
exactly 0 by one of the statuses that claim so; other answers are counted among the cases alone. A
disagreement is a case in which a number is further from the oracle's than the tolerance, and the
command fails where there is one.
"""
COLUMNS = (
    "what is compared",
    "cases",
    "`ok`",
    "numbers",
    "largest difference",
    "tolerance",
    "disagreements",
)
_MARK = re.compile(r"^<!-- (\w+) -->\n", re.MULTILINE)
_ROW = re.compile(r"^\| .* \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| .* \| ([\d,]+) \|$", re.MULTILINE)


def written(found: Mapping[Oracle, list[Record]], before: str = "") -> str:
    """Return the page: new sections of the oracles that were asked, those of others as before."""
    parts = sections(before) | {oracle.name: section(oracle, found[oracle]) for oracle in found}
    text = "\n".join(
        f"<!-- {oracle.name} -->\n{parts[oracle.name]}"
        for oracle in oracles.ORACLES
        if oracle.name in parts
    )
    return f"{HEAD}\n{total(text)}\n{text}"


def sections(page: str) -> dict[str, str]:
    """Return a page's sections by their oracle's name."""
    _, *parts = _MARK.split(page)
    return {
        name: text.rstrip("\n") + "\n" for name, text in zip(parts[::2], parts[1::2], strict=True)
    }


def section(oracle: Oracle, records: list[Record]) -> str:
    """Return what an oracle is, its table, and what it was computed with."""
    packages = {"Python": platform.python_version()} | oracle.versions()
    used = ", ".join(f"{name} {text}" for name, text in packages.items())
    about = inspect.cleandoc(oracle.module.__doc__ or "")
    return f"## {records[0].oracle}\n\n{about}\n\n{table(records)}\n\nWith {used}.\n"


def table(records: list[Record]) -> str:
    """Return the records of one oracle as a table, and its disagreements below it."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---|" + "---:|" * 4 + "---|---:|"]
    lines += [
        f"| {r.compared} | {r.cases:,} | {r.ok:,} | {r.numbers:,} | {r.largest:.1e} "
        f"| {r.tolerance:.2g} {r.unit} | {len(r.disagreements):,} |"
        for r in records
    ]
    wrong = [f"- {text}" for r in records for text in r.disagreements]
    return "\n".join([*lines, *(["", *wrong] if wrong else [])])


def total(text: str) -> str:
    """Return the sum of all tables in a text, in a sentence."""
    rows = [[int(n.replace(",", "")) for n in row] for row in _ROW.findall(text)]
    cases, ok, numbers, wrong = (sum(column) for column in zip(*rows, strict=True))
    return (
        f"In all: {cases:,} cases, {ok:,} of them `ok`, {numbers:,} numbers compared, "
        f"{wrong:,} disagreements.\n"
    )
