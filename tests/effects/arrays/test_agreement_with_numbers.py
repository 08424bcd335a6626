"""Runs of arrays are those of the same model written out as numbers, by another engine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import causalopt
from causalopt import Model
from causalopt.worlds.expand import Expanded
from tests.effects.arrays.models_of_arrays import LATTICE, MEMORY, STATIC, TRAINING

QUESTIONS = [
    (TRAINING, "b1[0, hidden=1]", "W2", "o[digit=0]", 25),
    (TRAINING, "b1[2, hidden=1]", "h[t<=10, hidden=2], W1[hidden=1]", "loss", 25),
    (TRAINING, "x[3, pixel=1]", "W1, b1, W2, b2", "o[digit=1]", 25),
    (TRAINING, "x[3, pixel=1]", "h", "loss", 25),
    (LATTICE, "x[0, site=2]", "c", "x[site=4]", 40),
    (LATTICE, "x[0, site=2]", "c[site=1:4]", "x[site=4]", 40),
    (LATTICE, "x[5, site=2]", "x[t>=9, site=3:5]", "x[site=2]", 40),
    (MEMORY, "h[0, unit=1]", "W", "h[unit=0]", 30),
    (MEMORY, "h[1, unit=1]", "h[4<=t<9, unit=2]", "top", 30),
    (MEMORY, "W[0, dim0=1, dim1=2]", "h[unit=0]", "top", 30),
    (STATIC, "x[pos=1, unit=2]", "a", "out", None),
    (STATIC, "q[dim0=0, dim1=2]", "a[dim0=2, dim1=1:3]", "z[pos=2, unit=0]", None),
]


def both(model, nudge, hold, target, steps, **more):
    expanded = Expanded.of(model)
    arrays = causalopt.run(model, nudge=nudge, hold=hold, target=target, steps=steps, **more)
    numbers = causalopt.run(
        expanded.model,
        nudge=expanded.node(model.node(nudge)),
        hold=expanded.hold(hold),
        target=expanded.node(model.target(target)).variable,
        steps=steps,
        **more,
    )
    return arrays, numbers


@pytest.mark.parametrize("question", QUESTIONS)
def test_tangents_agree(question) -> None:
    arrays, numbers = both(*question)
    for name in ("total", "direct"):
        expected = getattr(numbers, name)
        scale = np.abs(expected).max() or 1.0
        np.testing.assert_allclose(getattr(arrays, name), expected, rtol=0, atol=1e-12 * scale)
    assert (arrays.status == "ok").sum() > 0
    same = (arrays.status == "ok") & (numbers.status == "ok")
    np.testing.assert_allclose(arrays.op[same], numbers.op[same], atol=1e-9)


@pytest.mark.parametrize("question", QUESTIONS)
def test_finite_nudges_agree(question) -> None:
    arrays, numbers = both(*question, delta=1e-2)
    for name in ("total", "direct"):
        np.testing.assert_allclose(
            getattr(arrays, name), getattr(numbers, name), rtol=1e-9, atol=1e-11
        )


@pytest.mark.parametrize("question", QUESTIONS[:5])
def test_zeros_mean_the_same(question) -> None:
    arrays, numbers = both(*question)
    structural = {"no_influence", "held", "only_path", "perfect"}
    for got, expected in zip(arrays.status, numbers.status, strict=True):
        if {got, expected} & structural:
            assert got == expected


@settings(max_examples=15, deadline=None)
@given(
    unit=st.integers(0, 2),
    step=st.integers(2, 6),
    first=st.integers(0, 8),
    width=st.integers(1, 9),
    held=st.integers(0, 2),
)
def test_any_window_of_any_unit_agrees(unit, step, first, width, held) -> None:
    question = (MEMORY, f"h[{step}, unit={unit}]", f"h[{first}<=t<{first + width}, unit={held}]")
    if held == unit and first <= step < first + width:
        with pytest.raises(causalopt.QuestionError, match="in the held set"):
            both(*question, "top", 12)
        return
    arrays, numbers = both(*question, "top", 12)
    np.testing.assert_allclose(arrays.direct, numbers.direct, atol=1e-13)
    np.testing.assert_allclose(arrays.total, numbers.total, atol=1e-13)


@pytest.mark.parametrize("question", QUESTIONS[:4] + QUESTIONS[6:9])
def test_adjoints_are_the_tangents(question) -> None:
    model, nudge, hold, target, steps = question
    found = causalopt.op_from_all(model, target, hold=hold, steps=steps)
    run = causalopt.run(model, nudge=nudge, hold=hold, target=target, steps=steps)
    node = model.node(nudge)
    places = (node.t, *(start for start, _ in node.elements))
    for name, expected in (("total", run.total[-1]), ("direct", run.direct[-1])):
        got = found[f"{name}_{node.variable}"].values[places]
        assert got == pytest.approx(expected, rel=1e-11, abs=1e-300)


@pytest.mark.parametrize("question", QUESTIONS[:4])
def test_one_pass_to_all_is_the_run(question) -> None:
    model, nudge, hold, target, steps = question
    found = causalopt.op_to_all(model, nudge, hold=hold, steps=steps)
    run = causalopt.run(model, nudge=nudge, hold=hold, target=target, steps=steps)
    measured = model.target(target)
    places = tuple(start for start, _ in measured.elements or ())
    got = found[f"op_{measured.variable}"].values[(slice(None), *places)]
    defined = np.isfinite(run.op)
    np.testing.assert_allclose(got[defined], run.op[defined], atol=1e-12)


def test_a_question_of_numbers_is_asked_of_a_small_model_of_arrays() -> None:
    found = causalopt.find_optimizers(MEMORY, nudge="h[0, unit=1]", target="top", steps=20, size=1)
    assert {candidate.hold for candidate in found} >= {("h[unit=0]",), ("W[dim0=0, dim1=0]",)}
    held = causalopt.run(MEMORY, nudge="h[0, unit=1]", target="top", steps=20, hold="h[unit=0]")
    (one,) = [candidate for candidate in found if candidate.hold == ("h[unit=0]",)]
    assert one.op == pytest.approx(held.op[-1], abs=1e-9)
    matrix = causalopt.op_matrix(
        MEMORY, sources=["h[0, unit=1]"], targets=["top[20]"], hold="W"
    ).dataset
    run = causalopt.run(MEMORY, nudge="h[0, unit=1]", target="top", steps=20, hold="W")
    assert matrix.op.item() == pytest.approx(run.op[-1], abs=1e-10)


def test_a_long_run_of_few_numbers_is_run_as_numbers_and_says_so() -> None:
    question = {"nudge": "x[0, site=2]", "hold": "c", "target": "x[site=4]"}
    short = causalopt.run(LATTICE, **question, steps=50)
    assert short.effect.execution == "numpy"
    long = causalopt.run(LATTICE, **question, steps=30_000)
    assert long.effect.execution == "llvm"
    assert long.provenance["execution"] == "llvm"
    assert long.course("x").shape == (30_001, 6)
    asked = causalopt.run(LATTICE, **question, steps=50, execution="numbers")
    np.testing.assert_allclose(asked.op, short.op, atol=1e-10)
    np.testing.assert_allclose(asked.total, short.total, atol=1e-13)
    np.testing.assert_allclose(asked.course("x"), short.course("x"), atol=1e-13)
    assert asked.status.tolist() == short.status.tolist()


def test_numbers_are_not_asked_what_they_cannot_answer() -> None:
    with pytest.raises(causalopt.QuestionError, match="one number nudged and one measured"):
        causalopt.run(LATTICE, nudge="x[0]", hold="c", target="x", steps=5, execution="numbers")


def bent(rule: str, start: object = 0, size: int = 1) -> Model:
    """Return a model whose measure bends at the start of d."""
    return Model(
        name="bent",
        sizes={"p": size},
        variables={
            "d": {"shape": ["p"], "initial": start},
            "a": {"shape": ["p"], "rule": "d/2"},
            "m": {"shape": ["p"], "rule": rule},
        },
    )


@pytest.mark.parametrize(
    ("rule", "start", "comp"),
    [
        ("abs(d) + a", 0, 1.5),
        ("max(0, d) + a", 0, 1.5),
        ("max(d, 0) + a", 0, 1.5),
        ("min(d, 0) + a", 0, np.inf),
        ("clip(d, -1, 1) + a", 1, np.inf),
        ("relu(-d) + a", 0, np.inf),
        ("relu(d) + a", 0, 1.5),
        ("where(d > 0, d, 0*d) + a", 0, 1.5),
        ("where(d >= 0 and not d < 0, d, 0*d) + a", 0, 1.5),
        ("where(d == 0, 7*d, d) + a", 0, 1.5),
    ],
)
def test_at_a_kink_comp_is_that_of_a_positive_nudge(rule: str, start: float, comp: float) -> None:
    question = {"nudge": "d", "hold": "a", "target": "m"}
    for execution in ("numpy", "jax", "numbers"):
        run = causalopt.run(bent(rule, start), **question, execution=execution)
        assert run.status.tolist() == ["kink"], execution
        assert run.comp[0] == comp, execution
    finite = causalopt.run(bent(rule, start), **question, delta=1e-6)
    assert finite.comp[0] == pytest.approx(comp, rel=1e-6)


def test_of_equal_largest_elements_the_nudged_one_is_largest_after() -> None:
    model = bent("max(d) + a", [1, 1, 1], 3)
    for i in range(3):
        run = causalopt.run(model, nudge=f"d[p={i}]", hold="a", target=f"m[p={i}]")
        assert run.status.tolist() == ["kink"]
        assert run.comp[0] == 1.5


@pytest.mark.parametrize("rule", ["softmax(d) + a", "logsumexp(d) + a", "sum(softmax(d)*d) + a"])
def test_what_is_smooth_at_equal_elements_is_no_kink(rule: str) -> None:
    run = causalopt.run(bent(rule, [1, 1, 1], 3), nudge="d[p=1]", hold="a", target="m[p=1]")
    assert run.status.tolist() == ["ok"]


def test_a_place_that_moves_is_a_kink() -> None:
    for rule in ("argmax(d) + a", "take(d, d[0], p) + a", "onehot(d[0], p) + a"):
        run = causalopt.run(bent(rule, [1, 1, 1], 3), nudge="d[p=0]", hold="a", target="m[p=0]")
        assert run.status.tolist() == ["kink"], rule


@pytest.mark.parametrize("place", [-1, 0.5, 3, 1e9])
def test_what_is_no_place_is_not_a_number_everywhere(place: float) -> None:
    model = Model(
        name="places",
        sizes={"p": 3},
        variables={
            "k": {"rule": "k[t-1]", "initial": place},
            "x": {"shape": ["p"], "rule": "x[t-1]", "initial": [1, 2, 3]},
            "a": {"rule": "x[t][1]/2"},
            "m": {"rule": "take(x[t], k[t], p) + a[t]"},
        },
    )
    for execution in ("numpy", "jax", "numbers"):
        run = causalopt.run(
            model, nudge="x[0, p=1]", hold="a", target="m", steps=3, execution=execution
        )
        assert np.isnan(run.course("m")).all(), execution
        assert set(run.status.tolist()) == {"nonfinite"}, execution
    swept = causalopt.sweep(
        model, {"k[0]": [place, 1.0]}, nudge="x[0, p=1]", hold="a", target="m", steps=3
    )
    assert swept.status.tolist() == ["nonfinite", "ok"]


def test_a_measured_element_in_a_is_held() -> None:
    model = bent("2*d", [1, 2, 3], 3)
    for hold, status in (("m", "held"), ("m[p=0]", "held"), ("m[p=1:3]", "ok")):
        run = causalopt.run(model, nudge="d", hold=hold, target="m[p=0]")
        assert run.status.tolist() == [status]


@pytest.mark.parametrize("bend", ["abs(d[t])", "relu(d[t])", "max(d[t], 0)", "floor(d[t])"])
def test_one_sweep_from_all_tells_of_kinks(bend: str) -> None:
    model = Model(
        name="bent",
        sizes={"p": 2},
        variables={
            "d": {"shape": ["p"], "rule": "d[t-1]", "initial": 0},
            "e": {"shape": ["p"], "rule": "e[t-1]", "initial": 1},
            "a": {"shape": ["p"], "rule": "d[t]/2 + e[t]"},
            "m": {"shape": ["p"], "rule": f"{bend} + a[t]"},
        },
    )
    found = causalopt.op_from_all(model, "m", hold="a", steps=3)
    assert (found.status_d.values == "kink").all()
    assert not (found.status_e.values == "kink").any()
