"""Transfer entropy: what the source's present adds to the target's own (Schreiber).

    T = I(target[t+1]; source[t] | target[t])

Source: T. Schreiber, "Measuring Information Transfer", Phys. Rev. Lett. 85, 2000.
"""

from __future__ import annotations

from collections.abc import Iterable

from causalopt.entropy.declared import finite_model
from causalopt.entropy.information import Unit, mutual_information
from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.propagation import before, law_at, prepared, transition
from causalopt.model.model import Model


def transfer_entropy(
    model: Model | DiscreteModel,
    *,
    source: Iterable[str] | None = None,
    target: Iterable[str] | None = None,
    at: int = 0,
    initial: str = "model",
    unit: Unit = "bit",
) -> float:
    """Return the transfer entropy from source to target over one step, with one step of history.

    Args:
        model: A model of finite domains.
        source: The variables that may inform; A by default.
        target: The variables informed; B by default.
        at: The step t.
        initial: Start from the `model`'s own law at t = 0 or from the `uniform` one.
        unit: Bits or nats.

    Example:
        >>> from causalopt import load
        >>> round(transfer_entropy(load("thermostat_dumb"), initial="uniform"), 6)
        1.140518
    """
    tables = prepared(finite_model(model), initial=initial)
    heard = tuple(tables.B if target is None else target)
    told = tuple(tables.A if source is None else source)
    both = transition(tables, law_at(tables, at))
    return mutual_information(
        both,
        [before(name) for name in told],
        heard,
        given=[before(name) for name in heard],
        unit=unit,
    )
