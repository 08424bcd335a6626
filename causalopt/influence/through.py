"""What of the influence goes through a set A."""

from __future__ import annotations

import dataclasses
from typing import Any

from causalopt.effects.asked import asked_node, one_node_each, said_hold
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.model.selectors import Node, overlap
from causalopt.results import Displayed, plain_number


@dataclasses.dataclass(frozen=True)
class Through(Displayed):
    """What of the influence goes through a set A.

    Attributes:
        hold: The set, as a selector.
        share: Of the total effect: 1 - 1/Comp; below 0 where A works against the rest.
        comp: Comp(A; n, m) at the last step.
        op: Op(A; n, m) in nats.
        status: A key of `causalopt.STATUSES`.
        how: `currents` where no path crosses A twice, so that currents were added; `worlds` where
            some path does, so that the effect beside A was computed.
    """

    hold: str
    share: float
    comp: float
    op: float
    status: str
    how: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        numbers = {name: plain_number(getattr(self, name)) for name in ("share", "comp", "op")}
        return {"hold": self.hold, **numbers, "status": self.status, "how": self.how}


def own_set(model: Model, nudge: Nudged | None, steps: int | None = None) -> list[str | Node]:
    """Return the set A of the model's question, nothing where n lies in it."""
    model, nudge, target = one_node_each(model, nudge, None)
    node = asked_node(model, nudge)
    own = said_hold(model, nudge=node, target=target, steps=steps) or ()
    if any(node in window and overlap(node, window) for window in own):
        return []
    return [str(window) for window in own]
