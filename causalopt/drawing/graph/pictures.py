"""The picture of a model's graph, whatever it is written as."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from causalopt.drawing.graph.dot import dot_text
from causalopt.drawing.graph.html import html_text
from causalopt.drawing.graph.layout import Layout, fitting_columns, lay_out
from causalopt.drawing.graph.marks import Marks, marks_for
from causalopt.drawing.graph.mermaid import mermaid_text
from causalopt.drawing.graph.rendering import Rendering
from causalopt.drawing.graph.scene import scene
from causalopt.drawing.graph.shapes import Scene
from causalopt.drawing.graph.tikz import tikz_text
from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged, one_nudge
from causalopt.model.model import Model
from causalopt.model.selectors import Node, selection_text

if TYPE_CHECKING:
    from causalopt.drawing.influence.current_picture import CurrentPicture
    from causalopt.influence.array_currents import ArrayCurrents
    from causalopt.influence.influence import Currents

PLAIN_STEPS = 4  # when neither the caller nor the model says how far to unroll


@dataclasses.dataclass(frozen=True, eq=False)
class Picture(Rendering):
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


@overload
def draw(
    subject: Currents | ArrayCurrents, *, columns: int | None = None, folded: bool = False
) -> CurrentPicture: ...


@overload
def draw(
    subject: Model,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    steps: int | None = None,
    plain: bool = False,
    columns: int | None = None,
) -> Picture: ...


def draw(
    subject: Model | Currents | ArrayCurrents,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    steps: int | None = None,
    plain: bool = False,
    columns: int | None = None,
    folded: bool = False,
) -> Picture | CurrentPicture:
    """Return the picture of a model's graph, or of currents on it; its `save` writes it.

    Args:
        subject: The model; its question gives what is not given here. Or currents, as `currents`
            returns them: edges are as wide as what goes along them, red where it goes with the
            total effect and blue where it goes against it.
        nudge: The node n: what differs from W in X is red, what Y changes back is green.
        hold: The set A, such as `a[t<=10]`.
        steps: The last step.
        plain: Whether to leave the worlds out, also where the model has a question.
        columns: How many steps are drawn at most; a longer run is cut in the middle. Up to twelve,
            as many as fit, when not given.
        folded: Whether currents are summed over time and drawn on the template, a node a variable.

    Raises:
        QuestionError: The question cannot be asked of this model; or it is asked of currents,
            which have theirs, or a model without currents is to be folded.
        UnknownNameError: It names a variable that the model does not declare.

    Example:
        >>> from causalopt import currents, load
        >>> drawn = draw(load("thermostat"), steps=3)
        >>> drawn.title
        'Continuous thermostat: n = R[0], A = {T}'
        >>> drawn.svg().startswith("<svg")
        True
        >>> draw(currents(load("thermostat"), steps=3)).title
        'Continuous thermostat: influence of R[0] on R[3] (total effect 0.98)'
    """
    if not isinstance(subject, Model):
        if plain or any(given is not None for given in (nudge, hold, steps)):
            raise QuestionError(
                "currents have their question: give nudge, hold and steps to `currents`, and its "
                "result alone to `draw`"
            )
        return _draw_currents(subject, columns, folded=folded)
    if folded:
        raise QuestionError("what is folded are currents: draw(currents(model, ...), folded=True)")
    model, question = subject, subject.question
    last = _last_step(model, steps)
    if not plain:
        nudge = nudge if nudge is not None else question.nudge
        hold = hold if hold is not None else question.hold
    elif nudge is not None:
        raise QuestionError("a plain picture has no nudge: leave out one of the two")
    marks = marks_for(model, steps=last, nudge=one_nudge(nudge), hold=hold)
    columns = columns or fitting_columns(model, last)
    return Picture(model, lay_out(model, steps=last, nudge=marks.nudge, columns=columns), marks)


def _draw_currents(
    found: Currents | ArrayCurrents, columns: int | None, *, folded: bool
) -> CurrentPicture:
    from causalopt.drawing.influence.current_picture import CurrentPicture
    from causalopt.influence.relative_currents import relative_currents

    relative = relative_currents(found)
    if not folded:
        from causalopt.drawing.influence.unrolled_diagram import unrolled_diagram

        return CurrentPicture(found, unrolled_diagram(relative, columns=columns))
    from causalopt.drawing.influence.folded_diagram import folded_diagram

    if columns is not None:
        raise QuestionError("a folded picture has no columns: leave out one of the two")
    return CurrentPicture(found, folded_diagram(relative))


def _last_step(model: Model, steps: int | None) -> int:
    from causalopt.model.model import run_length

    if steps is None and not model.is_static and model.question.steps is None:
        return PLAIN_STEPS
    return run_length(model, steps)
