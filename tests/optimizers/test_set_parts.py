"""What sets are made of: windows on a grid, nodes, units and regions of arrays; and bad input."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from causalopt import (
    Model,
    QuestionError,
    UnknownNameError,
    detect_optimizer,
    find_optimizers,
    load,
    optimizer_matrix,
    run,
)
from causalopt.optimizers.set_parts import grid_of_cuts
from tests.effects.arrays.models_of_arrays import MEMORY

LORENZ = {"nudge": "b[0]", "target": "b", "steps": 12}


def holds(model: Model, **question: object) -> set[str]:
    return {text for c in find_optimizers(model, **question) for text in c.hold}


def test_windows_are_all_stretches_between_two_cuts() -> None:
    assert grid_of_cuts(4, 11) == [0, 3, 6, 9, 12]
    found = holds(load("lorenz"), **LORENZ, windows=2, size=1, among="a")
    assert found == {"a[t<=5]", "a[t>=6]", "a"}
    assert holds(load("lorenz"), **LORENZ, windows=[3, 9], size=1, among="a") == {
        "a[t<=2]",
        "a[t<=8]",
        "a",
        "a[3<=t<=8]",
        "a[t>=3]",
        "a[t>=9]",
    }


def test_nodes_are_single_steps_without_n_and_m() -> None:
    found = holds(load("lorenz"), **LORENZ, by="node", size=1)
    assert found == {
        *(f"a[{t}]" for t in range(12)),
        *(f"c[{t}]" for t in range(12)),
        "a[t>=12]",
        "c[t>=12]",
        *(f"b[{t}]" for t in range(1, 12)),
    }


def test_selectors_are_parts_as_they_stand_and_labels_are_names() -> None:
    found = holds(load("thermostat"), nudge="R[0]", target="R", steps=9, among=["thermostat"])
    assert found == {"T"}
    region = ["a[t<=3]", "b[2<=t<5]", ["a[5]", "c[6]"]]
    found = holds(load("lorenz"), **LORENZ, among=["a[t<=3]", "b[2<=t<5]", "a[5], c[6]"], size=1)
    assert found == {"a[t<=3]", "b[2<=t<=4]", "a[5], c[6]"}
    del region


def test_units_and_regions_of_arrays_have_what_a_run_gives() -> None:
    question = {"nudge": "h[0, unit=1]", "target": "top", "steps": 20}
    units = find_optimizers(MEMORY, **question, among="h", size=1)
    assert {c.hold for c in units} == {("h[unit=0]",), ("h[unit=2]",)}
    regions = find_optimizers(
        MEMORY, **question, candidates=["W", "h[unit=0], h[unit=2]", "h[5<=t<9, unit=0:2]"]
    )
    assert len(regions) == 3
    for candidate in (*units, *regions):
        own = run(MEMORY, hold=candidate.hold[0], **question)
        assert candidate.op == pytest.approx(own.op[-1], abs=1e-9)
        assert candidate.status == own.status[-1]
    whole = find_optimizers(MEMORY, **question, by="variable", size=1)
    assert ("W",) in {c.hold for c in whole}


def test_sets_that_ask_the_graph_are_candidates_and_keep_their_text() -> None:
    model = load("lorenz")
    texts = ["a - a[t<=5]", "between(n, m) - b", "upstream(c[9]) - b[0]"]
    found = find_optimizers(model, **LORENZ, candidates=texts)
    # A difference that is a window is written as one; the others keep the text that named them.
    assert {candidate.hold for candidate in found} == {("a[t>=6]",), *((t,) for t in texts[1:])}
    for candidate in found:
        own = run(model, **LORENZ, hold=candidate.hold[0])
        assert candidate.op == pytest.approx(own.op[-1], abs=1e-9, nan_ok=True)
        assert candidate.status == own.status[-1]
    both = find_optimizers(model, **LORENZ, among=["c - c[t<=5]", "a[t<=5]"], size=2)
    assert {candidate.hold for candidate in both} >= {("c[t>=6]", "a[t<=5]")}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"among": []}, "among names no variable"),
        ({"among": ["b"]}, "'b' is nudged or measured"),
        ({"among": ["b[t<=3]"]}, r"b\[t<=3\] holds the nudged node b\[0\]"),
        ({"candidates": ["a", "b[0]"]}, r"b\[0\] holds the nudged node b\[0\]"),
        ({"candidates": ["a, b"]}, "a, b holds the nudged node"),
        ({"candidates": []}, "there are no candidates: the list is empty"),
        ({"candidates": ["  "]}, "selects nothing"),
        ({"among": ["a[t>=90]"]}, "lies after the last step 12"),
        ({"size": 0}, "size must be at least 1, found 0"),
        ({"best": 0}, "best must be at least 1, found 0"),
        ({"at": 13}, "at must lie between 0 and the last step 12, found 13"),
        ({"at": -1}, "at must lie between 0 and the last step 12, found -1"),
        ({"windows": 0}, "cut into 1 to 13 windows, found 0"),
        ({"windows": 14}, "cut into 1 to 13 windows, found 14"),
        ({"windows": [5, 99]}, "between 0 and 13, found 99"),
    ],
)
def test_bad_input_is_refused_with_what_to_do(options: dict, message: str) -> None:
    with pytest.raises(QuestionError, match=message):
        find_optimizers(load("lorenz"), **{**LORENZ, **options})


def test_unknown_names_and_a_model_without_candidates_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown variable 'q'"):
        find_optimizers(load("lorenz"), **LORENZ, among=["q"])
    two = Model(name="two", variables={"n": {"initial": 1}, "m": "2*n"})
    with pytest.raises(QuestionError, match="every part holds n or m"):
        find_optimizers(two, nudge="n", target="m")


def test_m_is_measured_at_any_step() -> None:
    model = load("lorenz")
    whole = run(model, nudge="b[0]", hold="c", target="b", steps=40)
    for at in (5, 40):
        (found,) = find_optimizers(
            model, nudge="b[0]", target="b", steps=40, at=at, candidates=["c"]
        )
        assert (found.step, found.op) == (at, pytest.approx(whole.op[at], abs=1e-12))
        assert np.isclose(found.share, 1 - 1 / whole.comp[at])


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda m: find_optimizers(m, windows=[1.5, 3]), "cut at whole steps"),
        (lambda m: find_optimizers(m, windows=2.5), "windows takes a whole number or a list"),
        (lambda m: detect_optimizer(m, starts=2.5), "starts takes a whole number, found 2.5"),
        (lambda m: optimizer_matrix(m, sources="R[0]", targets=["R[9]"]), "sources takes a list"),
    ],
)
def test_what_is_no_whole_number_or_no_list_is_refused(
    ask: Callable[[Model], object], message: str
) -> None:
    with pytest.raises(QuestionError, match=message):
        ask(load("thermostat"))
