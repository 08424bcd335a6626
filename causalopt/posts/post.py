"""A post: its name, its pieces, and where they are written."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path

from causalopt.posts.sheet import Findings, Sheet

Make = Callable[[Sheet], None]


@dataclasses.dataclass(frozen=True)
class Post:
    """One post of the series.

    Attributes:
        id: Short, the beginning of every id.
        title: Its name as printed.
        pieces: Piece -> the function that writes it on a sheet; its docstring's first line is the
            heading.
        demo: The pieces of the short selection.
        intro: A sentence under its heading.
        files: Gives the files of data that its findings depend on, those of them that are here.
    """

    id: str
    title: str
    pieces: Mapping[str, Make]
    demo: tuple[str, ...] = ()
    intro: str = ""
    files: Callable[[], list[Path]] = list

    def findings(self, piece: str) -> Findings:
        """Compute one piece."""
        make = self.pieces[piece]
        sheet = Sheet(f"{self.id}/{piece}", self.title, heading(make))
        make(sheet)
        return sheet.findings()

    def sources(self, piece: str) -> list[Path]:
        """Return the files a piece is made from: its function's, this post's, and its data."""
        homes = [
            inspect.getsourcefile(make) for make in (self.pieces[piece], *self.pieces.values())
        ]
        return sorted({*(Path(home) for home in homes if home), *self.files()})


def heading(make: Make) -> str:
    """Return the first line of a function's docstring without its full stop.

    Example:
        >>> heading(heading)
        "Return the first line of a function's docstring without its full stop"
    """
    return (inspect.getdoc(make) or "").partition("\n")[0].rstrip(".")
