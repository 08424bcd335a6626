"""Transfer entropy: what the source's present adds to the target's own (Schreiber).

    T = I(target[t+1]; source[t] | target[t])

Source: T. Schreiber, "Measuring Information Transfer", Phys. Rev. Lett. 85, 2000.
"""

from __future__ import annotations

from collections.abc import Iterable

from causalopt.entropy.information import Unit, mutual_information
from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.law import Law
from causalopt.laws.propagation import before, transition


def transfer_entropy(
    model: DiscreteModel,
    law: Law,
    *,
    source: Iterable[str] | None = None,
    target: Iterable[str] | None = None,
    unit: Unit = "bit",
) -> float:
    """Return the transfer entropy from source to target over one step, with one step of history.

    Args:
        model: The discrete model.
        law: The law at t, over all state variables.
        source: The variables that may inform; A by default.
        target: The variables informed; B by default.
        unit: Bits or nats.
    """
    heard = tuple(model.B if target is None else target)
    told = tuple(model.A if source is None else source)
    both = transition(model, law)
    return mutual_information(
        both,
        [before(name) for name in told],
        heard,
        given=[before(name) for name in heard],
        unit=unit,
    )
