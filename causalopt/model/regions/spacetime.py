"""All nodes of one run, with the edges between them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np

from causalopt.errors import QuestionError
from causalopt.model.declaration import Variable
from causalopt.model.reach import Bools, Reach, reachable, reaching
from causalopt.model.regions.timeline import Timeline
from causalopt.model.selectors import (
    Labels,
    NamedShapes,
    Node,
    Selection,
    elements_text,
    parse_node,
    selection_text,
)
from causalopt.model.template import Equation, Template, belonging, equations_mask, has_stages

Timelines = Mapping[str, Timeline]
Link = tuple[str, str, int]  # parent, child, and how many steps later the child is
_WALL = 1 << 28  # numbers that a table of a run may have


@dataclasses.dataclass(frozen=True, eq=False)
class Spacetime:
    """The nodes of a run: every declared variable at every step, and every element of an array.

    Edges lead from a node to those that are computed from it directly; the stages of an integrator
    are passed through. A node with an initial value, or one that the baseline sets or takes from
    another world, has no edges into it. An array at one step has one set of edges, those of all its
    elements.

    Attributes:
        name: What the model is called.
        template: One step of the graph.
        variables: The declared variables.
        shapes: The names and sizes of array variables' dims.
        steps: The last step; None where no run is given, and sets may have no end.
        given: The nodes that the baseline sets or takes from another world.
        labels: Label -> the variables that have it.
        sets: Names of sets of variables, such as the partition's A.
        asked: Names of nodes that the question has: n and m.
    """

    name: str
    template: Template
    variables: Mapping[str, Variable]
    shapes: NamedShapes
    steps: int | None
    given: Selection = ()
    labels: Labels = dataclasses.field(default_factory=dict)
    sets: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    asked: Mapping[str, Node] = dataclasses.field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The variables, in the order of the declaration."""
        return self.template.names

    def shape(self, variable: str) -> tuple[int, ...]:
        """Return a variable's shape, () for a number."""
        return self.shapes[variable][1] if variable in self.shapes else ()

    def is_same(self, other: Spacetime) -> bool:
        """Whether sets of the two are sets of the same nodes, with the same edges."""
        return self is other or (
            (self.steps, self.given, dict(self.shapes))
            == (other.steps, other.given, dict(other.shapes))
            and self.template.structure == other.template.structure
            and [e.initial for e in self.template.equations]
            == [e.initial for e in other.template.equations]
        )

    def node(self, text: str | Node) -> Node:
        """Return the node that a text names."""
        return parse_node(
            text, self.names, static=self.template.is_static, shapes=self.shapes, labels=self.labels
        )

    def node_text(self, node: Node) -> str:
        """Return a node as the user writes it."""
        inner = [] if self.template.is_static else [str(node.t)]
        if node.elements is not None:
            inner += elements_text(node.elements, self.shapes[node.variable])
        return f"{node.variable}[{', '.join(inner)}]" if inner else node.variable

    def text(self, selection: Selection) -> str:
        """Return windows as the user writes them."""
        return selection_text(selection, self.shapes or None)

    def end(self, why: str) -> int:
        """Return the last step.

        Raises:
            QuestionError: No run is given.
        """
        if self.steps is None:
            raise QuestionError(
                f"{why} depends on where the run ends, and this question has no last step: say "
                "steps if it takes them, or write the nodes as windows such as a[t<=10]"
            )
        return self.steps

    def last(self, why: str) -> int:
        """Return the last step, of a run of which a table is made.

        Raises:
            QuestionError: No run is given, or it is too long.
        """
        last = self.end(why)
        if (last + 1) * len(self.template.equations) > _WALL:
            raise QuestionError(
                f"{why} needs a table of {last + 1} steps by "
                f"{len(self.template.equations)} variables, more than fits: ask for fewer steps"
            )
        return last

    @functools.cached_property
    def forced(self) -> Bools:
        """Which equations follow no rule, shape [leading steps, equation]."""
        last = self.last("what is computed from what")
        template, late = self.template, int(has_stages(self.template))
        initial = max((len(e.initial) for e in template.equations), default=0)
        whole = self._whole_given()
        ends = [last if w.last is None else w.last + late for w in whole]
        rows = min(max([initial - 1, *ends]), last) + 1
        found: Bools = equations_mask(template, self.variables, whole, rows)
        for i, equation in enumerate(template.equations):
            found[: len(equation.initial), i] = True
        return found

    def _whole_given(self) -> Selection:
        """Return the given nodes of which every element is given."""
        found = {
            name: Timeline.of_windows(
                (w for w in self.given if w.variable == name), self.shape(name)
            )
            for name in dict.fromkeys(window.variable for window in self.given)
        }
        windows = [w for name, timeline in found.items() for w in timeline.windows(name)]
        return tuple(window for window in windows if window.elements is None)

    @functools.cached_property
    def links(self) -> dict[Link, Bools]:
        """Edges of the template -> whether they are there, by the child's step; the last row lasts.

        An edge that leads through an integrator's stages is there where they follow their rules.
        """
        through: dict[str, dict[tuple[str, int], Bools]] = {}
        found: dict[Link, Bools] = {}
        for equation in self.template.equations:
            into = self._into(equation, through)
            kind = belonging(self.variables, equation)
            if kind == "between":
                through[equation.name] = into
                continue
            early = int(kind == "before")
            for (parent, lag), there in into.items():
                if early:  # the stages of the step that begins at the node's own
                    if (parent, lag - 1) == (equation.owner, 0):
                        continue
                    there = np.append(there[1:], True)
                link = parent, equation.owner, lag - early
                found[link] = _either(found.get(link), there)
        return found

    def _into(
        self, equation: Equation, through: Mapping[str, Mapping[tuple[str, int], Bools]]
    ) -> dict[tuple[str, int], Bools]:
        """Return the nodes that an equation is computed from, (variable, lag) -> at which steps."""
        i = self.template.index[equation.name]
        opened = np.append(~self.forced[:, i], True)
        found: dict[tuple[str, int], Bools] = {}
        equations = self.template.equations
        for name, lag in equation.parents:
            parent = equations[self.template.index[name]]
            kind = belonging(self.variables, parent)
            # At its own step a stage stands for its parents, at an earlier one for its variable.
            is_stage = kind == "between" and lag == 0
            early = int(kind == "before")
            parts = through[name] if is_stage else {(parent.owner, lag + early): opened}
            for key, there in parts.items():
                found[key] = _either(found.get(key), opened & there)
        return found

    def downstream(self, timelines: Timelines) -> dict[str, Timeline]:
        """Return the nodes that paths from a set reach, and the set's own."""
        last = self.last("downstream")
        found = reachable(
            self.template,
            self._course(last),
            avoid_held=False,
            starts={},
            ranges=self._ranges(timelines, last),
        )
        return self._by_variable(found)

    def upstream(self, timelines: Timelines) -> dict[str, Timeline]:
        """Return the nodes from which paths lead to a set, and the set's own."""
        last = self.last("upstream")
        found = reaching(
            self.template,
            self._course(last),
            {},
            avoid_held=False,
            ranges=self._ranges(timelines, last),
        )
        return self._by_variable(found)

    def _course(self, last: int) -> _FreeRun:
        return _FreeRun(last, self.forced, np.zeros((1, self.forced.shape[1]), dtype=bool))

    def _ranges(self, timelines: Timelines, last: int) -> list[tuple[int, int, int]]:
        """Return the equations of the nodes of a set: (first step, last step, equation)."""
        found = []
        for i, equation in enumerate(self.template.equations):
            kind = belonging(self.variables, equation)
            timeline = timelines.get(equation.owner)
            if timeline is None or kind == "between":
                continue
            late = int(kind == "before")
            for first, end, mask in timeline.pieces(last):
                assert end is not None
                if mask.any() and first + late <= last:
                    found.append((first + late, min(end + late, last), i))
        return found

    def _by_variable(self, reach: Reach) -> dict[str, Timeline]:
        found: dict[str, Bools] = {}
        for i, equation in enumerate(self.template.equations):
            kind = belonging(self.variables, equation)
            if kind != "between":
                rows = reach.of(i)
                rows = np.append(rows[1:], False) if kind == "before" else rows
                found[equation.owner] = _either(found.get(equation.owner), rows)
        return {
            name: Timeline.of_rows(_widened(rows, self.shape(name))) for name, rows in found.items()
        }


@dataclasses.dataclass(frozen=True, eq=False)
class _FreeRun:
    """A run in which nothing is held."""

    steps: int
    forced: Bools
    held: Bools
    seed: tuple[int, int] | None = None


def _either(one: Bools | None, other: Bools) -> Bools:
    return other if one is None else one | other


def _widened(rows: Bools, shape: tuple[int, ...]) -> Bools:
    """Return a column as masks of all elements, or none."""
    wide: Bools = np.broadcast_to(rows.reshape(-1, *[1] * len(shape)), (len(rows), *shape))
    return wide
