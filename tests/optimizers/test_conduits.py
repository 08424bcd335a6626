"""Sets with one effect are grouped where they carry the same paths, and only there."""

from __future__ import annotations

import math

import pytest

from causalopt import Model, find_optimizers, run
from tests.optimizers.systems import PID


def names(sets: tuple[tuple[str, ...], ...]) -> set[frozenset[str]]:
    return {frozenset(hold) for hold in sets}


def test_error_pid_and_heater_are_one_conduit() -> None:
    found = find_optimizers(PID, nudge="room[0]", target="room", steps=60, size=2)
    loop = {"error", "pid", "heater"}
    (group,) = [g for g in found.groups if frozenset(["pid"]) in names(g.minimal)]
    assert names(group.minimal) == {frozenset([v]) for v in loop}
    assert "{error}, {pid}, {heater} are one conduit" in repr(found)
    # Whatever is held besides changes nothing more: every pair with one of them in it.
    others = loop | {"sum", "record", "clock"}
    pairs = {frozenset([a, b]) for a in loop for b in others if a != b}
    assert names(group.idle) == pairs
    own = run(PID, nudge="room[0]", hold="pid", target="room", steps=60)
    assert group.op == pytest.approx(own.op[-1], abs=1e-9)


def test_what_changes_nothing_is_called_idle() -> None:
    found = find_optimizers(PID, nudge="room[0]", target="room", steps=60, size=2)
    (group,) = [g for g in found.groups if g.is_idle]
    assert names(group.minimal) == {frozenset(["record"]), frozenset(["clock"])}
    assert names(group.idle) == {frozenset(["record", "clock"])}
    assert str(group) == "{record}, {clock} change nothing"


def test_the_same_op_by_chance_is_no_conduit() -> None:
    # Two ways of the same strength side by side: each leaves 3 of 5, both together 1 of 5.
    model = Model(
        name="beside", variables={"n": {"initial": 1}, "a": "2*n", "b": "2*n", "m": "n + a + b"}
    )
    found = find_optimizers(model, nudge="n", target="m", size=1)
    assert [names(group.minimal) for group in found.groups] == [
        {frozenset(["a"])},
        {frozenset(["b"])},
    ]
    assert all(group.op == pytest.approx(math.log(3 / 5)) for group in found.groups)


def test_a_group_has_one_sign_of_comp() -> None:
    # m = n + a - b; without a it is -(n), without c it is n again: |Comp| 1, of both signs.
    model = Model(
        name="signs",
        variables={"n": {"initial": 1}, "a": "2*n", "b": "2*n", "c": "0*n", "m": "n + a - b"},
    )
    found = find_optimizers(model, nudge="n", target="m", size=1)
    groups = {frozenset(h for s in g.minimal for h in s): g for g in found.groups}
    assert groups[frozenset(["a"])].comp == -1
    assert groups[frozenset(["c"])].is_idle
    assert not groups[frozenset(["a"])].is_idle


def test_only_conduits_of_a_chain_are_one_group() -> None:
    model = Model(
        name="chain", variables={"x": {"initial": 1}, "y": "2*x", "z": "3*y", "w": "z - 1"}
    )
    found = find_optimizers(model, nudge="x", target="w", size=2)
    (group,) = found.groups
    assert (group.op, group.status) == (-math.inf, "only_path")
    assert names(group.minimal) == {frozenset(["y"]), frozenset(["z"])}
    assert names(group.idle) == {frozenset(["y", "z"])}


def test_every_candidate_is_in_one_group() -> None:
    found = find_optimizers(PID, nudge="room[0]", target="room", steps=40, windows=4, size=2)
    grouped = [hold for group in found.groups for hold in (*group.minimal, *group.idle)]
    assert sorted(grouped) == sorted(candidate.hold for candidate in found)


def test_on_a_kink_the_only_path_is_no_conduit_of_what_changes_nothing() -> None:
    """Both have the status kink, one Op is -inf and the other 0."""
    variables = {"n": {"initial": 0}, "path": "abs(n)", "beside": "2*n", "m": "path + 0*beside"}
    found = find_optimizers(Model(name="kink", variables=variables), nudge="n", target="m", size=2)
    by_minimal = {group.minimal: group for group in found.groups}
    assert set(by_minimal) == {(("path",),), (("beside",),)}
    assert by_minimal[(("path",),)].op == -math.inf
    assert by_minimal[(("path",),)].idle == (("path", "beside"),)
    assert (by_minimal[(("beside",),)].op, by_minimal[(("beside",),)].idle) == (0, ())
    assert {candidate.status for candidate in found} == {"kink"}


def test_what_cancels_within_a_conduit_makes_no_conduit_of_its_parts() -> None:
    """p carries all paths but one; q carries one of p's, k1 another, and k2 undoes k1.

    Beside p, q and k1 there is 1/2 of 3/2 each, and beside q with p as well as k1 with p; but no
    path goes through q and k1, and beside both there is -1/2.
    """
    variables = {"n": {"initial": 1}, "p": "n", "q": "p", "k1": "p", "k2": "-p"}
    model = Model(name="c", variables={**variables, "m": "q + k1 + k2 + 0.5*n"})
    found = find_optimizers(model, nudge="n", target="m", size=1)
    assert {c.hold: round(c.comp, 12) for c in found if c.hold != ("k2",)} == {
        ("p",): 3,
        ("q",): 3,
        ("k1",): 3,
    }
    assert run(model, nudge="n", hold="q, k1", target="m").comp[-1] == pytest.approx(-3)
    assert all(len(group.minimal) == 1 for group in found.groups)
