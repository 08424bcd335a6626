"""Models through graphs and files and back: the same declaration, by its fingerprint."""

from __future__ import annotations

import json
from collections.abc import Callable

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    Model,
    from_graphml,
    from_networkx,
    load,
    parse_model,
    shipped,
    template_graph,
    template_graphml,
    to_text,
)
from causalopt.errors import GraphError, ModelError
from tests.strategies import templates

WAYS: dict[str, Callable[[Model], Model]] = {
    "networkx": lambda model: from_networkx(template_graph(model)),
    "node-link JSON": lambda model: from_networkx(
        nx.node_link_graph(
            json.loads(json.dumps(nx.node_link_data(template_graph(model), edges="edges"))),
            edges="edges",
        )
    ),
    "GraphML": lambda model: from_graphml(template_graphml(model)),
    "yaml": lambda model: parse_model(to_text(model), "yaml"),
    "json": lambda model: parse_model(to_text(model, "json"), "json"),
    "toml": lambda model: parse_model(to_text(model, "toml"), "toml"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_shipped_model_goes_out_and_comes_back(name: str, way: str) -> None:
    model = load(name)
    again = WAYS[way](model)
    assert again.fingerprint == model.fingerprint
    assert set(again.A) == set(model.A)
    assert again.question == model.question
    assert again.facts == model.facts


GAPS = st.sampled_from([" ", "  ", "\n", "\n\n  ", "\t", "\r\n", "\x0c"])
AWKWARD = [
    "null",
    "1e3",
    "  a",
    "a ",
    "#x",
    ": y",
    "a\nb",
    "\u2028",
    "'",
    '"q"',
    "- a",
    "~",
    "\x7f",
]


@given(templates(), st.data())
@settings(max_examples=60, deadline=None)
def test_texts_with_any_space_and_any_sign_come_back_as_they_were(
    model: Model, data: st.DataObject
) -> None:
    said = model.model_dump(mode="json", exclude_defaults=True)
    for variable in said["variables"].values():
        words = variable["rule"].split(" ")
        gaps = data.draw(st.lists(GAPS, min_size=len(words) - 1, max_size=len(words) - 1))
        variable["rule"] = words[0] + "".join(map("".join, zip(gaps, words[1:], strict=True)))
        variable["label"] = data.draw(st.sampled_from(AWKWARD) | st.text(min_size=1, max_size=4))
    said["description"] = data.draw(st.sampled_from(AWKWARD)) + " and words " * 30
    spaced = Model(**said)
    for name in ("GraphML", "yaml", "json", "toml"):
        again = WAYS[name](spaced)
        assert again.fingerprint == spaced.fingerprint
        for own, variable in spaced.variables.items():
            assert again.variables[own].rule == variable.rule
            assert (again.variables[own].label or own) == variable.label
        assert again.description == spaced.description


def test_a_graph_without_directions_is_refused() -> None:
    graph = nx.Graph([("z", "y")])
    with pytest.raises(GraphError, match=r"no directions, .* networkx\.DiGraph"):
        from_networkx(graph)


def test_one_name_of_a_is_a_name_and_not_its_letters() -> None:
    graph = nx.DiGraph()
    graph.add_node("zed", initial=1)
    graph.add_node("y", initial=1)
    assert from_networkx(graph, A="zed").A == ("zed",)
    assert from_networkx(graph, A="zed, y").A == ("zed", "y")
    assert from_networkx(graph, A=["y"]).A == ("y",)


def test_parallel_edges_count_once() -> None:
    graph = nx.MultiDiGraph([("z", "y"), ("z", "y")])
    graph.add_node("y", rule="3*z")
    graph.add_node("z", initial=2)
    assert from_networkx(graph).variables["y"].rule == "3*z"


def test_what_is_said_in_the_call_goes_before_the_graphs_own() -> None:
    graph = template_graph(load("thermostat"))
    assert from_networkx(graph, parameters={"k": 2, "d": 1}).parameters["k"] == 2
    assert from_networkx(graph, name="other").name == "other"


def test_a_text_that_is_no_graphml_is_refused() -> None:
    with pytest.raises(GraphError, match="not GraphML"):
        from_graphml("graph { }")


def test_a_wrong_rule_in_a_graph_is_an_error_of_the_rule() -> None:
    graph = nx.DiGraph()
    graph.add_node("z", rule="3*y")
    with pytest.raises(ModelError, match="unknown name 'y'"):
        from_networkx(graph)
