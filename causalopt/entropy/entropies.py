"""The four entropies of one decorrelation, and the three numbers made of them."""

from __future__ import annotations

import dataclasses

from causalopt.entropy.information import Unit
from causalopt.results import Plotted, Tabled


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Entropies(Plotted, Tabled):
    """Entropies of the world and of the world with A taken from an independent replica.

    Args:
        unit: Of all entropies.
        S: S[P_t].
        S_decoupled: S[P'_t], right after the surgery.
        S_next: S[P_{t+1}], or of a later step.
        S_next_decoupled: S[P'_{t+1}], or of that step.
        model: The model's name; empty where there is none.
        at: The step at which A is replaced.
        horizon: How many steps later the `next` laws are taken.
        A: The variables replaced.
        is_static: Whether the model has no time: `next` is then what follows from A.

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
    model: str = ""
    at: int = 0
    horizon: int = 1
    A: tuple[str, ...] = ()
    is_static: bool = False

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

    @property
    def entries(self) -> dict[str, float]:
        """What a table of the entropies shows, by heading."""
        now, later = ("", ", then B") if self.is_static else ("_t", f"_t+{self.horizon}")
        return {
            f"S[P{now}]": self.S,
            f"S[P'{now}]": self.S_decoupled,
            f"S[P{later}]": self.S_next,
            f"S[P'{later}]": self.S_next_decoupled,
            "mutual information": self.mutual_information,
            "optimizing strength": self.optimizing_strength,
            "adjusted": self.adjusted,
        }

    @property
    def heading(self) -> str:
        """What was done to what."""
        when = "" if self.is_static else f" at t = {self.at}"
        name = f"{self.model}, " if self.model else ""
        return f"{name}A = {{{', '.join(self.A)}}} replaced{when}, in {self.unit}s"

    def __repr__(self) -> str:
        return (
            f"{self.heading}\n  optimizing strength {self.optimizing_strength:.7g}, mutual "
            f"information {self.mutual_information:.7g}, adjusted {self.adjusted:.7g}"
        )

    def __str__(self) -> str:
        lines = [f"  {name:<22}{value:.7f}" for name, value in self.entries.items()]
        return "\n".join([self.heading, *lines])

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
