"""The surgery, against two worlds written out state by state."""

from __future__ import annotations

import itertools
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.law import Law
from causalopt.laws.propagation import law_at
from causalopt.laws.twin import prime, twin
from causalopt.worlds.replacement import replace
from tests.entropy.strategies import as_table, discrete_models, enumerated_step, thermostat

Table = dict[tuple[object, ...], Fraction]


def two_worlds(law: Law, replica: Law, A: tuple[str, ...], names: tuple[str, ...]) -> Table:
    """Sum over both worlds' states, taking A from the second."""
    found: Table = {}
    first, second = as_table(law, names), as_table(replica, names)
    for (s, p), (r, q) in itertools.product(first.items(), second.items()):
        state = tuple(
            theirs if name in A else mine for name, mine, theirs in zip(names, s, r, strict=True)
        )
        found[state] = found.get(state, Fraction(0)) + p * q
    return found


@given(discrete_models())
@settings(max_examples=40, deadline=None)
def test_decorrelation_takes_a_from_an_independent_replica(model: DiscreteModel) -> None:
    names = model.state.names
    got = replace(model.initial, model.A, model.initial)
    assert as_table(got.sparse(), names) == two_worlds(model.initial, model.initial, model.A, names)


@given(discrete_models())
@settings(max_examples=20, deadline=None)
def test_replacing_from_another_law_keeps_that_laws_marginal(model: DiscreteModel) -> None:
    later = law_at(model, 2)
    got = replace(model.initial, model.A, later)
    names = model.state.names
    assert as_table(got.sparse(), names) == two_worlds(model.initial, later, model.A, names)
    assert as_table(got, model.A) == as_table(later, model.A)
    assert as_table(got, model.B) == as_table(model.initial, model.B)


@given(discrete_models(), st.booleans(), st.booleans())
@settings(max_examples=8, deadline=None)
def test_the_twins_replica_is_left_alone(model: DiscreteModel, before: bool, now: bool) -> None:
    worlds = twin(model, replaced_before=before, replaced_now=now)
    primed = tuple(prime(name) for name in model.state.names)
    law = law_at(worlds, 1)
    assert as_table(law, primed) == enumerated_step(model, model.initial)


def test_twins_that_replace_nothing_are_two_replicas() -> None:
    smart = thermostat("smart")
    worlds = twin(smart, replaced_before=False, replaced_now=False)
    law = law_at(worlds, 2)
    assert as_table(law, smart.state.names) == as_table(law_at(smart, 2), smart.state.names)
