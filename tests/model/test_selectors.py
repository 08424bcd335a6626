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


SHAPES = {"W": (("hidden", None), (5, 3)), "n": ((), ()), "k": (("unit", "unit"), (2, 2))}


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        ("0, hidden=-1", "hidden takes a whole number from 0 to 4, such as hidden=0, or a range"),
        ("0, hidden=1.5", "hidden takes a whole number from 0 to 4"),
        ("0, hidden=", "such as hidden=0, or a range such as hidden=0:5, found hidden="),
        ("0, hidden=3 4", "hidden takes a whole number from 0 to 4"),
        ("0, hidden=1:2:3", "hidden takes a whole number from 0 to 4"),
        ("0, dim1=one", "dim1 takes a whole number from 0 to 2"),
        ("0, hidden=3:2", "the range hidden=3:2 is empty; hidden=3:4 is the one element 3"),
        ("0, hidden=2:2", "the range hidden=2:2 is empty; hidden=2:3 is the one element 2"),
        ("0, hidden=:0", "the range hidden=:0 is empty"),
        ("0, hidden=5", "hidden goes from 0 to 4, found hidden=5"),
        ("0, hidden=5:", "hidden goes from 0 to 4, found hidden=5:"),
        ("0, hidden=3:6", "hidden goes from 0 to 4, found hidden=3:6"),
        ("0, hide=1", "'W' has no dim 'hide'; its dims are hidden, dim1"),
        ("0,1", "after the step come elements by the names of their dims, such as hidden=1, found"),
        ("0,:", "after the step come elements by the names of their dims, such as hidden=0, found"),
    ],
)
def test_a_wrong_element_is_told(inner: str, words: str) -> None:
    for read in (parse_node, parse_selection):
        with pytest.raises(QuestionError) as caught:
            read(f"W[{inner}]", ["W"], static=False, shapes=SHAPES)
        assert words in caught.value.message


def test_elements_of_numbers_and_of_dims_that_share_a_name() -> None:
    with pytest.raises(QuestionError, match="'n' is a number and has no elements, found '1'"):
        parse_node("n[0,1]", ["n"], static=False, shapes=SHAPES)
    with pytest.raises(QuestionError, match=r"such as dim0=1, found '1'"):
        parse_node("k[0,1]", ["k"], static=False, shapes=SHAPES)


@pytest.mark.parametrize(
    ("inner", "elements"),
    [
        ("0, hidden=3", ((3, 4), (0, 3))),
        ("0, hidden=2:4", ((2, 4), (0, 3))),
        ("hidden=:2, 0", ((0, 2), (0, 3))),
        ("0, hidden = 2 : , dim1=0", ((2, 5), (0, 1))),
        ("0, hidden=:", ((0, 5), (0, 3))),
    ],
)
def test_elements_are_ranges_of_their_dims(inner: str, elements: object) -> None:
    node = parse_node(f"W[{inner}]", ["W"], static=False, shapes=SHAPES)
    assert (node.t, node.elements) == (0, elements)
    (window,) = parse_selection(f"W[{inner}]", ["W"], static=False, shapes=SHAPES)
    assert (window.first, window.last, window.elements) == (0, 0, elements)
    (window,) = parse_selection("W[t==2, hidden=1]", ["W"], static=False, shapes=SHAPES)
    assert (window.first, window.last, window.elements) == (2, 2, ((1, 2), (0, 3)))
