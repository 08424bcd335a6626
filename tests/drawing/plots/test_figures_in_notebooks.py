"""A figure is shown in a fresh kernel, once, with and without `%matplotlib inline`."""

from __future__ import annotations

import base64
from typing import Any

import nbclient
import nbformat

RESULT = "import causalopt as c\nfound = c.run(c.load('thermostat'), steps=9)\n"


def pictures_of(*cells: str) -> list[list[dict[str, Any]]]:
    """Return what each cell shows: its outputs that are pictures."""
    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    return [
        [output for output in cell.outputs if "image/png" in output.get("data", {})]
        for cell in book.cells
    ]


def test_a_figure_shows_itself_in_a_fresh_kernel_without_magic_and_without_pyplot() -> None:
    shown, state = pictures_of(
        RESULT + "found.plot()",
        "import sys; assert 'matplotlib.pyplot' not in sys.modules\nfound.plot(panels='op');",
    )
    (picture,) = shown
    assert base64.b64decode(picture["data"]["image/png"]).startswith(b"\x89PNG")
    size = picture["metadata"]["image/png"]
    assert size["width"] == 624  # 6.5 inches of 96 pixels
    assert state == []  # a semicolon hides it


def test_under_inline_a_figure_is_shown_once_also_in_axes_of_one_s_own() -> None:
    magic, new, own, later = pictures_of(
        "%matplotlib inline\nimport matplotlib.pyplot as plt",
        RESULT + "found.plot()",
        "fig, ax = plt.subplots()\nfound.plot(ax=ax, panels='op')",
        "found.plot(theme='dark')\n1",
    )
    assert magic == []
    assert len(new) == 1
    assert len(own) == 1
    assert later == []  # it is not pyplot's, so nothing is left to show
