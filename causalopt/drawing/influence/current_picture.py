"""The picture of currents, whatever it is written as."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

from causalopt.drawing.graph.rendering import Rendering
from causalopt.drawing.graph.shapes import Scene
from causalopt.drawing.influence.diagram import Diagram
from causalopt.drawing.influence.diagram_page import page_text
from causalopt.drawing.influence.diagram_scene import diagram_scene
from causalopt.drawing.influence.diagram_texts import dot_diagram, mermaid_diagram, tikz_diagram
from causalopt.drawing.palette import Theme, themed
from causalopt.influence.influence import Currents

if TYPE_CHECKING:
    from causalopt.influence.array_currents import ArrayCurrents


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class CurrentPicture(Rendering):
    """Currents of influence on a graph, edges as wide as they are.

    Attributes:
        found: The currents.
        diagram: Where everything stands, and how wide it is.
        theme: `light` or `dark`; where it is None, pictures are light, and SVG and HTML follow what
            the reader's system prefers.
    """

    found: Currents | ArrayCurrents
    diagram: Diagram
    theme: Theme | None = None

    @property
    def title(self) -> str:
        """What the picture shows, in one line."""
        return self.diagram.title

    @functools.cached_property
    def scene(self) -> Scene:
        """The picture as shapes."""
        with themed(self.theme or "light"):
            return diagram_scene(self.diagram)

    def dot(self) -> str:
        """Return the picture in Graphviz' language."""
        with themed(self.theme or "light"):
            return dot_diagram(self.diagram)

    def tikz(self) -> str:
        """Return the picture as a LaTeX document."""
        with themed(self.theme or "light"):
            return tikz_diagram(self.diagram)

    def mermaid(self) -> str:
        """Return the picture as a Mermaid flowchart."""
        with themed(self.theme or "light"):
            return mermaid_diagram(self.diagram)

    def html(self) -> str:
        """Return the picture as one HTML page, with its numbers and the largest paths in tables."""
        return page_text(self.found, self.diagram, self.svg(), self.theme)
