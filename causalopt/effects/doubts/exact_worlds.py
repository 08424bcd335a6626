"""W, X and Y of a finite nudge in fractions, of the decimals as written: their exact differences.

Each is carried as `ExactSlopes` carries W. X adds the nudge as written, where floats would round
the sum, and Y takes A from the exact W.
"""

from __future__ import annotations

from fractions import Fraction

from causalopt.effects.doubts.exact_slopes import Exact, ExactSlopes, plus
from causalopt.engine.contract import Floats, Plan
from causalopt.model.template import Template


class ExactWorld(ExactSlopes):
    """W, or X or Y beside it; steps are asked for in their order, of W first.

    Args:
        template: The model's template.
        plan: W's run; its seed is the nudged node.
        values: The world in floats, shape [t, V].
        nudge: What is added to the seed; 0 for W.
        source: W, from which the held set is taken; None to hold nothing.
    """

    def __init__(
        self,
        template: Template,
        plan: Plan,
        values: Floats,
        nudge: Fraction,
        source: ExactSlopes | None = None,
    ) -> None:
        super().__init__(template, plan, values)
        self._nudge, self._source = nudge, source
        if nudge and plan.seed is not None:
            self._from_rules = max(self._from_rules, plan.seed[0] + 1)
        if source is not None:
            self._from_rules = plan.steps + 1

    def shifted(self, t: int, i: int, value: Exact) -> Exact:
        """Return a node's value from that of its rule, or from the one it is given."""
        if self._source is not None and self._plan.held_at(t)[i]:
            return self._source.node(t, i)
        own = super().shifted(t, i, value)
        return plus(own, self._nudge) if (t, i) == self._plan.seed else own


def exact_differences(
    template: Template, plan: Plan, tables: tuple[Floats, Floats, Floats], delta: float, target: int
) -> tuple[dict[int, Fraction], dict[int, Fraction]]:
    """Return step -> (x - w)/delta, and step -> (y - w)/delta, of m, where fractions know them.

    Args:
        template: The model's template.
        plan: W's run; its seed is the nudged node.
        tables: W, X and Y in floats, shape [t, V] each.
        delta: The nudge's size; it counts as it is written.
        target: The equation of m.
    """
    nudge = Fraction(repr(delta))
    w = ExactWorld(template, plan, tables[0], Fraction(0))
    others = [
        ExactWorld(template, plan, tables[1], nudge),
        ExactWorld(template, plan, tables[2], nudge, w),
    ]
    found: tuple[dict[int, Fraction], dict[int, Fraction]] = ({}, {})
    for t in range(plan.steps + 1):
        if not all(world.advance(t) for world in (w, *others)):
            break
        before = w.node(t, target)
        for known, other in zip(found, others, strict=True):
            after = other.node(t, target)
            if before is not None and after is not None:
                known[t] = (after - before) / nudge
    return found
