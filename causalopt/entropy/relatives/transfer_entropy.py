"""Transfer entropy: what the sources's present adds to the targets's own (Schreiber).

    T = I(targets[t+1]; sources[t] | targets[t])

Source: T. Schreiber, "Measuring Information Transfer", Phys. Rev. Lett. 85, 2000.
"""

from __future__ import annotations

from collections.abc import Iterable

from causalopt.entropy.declared import finite_model
from causalopt.entropy.information import Unit, mutual_information
from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.law import Law
from causalopt.laws.propagation import before, law_at, transition
from causalopt.model.model import Model


def transfer_entropy(
    model: Model | DiscreteModel,
    *,
    sources: Iterable[str] | None = None,
    targets: Iterable[str] | None = None,
    law: Law | None = None,
    unit: Unit = "bit",
) -> float:
    """Return the transfer entropy from source to target over one step, with one step of history.

    Args:
        model: A model of finite domains.
        sources: The variables that may inform; A by default.
        targets: The variables informed; B by default.
        law: The law at t, over all state variables; the model's at t = 0 by default.
        unit: Bits or nats.

    Example:
        >>> from causalopt import load, strength
        >>> dumb = load("thermostat_dumb")
        >>> round(transfer_entropy(dumb, law=strength(dumb, initial="uniform").P), 6)
        1.140518
    """
    model = finite_model(model)
    heard = tuple(model.B if targets is None else targets)
    told = tuple(model.A if sources is None else sources)
    both = transition(model, law_at(model, 0) if law is None else law)
    return mutual_information(
        both,
        [before(name) for name in told],
        heard,
        given=[before(name) for name in heard],
        unit=unit,
    )
