"""What sets A are made of: variables, their windows, nodes, units and regions, as selectors."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from causalopt.errors import QuestionError
from causalopt.model.selectors import Node, Selection, Window, is_plain, selection_text
from causalopt.worlds.interventions import given_nodes

if TYPE_CHECKING:
    from causalopt.effects.asked import Asked
    from causalopt.model.model import Model
    from causalopt.worlds.expand import Expanded

By: TypeAlias = Literal["variable", "unit", "node"]
Selectors: TypeAlias = str | Sequence[str | Node | Window]


@dataclasses.dataclass(frozen=True)
class SetPart:
    """A piece that sets are made of.

    Attributes:
        label: It as the user writes it.
        nodes: It in the model of numbers.
    """

    label: str
    nodes: Selection


@dataclasses.dataclass(frozen=True)
class PartReader:
    """Reads selectors as parts of one question.

    Attributes:
        model: The model as the user declared it.
        expanded: It written out as numbers, None where it has no arrays.
        asked: The question among numbers.
        nudge: The node n in the declared model, what a selector may call n.
        target: The node m likewise.
    """

    model: Model
    expanded: Expanded | None
    asked: Asked
    nudge: Node
    target: Node

    def selection(self, text: Selectors) -> Selection:
        """Return the nodes that a selector names in this run."""
        if is_plain(text):
            return self.model.selection(text)
        asked = self.asked
        return self.model.selection(
            text,
            steps=asked.steps,
            given=given_nodes(self.model, asked.given, asked.steps),
            asked={"n": self.nudge, "m": self.target},
        )

    def part(self, text: Selectors) -> SetPart:
        """Return one part as a selector says it.

        Raises:
            QuestionError: It is empty, holds n, or lies after the last step.
        """
        found = self.selection(text)
        if not found:
            first = next(iter(self.model.variables))
            raise QuestionError(
                f"the candidate '{text}' selects nothing: name one, such as {first}"
            )
        return self._checked(self._written(found))

    def parts(
        self, among: Selectors | None, by: By | None, windows: int | Sequence[int] | None
    ) -> list[SetPart]:
        """Return the parts that sets are to be made of, each once; none where all hold n or m.

        Args:
            among: Selectors; a window, a region or several of them together are a part as they
                stand, a variable is divided by `by` and `windows`; of its units those that are n
                or m are left out. All variables when not given.
            by: What a variable is divided into: itself, the units of an array, or its nodes.
            windows: How many pieces the run is cut into, or the steps of the cuts: the parts are
                then all windows of a variable between two cuts.

        Raises:
            QuestionError: `among` is empty, or one of its parts holds n or m.
        """
        is_divided = windows is not None or by == "node"
        found: dict[SetPart, None] = {}
        for selection in self._items(among):
            window = selection[0]
            if len(selection) > 1 or not window.is_whole:
                found[self._checked(self._written(selection))] = None
                continue
            units = self._units(window, by)
            for whole in units:
                if is_divided:
                    cut = [self._cut(whole, *steps) for steps in self._steps(windows)]
                    found |= {part: None for part in cut if not self._holds_end(part)}
                elif not self._is_end(whole):
                    found[self._checked(self._written(whole))] = None
                elif among is not None and len(units) == 1:
                    label = self._written(whole).label
                    raise QuestionError(
                        f"'{label}' is nudged or measured: A holds neither n nor m; cut it into "
                        "windows, or leave it out"
                    )
        return list(found)

    def _items(self, among: Selectors | None) -> list[Selection]:
        if among is None:
            own = self.model.asked_variables
            return [(Window(name),) for name in self.model.variables if name not in own]
        if isinstance(among, str) and is_plain(among):
            found: list[Selection] = [(window,) for window in self.model.selection(among)]
        elif isinstance(among, str):
            found = [self.selection(among)]
        else:
            items = [[item] if isinstance(item, Node | Window) else item for item in among]
            found = [self.selection(item) for item in items]
        if not found or not all(found):
            raise QuestionError("there are no candidates: among names no variable")
        return found

    def _units(self, window: Window, by: By | None) -> list[Selection]:
        """Return a variable, or the elements of an array one by one."""
        _, shape = self.model.named_shapes.get(window.variable, ((), ()))
        if self.expanded is None or by == "variable" or not shape:
            return [(window,)]
        return [
            (Window(window.variable, elements=tuple((i, i + 1) for i in place)),)
            for place in np.ndindex(*shape)
        ]

    def _steps(self, windows: int | Sequence[int] | None) -> list[tuple[int, int]]:
        """Return (first step, last step) of all windows on the grid, or of single steps."""
        steps = self.asked.steps
        if windows is None:
            return [(t, t) for t in range(steps + 1)]
        cuts = grid_of_cuts(windows, steps)
        return [(a, b - 1) for a, b in itertools.combinations(cuts, 2)]

    def _cut(self, whole: Selection, first: int, last: int) -> SetPart:
        stop = None if last >= self.asked.steps else last
        return self._written(tuple(dataclasses.replace(w, first=first, last=stop) for w in whole))

    def _written(self, selection: Selection) -> SetPart:
        label = selection_text(selection, self.model.named_shapes)
        nodes = selection if self.expanded is None else self.expanded.selection(selection)
        return SetPart(label, nodes)

    def _is_end(self, whole: Selection) -> bool:
        """Whether a variable, or a unit of it, is n's or m's."""
        nudged = self.asked.model.nudged(self.asked.nudge)
        ends = {self.asked.target, *(window.variable for window in nudged)}
        return any(window.variable in ends for window in self._written(whole).nodes)

    def _holds_end(self, part: SetPart) -> bool:
        model, (n, m) = self.asked.model, (self.asked.nudge, self.asked.target)
        ends = [*model.nudged(n), Window(m, self.asked.steps, self.asked.steps)]
        return any(
            end.variable == window.variable and end.meets(window)
            for window in part.nodes
            for end in ends
        )

    def _checked(self, part: SetPart) -> SetPart:
        nudged = self.asked.model.nudged(self.asked.nudge)
        if any(n.variable == w.variable and n.meets(w) for w in part.nodes for n in nudged):
            raise QuestionError(
                f"the candidate {part.label} holds the nudged node {self.asked.node_name}: the "
                "nudge is made in B; leave it out"
            )
        late = [window for window in part.nodes if window.first > self.asked.steps]
        if late:
            raise QuestionError(
                f"the candidate {part.label} lies after the last step {self.asked.steps}"
            )
        return part


def grid_of_cuts(windows: int | Sequence[int], steps: int) -> list[int]:
    """Return the steps between which windows lie, ascending, the run's ends included.

    Args:
        windows: How many pieces of the same length, or the steps of the cuts.
        steps: The last step.

    Raises:
        QuestionError: There is no piece, more pieces than steps, or a cut outside the run.

    Example:
        >>> grid_of_cuts(3, 8), grid_of_cuts([4], 8)
        ([0, 3, 6, 9], [0, 4, 9])
    """
    if isinstance(windows, int):
        if not 1 <= windows <= steps + 1:
            raise QuestionError(
                f"the run of {steps + 1} steps is cut into 1 to {steps + 1} windows, found "
                f"{windows}"
            )
        return [round(k * (steps + 1) / windows) for k in range(windows + 1)]
    if isinstance(windows, float):
        raise QuestionError(f"windows is a whole number of pieces, or steps, found {windows}")
    bad = [cut for cut in windows if int(cut) != cut or not 0 <= cut <= steps + 1]
    if bad:
        raise QuestionError(
            f"windows are cut at whole steps between 0 and {steps + 1}, found {bad[0]}"
        )
    return sorted({0, steps + 1, *windows})
