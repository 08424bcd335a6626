from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given, settings

from causalopt import (
    GraphError,
    Model,
    ModelError,
    from_networkx,
    load,
    paths,
    template_graph,
    unrolled_graph,
)
from causalopt.model.graph import edge_list, to_adjacency, to_dagitty, to_graphml
from tests.oracles import declared_graph
from tests.strategies import static_models, templates


@given(templates())
def test_an_unrolled_template_has_the_edges_its_texts_declare(model: Model) -> None:
    graph = unrolled_graph(model)
    expected = declared_graph(model, model.question.steps or 0)
    assert set(graph.edges) == set(expected.edges)
    assert set(graph.nodes) == set(expected.nodes)
    assert nx.is_directed_acyclic_graph(graph)
    assert len(graph) == len(model.variables) * ((model.question.steps or 0) + 1)


@given(static_models())
@settings(max_examples=30)
def test_a_graph_goes_out_and_comes_back(model: Model) -> None:
    graph = template_graph(model)
    for name, variable in model.variables.items():
        graph.nodes[name]["initial"] = variable.initial
    again = from_networkx(graph, question=model.question.model_dump())
    assert again.fingerprint == model.fingerprint
    assert set(again.A) == set(model.A)


def test_the_order_of_parents_never_matters() -> None:
    one = Model(name="m", variables={"a": 1, "b": 2, "c": "a + 2*b"})
    two = Model(name="m", variables={"b": 2, "a": 1, "c": "2*b + a"})
    assert set(template_graph(one).edges) == set(template_graph(two).edges)


def test_thermostat_has_the_edges_of_the_post() -> None:
    assert edge_list(load("thermostat")) == ["T[t-1] -> R[t]", "R[t-1] -> T[t]", "R[t-1] -> R[t]"]
    graph = unrolled_graph(load("thermostat"), 2)
    assert nx.descendants(graph, ("R", 0)) == {("T", 1), ("R", 1), ("T", 2), ("R", 2)}
    assert nx.ancestors(graph, ("R", 2)) == {("R", 1), ("T", 1), ("R", 0), ("T", 0)}


def test_paths_that_avoid_a_are_those_without_it() -> None:
    model = load("thermostat")
    graph = unrolled_graph(model, 6)
    every = list(paths(graph, ("R", 0), ("R", 6)))
    free = list(paths(graph, ("R", 0), ("R", 6), avoid=model.selection("T")))
    # Runs of one (R -> R) and two (R -> T -> R) steps: a Fibonacci number of paths.
    assert len(every) == 13
    assert free == [[("R", t) for t in range(7)]]
    assert [p for p in every if all(name != "T" for name, _ in p)] == free


def test_stages_are_nodes_only_when_asked_for() -> None:
    model = load("lorenz").replace(method="rk4")
    plain, full = unrolled_graph(model, 1), unrolled_graph(model, 1, stages=True)
    assert len(plain) == 6
    assert len(full) == 6 + 9
    assert full.nodes["a.2", 1]["kind"] == "stage"
    for node in plain.nodes:
        assert nx.descendants(plain, node) == {n for n in nx.descendants(full, node) if n in plain}
    assert not plain.has_edge(("c", 0), ("c", 0))


def test_a_same_step_cycle_is_named_in_full() -> None:
    variables = {
        "x": {"rule": "y[t] + x[t-1]", "initial": 1},
        "y": {"rule": "z[t]"},
        "z": {"rule": "x[t]"},
    }
    with pytest.raises(ModelError, match="need each other at the same step"):
        Model(name="m", variables=variables)
    with pytest.raises(ModelError) as caught:
        Model(name="m", variables=variables)
    assert all(name in caught.value.message for name in "xyz")


def test_a_lagged_cycle_is_a_model() -> None:
    variables = {"x": {"rule": "y[t-1]", "initial": 1}, "y": {"rule": "x[t]"}}
    assert nx.is_directed_acyclic_graph(unrolled_graph(Model(name="m", variables=variables), 3))


def test_other_tools_read_what_is_written() -> None:
    model = load("thermostat")
    graph = nx.parse_graphml(to_graphml(model, 2))
    assert set(graph.edges) == {
        (f"{a}[{s}]", f"{b}[{t}]") for (a, s), (b, t) in unrolled_graph(model, 2).edges
    }
    text = to_adjacency(model, 2).replace(":", "")
    assert set(nx.parse_adjlist(text.splitlines(), create_using=nx.DiGraph).edges) == set(
        graph.edges
    )
    dagitty = to_dagitty(model, 1, exposure="R[0]", outcome="R[1]")
    assert '"R[0]" [exposure]' in dagitty
    assert '"R[1]" [outcome]' in dagitty
    assert dagitty.count("->") == 3


@pytest.mark.parametrize(
    ("edges", "message"),
    [([], "no edge z -> y: add it"), ([("z", "y"), ("w", "y")], "does not read 'w'")],
)
def test_a_graph_whose_edges_and_rules_disagree_is_refused(edges: list, message: str) -> None:
    graph = nx.DiGraph(edges)
    graph.add_node("y", rule="3*z")
    graph.add_node("z", initial=2)
    graph.add_node("w", initial=2)
    with pytest.raises(GraphError, match=message):
        from_networkx(graph)


def test_a_missing_node_is_named() -> None:
    graph = unrolled_graph(load("thermostat"), 2)
    with pytest.raises(GraphError, match=r"no node R\[7\]; did you mean 'R\[\d\]'"):
        list(paths(graph, ("R", 0), ("R", 7)))
    with pytest.raises(GraphError, match="no node Q"):
        to_dagitty(load("thermostat"), 1, outcome="Q[1]")
