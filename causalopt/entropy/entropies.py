"""The four entropies of one decorrelation, and the three numbers made of them."""

from __future__ import annotations

import dataclasses

from causalopt.entropy.information import Unit


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Entropies:
    """Entropies of the world and of the world with A taken from an independent replica.

    Args:
        unit: Of all entropies.
        S: S[P_t].
        S_decoupled: S[P'_t], right after the surgery.
        S_next: S[P_{t+1}], or of a later step.
        S_next_decoupled: S[P'_{t+1}], or of that step.

    Example:
        >>> found = Entropies(unit="bit", S=1.0, S_decoupled=2.0, S_next=0.0, S_next_decoupled=2.0)
        >>> found.mutual_information, found.optimizing_strength, found.adjusted
        (1.0, 2.0, 1.0)
    """

    unit: Unit
    S: float
    S_decoupled: float
    S_next: float
    S_next_decoupled: float

    @property
    def mutual_information(self) -> float:
        """I(A; B) at t: the entropy the surgery adds at once."""
        return self.S_decoupled - self.S

    @property
    def optimizing_strength(self) -> float:
        """Omega: the entropy the surgery adds by the later step."""
        return self.S_next_decoupled - self.S_next

    @property
    def adjusted(self) -> float:
        """Omega less the mutual information there was to spend."""
        return self.optimizing_strength - self.mutual_information

    def to_dict(self) -> dict[str, str | float]:
        """Return the contract's JSON object for `causalopt entropy`."""
        names = (
            "S",
            "S_decoupled",
            "S_next",
            "S_next_decoupled",
            "mutual_information",
            "optimizing_strength",
            "adjusted",
        )
        return {"unit": self.unit} | {name: getattr(self, name) for name in names}
