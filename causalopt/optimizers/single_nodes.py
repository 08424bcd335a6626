"""Sets that hold a single node between n and m, or none: no path crosses them twice.

What goes through is the node's current, so that one pass forwards and one backwards answer for all
of them: the effect beside the set is the total one less that.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked
from causalopt.effects.measures import UNIT_ROUNDOFF
from causalopt.engine.contract import Bools, Floats
from causalopt.influence.crossings import between
from causalopt.influence.node_currents import NodeCurrents, node_currents

_MANY = 2.0  # what a node counts whose current is not known: more than one


@dataclasses.dataclass(frozen=True, eq=False)
class SingleNodes:
    """The currents of a question, ready to be summed over stretches of steps.

    Attributes:
        nodes: The currents.
        count: What each node counts, shape [t, equation]: 1 between n and m, 0 elsewhere.
        share: Its current over the total effect, likewise.
        error: The rounding error of that.
    """

    nodes: NodeCurrents
    count: Floats
    share: Floats
    error: Floats

    @classmethod
    def of(cls, asked: Asked) -> SingleNodes:
        """Return the currents of a question; its set A plays no part."""
        nodes, template = node_currents(asked), asked.model.template
        on_path = between(template, nodes.plan, template.index[asked.target])
        current, whole = nodes.current, abs(float(nodes.total.mantissa))
        power = np.clip(current.exponent - nodes.total.exponent, -1100, 1100).astype(np.int32)
        share, error, count = np.zeros((3, *on_path.shape))
        count[on_path] = _MANY
        with np.errstate(all="ignore"):
            own = np.ldexp(current.mantissa / float(nodes.total.mantissa), power)
            wrong = np.ldexp(np.abs(current.error) / whole, power)
        is_known = np.isfinite(own) & np.isfinite(wrong)
        columns = nodes.columns
        share[:, columns] = np.where(is_known, own, 0.0)
        error[:, columns] = np.where(is_known, wrong, 0.0)
        count[:, columns] = np.where(on_path[:, columns], np.where(is_known, 1.0, _MANY), 0.0)
        return cls(nodes, count, share, error)

    def beside(self, held: Bools, starts: NDArray[np.int64]) -> tuple[Bools, Floats, Floats]:
        """Return which sets hold one node or none, and direct over total effect with its error.

        Args:
            held: Which nodes each set holds, shape [row, equation, set].
            starts: The step from which each row holds, shape [row].
        """
        sums = [np.add.reduceat(table, starts, axis=0) for table in self._tables]
        count, share, error = (np.einsum("rv,rvs->s", table, held) for table in sums)
        total = self.nodes.total
        whole = abs(float(total.error) / float(total.mantissa)) if total.mantissa else np.inf
        return count <= 1.0, 1.0 - share, error + whole + UNIT_ROUNDOFF * (1.0 + np.abs(share))

    @property
    def _tables(self) -> tuple[Floats, Floats, Floats]:
        return self.count, self.share, self.error
