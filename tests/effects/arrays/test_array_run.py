"""Vector Comp and Op against closed forms, and what statuses, probes and directions say."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import causalopt
from causalopt import Model, QuestionError
from causalopt.effects.arrays import nudge_directions
from causalopt.errors import SizeError
from tests.effects.arrays.models_of_arrays import LATTICE, TRAINING

EIGEN = np.array([0.5, 1.0, 2.0])
ETA, N = 0.1, 20


def descent(eigen=(0.5, 1.0, 2.0)) -> Model:
    size = len(eigen)
    return Model(
        name="descent",
        sizes={"slot": size},
        parameters={"eta": ETA},
        variables={
            "x": {"shape": ["slot"], "rule": "x[t-1] - eta*G[t-1]", "initial": 1},
            "curvature": {"shape": ["slot"], "rule": "curvature[t-1]", "initial": [*eigen]},
            "G": {"shape": ["slot"], "rule": "grad(sum(curvature[t]*x[t]*x[t])/2, x[t])"},
        },
        question={"nudge": "x[0]", "hold": "G", "target": "x", "steps": N},
    )


def test_gradient_descent_on_a_quadratic_has_its_closed_form() -> None:
    """X = (1 - eta Lambda)^N and Y = 1, since the gradients are A."""
    run = causalopt.run(descent())
    decay = (1 - ETA * EIGEN) ** N
    modes = np.sort(-np.log(decay))
    assert run.op[-1] == pytest.approx(-0.5 * math.log(np.sum(decay**2) / 3), abs=1e-13)
    assert run.op_total[-1] == pytest.approx(modes.sum(), abs=1e-12)
    np.testing.assert_allclose(run.modes(), modes, atol=1e-12)
    np.testing.assert_allclose(run.jacobian().gains, modes, atol=1e-12)
    assert run.alignment[-1] == pytest.approx(
        decay.sum() / math.sqrt(3 * np.sum(decay**2)), abs=1e-13
    )
    # The numbers of the anchor, as they are stated elsewhere.
    assert run.op_total[-1] == pytest.approx(7.595947227, abs=1e-9)
    assert run.op[-1] == pytest.approx(1.520274304, abs=1e-9)
    np.testing.assert_allclose(run.modes(), [1.02586589, 2.10721031, 4.46287103], atol=1e-8)


def test_op_along_a_direction_is_that_directions() -> None:
    run = causalopt.run(descent())
    for i, eigen in enumerate(EIGEN):
        unit = np.eye(3)[i]
        expected = -N * math.log(abs(1 - ETA * eigen))
        assert run.jacobian().along(unit) == pytest.approx(expected, abs=1e-12)
        assert run.jacobian().measured_along(unit) == pytest.approx(expected, abs=1e-12)
        alone = causalopt.run(descent(), along=unit)
        assert alone.op[-1] == pytest.approx(expected, abs=1e-12)
        element = causalopt.run(descent(), nudge=f"x[0, slot={i}]", target=f"x[slot={i}]")
        assert element.op[-1] == pytest.approx(expected, abs=1e-12)
        assert element.comp[-1] == pytest.approx((1 - ETA * eigen) ** N, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_op_total_and_modes_do_not_depend_on_coordinates(seed: int) -> None:
    """Coordinates z = S x: with p = q, op_total and modes stay, rms and gains may not."""
    rng = np.random.default_rng(seed)
    change = rng.normal(size=(3, 3)) + 2 * np.eye(3)
    turned = Model(
        name="turned",
        variables={
            "z": {"shape": [3], "rule": "z[t-1] - 0.1*g[t-1]", "initial": 1},
            "M": {
                "shape": [3, 3],
                "rule": "M[t-1]",
                "initial": (change @ np.diag(EIGEN) @ np.linalg.inv(change)).tolist(),
            },
            "g": {"shape": [3], "rule": "M[t] @ z[t]"},
        },
        question={"nudge": "z[0]", "hold": "g", "target": "z", "steps": N},
    )
    run = causalopt.run(turned)
    modes = np.sort(-N * np.log(1 - ETA * EIGEN))
    np.testing.assert_allclose(run.modes(), modes, atol=1e-8)
    assert run.op_total[-1] == pytest.approx(modes.sum(), abs=1e-8)


def test_op_total_is_the_entropy_difference_under_gaussian_nudges() -> None:
    """S[m] of N(0, J J^T) is half the log determinant, for fewer numbers measured than nudged."""
    rng = np.random.default_rng(0)
    names = {"B": rng.normal(size=(2, 4)), "C": rng.normal(size=(2, 4))}
    model = Model(
        name="two_ways",
        variables={
            "n": {"shape": [4], "initial": 0},
            "B": {"shape": [2, 4], "initial": names["B"].tolist()},
            "C": {"shape": [2, 4], "initial": names["C"].tolist()},
            "a": {"shape": [2], "rule": "C @ n"},
            "m": {"shape": [2], "rule": "B @ n + a"},
        },
        question={"nudge": "n", "hold": "a", "target": "m"},
    )
    run = causalopt.run(model)
    total, direct = names["B"] + names["C"], names["B"]
    entropy = [0.5 * np.linalg.slogdet(j @ j.T)[1] for j in (total, direct)]
    assert run.op_total[0] == pytest.approx(entropy[1] - entropy[0], abs=1e-12)
    norms = [np.linalg.norm(j) for j in (total, direct)]
    assert run.op[0] == pytest.approx(math.log(norms[1] / norms[0]), abs=1e-13)


def test_probes_estimate_the_rms_op_within_their_error() -> None:
    rng = np.random.default_rng(1)
    size = 60
    model = Model(
        name="wide",
        variables={
            "n": {"shape": [size], "initial": 0},
            "B": {"shape": [size, size], "initial": (rng.normal(size=(size, size))).tolist()},
            "a": {"shape": [size], "rule": "0.5*n"},
            "m": {"shape": [size], "rule": "B @ n - a"},
        },
        question={"nudge": "n", "hold": "a", "target": "m"},
    )
    whole = causalopt.run(model)
    assert not whole.is_probed
    within = 0
    for seed in range(20):
        probed = causalopt.run(model, probes=16, seed=seed)
        assert probed.is_probed
        assert probed.op_error[0] > 0
        within += abs(probed.op[0] - whole.op[0]) < 2 * probed.op_error[0]
    assert within >= 15
    with pytest.raises(QuestionError, match="needs all directions"):
        _ = probed.op_total
    assert "+-" in probed.columns()
    assert causalopt.run(model, probes=60).op[0] == pytest.approx(whole.op[0], abs=1e-12)


def relay(**more) -> Model:
    """Return n -> a -> m beside n -> m; what is given replaces a rule."""
    rules = {"a": "-n", "m": "a + 2*n", **more}
    return Model(
        name="relay",
        variables={
            "n": {"shape": [2], "initial": [1, 2]},
            **{k: {"shape": [2], "rule": v} for k, v in rules.items()},
        },
        question={"nudge": "n", "hold": "a", "target": "m"},
    )


@pytest.mark.parametrize(
    ("rules", "status"),
    [
        ({}, "ok"),
        ({"m": "a"}, "only_path"),
        ({"m": "a + n"}, "perfect"),
        ({"m": "2*ones(2)"}, "no_influence"),
        ({"m": "max(n, ones(2)) + a"}, "kink"),
        ({"m": "relu(n - 1) + a"}, "kink"),
        ({"m": "exp(1000*n)"}, "diverged"),
        ({"m": "sqrt(-n) + a"}, "nonfinite"),
        ({"m": "exp(n) - exp(-a)"}, "unresolved"),
    ],
)
def test_statuses_are_those_of_numbers(rules, status) -> None:
    run = causalopt.run(relay(**rules))
    assert run.status.tolist() == [status]
    assert run.to_dict()["status"] == [status]
    json.dumps(run.to_dict(), allow_nan=False)


def test_a_measured_array_in_a_is_held() -> None:
    run = causalopt.run(relay(), target="a")
    assert run.status.tolist() == ["held"]


def test_only_part_of_m_in_a_is_no_held_status() -> None:
    run = causalopt.run(relay(), hold="a[dim0=0]", target="a")
    assert run.status.tolist() == ["ok"]
    np.testing.assert_allclose(run.direct[0], [[0, 0], [0, -1]])


def test_a_relu_away_from_its_bend_is_smooth() -> None:
    run = causalopt.run(relay(m="relu(n - 1.5) + a"))
    assert run.status.tolist() == ["ok"]
    np.testing.assert_allclose(run.total[0], [[-1, 0], [0, 0]])


def test_equal_largest_elements_are_a_kink() -> None:
    run = causalopt.run(relay(m="max(ones(2))*n + 2*a"))
    assert run.status.tolist() == ["ok"]  # what is largest does not move
    run = causalopt.run(
        Model(
            name="tie",
            variables={
                "n": {"shape": [2], "initial": 1},
                "a": {"shape": [2], "rule": "-n"},
                "m": {"rule": "max(n) + sum(a)"},
            },
            question={"nudge": "n", "hold": "a", "target": "m"},
        )
    )
    assert run.status.tolist() == ["kink"]


def test_growth_and_decay_do_not_end_a_long_run() -> None:
    """x halves each step with A and grows by 3 without: Op is N ln 6, far beyond floats' range."""
    model = Model(
        name="far",
        sizes={"slot": 2},
        variables={
            "x": {"shape": ["slot"], "rule": "3*x[t-1] + u[t-1]", "initial": 0},
            "u": {"shape": ["slot"], "rule": "-2.5*x[t]"},
        },
        question={"nudge": "x[0]", "hold": "u", "target": "x", "steps": 20_000},
    )
    run = causalopt.run(model)
    assert run.op[-1] == pytest.approx(20_000 * math.log(6), rel=1e-12)
    assert run.status[-1] == "ok"
    from_all = causalopt.op_from_all(model, "x[slot=0]", steps=3_000)
    assert from_all.op_x.values[0, 0] == pytest.approx(3_000 * math.log(6), rel=1e-12)


def test_tangents_of_training_are_finite_differences() -> None:
    run = causalopt.run(TRAINING, nudge="W1[0]", hold="W2", target="o", steps=60)
    shape, size = (3, 4), 1e-5
    base = causalopt.world(TRAINING, steps=0)["W1"][0]
    columns = []
    for place in np.ndindex(*shape):
        ends = []
        for sign in (1, -1):
            start = base.copy()
            start[place] += sign * size
            ends.append(causalopt.world(TRAINING, steps=60, initial={"W1": start})["o"][-1])
        columns.append((ends[0] - ends[1]) / (2 * size))
    expected = np.array(columns).T
    scale = np.abs(expected).max()
    np.testing.assert_allclose(run.total[-1], expected, rtol=0, atol=1e-8 * scale)


def test_a_region_of_a_lattice_removes_what_it_removes() -> None:
    run = causalopt.run(LATTICE, nudge="x[0, site=0:2]", hold="c", target="x", steps=50)
    assert run.total.shape == (51, 6, 2)
    assert run.node_name == "x[0, site=0:2]"
    assert (run.status[1:] == "ok").all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"nudge": "x[0, slot=3]"}, "slot goes from 0 to 2"),
        ({"nudge": "x[0, size=1]"}, "has no dim 'size'; its dims are slot"),
        ({"along": [1, 2]}, r"along has the shape \[2\]"),
        ({"along": [0, 0, 0]}, "not 0 everywhere"),
        ({"probes": 1}, "from 2 up"),
        ({"data": {"x": np.zeros((21, 3))}}, "'x' follows a rule"),
        ({"data": {"w": np.zeros((21, 3))}}, "unknown variable 'w'"),
        ({"initial": {"x": np.zeros(4)}}, r"has the shape \[4\]"),
        ({"initial": {"x": np.full(3, np.nan)}}, "not finite"),
        ({"keep": ["z"]}, "unknown variable 'z'"),
        ({"nudge": "G[0, slot=1]"}, "in the held set"),
        ({"steps": 10**9}, "GB"),
    ],
)
def test_a_question_that_cannot_be_asked_says_why(change, words) -> None:
    with pytest.raises(causalopt.CausaloptError, match=words):
        causalopt.run(descent(), **change)


def test_what_is_for_arrays_is_refused_for_numbers() -> None:
    with pytest.raises(QuestionError, match="for models with array variables"):
        causalopt.run(causalopt.load("thermostat"), data={"R": [1]})


def test_a_model_too_large_to_write_out_says_so() -> None:
    model = Model(
        name="big",
        variables={"x": {"shape": [200, 200], "rule": "x[t-1]", "initial": 0}},
        question={"nudge": "x[0, dim0=0, dim1=0]", "target": "x[dim0=0, dim1=0]", "steps": 1},
    )
    with pytest.raises(SizeError, match="40,000 variables"):
        causalopt.expand(model)


def test_courses_that_were_not_kept_are_asked_for() -> None:
    run = causalopt.run(TRAINING, nudge="b1[0]", hold="W2", target="o", steps=5, keep=["h"])
    assert run.course("h").shape == (6, 3)
    with pytest.raises(QuestionError, match=r"keep=\['W1'\]"):
        run.course("W1")


def test_a_run_too_large_for_memory_is_refused_with_what_takes_it(monkeypatch) -> None:
    model = Model(
        name="wide",
        variables={"x": {"shape": [50], "rule": "x[t-1]/2", "initial": 1}},
        question={"nudge": "x[0]", "target": "x", "steps": 999},
    )
    courses, derivatives, step = 8 * 1000 * 50, 16 * 50 * 1000 * 50 * 3, 16 * 50 * 101
    needed = float(courses + derivatives + step)
    monkeypatch.setattr(nudge_directions, "machine_memory", lambda: needed - 1)
    with pytest.raises(SizeError, match=r"courses 0\.0004 GB, derivatives .* 0\.12 GB, one step"):
        causalopt.run(model, hold=[], execution="numpy")
    monkeypatch.setattr(nudge_directions, "machine_memory", lambda: needed)
    causalopt.run(model, hold=[], execution="numpy")


def test_numbers_are_for_plain_questions() -> None:
    with pytest.raises(QuestionError, match="is for one number nudged and one measured"):
        causalopt.run(relay(), execution="numbers", along=[1, 0])


def test_a_quotient_by_zero_is_not_finite_and_no_error() -> None:
    model = Model(
        name="zero",
        parameters={"k": 0.0, "one": 1.0},
        variables={
            "x": {"shape": [2], "rule": "x[t-1]/2", "initial": 1},
            "q": {"rule": "one/k + 0/0 + t/k"},
            "m": {"shape": [2], "rule": "x[t] + 0*q[t]"},
        },
        question={"nudge": "x[0]", "hold": "q", "target": "m", "steps": 3},
    )
    for execution in ("numpy", "jax"):
        assert set(causalopt.run(model, execution=execution).status.tolist()) == {"nonfinite"}
    assert set(causalopt.run(model, parameters={"k": 1}, hold=[]).status.tolist()) == {"nonfinite"}


def fading() -> Model:
    """Return n -> y, which fades by .05 a step with A and by .1 without; n itself stays."""
    return Model(
        name="fading",
        variables={
            "n": {"shape": [2], "rule": "n[t-1]", "initial": 1},
            "y": {
                "shape": [2],
                "rule": "0.1*y[t-1] + u[t-1] + where(t < 2, n[t-1], 0) + 1",
                "initial": 1,
            },
            "u": {"shape": [2], "rule": "-0.05*y[t]"},
            "m": {"shape": [2], "rule": "y[t]"},
        },
        question={"nudge": "n[0]", "hold": "u", "target": "m", "steps": 1000},
    )


@pytest.mark.parametrize("execution", ["numpy", "jax"])
def test_what_floats_are_too_coarse_for_is_no_zero(execution: str) -> None:
    """Beside n's own tangent of 1 those of y end at the smallest float: they are no zeros."""
    run = causalopt.run(fading(), execution=execution)
    assert run.status[100] == "ok"
    assert run.op[100] == pytest.approx(99 * math.log(2), rel=1e-12)
    assert set(run.status[400:].tolist()) == {"unresolved"}
    # Norms of 2**-540 have squares below any float.
    assert run.op[125] == pytest.approx(124 * math.log(2), rel=1e-12)


def test_no_zero_of_one_pass_to_all_is_one_of_floats_alone() -> None:
    found = causalopt.op_to_all(fading(), "n[0]", steps=600)
    assert set(found.status_m.values[400:].ravel().tolist()) == {"unresolved"}
    assert found.op_m.values[100] == pytest.approx(99 * math.log(2), rel=1e-12)
    assert set(causalopt.sweep(fading(), {"seed": [0, 1]}).status.tolist()) == {"unresolved"}


def test_no_zero_of_the_sweep_from_all_is_one_of_floats_alone() -> None:
    """m reads x, which stays, and y, which has faded since n moved it: n's part is no zero."""
    model = Model(
        name="faded",
        variables={
            "n": {"shape": [2], "rule": "ones(2)", "initial": 1},
            "y": {"shape": [2], "rule": "0.1*y[t-1] + n[t-1]", "initial": 0},
            "x": {"shape": [2], "rule": "x[t-1]", "initial": 1},
            "m": {"shape": [2], "rule": "x[t] + y[t]"},
        },
    )
    found = causalopt.op_from_all(model, "m", hold="x[t>=700]", steps=600)
    assert found.status_n.values[0].tolist() == ["unresolved"] * 2
    assert found.status_n.values[550].tolist() == ["ok"] * 2
    assert found.status_x.values[0].tolist() == ["ok"] * 2


def test_a_finite_difference_lost_in_its_value_is_no_zero() -> None:
    run = causalopt.run(fading(), delta=1e-3)
    assert run.status[5] == "ok"
    assert set(run.status[100:].tolist()) == {"unresolved"}
