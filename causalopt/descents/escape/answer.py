"""The answer every member gives to a question of escape."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

from causalopt.results import Plotted, Tabled

if TYPE_CHECKING:
    pass

Method = Literal["operator", "ensemble", "diffusion", "exact"]
Status = Literal["ok", "leaves_grid", "overflow", "unresolved"]

_SHOWN = 8


@dataclasses.dataclass(frozen=True, repr=False)
class Answer(Plotted, Tabled):
    """Probabilities of escape with their errors, in the order of the steps asked for.

    Args:
        method: Which member answered.
        within: Numbers of steps.
        probability: One a number of steps.
        error: What each probability may be off by: discretisation, found by refinement (operator,
            diffusion), one standard error (ensemble), rounding (exact). Model error is not in it:
            the diffusion is only an approximation to the chain.
        status: `ok`; `leaves_grid`: mass left the grid, the error holds it; `overflow`: walkers
            left the floating-point numbers; `unresolved`: the tolerance was not reached.
        note: One sentence for people, empty when there is nothing to say.
        size: Nodes, cells, walkers or sequences used.
    """

    method: Method
    within: tuple[int, ...]
    probability: tuple[float, ...]
    error: tuple[float, ...]
    status: Status = "ok"
    note: str = ""
    size: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON's types."""
        return {
            "method": self.method,
            "within": list(self.within),
            "probability": list(self.probability),
            "error": list(self.error),
            "status": self.status,
            "note": self.note,
        }

    def __repr__(self) -> str:
        chances = [
            f"  P = {chance:.6g} +- {error:.2g} at N = {steps}"
            for steps, chance, error in zip(self.within, self.probability, self.error, strict=True)
        ]
        if len(chances) > _SHOWN:
            chances[_SHOWN - 1 : -1] = ["  ..."]
        said = [] if self.status == "ok" else [f"  {self.status}: {self.note}"]
        return "\n".join([f"probability of escape by {self.method}", *chances, *said])
