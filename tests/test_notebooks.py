"""The notebooks in docs/notebooks run through in a fresh kernel, and every result shows itself."""

from __future__ import annotations

import ast
from pathlib import Path

import nbclient
import nbformat
import pytest

from tests.showing.test_notebook import is_bar

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"
BOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_there_is_one_for_a_first_model_and_each_of_the_four_models() -> None:
    names = {"chemotaxis", "first_model", "harvest", "heated_room", "taylor_rule"}
    assert {book.stem for book in BOOKS} == names


@pytest.mark.slow
@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_a_notebook_runs_through(book: Path) -> None:
    notebook = nbformat.read(book, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs for cell in code), "outputs are made by running, and not kept"
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    for cell in code:
        last = ast.parse(cell.source).body[-1]
        shown = [out for out in cell.outputs if out.output_type == "execute_result"]
        assert len(shown) == isinstance(last, ast.Expr), cell.source
        rich = {"text/html", "image/png", "image/svg+xml"}
        assert all(rich & set(out.data) for out in shown), cell.source
        # No warning, and no picture besides; a bar apart, where a call takes over two seconds.
        rest = [out for out in cell.outputs if out not in shown and not is_bar(out)]
        assert rest == [], cell.source
