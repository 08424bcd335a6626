"""The effects beside many sets at once are those of a run with each set, statuses included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Model, load, run
from causalopt.effects.asked import Asked, ask
from causalopt.effects.measures import measure
from causalopt.engine.contract import Bools
from causalopt.errors import QuestionError
from causalopt.model.selectors import Selection, Window
from causalopt.optimizers.node_sets import NodeSets
from causalopt.optimizers.set_effects import SetEffects
from tests.engine.strategies import random_dag, random_model


def assert_as_runs(asked: Asked, sets: list[Selection], steps: list[int]) -> set[str]:
    """Compare with one run a set; return the statuses that were met."""
    found = measure(SetEffects(asked, at=steps).of(sets).effect)
    met: set[str] = set()
    for k, selection in enumerate(sets):
        own = run(
            asked.model,
            nudge=asked.nudge,
            hold=[str(window) for window in selection],
            target=asked.target,
            steps=asked.steps,
            seed=asked.seed,
        )
        status = own.status[steps]
        assert found.status[:, k].tolist() == status.tolist(), selection
        known = np.isin(status, ["ok", "perfect", "only_path", "held", "kink"])
        np.testing.assert_allclose(found.op[known, k], own.op[steps][known], rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(found.comp[known, k], own.comp[steps][known], rtol=1e-7)
        met |= set(status.tolist())
    return met


def windows_of(model: Model, target: str, steps: int) -> list[Selection]:
    names = [name for name in model.variables if name != "v0"]
    found: list[Selection] = [(Window(name),) for name in names]
    found += [(Window(a), Window(b)) for a in names for b in names if a < b]
    found += [(Window(name, 3, 5), Window(target, 2, 4)) for name in names]
    return [*found, (Window("v0", 2, 3),), (Window(names[-1], steps - 1, None),)]


@pytest.mark.parametrize("seed", range(6))
def test_statuses_and_op_of_random_rules_are_those_of_a_run(seed: int) -> None:
    model = random_model(seed, 5, functions=True)
    asked = ask(model, nudge="v0[0]", hold=(), target="v4", steps=12)
    assert_as_runs(asked, windows_of(model, "v4", 12), [0, 5, 12])


def test_every_status_that_sets_can_differ_in_is_met() -> None:
    model = Model(
        name="statuses",
        variables={
            "n": {"rule": "n[t-1]", "initial": 1},
            "a": {"rule": "n[t-1]", "initial": 0},
            "b": {"rule": "-n[t-1]", "initial": 0},
            "c": {"rule": "max(a[t-1] - 1, 0)*0.5", "initial": 0},
            "m": {"rule": "a[t-1] + b[t-1]/3 + 0.1*b[t-1] - 0.3*a[t-1]", "initial": 0},
            "k": {"rule": "c[t-1] + 0.5*b[t-1]", "initial": 0},
            "z": {"rule": "a[t-1] + b[t-1]", "initial": 0},
            "one": {"rule": "(0.1*a[t-1] + 0.2*a[t-1] - 0.3*a[t-1]) + 0*b[t-1]", "initial": 0},
        },
    )
    met: set[str] = set()
    for target in ("m", "k", "z", "one"):
        asked = ask(model, nudge="n[0]", hold=(), target=target, steps=6)
        sets: list[Selection] = [(Window(v),) for v in model.variables if v != "n"]
        sets += [(Window("a"), Window("b")), (Window("a", 2, 3),), (Window(target, 6, 6),)]
        met |= assert_as_runs(asked, sets, [1, 3, 6])
    assert met >= {"ok", "perfect", "only_path", "no_influence", "held", "kink"}


def test_a_set_is_unresolved_where_a_run_says_so_and_the_others_are_not() -> None:
    model = Model(
        name="cancels",
        variables={
            "n": {"initial": 1},
            "u": "sin(0.1*n)",
            "v": "sin(0.7*n)",
            # Beside a what is left are roundings of u and v, and a hundredth of one of them.
            "a": "n",
            "small": "1e-18*n",
            "m": "a + u + v - sin(0.1*n) - sin(0.7*n) + small",
        },
    )
    asked = ask(model, nudge="n", hold=(), target="m")
    met = assert_as_runs(asked, [(Window("a"),), (Window("u"),), (Window("small"),)], [0])
    assert met == {"ok", "unresolved"}


@pytest.mark.parametrize("times", [3, 5, 7, 9])
def test_what_rounding_leaves_beside_a_set_is_unresolved_zero_or_not(times: int) -> None:
    variables = {
        "n": {"initial": 1},
        "u": f"{times}*sin(0.1*n)",
        "a": "n",
        "m": f"a + u/{times} - sin(0.1*n)",
    }
    asked = ask(Model(name="left", variables=variables), nudge="n", hold=(), target="m")
    assert assert_as_runs(asked, [(Window("a"),), (Window("u"),)], [0]) == {"ok", "unresolved"}


KINKS = {
    "a side that W does not take": {
        "b": "min(n, 0) - 0.3*n",
        "c": "2*abs(n)",
        "m": "b + c + max(n, 0)",
    },
    "a tie beside a set alone": {"b": "n", "x": "n - b", "m": "max(x, 0) + n", "c": "0.5*n"},
    "a tie to within rounding": {
        "b": "sin(n)",
        "c": "cos(n)",
        "m": "n*max(b*b + c*c, 1) + where(b*b + c*c > 1, b, c)",
    },
    "a tie to within rounding beside a set alone": {
        "k": "1.7",  # floats: sin(1.7)**2 + cos(1.7)**2 is not 1
        "b": "n",
        "x": "n - b",
        "c": "0.5*n",
        "m": "max(sin(k)**2 + cos(k)**2 + x, 1) + n + c",
    },
}


@pytest.mark.parametrize("name", KINKS)
def test_kinks_are_seen_as_a_run_sees_them(name: str) -> None:
    start = 1.6 if "rounding" in name else 0  # floats: sin(1.6)**2 + cos(1.6)**2 is not 1
    if "alone" in name:
        start = 0.5
    model = Model(name="kinks", variables={"n": {"initial": start}, **KINKS[name]})
    asked = ask(model, nudge="n", hold=(), target="m")
    sets: list[Selection] = [(Window("b"),), (Window("c"),), (Window("b"), Window("c"))]
    met = assert_as_runs(asked, sets, [0])
    assert "kink" in met or "unresolved" in met


def test_a_chaotic_run_is_as_unresolved_as_a_run() -> None:
    model = load("lorenz")
    asked = ask(model, nudge="b[0]", hold=(), target="b", steps=4000)
    sets = [model.selection(text) for text in ("a", "c", "a, c", "a[t<=10]", "c[t>=3000]")]
    assert {"ok", "unresolved"} <= assert_as_runs(asked, sets, [10, 1000, 2500, 3999])


def test_stages_of_an_integrator_go_with_their_variable() -> None:
    model = load("lorenz").replace(method="rk4")
    asked = ask(model, nudge="b[0]", hold=(), target="c", steps=60)
    sets = [model.selection(text) for text in ("a", "c[t<=20]", "a[10<=t<30], b[t>=20]", "b[5]")]
    assert_as_runs(asked, sets, [20, 60])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.data())
def test_masks_of_nodes_in_a_random_graph_are_those_of_a_run(
    seed: int, data: st.DataObject
) -> None:
    model = random_dag(seed, 14)
    names = model.template.names
    asked = ask(model, nudge=names[data.draw(st.integers(0, 4))], hold=(), target="n13")
    free = [name for name in names if name != asked.nudge.variable]
    chosen = st.sets(st.sampled_from(free), max_size=4)
    sets: list[Selection] = [
        tuple(Window(name) for name in sorted(data.draw(chosen))) for _ in range(6)
    ]
    assert_as_runs(asked, [s for s in sets if s], [0])


def masked(asked: Asked, sets: list[Selection]) -> Bools:
    """Return the masks of selections, written by hand."""
    place = asked.model.template.index
    found = np.zeros((len(sets), asked.steps + 1, len(place)), dtype=bool)
    for k, selection in enumerate(sets):
        for window in selection:
            last = asked.steps if window.last is None else window.last
            found[k, window.first : last + 1, place[window.variable]] = True
    return found


def test_masks_selections_and_unions_of_parts_are_the_same_sets() -> None:
    model = random_model(4, 5)
    asked = ask(model, nudge="v0[1]", hold=(), target="v4", steps=20)
    parts: list[Selection] = [(Window("v1", 3, 9),), (Window("v2"),), (Window("v3", 5, None),)]
    both: list[Selection] = [parts[0] + parts[1], parts[1] + parts[2], parts[2]]
    effects = SetEffects(asked)
    by_masks = effects.of(NodeSets.of_masks(masked(asked, both)))
    unions = NodeSets.of_selections(model, parts, 20).unions([[0, 1], [1, 2], [2]])
    for other in (effects.of(both), effects.of(unions)):
        assert (measure(other.effect).op == measure(by_masks.effect).op).all()


def test_only_sets_in_doubt_are_run_alone_and_what_is_left_is_unresolved() -> None:
    model = Model(
        name="twins",
        variables={"n": {"initial": 1}, "a": "n", "b": "-n", "c": "2*n", "m": "a + b + c"},
    )
    asked = ask(model, nudge="n", hold=(), target="m")
    sets: list[Selection] = [(Window("a"),), (Window("c"),), (Window("b"), Window("c"))]
    cut = SetEffects(asked).of([(Window("a"), Window("b"), Window("c"))])
    # No path is left beside it: its zero is proved by the graph.
    assert (cut.alone.tolist(), measure(cut.effect).status.tolist()) == ([False], ["only_path"])
    found = SetEffects(asked).of(sets)
    assert (found.alone.tolist(), found.left) == ([False, True, False], 0)
    assert measure(found.effect).status.tolist() == ["ok", "only_path", "ok"]
    twice: list[Selection] = [*sets, sets[1]]
    short = SetEffects(asked, budget=1).of(twice)
    assert (short.alone.sum(), short.left) == (1, 1)
    assert measure(short.effect).status.tolist() == ["ok", "only_path", "ok", "unresolved"]


def test_sets_in_doubt_for_which_there_is_no_time_are_unresolved_even_on_a_kink() -> None:
    variables = {"n": {"initial": 0}, **KINKS["a side that W does not take"]}
    asked = ask(Model(name="kinks", variables=variables), nudge="n", hold=(), target="m")
    sets: list[Selection] = [(Window("b"),), (Window("c"),)]
    found = SetEffects(asked, budget=1).of(sets)
    assert (found.alone.tolist(), found.left) == ([True, False], 1)
    assert measure(SetEffects(asked).of(sets).effect).status.tolist() == ["kink", "kink"]
    assert found.effect.direct.is_unresolved.tolist() == [False, True]


def test_exact_slopes_tell_what_floats_leave_beside_a_set() -> None:
    variables = {
        "n": {"initial": 1},
        "u": "0.1*n",
        "v": "0.2*n",
        "w": "0.3*n",
        "a": "n",
        "m": "a + u + v - w",
    }
    asked = ask(Model(name="tenths", variables=variables), nudge="n", hold=(), target="m")
    assert assert_as_runs(asked, [(Window("a"),), (Window("u"),)], [0]) == {"ok", "only_path"}


def test_a_set_with_the_nudged_node_is_refused() -> None:
    asked = ask(load("lorenz"), nudge="b[3]", hold=(), target="b", steps=9)
    effects = SetEffects(asked)
    with pytest.raises(QuestionError, match=r"b\[3\] is in the held set, in 1 of 2 sets"):
        effects.of([(Window("a"),), (Window("b", 2, 4),)])
    assert effects.of([(Window("b", 4, 6),)]).effect.held.tolist() == [False]
