"""The claims of docs/who.md about sets in a slice, one by one, against worlds."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Model, currents, run

# A slice of independent variables between n and m: their shares are what hypothesis draws.
gains = st.lists(
    st.integers(-12, 12).filter(bool).map(lambda i: i / 8), min_size=2, max_size=6
).filter(lambda found: abs(sum(found)) > 0.05)


def fan(found: list[float]) -> Model:
    """Return n -> v_0 ... v_k -> m, with these products of slopes."""
    variables: dict[str, object] = {"n": {"initial": 1}}
    for k, gain in enumerate(found):
        variables[f"v{k}"] = {"rule": f"({gain})*n"}
    variables["m"] = {"rule": " + ".join(f"v{k}" for k in range(len(found)))}
    return Model(name="fan", variables=variables)


def op_by_worlds(model: Model, names: tuple[str, ...]) -> float:
    return float(run(model, nudge="n", hold=", ".join(names), target="m").op[0])


@settings(max_examples=40)
@given(gains, st.data())
def test_op_is_the_log_of_what_flows_through_the_rest(
    found: list[float], data: st.DataObject
) -> None:
    model, names = fan(found), tuple(f"v{k}" for k in range(len(found)))
    chosen = data.draw(st.sets(st.sampled_from(names), min_size=1, max_size=len(names) - 1))
    rest = [name for name in names if name not in chosen]
    shares = currents(model, nudge="n", target="m")
    share = sum(shares.share[0, shares.variables.index(name)] for name in rest)
    if abs(share) < 1e-6:
        return
    assert op_by_worlds(model, tuple(chosen)) == pytest.approx(math.log(abs(share)), abs=1e-9)


@settings(max_examples=40)
@given(gains)
def test_the_best_set_of_a_slice_is_all_currents_of_one_sign(found: list[float]) -> None:
    model, names = fan(found), tuple(f"v{k}" for k in range(len(found)))
    sets = [s for size in range(1, len(names)) for s in itertools.combinations(names, size)]
    best = max(op_by_worlds(model, s) for s in sets)
    total = sum(found)
    backwards = tuple(name for name, gain in zip(names, found, strict=True) if gain * total < 0)
    if backwards:
        assert best == pytest.approx(op_by_worlds(model, backwards), abs=1e-9)
        assert best == pytest.approx(math.log1p(-sum(min(g / total, 0) for g in found)))
    else:
        assert best < 0


@pytest.mark.parametrize("share", [-3.0, -0.1, 0.1, 0.7, 1.9, 2.1, 5.0])
def test_compresses_exactly_where_the_share_is_negative_or_above_two(share: float) -> None:
    model = fan([share, 1.0 - share])
    found = currents(model, nudge="n", target="m").through("v0")
    assert found.share == pytest.approx(share)
    assert (found.op > 0) == (share < 0 or share > 2)
    assert found.op == pytest.approx(np.log(abs(1 - share)))
