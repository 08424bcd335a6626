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
