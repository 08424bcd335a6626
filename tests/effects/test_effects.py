"""Effects of nudges, in cases small enough to be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from causalopt import Model, Nudge, Set, load, run, sweep
from causalopt.effects.measures import first_nonfinite
from causalopt.effects.run import Run


def asked(
    start: float = 0.0, *, delta: float | None = None, given: object = (), **rules: str
) -> Run:
    """Return a run of a static model in which n is nudged, a held and m measured."""
    model = Model(name="m", variables={"n": {"initial": start}, **rules})
    return run(model, nudge="n", hold="a", target="m", delta=delta, given=given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([1.0, math.nan, math.inf, -math.inf], ("c", 1, True)),
        ([1.0, math.nan, math.nan, 2.0], ("b", 1, False)),
        ([-math.inf, math.nan, math.inf, 1.0], ("a", 1, True)),
    ],
)
def test_the_first_infinity_of_a_step_explains_the_rest(
    row: list[float], expected: tuple[str, int, bool]
) -> None:
    values = np.array([[1.0, 2.0, 3.0, 4.0], row, [math.inf] * 4])
    assert first_nonfinite(("a", "b", "c", "d"), values, np.ones(4, dtype=bool)) == expected
    assert first_nonfinite(("a", "b", "c", "d"), values[:1], np.ones(4, dtype=bool)) is None


def test_a_branch_that_only_y_takes_is_a_kink() -> None:
    found = asked(delta=1.0, a="-n", m="where(n + a > 0.5, 7, n + a)")
    assert found.status[0] == "kink"


def test_a_branch_that_only_x_takes_is_a_kink() -> None:
    found = asked(delta=1.0, a="n", m="where(a > 0.5, 7, n)")
    assert found.status[0] == "kink"


def test_branches_that_are_undefined_in_every_world_do_not_part_them() -> None:
    found = asked(delta=1.0, a="n/2", q="abs(log(-1 - n**2))", m="n + a")
    assert (found.status[0], found.total[0]) == ("ok", 1.5)


def test_a_nudge_comes_on_top_of_the_baselines_own() -> None:
    found = asked(1.0, delta=0.5, given=[Nudge("n", 2.0)], a="n/2", m="n + a")
    assert found.W["n"][0] == 3.0
    assert found.X is not None
    assert found.X["n"][0] == 3.5
    assert (found.total[0], found.direct[0]) == (1.5, 1.0)


def test_a_held_node_keeps_the_baselines_nudge_once() -> None:
    found = asked(1.0, delta=0.5, given=[Nudge("a", 2.0)], a="n/2", m="n + a")
    assert found.Y is not None
    assert found.Y["a"][0] == found.W["a"][0] == 2.5
    assert found.direct[0] == 1.0


def test_what_is_set_after_the_held_window_stays_set() -> None:
    options = {"nudge": "R[0]", "hold": "T[t<=2]", "target": "R", "steps": 9}
    given = [Set("T[6]", 4.0)]
    finite = run(load("thermostat"), given=given, delta=0.5, **options)  # type: ignore[arg-type]
    limit = run(load("thermostat"), given=given, **options)  # type: ignore[arg-type]
    assert finite.Y is not None
    assert finite.Y["T"][6] == finite.W["T"][6] == 4.0
    np.testing.assert_allclose(finite.direct, limit.direct, rtol=1e-9)


def test_a_value_that_is_undefined_in_y_alone_is_named() -> None:
    found = asked(delta=2.0, a="-n", m="sqrt(1 - n - a)")
    assert found.status[0] == "nonfinite"
    assert found.effect.nonfinite == ("m", 0)


def test_a_value_elsewhere_that_is_not_finite_does_not_spoil_the_measured_one() -> None:
    for delta in (None, 0.5):
        found = asked(1.0, delta=delta, q="1/(n - n)", a="n/2", m="n + a")
        assert (found.status[0], found.total[0]) == ("ok", 1.5)


@pytest.mark.parametrize("delta", [2.0, -0.5])
def test_the_error_of_a_difference_is_a_last_place_of_the_larger_value(delta: float) -> None:
    found = asked(1.0, delta=delta, a="1", m="n + 0*a")
    expected = 2.0**-52 * max(1.0, 1.0 + delta) / abs(delta)
    assert found.effect.total.error[0] == expected
    parted = asked(1.0, delta=delta, a="n", m="a")
    assert parted.effect.direct.error[0] == 0.0  # without a path zero is exact
    assert parted.status[0] == "only_path"


def test_a_tangent_lost_beside_a_larger_one_is_unresolved_and_one_without_a_path_is_zero() -> None:
    """By step 70 x has grown by 1e560 and y has shrunk by as much: y's tangent is lost."""
    variables = {
        "x": {"rule": "1e8*x[t-1]", "initial": 0},
        "a": {"rule": "x[t-1]", "initial": 0},
        "y": {"rule": "where(t < 2, x[t-1], 1e-8*y[t-1])", "initial": 0},
        "z": {"rule": "a[t-1]", "initial": 0},
    }
    model = Model(name="m", variables=variables)
    for target, status in (("y", "unresolved"), ("z", "only_path")):
        question = {"nudge": "x[0]", "hold": "a", "target": target, "steps": 70}
        assert run(model, **question).status[-1] == status  # type: ignore[arg-type]
        found = sweep(model, {"x[0]": [0.0, 0.0]}, **question)  # type: ignore[arg-type]
        assert set(found.status) == {status}


def test_a_tangent_that_overflows_by_itself_has_diverged() -> None:
    rules = {"b": "1e200*n", "c": "1e200*b", "a": "n", "m": "c + a"}
    assert asked(0.0, **rules).status[0] == "diverged"
    model = Model(name="m", variables={"n": {"initial": 0}, **rules})
    found = sweep(model, {"n": [0.0]}, nudge="n", hold="a", target="m")
    assert found.status.tolist() == ["diverged"]


@pytest.mark.parametrize(("at", "status"), [(2, "held"), (3, "held"), (4, "ok"), (6, "ok")])
def test_a_swept_target_is_held_in_its_window_alone(at: int, status: str) -> None:
    model = load("thermostat")
    question = {"nudge": "R[0]", "hold": "T[1<=t<=3]", "target": "T"}
    assert sweep(model, {"k": [0.1]}, at=at, **question).status.tolist() == [status]  # type: ignore[arg-type]
    assert run(model, steps=at, **question).status[-1] == status  # type: ignore[arg-type]


def test_t_is_the_step_and_time_is_step_times_dt() -> None:
    found = run(load("lorenz").replace(dt=0.5), steps=4)
    assert found.t.tolist() == [0, 1, 2, 3, 4]
    assert found.time.tolist() == [0, 0.5, 1, 1.5, 2]
    assert "  time = 2 (step 4): Op" in repr(found)
    labelled = found.dataset
    assert labelled.t.values.tolist() == found.t.tolist()
    assert labelled.time.values.tolist() == found.time.tolist()
    assert "  t = 4: Op" in repr(run(load("thermostat"), steps=4))
    numbers = run(load("thermostat"), steps=np.int64(4), delta=np.float32(0.5)).to_dict()
    assert numbers["delta"] == 0.5
    assert type(numbers["delta"]) is float
