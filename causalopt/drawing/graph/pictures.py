"""The picture of a model's graph, whatever it is written as."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from causalopt.drawing.graph.dot import dot_text
from causalopt.drawing.graph.html import html_text
from causalopt.drawing.graph.layout import Layout, fitting_columns, lay_out
from causalopt.drawing.graph.marks import Marks, marks_for
from causalopt.drawing.graph.mermaid import mermaid_text
from causalopt.drawing.graph.scene import scene
from causalopt.drawing.graph.shapes import Scene
from causalopt.drawing.graph.svg import svg_text
from causalopt.drawing.graph.tikz import tikz_text
from causalopt.errors import QuestionError
from causalopt.extras import need
from causalopt.model.files import write_whole
from causalopt.model.model import Model
from causalopt.model.selectors import Node, selection_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLAIN_STEPS = 4  # when neither the caller nor the model says how far to unroll


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """A model's graph laid out, with what a nudge changes.

    Attributes:
        model: The model.
        layout: Where everything stands.
        marks: What everything is.
    """

    model: Model
    layout: Layout
    marks: Marks

    @property
    def title(self) -> str:
        """What the picture shows, in one line."""
        name = self.model.title or self.model.name
        if self.marks.nudge is None:
            return name
        hold = selection_text(self.marks.hold, self.model.named_shapes)
        held = f", A = {{{hold}}}" if hold else ""
        return f"{name}: n = {self.model.node_text(self.marks.nudge)}{held}"

    @functools.cached_property
    def scene(self) -> Scene:
        """The picture as shapes."""
        return scene(self.layout, self.marks, self.title)

    def svg(self) -> str:
        """Return the picture as SVG."""
        return svg_text(self.scene)

    def figure(self) -> Figure:
        """Return the picture as a matplotlib figure, for PNG and PDF."""
        need("matplotlib", "a picture as PNG or PDF")
        from causalopt.drawing.graph.figure import scene_figure

        return scene_figure(self.scene)

    def dot(self) -> str:
        """Return the picture in Graphviz' language."""
        return dot_text(self.layout, self.marks, self.title)

    def tikz(self) -> str:
        """Return the picture as a LaTeX document."""
        return tikz_text(self.layout, self.marks, self.title)

    def mermaid(self) -> str:
        """Return the picture as a Mermaid flowchart."""
        return mermaid_text(self.layout, self.marks, self.title)

    def html(self) -> str:
        """Return the picture as one HTML page, in which n, m, A and the worlds are chosen."""
        return html_text(self.model, self.layout, self.marks, self.model.title or self.model.name)

    def render(self, kind: str) -> bytes:
        """Return the picture as the content of a file of a kind, one of `FORMATS`.

        Raises:
            QuestionError: The kind is none of them.
        """
        if kind not in FORMATS:
            endings = ", ".join(f".{name}" for name in FORMATS)
            raise QuestionError(f"'.{kind}' is no kind of picture: end the file in {endings}")
        if kind in TEXTS:
            return TEXTS[kind](self).encode()
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

    def _repr_svg_(self) -> str:
        return self.svg()


TEXTS = {
    "svg": Picture.svg,
    "html": Picture.html,
    "dot": Picture.dot,
    "tex": Picture.tikz,
    "mmd": Picture.mermaid,
}
FORMATS = ("svg", "png", "pdf", "html", "dot", "tex", "mmd")


def draw(
    model: Model,
    *,
    nudge: str | Node | None = None,
    hold: str | Sequence[str | Node] | None = None,
    steps: int | None = None,
    plain: bool = False,
    columns: int | None = None,
) -> Picture:
    """Return the picture of a model's graph; its `save` writes it.

    Args:
        model: The model; its question gives what is not given here.
        nudge: The node n: what differs from W in X is red, what Y changes back is green.
        hold: The set A, such as `a[t<=10]`.
        steps: The last step.
        plain: Whether to leave the worlds out, also where the model has a question.
        columns: How many steps are drawn at most; a longer run is cut in the middle. Up to twelve,
            as many as fit, when not given.

    Raises:
        QuestionError: The question cannot be asked of this model.
        UnknownNameError: It names a variable that the model does not declare.

    Example:
        >>> from causalopt import load
        >>> drawn = draw(load("thermostat"), steps=3)
        >>> drawn.title
        'Continuous thermostat: n = R[0], A = {T}'
        >>> drawn.svg().startswith("<svg")
        True
    """
    question = model.question
    last = _last_step(model, steps)
    if not plain:
        nudge = nudge if nudge is not None else question.nudge
        hold = hold if hold is not None else question.hold
    elif nudge is not None:
        raise QuestionError("a plain picture has no nudge: leave out one of the two")
    marks = marks_for(model, steps=last, nudge=nudge, hold=hold)
    columns = columns or fitting_columns(model, last)
    return Picture(model, lay_out(model, steps=last, nudge=marks.nudge, columns=columns), marks)


def _last_step(model: Model, steps: int | None) -> int:
    from causalopt.model.model import run_length

    if steps is None and not model.is_static and model.question.steps is None:
        return PLAIN_STEPS
    return run_length(model, steps)
