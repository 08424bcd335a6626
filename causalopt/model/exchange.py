"""Models that come from graphs and go out as graphs: networkx, and GraphML for other programs.

What a node's variable declares are the node's attributes, what the model declares the graph's, so
that a model comes back as it went out.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import networkx as nx

from causalopt.errors import GraphError
from causalopt.model.declaration import Variable
from causalopt.model.files import is_ordinary
from causalopt.model.graph import template_graph
from causalopt.model.model import Model

_TEXTS = {"rule", "flow", "spread", "kind", "label", "unit", "side"}
_TEXTS |= {"name", "title", "source", "description", "method"}


def from_networkx(
    graph: nx.DiGraph[Any], *, A: str | Sequence[str] = (), name: str | None = None, **data: Any
) -> Model:
    """Return the model a networkx graph declares by its attributes.

    Args:
        graph: A directed graph. Each node carries what its variable declares: `rule` (or `flow`)
            and `initial`, or `domain`, `parents` and `table`, `noise`, ...; the edges must be the
            parents that it names. The graph's own attributes may hold other keys of the
            declaration.
        A: The variables of the partition's A; nodes whose `side` is "A" when empty.
        name: The model's name; the graph's when not given.
        data: Further keys of the declaration: parameters, dt, question, ... They go before the
            graph's.

    Raises:
        GraphError: The graph has no directions, or its edges and the rules disagree.
        ModelError: A rule is wrong.

    Example:
        >>> graph = nx.DiGraph([("z", "y")])
        >>> graph.nodes["z"]["initial"] = 2
        >>> graph.nodes["y"]["rule"] = "3*z"
        >>> from_networkx(graph, name="line").is_static
        True
    """
    if not graph.is_directed():
        raise GraphError(
            "the graph has no directions, and a cause is not its effect: make it a networkx.DiGraph"
        )
    variables = {
        str(node): {k: v for k, v in said.items() if k in Variable.model_fields and _is_said(v)}
        for node, said in graph.nodes(data=True)
    }
    for node, said in variables.items():
        if said.get("label") == node:
            del said["label"]
    listed = [part.strip() for part in A.split(",")] if isinstance(A, str) else list(A)
    inside = listed or [str(n) for n, said in graph.nodes(data=True) if said.get("side") == "A"]
    known = {k: v for k, v in graph.graph.items() if k in Model.model_fields and _is_said(v)}
    rest = {**known, "name": name or str(known.get("name", "graph")), **data}
    model = Model(**rest, variables=variables, partition={"A": inside})
    _compare(model, {(str(a), str(b)) for a, b in graph.edges()})
    return model


def _is_said(value: Any) -> bool:
    """Whether an attribute says something: tables of attributes fill gaps with empty texts."""
    return value is not None and not (isinstance(value, str) and not value)


def _compare(model: Model, declared: set[tuple[str, str]]) -> None:
    """Refuse edges that are not those of the rules."""
    needed = set(template_graph(model).edges)
    for parent, child in sorted(needed - declared):
        raise GraphError(
            f"the rule of '{child}' reads '{parent}', and the graph has no edge "
            f"{parent} -> {child}: add it"
        )
    for parent, child in sorted(declared - needed):
        raise GraphError(
            f"the graph has an edge {parent} -> {child}, and the rule of '{child}' "
            f"does not read '{parent}': drop the edge or mend the rule"
        )


def template_graphml(model: Model) -> str:
    """Return a model as GraphML that reads back as the same model, one node a variable.

    Texts of one line stand as they are, all else as JSON.

    Example:
        >>> from causalopt import load
        >>> model = load("thermostat")
        >>> from_graphml(template_graphml(model)).fingerprint == model.fingerprint
        True
    """
    graph = template_graph(model)
    records = [graph.graph, *(said for _, said in graph.nodes(data=True))]
    records += [said for *_, said in graph.edges(data=True)]
    for record in records:
        record.update({k: _encoded(k, v) for k, v in record.items()})
    stream = io.BytesIO()
    nx.write_graphml(graph, stream, named_key_ids=True)
    return stream.getvalue().decode()


def from_graphml(text: str) -> Model:
    """Return the model that a GraphML text of its template declares.

    Args:
        text: As `template_graphml` writes it, or edited by another program.

    Raises:
        GraphError: The text is no GraphML, or its edges and the rules disagree.
        ModelError: A rule is wrong.

    Example:
        >>> from causalopt import load
        >>> from_graphml(template_graphml(load("lorenz"))).dt
        0.01
    """
    try:
        graph: Any = nx.parse_graphml(text)
    except (ValueError, SyntaxError, nx.NetworkXException) as error:
        raise GraphError(f"not GraphML: {error}") from None
    for record in [graph.graph, *(said for _, said in graph.nodes(data=True))]:
        record.update({k: _decoded(k, v) for k, v in record.items()})
    return from_networkx(graph)


def _encoded(key: str, value: Any) -> str:
    """Return a value as JSON, or a text as it is where XML keeps it so."""
    is_text = key in _TEXTS and is_ordinary(value)
    return str(value) if is_text else json.dumps(value)


def _decoded(key: str, value: Any) -> Any:
    """Return what a JSON text says, or the text itself: `k*2` is an initial value too."""
    if not isinstance(value, str) or (key in _TEXTS and not value.startswith('"')):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
