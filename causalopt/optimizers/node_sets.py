"""Many sets of nodes at once: unions of a few parts, each part a mask over steps and equations."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.contract import Bools
from causalopt.errors import QuestionError, SizeError
from causalopt.model.model import Model
from causalopt.model.selectors import Selection
from causalopt.worlds.interventions import held_mask

NO_PART = -1
_MOST = 500_000_000  # numbers of a mask: half a gigabyte
_FEW = 8  # parts of a set that are joined one by one


@dataclasses.dataclass(frozen=True, eq=False)
class NodeSets:
    """Sets A, each the union of some parts.

    A part is held from the step `starts[row]` on as `parts[row]` says, until the next row's.

    Attributes:
        starts: Ascending steps, the first 0, shape [row].
        parts: Which nodes each part holds, stages included, shape [row, equation, part].
        members: The parts of each set, shape [set, member]; `NO_PART` where it has fewer.
    """

    starts: NDArray[np.int64]
    parts: Bools
    members: NDArray[np.int64]

    @classmethod
    def of_selections(cls, model: Model, parts: Sequence[Selection], steps: int) -> NodeSets:
        """Return the sets that selections name, each a part and a set of its own.

        Args:
            model: The model.
            parts: The selections.
            steps: The last step of the run.

        Raises:
            SizeError: Their masks would not fit into memory.
        """
        masks = [held_mask(model, selection, steps) for selection in parts]
        changes = {0}
        for mask in masks:
            changes |= set((np.flatnonzero((mask[1:] != mask[:-1]).any(axis=1)) + 1).tolist())
        starts = np.array(sorted(changes), dtype=np.int64)
        width = len(model.template.equations)
        if len(starts) * width * len(parts) > _MOST:
            raise SizeError(
                f"{len(parts):,} parts that begin or end at {len(starts):,} steps are too many: "
                "cut the run into fewer windows, or ask causalopt.currents for every node at once"
            )
        held = np.zeros((len(starts), width, len(parts)), dtype=bool)
        for k, mask in enumerate(masks):
            held[:, :, k] = mask[np.minimum(starts, len(mask) - 1)]
        return cls(starts, held, np.arange(len(parts), dtype=np.int64)[:, np.newaxis])

    @classmethod
    def of_masks(cls, masks: Bools) -> NodeSets:
        """Return the sets that masks hold; the last step goes on.

        Args:
            masks: Shape [set, t, equation], in the order of the template's equations, stages too.
        """
        moved = np.moveaxis(masks, 0, 2)
        differs = (moved[1:] != moved[:-1]).any(axis=(1, 2))
        starts = np.concatenate([[0], np.flatnonzero(differs) + 1]).astype(np.int64)
        each = np.arange(len(masks), dtype=np.int64)[:, np.newaxis]
        return cls(starts, moved[starts], each)

    def unions(self, members: NDArray[np.int64] | Sequence[Sequence[int]]) -> NodeSets:
        """Return other sets of the same parts, shape [set, member], or lists of their parts."""
        if not isinstance(members, np.ndarray):
            longest = max(map(len, members), default=0)
            table = np.full((len(members), longest), NO_PART, dtype=np.int64)
            for row, chosen in zip(table, members, strict=True):
                row[: len(chosen)] = chosen
            members = table
        return dataclasses.replace(self, members=members)

    def __len__(self) -> int:
        return len(self.members)

    def held(self, sets: slice | NDArray[np.intp] = slice(None)) -> Bools:
        """Return the masks of some sets, shape [row, equation, set]."""
        chosen = self.members[sets]
        if chosen.shape[1] > _FEW:
            return self._held_by_many(chosen)
        found = np.zeros((*self.parts.shape[:2], len(chosen)), dtype=bool)
        for column in chosen.T:
            found |= self.parts[:, :, column] & (column != NO_PART)
        return found

    def _held_by_many(self, chosen: NDArray[np.int64]) -> Bools:
        """Return the same by a product of matrices: a node is held where some part holds it."""
        joins = np.zeros((self.parts.shape[2] + 1, len(chosen)), dtype=np.float32)
        joins[chosen.T, np.arange(len(chosen))] = 1.0  # NO_PART is the last row
        found: Bools = self.parts.astype(np.float32) @ joins[:-1] > 0
        return found

    def table(self, place: int, steps: int) -> Bools:
        """Return one set's mask as a plan holds it: [t, equation], the last row lasts."""
        rows = self.held(slice(place, place + 1))[:, :, 0]
        last = min(int(self.starts[-1]), steps)
        found: Bools = rows[np.searchsorted(self.starts, np.arange(last + 1), side="right") - 1]
        return found

    def check(self, seed: tuple[int, int], name: str) -> None:
        """Refuse sets that hold the nudged node.

        Args:
            seed: Its step and equation.
            name: It as the user writes it.

        Raises:
            QuestionError: A set holds it.
        """
        row = int(np.searchsorted(self.starts, seed[0], side="right")) - 1
        closed = np.append(self.parts[row, seed[1]], False)  # the last for NO_PART
        bad = np.flatnonzero(closed[self.members].any(axis=1))
        if len(bad):
            raise QuestionError(
                f"the nudged node {name} is in the held set, in {len(bad)} of {len(self)} sets: "
                "the nudge is made in B; leave it out of the candidates"
            )
