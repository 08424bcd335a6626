"""How much time compilation may take."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Effort:
    """Levels of the optimiser and of the code generator; results do not depend on them."""

    passes: int
    generator: int


QUICK, FULL = Effort(0, 0), Effort(2, 2)
# A large step is straight lines through memory: the optimiser's passes find little in it.
STRAIGHT = Effort(0, 1)
