"""Selectors: a text selects the steps that its own comparison is true of."""

from __future__ import annotations

import pytest

from causalopt.errors import QuestionError, UnknownNameError
from causalopt.model.selectors import Node, Window, parse_node, parse_selection

COMPARISONS = [
    "t<=4",
    "t<4",
    "t>=4",
    "t>4",
    "t==4",
    "2<=t",
    "2<t",
    "2<=t<=6",
    "2<t<6",
    "2<=t<6",
    "2<t<=6",
    "2<t>=4",
    "5<=t>=3",
    "2<=t==4",
    "4<=t<=4",
    "4<=t<5",
    "3<t<5",
    "0<=t",
    "t<=0",
    "t>=0",
]


@pytest.mark.parametrize("text", COMPARISONS)
def test_a_window_is_where_its_comparison_holds(text: str) -> None:
    (window,) = parse_selection(f"a[{text}]", ["a"], static=False)
    for t in range(12):
        assert (Node("a", t) in window) == eval(text, {"t": t}), t
    assert Node("b", 4) not in window
    assert 4 not in window
    assert parse_selection(str(window), ["a"], static=False) == (window,)


@pytest.mark.parametrize("text", ["t<0", "5<=t<=3", "4<t<5", "5<=t==4", "4<t<=4"])
def test_a_window_without_a_step_is_refused(text: str) -> None:
    with pytest.raises(QuestionError, match="selects no step"):
        parse_selection(f"a[{text}]", ["a"], static=False)


@pytest.mark.parametrize(
    ("window", "text"),
    [
        (Window("a"), "a"),
        (Window("a", 3, 3), "a[3]"),
        (Window("a", 0, 0), "a[0]"),
        (Window("a", 0, 3), "a[t<=3]"),
        (Window("a", 2, None), "a[t>=2]"),
        (Window("a", 2, 5), "a[2<=t<=5]"),
    ],
)
def test_a_window_is_written_as_it_is_read(window: Window, text: str) -> None:
    assert str(window) == text
    assert parse_selection(text, ["a"], static=False) == (window,)


def test_a_variables_name_wins_over_a_sets_and_what_is_said_twice_counts_once() -> None:
    sets = {"A": ["x", "y"]}
    assert parse_selection("A", ["A", "x", "y"], static=False, sets=sets) == (Window("A"),)
    both = parse_selection("A[2]", ["x", "y"], static=False, sets=sets)
    assert both == (Window("x", 2, 2), Window("y", 2, 2))
    assert parse_selection("x, x, A", ["x", "y"], static=False, sets=sets) == (
        Window("x"),
        Window("y"),
    )


@pytest.mark.parametrize("text", ["R[t]", "R[-1]", "R[1.5]", "R[t<=3]", "R[]", "R"])
def test_a_node_has_one_step(text: str) -> None:
    with pytest.raises(QuestionError, match=r"a node needs one step, such as R\[0\]"):
        parse_node(text, ["R"], static=False)


@pytest.mark.parametrize("read", [parse_node, parse_selection])
def test_a_model_without_time_has_no_steps_to_name(read) -> None:
    with pytest.raises(QuestionError, match="this model has no time, write just z"):
        read("z[0]", ["z"], static=True)
    with pytest.raises(UnknownNameError, match="did you mean 'zeta'"):
        read("zet", ["zeta"], static=True)
