"""Regions: sets of nodes beside Python's own, and the graph's words beside a walk of its edges."""

from __future__ import annotations

import itertools
import pickle
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import causalopt
from causalopt import Model, Node, Set, load, region, run, world
from causalopt.cli import main
from causalopt.errors import ModelError, QuestionError, UnknownNameError
from causalopt.model.regions.region import Region
from causalopt.model.regions.selector_syntax import parse_set
from tests.oracles import declared_graph
from tests.strategies import templates

Places = frozenset[tuple[str, int]]


class Mathematical:
    """A set with the complement in a run: the oracle's operators are those of frozenset."""

    def __init__(self, places: Places, everything: Places) -> None:
        self.places, self.everything = places, everything

    def __or__(self, other: Mathematical) -> Mathematical:
        return Mathematical(self.places | other.places, self.everything)

    def __and__(self, other: Mathematical) -> Mathematical:
        return Mathematical(self.places & other.places, self.everything)

    def __sub__(self, other: Mathematical) -> Mathematical:
        return Mathematical(self.places - other.places, self.everything)

    def __xor__(self, other: Mathematical) -> Mathematical:
        return Mathematical(self.places ^ other.places, self.everything)

    def __invert__(self) -> Mathematical:
        return Mathematical(self.everything - self.places, self.everything)


@st.composite
def atoms(draw: st.DrawFn, names: list[str], steps: int) -> str:
    """An item of a selector: a variable at some steps, or all variables at some."""
    name = draw(st.sampled_from([*names, ""]))
    low = draw(st.integers(0, steps))
    high = draw(st.integers(low, steps))
    window = draw(
        st.sampled_from(
            [f"{low}", f"t={low}", f"t<={low}", f"t>={low}", f"{low}<=t<={high}", f"{low}<=t"]
        )
    )
    return name if name and draw(st.booleans()) else f"{name}[{window}]"


def selectors(names: list[str], steps: int) -> st.SearchStrategy[str]:
    """A text of the algebra."""
    return st.recursive(
        atoms(names, steps),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from("|&-^"), inner).map(" ".join),
            inner.map(lambda text: f"~({text})"),
            inner.map(lambda text: f"({text})"),
            st.tuples(inner, inner).map(lambda pair: f"({', '.join(pair)})"),
        ),
        max_leaves=6,
    )


def places(found: Region) -> Places:
    return frozenset((node.variable, node.t) for node in found)


def by_python(text: str, names: list[str], steps: int) -> Places:
    """What the text means when Python reads its operators, items replaced by sets."""
    everything = frozenset(itertools.product(names, range(steps + 1)))
    values: dict[str, Mathematical] = {}

    def item(name: str, window: str) -> str:
        said = window.replace("t=", "t==") if window.startswith("t=") else window
        said = f"t == {said}" if said.isdigit() else said
        chosen = frozenset(
            (v, t) for v, t in everything if name in ("", v) and (not said or eval(said, {"t": t}))
        )
        values[key := f"set_{len(values)}"] = Mathematical(chosen, everything)
        return key

    out, i = "", 0
    while i < len(text):
        start = i
        while i < len(text) and text[i].isalnum():
            i += 1
        name, window = text[start:i], ""
        if i < len(text) and text[i] == "[":
            end = text.index("]", i)
            window, i = text[i + 1 : end], end + 1
        if name or window:
            out += item(name, window)
        else:
            out += "|" if text[i] == "," else text[i]
            i += 1
    found = eval(out, values)
    assert isinstance(found, Mathematical)
    return found.places


@settings(max_examples=150)
@given(st.data(), st.integers(0, 5))
def test_a_text_is_the_set_that_python_makes_of_its_operators(
    data: st.DataObject, steps: int
) -> None:
    model = chain()
    text = data.draw(selectors([*model.variables], steps))
    expected = by_python(text, [*model.variables], steps)
    found = region(model, text, steps=steps)
    assert places(found) == expected
    assert len(found) == len(expected)
    assert bool(found) == bool(expected)
    windows = {
        (name, t)
        for name in model.variables
        for t in range(steps + 1)
        if any(Node(name, t) in window for window in found.windows)
    }
    assert windows == expected
    again = region(model, str(found), steps=steps)
    assert again == found
    assert str(again) == str(found)
    assert parse_set(str(found)) == parse_set(text)


def chain() -> Model:
    return Model(
        name="chain",
        variables={
            "x": {"rule": "x[t-1]/2", "initial": 1},
            "y": {"rule": "x[t-1] + y[t-1]", "initial": 0},
            "z": {"rule": "x[t] + y[t-1]", "initial": 0},
        },
    )


@given(templates(), st.data())
def test_operators_of_regions_are_those_of_python_s_sets(model: Model, data: st.DataObject) -> None:
    steps = 5
    texts = [data.draw(selectors([*model.variables], steps)) for _ in range(2)]
    a, b = (region(model, text, steps=steps) for text in texts)
    everything = frozenset(itertools.product(model.variables, range(steps + 1)))
    one, other = places(a), places(b)
    assert places(a | b) == one | other
    assert places(a & b) == one & other
    assert places(a - b) == one - other
    assert places(a ^ b) == one ^ other
    assert places(~a) == everything - one
    # De Morgan, and what a difference is
    assert ~(a | b) == ~a & ~b
    assert a - b == a & ~b
    assert a ^ b == (a | b) - (a & b)
    for node in map(Node, *zip(*everything, strict=True)):
        assert (node in a) == ((node.variable, node.t) in one)


@settings(max_examples=80)
@given(templates(), st.data())
def test_the_graph_s_words_are_what_networkx_finds(model: Model, data: st.DataObject) -> None:
    steps = 6
    graph = declared_graph(model, steps)
    text = data.draw(selectors([*model.variables], steps))
    found = region(model, text, steps=steps)
    own = places(found)
    after = set().union(*(nx.descendants(graph, place) for place in own)) - own
    before = set().union(*(nx.ancestors(graph, place) for place in own)) - own
    assert places(found.downstream) == after
    assert places(found.upstream) == before
    parents = {p for place in own for p in graph.predecessors(place)} - own
    children = {c for place in own for c in graph.successors(place)} - own
    assert places(found.parents) == parents
    assert places(found.children) == children
    crossed = {
        place for place in own if {*graph.predecessors(place), *graph.successors(place)} - own
    }
    assert places(found.boundary) == crossed
    assert places(found.inner) == own - crossed
    cut = nx.edge_boundary(graph, own)
    back = nx.edge_boundary(graph, set(graph) - own)
    leaving = np.bincount([child[1] for _, child in cut], minlength=steps + 1)
    entering = np.bincount([child[1] for _, child in back], minlength=steps + 1)
    assert found.neighbours.leaving.tolist() == leaving.tolist()
    assert found.neighbours.entering.tolist() == entering.tolist()
    inside = found.graph()
    assert set(inside.edges) == set(graph.subgraph(own).edges)
    assert set(inside.nodes) == own
    assert {p for p, is_on in inside.nodes(data="boundary") if is_on} == crossed


@settings(max_examples=60)
@given(templates(), st.data())
def test_between_is_what_lies_on_a_path_from_one_to_the_other(
    model: Model, data: st.DataObject
) -> None:
    steps = 5
    graph = declared_graph(model, steps)
    n, m = (data.draw(st.sampled_from(sorted(graph))) for _ in range(2))
    found = region(model, f"between({n[0]}[{n[1]}], {m[0]}[{m[1]}])", steps=steps)
    on_paths = (
        {place for path in nx.all_simple_paths(graph, n, m, cutoff=None) for place in path[1:-1]}
        if n != m
        else set()
    )
    assert places(found) == on_paths
    cone = region(model, f"downstream({n[0]}[{n[1]}]) & upstream({m[0]}[{m[1]}])", steps=steps)
    assert cone == found


@settings(max_examples=40, deadline=None)
@given(templates(), st.data())
def test_op_of_a_set_by_algebra_is_that_of_its_nodes_one_by_one(
    model: Model, data: st.DataObject
) -> None:
    steps = 6
    text = data.draw(selectors([*model.variables], steps))
    nudged = model.node(model.question.nudge or "")
    found = region(model, f"({text}) - {model.node_text(nudged)}", steps=steps)
    if not found:
        return
    options: dict[str, Any] = {"nudge": nudged, "target": model.question.target, "steps": steps}
    listed = run(model, hold=[model.node_text(node) for node in found], **options)
    for hold in (str(found), found, found.windows):
        asked = run(model, hold=hold, **options)
        np.testing.assert_array_equal(asked.op, listed.op)
        assert asked.status.tolist() == listed.status.tolist()


def test_a_node_that_the_baseline_sets_has_no_edges_into_it() -> None:
    model = load("thermostat")
    free = region(model, "upstream(R[5])", steps=5)
    cut = region(model, "upstream(R[5])", steps=5, given=[Set("R[4]", 20), Set("T[4]", 1)])
    assert places(cut) == {("R", 4), ("T", 4)}
    assert len(free) == 10
    assert places(region(model, "parents(R[4])", steps=5, given=[Set("R[4]", 20)])) == set()
    held = run(
        model, nudge="R[0]", hold="between(n, m)", target="R", steps=5, given=[Set("T[3]", 1)]
    )
    # T[3] is set: nothing comes to it, and it lies on no path from n
    assert Node("T", 3) not in {Node(w.variable, t) for w in held.hold for t in steps_of(w, 5)}
    assert Node("T", 2) in {Node(w.variable, t) for w in held.hold for t in steps_of(w, 5)}


def steps_of(window: causalopt.model.selectors.Window, last: int) -> range:
    return range(window.first, (last if window.last is None else window.last) + 1)


def test_a_replaced_stretch_lets_no_path_through() -> None:
    model = load("thermostat")
    other = world(model, initial={"R": 30}, steps=6)
    found = region(model, "upstream(R[6])", steps=6, given=[causalopt.Replace("T[4], R[4]", other)])
    assert {t for _, t in places(found)} == {4, 5}


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_paths_run_through_an_integrator_s_stages(method: str) -> None:
    model = load("lorenz").replace(method=method)
    steps = 4
    graph = causalopt.unrolled_graph(model, steps, stages=True)
    nodes = {place for place in graph if place[0] in model.variables}
    for name, t in (("b", 0), ("c", 2)):
        found = region(model, f"downstream({name}[{t}])", steps=steps)
        assert places(found) == nx.descendants(graph, (name, t)) & nodes
    # In one step of rk4 everything reads everything; of Euler, a reads a and b only.
    parents = {"euler": {("a", 1), ("b", 1)}, "rk4": {("a", 1), ("b", 1), ("c", 1)}}
    assert places(region(model, "parents(a[2])", steps=steps)) == parents[method] - {("a", 2)}


@given(st.integers(1, 3), st.integers(0, 3))
def test_the_graph_of_an_algebraic_variable_is_that_of_its_equations(lag: int, t: int) -> None:
    """An algebraic node is its value and its stages; through them it moves the step it begins."""
    model = Model(
        name="loop",
        variables={
            "x": {"flow": "-u + w", "initial": 1},
            "u": {"algebraic": "2*x"},
            "w": {"flow": "-w", "initial": 1},
        },
        dt=0.1,
        method="rk4",
    )
    steps = t + lag
    graph = causalopt.unrolled_graph(model, steps, stages=True)
    # Which node an equation is of: a stage of u at step s belongs to u at s - 1.
    owner = {
        (name, s): (data["variable"], s - (name != data["variable"]))
        for (name, s), data in graph.nodes(data=True)
        if name == data["variable"] or data["variable"] == "u"
    }
    own = [place for place, node in owner.items() if node == ("u", t)]
    reached = set().union(*(nx.descendants(graph, place) for place in own))
    after = {owner[place] for place in reached if place in owner} - {("u", t)}
    assert places(region(model, f"downstream(u[{t}])", steps=steps)) == after
    assert ("x", t + 1) in after
    # u's own value reads x alone; its stages read what moves x within the step.
    before = set().union(*(nx.ancestors(graph, place) for place in own))
    into = {owner[place] for place in before if place in owner} - {("u", t)}
    assert places(region(model, f"upstream(u[{t}])", steps=steps)) == into
    assert ("w", t) in into


def test_without_a_run_sets_have_no_end_and_the_graph_is_not_asked() -> None:
    model = load("thermostat")
    assert [str(w) for w in model.selection("~T[t<=3] - R")] == ["T[t>=4]"]
    with pytest.raises(QuestionError, match="upstream depends on where the run ends"):
        model.selection("upstream(R[4])")


def test_elements_of_arrays_take_part() -> None:
    model = Model(
        name="ring",
        sizes={"cell": 6, "layer": 2},
        variables={
            "x": {"shape": ["layer", "cell"], "rule": "x[t-1]/2", "initial": 1},
            "s": {"rule": "sum(x[t-1])", "initial": 0},
        },
    )
    steps = 3
    text = "(x[layer=0] | x[t>=2, cell=1:4]) - x[3, cell=2] & ~x[1]"
    found = region(model, text, steps=steps)
    table = np.zeros((steps + 1, 2, 6), dtype=bool)
    table[:, 0] = True
    table[2:, :, 1:4] = True
    table[3, :, 2] = False
    table[1] = False
    listed = {(n.t, n.elements[0][0], n.elements[1][0]) for n in found if n.elements}
    assert listed == {tuple(place) for place in np.argwhere(table).tolist()}
    assert len(found) == table.sum()
    rebuilt = np.zeros_like(table)
    for window in found.windows:
        ranges = window.elements or ((0, 2), (0, 6))
        at = slice(window.first, None if window.last is None else window.last + 1)
        assert not rebuilt[(at, *(slice(*r) for r in ranges))].any()  # windows do not overlap
        rebuilt[(at, *(slice(*r) for r in ranges))] = True
    assert (rebuilt == table).all()
    assert "x[2, layer=1, cell=3]" in found
    assert "x[3, layer=1, cell=2]" not in found
    # A node of the graph is a whole array: what an element reaches is what its array reaches.
    assert places(region(model, "downstream(x[1, layer=0, cell=2])", steps=2)) == {
        ("x", 2),
        ("s", 2),
    }


def apart(a: int, b: int, size: int, *, ring: bool) -> int:
    return min(abs(a - b), size - abs(a - b)) if ring else abs(a - b)


@given(
    st.integers(0, 9),
    st.integers(0, 6),
    st.sampled_from(["0", "0.5", "1", "2.5", "4"]),
    st.booleans(),
    st.booleans(),
)
def test_a_cone_is_what_a_speed_reaches(
    cell: int, t: int, speed: str, ring: bool, past: bool
) -> None:
    size, steps = 10, 6
    model = Model(
        name="line",
        sizes={"cell": size, "other": 3},
        variables={
            "x": {"shape": ["cell"], "rule": "x[t-1]", "initial": 0},
            "y": {"shape": ["cell", "other"], "rule": "y[t-1]", "initial": 0},
            "z": {"shape": ["other"], "rule": "z[t-1]", "initial": 0},
        },
    )
    name = "past_cone" if past else "cone"
    found = region(model, f"{name}(x[{t}, cell={cell}], {speed}{', ring' * ring})", steps=steps)
    expected = {
        (s, i)
        for s in range(steps + 1)
        for i in range(size)
        if (wait := (t - s if past else s - t)) >= 0
        and apart(i, cell, size, ring=ring) <= float(speed) * wait
    }
    assert {(n.t, n.elements[0][0]) for n in found if n.variable == "x"} == expected
    wide = {(n.t, n.elements[0][0], n.elements[1][0]) for n in found if n.variable == "y"}
    assert wide == {(*place, k) for place in expected for k in range(3)}
    assert "z" not in {n.variable for n in found}


def test_a_tube_follows_its_centre() -> None:
    model = Model(
        name="line",
        sizes={"cell": 10},
        variables={"x": {"shape": ["cell"], "rule": "x[t-1]", "initial": 0}},
    )
    found = region(model, "tube(x[1, cell=2], x[5, cell=8], 1)", steps=6)
    # From 2 to 8 in four steps: 2, 3.5, 5, 6.5, 8, halves up.
    centres = {1: 2, 2: 4, 3: 5, 4: 7, 5: 8}
    expected = {(t, c + d) for t, c in centres.items() for d in (-1, 0, 1)}
    assert {(n.t, n.elements[0][0]) for n in found} == expected
    round_the_back = region(model, "tube(x[0, cell=8], x[4, cell=2], 0, ring)", steps=6)
    assert [n.elements[0][0] for n in round_the_back] == [8, 9, 0, 1, 2]


def test_names_of_the_question_are_its_nodes() -> None:
    model = load("thermostat")
    options: dict[str, Any] = {"nudge": "R[2]", "target": "R", "steps": 9}
    asked = run(model, hold="between(n, m) & T", **options)
    plain = run(model, hold="T[3<=t<=8]", **options)
    np.testing.assert_array_equal(asked.op, plain.op)
    named = Model(**{**model.model_dump(), "question": {**options, "hold": "between(n, m) & T"}})
    np.testing.assert_array_equal(run(named).op, plain.op)
    longer = run(named, steps=20)  # the set is another one in a longer run
    assert longer.hold[0].last == 19
    with pytest.raises(ModelError, match="hold: unknown variable 'mm'"):
        Model(**{**model.model_dump(), "question": {**options, "hold": "between(n, mm)"}})


def test_a_variable_s_own_name_wins_over_the_question_s() -> None:
    model = Model(
        name="own",
        variables={
            "n": {"rule": "n[t-1]", "initial": 1},
            "m": {"rule": "n[t-1] + m[t-1]", "initial": 0},
        },
        question={"nudge": "n[0]", "target": "m", "steps": 3},
    )
    assert places(region(model, "n | m[0]", steps=1)) == {("n", 0), ("n", 1), ("m", 0)}


def test_what_was_said_is_kept_where_it_is_shorter() -> None:
    model = load("thermostat")
    asked = run(model, hold="boundary(T[2<=t<=3] | T[5<=t<=6] | T[8])", steps=9)
    assert asked.to_dict()["hold"] == "T[2<=t<=3], T[5<=t<=6], T[8]"
    asked = run(model, hold="T - [t=3] - [t=5] - [t=7]", steps=9)
    assert asked.to_dict()["hold"] == "T - [t=3] - [t=5] - [t=7]"
    assert pickle.loads(pickle.dumps(asked.hold)).said == asked.hold.said


def test_a_label_with_a_dash_is_a_name_and_otherwise_a_difference() -> None:
    model = Model(
        name="dashes",
        variables={
            "a": {"rule": "a[t-1]", "initial": 1, "label": "fan-in"},
            "b": {"rule": "a[t-1]", "initial": 1},
        },
    )
    assert [str(w) for w in model.selection("fan-in", steps=3)] == ["a"]
    assert places(region(model, "(a|b)-b", steps=1)) == {("a", 0), ("a", 1)}
    assert [str(w) for w in model.selection("a-b[0]", steps=3)] == ["a"]
    assert places(region(model, "b|fan-in-a[0]", steps=1)) == {("b", 0), ("b", 1), ("a", 1)}
    with pytest.raises(UnknownNameError, match="'fan-on'; did you mean 'fan-in'"):
        model.selection("fan-on", steps=3)


SAYS: list[tuple[str, str]] = [
    ("T |", "character 4: expected a set.*found the end"),
    ("(T | R", "character 7: expected .* closes '\\(' of character 1, found the end"),
    ("T)", "character 2: expected an operator.*found '\\)'"),
    ("T R | T", "character 3: expected an operator.*found 'R'"),
    ("T & [t=", "character 5: expected a '\\]' after this '\\['"),
    ("T ? R | T", "character 3: expected a name or an operator, found '\\?'"),
    ("beyond(T)", "character 1: unknown function 'beyond'"),
    ("T & betwen(T, R)", "character 5: unknown function 'betwen'; did you mean 'between'"),
    ("between(T)", "between takes 2 arguments, between\\(set, set\\), found 1"),
    ("~Q", "unknown variable 'Q'"),
    ("T[50] | R", "the nodes T\\[50\\] lie after the last step 9"),
    ("upstream(R[10])", "the nodes R\\[10\\] lie after the last step 9"),
    ("T & R", "is empty in a run to step 9: T and R have no node in common"),
    ("T - T", "is empty in a run to step 9: every node of T is in T"),
    ("~(T | R)", "T | R is all nodes of the run"),
    ("T ^ T", "T and T are the same nodes"),
    ("between(R[5], R[3])", "no path leads from R\\[5\\] to R\\[3\\]"),
    ("between(R[1], T[2])", "every path from R\\[1\\] to T\\[2\\] is a single edge"),
    ("upstream(R[0])", "no path leads to R\\[0\\] from outside"),
    ("downstream(T[9])", "no path leads out of T\\[9\\]"),
    ("boundary(T | R)", "no edge crosses the boundary of T | R"),
    ("inner(T)", "every node of T has a parent or a child outside"),
    ("cone(T[0], 1)", "cone needs one element of an array at one step.*downstream"),
    ("T[3<=t<=1] | R", "selects no step"),
]


@pytest.mark.parametrize(("text", "says"), SAYS)
def test_a_wrong_or_empty_set_says_what_was_expected(text: str, says: str) -> None:
    with pytest.raises((QuestionError, UnknownNameError), match=says):
        run(load("thermostat"), nudge="R[0]", hold=text, steps=9)


def test_a_set_with_the_nudged_node_in_it_is_refused() -> None:
    with pytest.raises(QuestionError, match=r"the nudged node R\[0\] is in the held set"):
        run(load("thermostat"), nudge="R[0]", hold="~T", steps=9)


def test_an_empty_region_is_a_region_and_no_set_a() -> None:
    model = load("thermostat")
    nothing = region(model, "T & R", steps=9)
    assert (len(nothing), bool(nothing), list(nothing), nothing.windows) == (0, False, [], ())
    assert repr(nothing) == "<Region T & R: 0 nodes of 'thermostat', t = 0..9>"
    with pytest.raises(QuestionError, match="T & R is empty"):
        run(model, hold=nothing, steps=9)


def test_time_in_a_model_without_it_is_refused() -> None:
    model = load("amortized")
    with pytest.raises(QuestionError, match="this model has no time"):
        run(model, hold="a & [t=0]")
    with pytest.raises(QuestionError, match="this model has no time"):
        run(model, hold="a - d[0]")
    found = region(model, "between(d, e)")
    assert places(found) == {("a", 0)}
    np.testing.assert_array_equal(run(model, hold="between(n, m)").op, run(model, hold="a").op)


def test_regions_of_other_runs_and_models_are_refused() -> None:
    model = load("thermostat")
    short, long = region(model, "T", steps=5), region(model, "T", steps=9)
    with pytest.raises(QuestionError, match=r"to step 5 and one of .* to step 9"):
        _ = short | long
    with pytest.raises(QuestionError, match="make it with steps=9"):
        run(model, hold=short, steps=9)
    with pytest.raises(QuestionError, match="of another model, 'lorenz'"):
        run(model, hold=region(load("lorenz"), "a", steps=9), steps=9)
    with pytest.raises(QuestionError, match="regions are combined with regions, found str"):
        _ = short | "R"
    with pytest.raises(QuestionError, match="which nodes"):
        region(model, " ", steps=9)


def test_a_region_is_a_sequence_of_its_nodes() -> None:
    found = region(load("thermostat"), "R[1<=t<=2] | T[2]", steps=4)
    assert list(found) == [Node("R", 1), Node("T", 2), Node("R", 2)]
    assert found[0] == Node("R", 1)
    assert found[-1] == Node("R", 2)
    assert found[1:] == (Node("T", 2), Node("R", 2))
    assert found.index(Node("T", 2)) == 1
    assert "R[2]" in found
    assert "R[3]" not in found
    assert Node("R", 7) not in found
    with pytest.raises(IndexError, match="has 3 nodes"):
        found[3]


def test_every_question_takes_a_region() -> None:
    model = load("thermostat")
    text, plain = "T & [2<=t<=6]", "T[2<=t<=6]"
    asked: dict[str, Any] = {"nudge": "R[0]", "target": "R", "steps": 9}
    op = run(model, hold=plain, **asked).op[9]
    for hold in (text, region(model, text, steps=9)):
        assert causalopt.op_from_all(model, "R[9]", hold=hold).op.sel(variable="R", t=0) == op
        assert causalopt.op_to_all(model, "R[0]", hold=hold, steps=9).op.sel(
            variable="R", t=9
        ) == pytest.approx(op, rel=1e-12)
        matrix = causalopt.op_matrix(model, sources=["R[0]"], targets=["R[9]"], hold=hold).dataset
        assert matrix.op.item() == pytest.approx(op, rel=1e-12)
        swept = causalopt.sweep(model, {"R[0]": [35.0]}, hold=hold, **asked)
        assert swept.op.item() == pytest.approx(op, rel=1e-12)
        value = causalopt.derive(model, hold=hold, at=9, **asked).to_dict()["value"]["op"]
        assert value == pytest.approx(op, rel=1e-12)
        drawn = causalopt.draw(model, nudge="R[0]", hold=hold, steps=9)
        assert drawn.marks.hold == model.selection(plain)
    other = world(model, initial={"R": 30}, steps=9)
    taken = [
        world(model, causalopt.Replace(nodes, other), steps=9)["R"].tolist()
        for nodes in (text, plain)
    ]
    assert taken[0] == taken[1]


def test_a_region_of_arrays_is_held_as_its_windows_are() -> None:
    ring = load("lorenz96")
    asked: dict[str, Any] = {"target": "x", "steps": 12}
    tube = region(ring, "tube(x[1, cell=24], x[12, cell=27], 1)", steps=12)
    one = run(ring, hold=tube, **asked).op
    listed = [ring.node_text(node) for node in tube]
    np.testing.assert_allclose(one, run(ring, hold=listed, **asked).op, rtol=1e-12)


def test_stages_between_two_held_nodes_are_held_whichever_windows_the_nodes_are_in() -> None:
    """Under rk4 the model of arrays and the same written out as numbers hold the same stages."""
    ring = load("lorenz96").replace(method="rk4")
    numbers = causalopt.expand(ring)
    asked: dict[str, Any] = {"nudge": "x[0, cell=20]", "target": "x[cell=23]", "steps": 8}
    tube = region(ring, "tube(x[1, cell=21], x[7, cell=25], 1)", steps=8)
    names = [(n.t, n.elements[0][0]) for n in tube if n.elements]
    written = [f"x_{cell}[{t}]" for t, cell in names]
    found = run(ring, hold=tube, **asked).op
    expected = run(numbers, nudge="x_20[0]", hold=written, target="x_23", steps=8).op
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_sets_of_laws_have_the_algebra_and_no_graph() -> None:
    model = load("thermostat_dumb")
    plain = causalopt.strength(model, hold="thermostat")
    found = causalopt.strength(model, hold="(thermostat | room) & ~room")
    assert found.to_dict() == plain.to_dict()
    with pytest.raises(QuestionError, match="upstream depends on where the run ends"):
        causalopt.strength(model, hold="upstream(room)")


def test_rates_take_whole_variables_written_as_differences() -> None:
    model = load("lorenz")
    found = causalopt.rates(model, hold="~(b | c)", steps=200)
    assert found.op_rate == causalopt.rates(model, hold="a", steps=200).op_rate
    with pytest.raises(QuestionError, match="hold whole variables"):
        causalopt.rates(model, hold="a - a[3]", steps=200)


def test_several_texts_and_nodes_are_one_set() -> None:
    model = load("thermostat")
    mixed = ["T - T[t<=3]", Node("R", 5), "R[7]"]
    assert [str(w) for w in model.selection(mixed, steps=9)] == ["T[t>=4]", "R[5]", "R[7]"]
    assert places(region(model, mixed, steps=9)) == {
        *(("T", t) for t in range(4, 10)),
        ("R", 5),
        ("R", 7),
    }
    with pytest.raises(UnknownNameError, match="unknown variable 'Q'"):
        model.selection(["T - T[t<=3]", Node("Q", 5)], steps=9)
    with pytest.raises(QuestionError, match="a text, a region or a list of them, found 3"):
        run(model, hold=3, steps=9)  # type: ignore[arg-type]


def test_a_wrong_set_in_a_file_is_an_error_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(
        "name: wrong\n"
        "variables:\n"
        '  T: {rule: "T[t-1]", initial: 1}\n'
        'question: {nudge: "T[0]", hold: "upstream(T[3]", steps: 4}\n'
    )
    assert main(["check", str(file)]) == 2
    error = capsys.readouterr().err
    assert f"{file}:4:34:" in error
    assert "character 14: expected an operator, a comma or the ')' that closes" in error


def test_a_long_run_costs_as_much_as_what_changes_in_it() -> None:
    """A million steps are few pieces: the walk over the graph finds where it repeats itself."""
    found = region(load("lorenz"), "between(b[0], c[1000000]) - a[t<=9]", steps=1_000_000)
    # b[0] moves a[1], b[1] and c[1]; c[1000000] reads all three at 999999.
    last = 999_999
    assert len(found) == (last - 9) + last + last
    assert len(found.windows) == 3


def test_a_set_flow_has_no_edges_into_it_whatever_its_stages_read() -> None:
    model = load("lorenz").replace(method="rk4")
    given = [Set("a[2]", 1.0)]
    assert places(region(model, "parents(a[2])", steps=4, given=given)) == set()
    others = {("a", 1), ("b", 1), ("c", 1)}
    assert places(region(model, "parents(b[2])", steps=4, given=given)) == others


def test_a_part_of_an_array_is_its_own_boundary() -> None:
    model = Model(
        name="layers",
        sizes={"layer": 2},
        variables={"x": {"shape": ["layer"], "rule": "x[t-1]/2", "initial": 1}},
    )
    part = region(model, "x[layer=0]", steps=3)
    assert part.boundary == part  # the array a step before or after is not whole in it
    assert not part.inner
    whole = region(model, "x[1<=t<=2]", steps=3)
    assert [node.t for node in whole.boundary] == [1, 1, 2, 2]
    assert places(region(model, "parents(x[layer=0])", steps=3)) == {("x", 0), ("x", 1), ("x", 2)}
