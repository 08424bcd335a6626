"""The comparison: one row a model, one column a measure, and a status for every cell."""

from __future__ import annotations

import dataclasses
import functools
import html
import math
import platform
import textwrap
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.contract import Floats
from causalopt.results import Plotted, Tabled, labelled, plain_number

if TYPE_CHECKING:
    import xarray

NOT_DEFINED = "not_defined"


@dataclasses.dataclass(frozen=True)
class ComparedMeasure:
    """A measure.

    Attributes:
        key: Its name in data.
        heading: Its name in a table.
        unit: `nat`, `bit` or `1`.
        long_name: What it says.
        source: Who proposed it.
    """

    key: str
    heading: str
    unit: str
    long_name: str
    source: str


COMPARED = (
    ComparedMeasure("op", "Op", "nat", "-ln |total / direct| of n on m", "this package"),
    ComparedMeasure(
        "strength",
        "strength",
        "bit",
        "entropy gained a step after A is decorrelated from B",
        "Defining Optimization in a Deeper Way, Part 1",
    ),
    ComparedMeasure(
        "share", "current", "1", "share of the influence of n on m through A", "this package"
    ),
    ComparedMeasure(
        "empowerment",
        "empowerment",
        "bit",
        "capacity from A's setting now to B one step later",
        "Klyubin, Polani, Nehaniv 2005",
    ),
    ComparedMeasure(
        "goal_directedness",
        "goal-directed",
        "bit",
        "how well the goal predicts A's decision, beyond indifference",
        "MacDermott, Fox, Belardinelli, Everitt 2024",
    ),
    ComparedMeasure(
        "causal_strength",
        "causal str.",
        "bit",
        "divergence from the world with all arrows from A to B cut",
        "Janzing, Balduzzi, Grosse-Wentrup, Schoelkopf 2013",
    ),
    ComparedMeasure(
        "transfer_entropy",
        "transfer",
        "bit",
        "what A's present says of B's next beyond B's present",
        "Schreiber 2000",
    ),
    ComparedMeasure(
        "loop_share",
        "loops",
        "1",
        "share of the loops through A in what moves W, mean over steps",
        "Schoenberg, Davidsen, Eberlein 2020",
    ),
)


@dataclasses.dataclass(frozen=True)
class TableCell:
    """One measure of one model.

    Attributes:
        value: The number; infinite or NaN where the status says so.
        status: `ok`, one of `causalopt.STATUSES`, or `not_defined`.
        note: Why it is not defined, or what else there is to know.
    """

    value: float
    status: str
    note: str = ""

    @property
    def text(self) -> str:
        """The value as it is read; a dash for no value."""
        if math.isnan(self.value):
            return "-"
        rounded = 0.0 if abs(self.value) < 5e-13 else self.value
        return f"{rounded:.4g}"


@dataclasses.dataclass(frozen=True)
class ComparedModel:
    """One model's cells.

    Attributes:
        model: Its name.
        question: What is asked: A, n, m and when.
        law: The law that information measures are of, and how they were computed.
        cells: A measure's key -> its cell.
        fingerprint: The model's hash.
    """

    model: str
    question: str
    law: str
    cells: Mapping[str, TableCell]
    fingerprint: str


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Comparison(Plotted, Tabled):
    """Op beside other measures.

    Attributes:
        rows: One a model.
        columns: One a measure.
    """

    rows: tuple[ComparedModel, ...]
    columns: tuple[ComparedMeasure, ...] = COMPARED

    def __getitem__(self, key: tuple[str, str]) -> TableCell:
        """Return the cell of (model, measure)."""
        model, measure = key
        return next(row for row in self.rows if row.model == model).cells[measure]

    @property
    def value(self) -> Floats:
        """Shape [model, measure]; NaN where not defined."""
        return np.array([[r.cells[c.key].value for c in self.columns] for r in self.rows])

    @property
    def status(self) -> NDArray[np.object_]:
        """Shape [model, measure]."""
        cells = [[row.cells[c.key].status for c in self.columns] for row in self.rows]
        return np.array(cells, dtype=object)

    @property
    def note(self) -> NDArray[np.object_]:
        """Shape [model, measure]."""
        cells = [[row.cells[c.key].note for c in self.columns] for row in self.rows]
        return np.array(cells, dtype=object)

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers."""
        return {
            "model_hashes": "; ".join(f"{row.model} {row.fingerprint}" for row in self.rows),
            "causalopt": version("causalopt"),
            "numpy": version("numpy"),
            "python": platform.python_version(),
        }

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """Values, statuses and notes with axes `model` and `measure`."""
        return labelled(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON's types: infinities as "inf" and "-inf", undefined as None."""
        return {
            "measures": [dataclasses.asdict(column) for column in self.columns],
            "models": [
                {
                    "model": row.model,
                    "question": row.question,
                    "law": row.law,
                    "measures": {
                        key: {
                            "value": plain_number(cell.value),
                            "status": cell.status,
                            "note": cell.note,
                        }
                        for key, cell in row.cells.items()
                    },
                }
                for row in self.rows
            ],
        }

    def _headings(self) -> list[str]:
        units = [f" [{c.unit}]" if c.unit != "1" else "" for c in self.columns]
        return [c.heading + unit for c, unit in zip(self.columns, units, strict=True)]

    def _texts(self) -> tuple[list[list[str]], list[str]]:
        """Return the cells' texts with the numbers of their notes, and the notes."""
        notes: dict[str, int] = {}
        texts = []
        for row in self.rows:
            line = []
            for column in self.columns:
                cell = row.cells[column.key]
                note = cell.note or (cell.status if cell.status != "ok" else "")
                mark = f" ({notes.setdefault(note, len(notes) + 1)})" if note else ""
                line.append(cell.text + mark)
            texts.append(line)
        return texts, [f"({number}) {note}" for note, number in notes.items()]

    def grid(self) -> tuple[list[str], list[list[str]], list[str]]:
        """Return the table as texts: its header, a row a model, and the notes that cells name."""
        cells, notes = self._texts()
        rows = [[row.model, *line] for row, line in zip(self.rows, cells, strict=True)]
        return ["model", *self._headings()], rows, notes

    def __repr__(self) -> str:
        count = len(self.rows)
        return f"Op beside {len(self.columns)} measures on {count} model{'s' * (count != 1)}"

    def __str__(self) -> str:
        header, rows, notes = self.grid()
        table = [header, *rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
            for line in table
        ]
        said = [*notes, *dict.fromkeys(row.law for row in self.rows)]
        wrapped = [textwrap.fill(text, 100, subsequent_indent="    ") for text in said]
        return "\n".join([*lines, "", *wrapped])

    def to_markdown(self) -> str:
        """Return the table as Markdown, its notes and what was asked below it."""
        cells, notes = self._texts()
        lines = [
            "| " + " | ".join(["model", *self._headings()]) + " |",
            "|---" * (len(self.columns) + 1) + "|",
        ]
        lines += [
            "| " + " | ".join([row.model, *line]) + " |"
            for row, line in zip(self.rows, cells, strict=True)
        ]
        lines += [
            "",
            *(f"- {note}" for note in notes),
            "",
            "| model | asked | law |",
            "|---|---|---|",
        ]
        lines += [f"| {row.model} | {row.question} | {row.law} |" for row in self.rows]
        return "\n".join(lines) + "\n"

    def to_html(self) -> str:
        """Return the table as a page of its own, which needs nothing but a browser."""
        cells, notes = self._texts()

        def line(tag: str, texts: list[str]) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(t)}</{tag}>" for t in texts) + "</tr>"

        heads = ["model", *self._headings()]
        body = [line("td", [r.model, *texts]) for r, texts in zip(self.rows, cells, strict=True)]
        asked = [line("td", [row.model, row.question, row.law]) for row in self.rows]
        said = [line("td", [c.heading, c.unit, c.long_name, c.source]) for c in self.columns]
        return _PAGE.format(
            table="\n".join([line("th", heads), *body]),
            notes="\n".join(f"<li>{html.escape(note)}</li>" for note in notes),
            measures="\n".join([line("th", ["measure", "unit", "what", "source"]), *said]),
            asked="\n".join([line("th", ["model", "asked", "law"]), *asked]),
        )


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Op beside other measures</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 75em;
  padding: 0 1em }}
table {{ border-collapse: collapse; margin: 1em 0 }}
td, th {{ border-bottom: 1px solid #ccc; padding: .3em .7em; text-align: left;
  vertical-align: top }}
th {{ background: #f3f8fc }} ul {{ list-style: none; padding: 0 }}
</style></head><body>
<h1>Op beside other measures</h1>
<table>
{table}
</table>
<ul>
{notes}
</ul>
<h2>The measures</h2>
<table>
{measures}
</table>
<h2>What was asked</h2>
<table>
{asked}
</table>
</body></html>
"""
