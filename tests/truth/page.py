"""docs/truth.md, from records."""

from __future__ import annotations

import inspect
import platform
from collections.abc import Mapping
from pathlib import Path

import causalopt
from tests.truth.oracles import Oracle
from tests.truth.record import Record

PAGE = Path(__file__).resolve().parents[2] / "docs" / "truth.md"
HEAD = """\
# Beside others

What is computed here, beside what others compute: packages of other people, their collections of
models and published outputs, and programs that share no code with this package. The page is written
by `make truth`, which makes an environment of its own, `.venv-truth`, with the versions in
`requirements-truth.lock`; `make truth-short` takes a few cases of each kind, and the gate runs it.

A case is a model, or a question to one. It is compared where the package calls its own answer `ok`;
others count among the cases alone. A disagreement is a number further from the oracle's than the
tolerance, and the command fails on the first page with one.
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


def written(found: Mapping[Oracle, list[Record]]) -> str:
    """Return the page: one section an oracle, then the versions."""
    records = [record for own in found.values() for record in own]
    parts = [HEAD, total(records)]
    for oracle, own in found.items():
        parts.append(f"## {own[0].oracle}\n\n{inspect.cleandoc(oracle.module.__doc__ or '')}\n")
        parts.append(table(own))
    parts.append("## Versions\n\n" + versions(found) + "\n")
    return "\n".join(parts)


def total(records: list[Record]) -> str:
    """Return the sum of all records, in a sentence."""
    cases, ok, numbers = (
        sum(getattr(r, name) for r in records) for name in ("cases", "ok", "numbers")
    )
    wrong = sum(len(r.disagreements) for r in records)
    return (
        f"In all: {cases:,} cases, {ok:,} of them `ok`, {numbers:,} numbers compared, "
        f"{wrong:,} disagreements.\n"
    )


def table(records: list[Record]) -> str:
    """Return the records of one oracle as a table, and its disagreements below it."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---|" + "---:|" * 4 + "---|---:|"]
    lines += [
        f"| {r.compared} | {r.cases:,} | {r.ok:,} | {r.numbers:,} | {r.largest:.1e} "
        f"| {r.tolerance:.0e} {r.unit} | {len(r.disagreements):,} |"
        for r in records
    ]
    wrong = [f"- {text}" for r in records for text in r.disagreements]
    return "\n".join([*lines, *(["", *wrong] if wrong else []), ""])


def versions(found: Mapping[Oracle, list[Record]]) -> str:
    """Return what all this was computed with."""
    packages = {name: text for oracle in found for name, text in oracle.versions().items()}
    packages["causalopt"] = causalopt.__version__
    listed = ", ".join(f"{name} {packages[name]}" for name in sorted(packages, key=str.lower))
    return f"Python {platform.python_version()}: {listed}."
