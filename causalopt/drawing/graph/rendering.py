"""What every picture of a graph can be written as, and how it is saved."""

from __future__ import annotations

import abc
import os
from pathlib import Path
from typing import TYPE_CHECKING

from causalopt.drawing.graph.shapes import Scene
from causalopt.drawing.graph.svg import svg_text
from causalopt.drawing.palette import Theme
from causalopt.errors import QuestionError
from causalopt.extras import need
from causalopt.model.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TEXTS = {"svg": "svg", "html": "html", "dot": "dot", "tex": "tikz", "mmd": "mermaid"}
FORMATS = ("svg", "png", "pdf", "html", "dot", "tex", "mmd")


class Rendering(abc.ABC):
    """A picture: shapes, and the same in the languages of others."""

    theme: Theme | None

    @property
    @abc.abstractmethod
    def title(self) -> str:
        """What the picture shows, in one line."""

    @property
    @abc.abstractmethod
    def scene(self) -> Scene:
        """The picture as shapes."""

    @abc.abstractmethod
    def dot(self) -> str:
        """Return the picture in Graphviz' language."""

    @abc.abstractmethod
    def tikz(self) -> str:
        """Return the picture as a LaTeX document."""

    @abc.abstractmethod
    def mermaid(self) -> str:
        """Return the picture as a Mermaid flowchart."""

    @abc.abstractmethod
    def html(self) -> str:
        """Return the picture as one HTML page."""

    def svg(self) -> str:
        """Return the picture as SVG."""
        return svg_text(self.scene, follows_system=self.theme is None)

    def figure(self) -> Figure:
        """Return the picture as a matplotlib figure, for PNG and PDF."""
        need("matplotlib", "a picture as PNG or PDF")
        from causalopt.drawing.graph.figure import scene_figure

        return scene_figure(self.scene)

    def render(self, kind: str) -> bytes:
        """Return the picture as the content of a file of a kind, one of `FORMATS`.

        Raises:
            QuestionError: The kind is none of them.
        """
        if kind not in FORMATS:
            endings = ", ".join(f".{name}" for name in FORMATS)
            raise QuestionError(f"'.{kind}' is no kind of picture: end the file in {endings}")
        if kind in _TEXTS:
            text: str = getattr(self, _TEXTS[kind])()
            return text.encode()
        figure = self.figure()
        from causalopt.drawing.graph.figure import figure_bytes

        return figure_bytes(figure, kind)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture, whole or not at all; the file's ending says as what.

        Raises:
            QuestionError: The ending is none of `FORMATS`.
            FileError: The file cannot be written.
        """
        file = Path(path)
        write_whole(file, self.render(file.suffix.lower().removeprefix(".")))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.title!r})"

    def _repr_svg_(self) -> str:
        return self.svg()
