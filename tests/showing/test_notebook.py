"""A notebook in a fresh kernel: every result as the last line of a cell."""

from __future__ import annotations

import re
from typing import Any

import nbclient
import nbformat
import pytest

from tests.showing.kinds import KINDS, SETUP

MOST_BYTES = 200_000


@pytest.fixture(scope="module")
def outputs() -> dict[str, Any]:
    """What each cell shows, by kind; under `modules`, what the kernel had imported by then."""
    after = "import sys\nprint('matplotlib.pyplot' in sys.modules)"
    cells = [SETUP, *KINDS.values(), after]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(book, timeout=300, kernel_name="python3").execute()
    names = ["setup", *KINDS, "modules"]
    return {name: cell.outputs for name, cell in zip(names, book.cells, strict=True)}


def is_bar(out: Any) -> bool:
    """Whether an output is a bar, or the place of one: there where a call took over two seconds."""
    text = out.get("data", {}).get("text/html", "?")
    return "━" in text or not re.sub(r"<[^>]*>", "", text).strip()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_s_last_line_shows_itself(kind: str, outputs: dict[str, Any]) -> None:
    (shown,) = [out for out in outputs[kind] if out.output_type == "execute_result"]
    assert {"text/plain", "text/html"} <= set(shown.data)
    assert ("text/latex" in shown.data) == (kind == "Derivation")
    assert "causalopt" in shown.data["text/html"].split(">")[0]
    assert len(shown.data["text/html"].encode()) < MOST_BYTES
    assert len(shown.data["text/plain"].splitlines()) <= 24
    # What a result shows is all: no warning, no figure of a backend; a bar apart.
    assert [out for out in outputs[kind] if out is not shown and not is_bar(out)] == []


@pytest.mark.slow
def test_no_figure_is_a_global_one(outputs: dict[str, Any]) -> None:
    (said,) = outputs["modules"]
    assert said.text == "False\n"
