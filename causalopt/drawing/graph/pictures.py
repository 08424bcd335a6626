"""The picture of a model's graph, whatever it is written as."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from causalopt.drawing.graph.dot import dot_text
from causalopt.drawing.graph.html import html_text
from causalopt.drawing.graph.layout import Layout, lay_out
from causalopt.drawing.graph.local_slopes import Slopes, local_slopes
from causalopt.drawing.graph.marks import Marks, marks_for
from causalopt.drawing.graph.mermaid import mermaid_text
from causalopt.drawing.graph.rendering import Rendering
from causalopt.drawing.graph.scene import scene
from causalopt.drawing.graph.shapes import Scene
from causalopt.drawing.graph.tikz import tikz_text
from causalopt.drawing.palette import Theme, palette, themed
from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged, one_nudge
from causalopt.model.model import Model
from causalopt.model.selectors import Node, selection_text

if TYPE_CHECKING:
    from causalopt.drawing.influence.current_picture import CurrentPicture
    from causalopt.influence.array_currents import ArrayCurrents
    from causalopt.influence.influence import Currents

MOST_COLUMNS = 400
PLAIN_STEPS = 4  # when neither the caller nor the model says how far to unroll


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Picture(Rendering):
    """A model's graph laid out, with what a nudge changes.

    Attributes:
        model: The model.
        layout: Where everything stands.
        marks: What everything is.
        slopes: The derivative along every drawn edge, where edges are as thick as these.
        theme: `light` or `dark`; where it is None, pictures are light, and SVG and HTML follow what
            the reader's system prefers.
    """

    model: Model
    layout: Layout
    marks: Marks
    slopes: Slopes | None = None
    theme: Theme | None = None

    @property
    def title(self) -> str:
        """What the picture shows, in one line."""
        name = self.model.title or self.model.name
        parts = []
        if self.marks.nudge is not None:
            parts.append(f"n = {self.model.node_text(self.marks.nudge)}")
        if self.marks.measured_node is not None:
            m = self.marks.measured_node
            asked = m.variable in self.model.asked_variables
            parts.append(f"m = {m.variable if asked else self.model.node_text(m)}")
        if self.marks.hold:
            hold = selection_text(self.marks.hold, self.model.named_shapes)
            parts.append(f"A = {{{hold}}}")
        if self.slopes is not None:
            parts.append("edges: dv/du along W")
        return f"{name}: {', '.join(parts)}" if parts else name

    @functools.cached_property
    def scene(self) -> Scene:
        """The picture as shapes."""
        with themed(self.theme or "light"):
            return scene(self.layout, self.marks, self.title, self.slopes)

    def dot(self) -> str:
        """Return the picture in Graphviz' language."""
        with themed(self.theme or "light"):
            return dot_text(self.layout, self.marks, self.title, self.slopes)

    def tikz(self) -> str:
        """Return the picture as a LaTeX document."""
        with themed(self.theme or "light"):
            return tikz_text(self.layout, self.marks, self.title, self.slopes)

    def mermaid(self) -> str:
        """Return the picture as a Mermaid flowchart."""
        with themed(self.theme or "light"):
            return mermaid_text(self.layout, self.marks, self.title, self.slopes)

    def html(self) -> str:
        """Return the picture as one HTML page, in which n, m, A and the worlds are chosen."""
        title = self.model.title or self.model.name
        return html_text(self.model, self.layout, self.marks, title, self.slopes, self.theme)


@overload
def draw(
    subject: Currents | ArrayCurrents,
    *,
    columns: int | None = None,
    around: int | Sequence[int] = (),
    folded: bool = False,
    theme: Theme | None = None,
) -> CurrentPicture: ...


@overload
def draw(
    subject: Model,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    plain: bool = False,
    columns: int | None = None,
    around: int | Sequence[int] = (),
    slopes: bool = False,
    theme: Theme | None = None,
) -> Picture: ...


def draw(
    subject: Model | Currents | ArrayCurrents,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    plain: bool = False,
    columns: int | None = None,
    around: int | Sequence[int] = (),
    slopes: bool = False,
    theme: Theme | None = None,
    folded: bool = False,
) -> Picture | CurrentPicture:
    """Return the picture of a model's graph, or of currents on it; its `save` writes it.

    Args:
        subject: The model; its question gives what is not given here. Or currents, as `currents`
            returns them: edges are as wide as what goes along them, red where it goes with the
            total effect and blue where it goes against it.
        nudge: The node n, or several, a span or a parameter, as `run` takes them: what differs from
            W in X is red, what Y changes back is green.
        hold: The set A, such as `a[t<=10]`.
        target: The variable m, marked at the last step; or an expression, whose nodes are marked.
        steps: The last step.
        plain: Whether to leave the worlds out, also where the model has a question.
        columns: How many steps are drawn at most, from 4 to 400; of a longer run steps are left
            out. When not given, as many as fit 6.5 inches with text of 7 points or more.
        around: A step, or several, that are drawn too.
        slopes: Whether edges are as thick as dv/du along W, and tell its sign, in place of what the
            worlds change. For models of numbers.
        theme: `light` or `dark`. When not given pictures are light, and SVG and HTML follow what
            the reader's system prefers.
        folded: Whether currents are summed over time and drawn on the template, a node a variable.

    Raises:
        QuestionError: The question cannot be asked of this model; or it is asked of currents,
            which have theirs, or a model without currents is to be folded.
        UnknownNameError: It names a variable that the model does not declare.

    Example:
        >>> from causalopt import currents, load
        >>> drawn = draw(load("thermostat"), steps=3)
        >>> drawn.title
        'Continuous thermostat: n = R[0], m = R[3], A = {T}'
        >>> drawn.svg().startswith("<svg")
        True
        >>> draw(currents(load("thermostat"), steps=3)).title
        'Continuous thermostat: influence of R[0] on R[3] (total effect 0.98)'
    """
    if theme is not None:
        palette(theme)
    steps_around = [around] if isinstance(around, int) else list(around)
    if columns is not None and columns > MOST_COLUMNS:
        raise QuestionError(
            f"--columns is at most {MOST_COLUMNS} (columns= in Python), more than any page shows; "
            f"{columns} came: of a longer run steps are left out, and `causalopt run --plot` shows "
            "all of it"
        )
    if not isinstance(subject, Model):
        asked = (nudge, hold, target, steps)
        if plain or slopes or any(given is not None for given in asked):
            raise QuestionError(
                "currents have their question: give nudge, hold, target and steps to `currents`, "
                "and its result alone to `draw`, with `columns`, `around`, `folded` or `theme`"
            )
        return _draw_currents(subject, columns, steps_around, folded=folded, theme=theme)
    if folded:
        raise QuestionError("what is folded are currents: draw(currents(model, ...), folded=True)")
    model, question = subject, subject.question
    last = _last_step(model, steps)
    if not plain:
        nudge = nudge if nudge is not None else question.nudge
        hold = hold if hold is not None else question.hold
        target = target if target is not None or nudge is None else question.target
    elif nudge is not None or target is not None:
        option = "nudge" if nudge is not None else "target"
        raise QuestionError(f"a plain picture has no {option}: leave out one of the two")
    if not model.is_array:
        model, n, target = model.asking(nudge, target)
    else:
        n = one_nudge(nudge)
    marks = marks_for(model, steps=last, nudge=n, hold=hold, target=target)
    layout = lay_out(
        model,
        steps=last,
        kept=marks.nodes(),
        events=marks.events(),
        columns=columns or "fit",
        around=steps_around,
    )
    found = local_slopes(model, layout.links, steps=last) if slopes else None
    return Picture(model, layout, marks, found, theme)


def _draw_currents(
    found: Currents | ArrayCurrents,
    columns: int | None,
    around: list[int],
    *,
    folded: bool,
    theme: Theme | None,
) -> CurrentPicture:
    from causalopt.drawing.influence.current_picture import CurrentPicture
    from causalopt.influence.relative_currents import relative_currents

    relative = relative_currents(found)
    if not folded:
        from causalopt.drawing.influence.unrolled_diagram import unrolled_diagram

        return CurrentPicture(
            found, unrolled_diagram(relative, columns=columns, around=around), theme
        )
    from causalopt.drawing.influence.folded_diagram import folded_diagram

    if columns is not None or around:
        option = "columns" if columns is not None else "steps to draw around"
        raise QuestionError(f"a folded picture has no {option}: leave out one of the two")
    return CurrentPicture(found, folded_diagram(relative), theme)


def _last_step(model: Model, steps: int | None) -> int:
    from causalopt.model.model import run_length

    if steps is None and not model.is_static and model.question.steps is None:
        return PLAIN_STEPS
    return run_length(model, steps)
