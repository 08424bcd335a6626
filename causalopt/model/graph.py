"""Models as graphs: the template, its unrolling in time, paths, and other tools' formats.

Nodes of the unrolled graph are `(variable, t)`; a model without time has its nodes at t = 0.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

from causalopt.errors import GraphError, suggestion
from causalopt.language.text import to_text
from causalopt.model.model import Model
from causalopt.model.selectors import Node as NodeName
from causalopt.model.selectors import Selection
from causalopt.model.template import Equation, Template

if TYPE_CHECKING:
    import networkx as nx

Place: TypeAlias = tuple[str, int]  # a node of the unrolled graph: (variable, t)


def template_graph(model: Model) -> nx.DiGraph[str]:
    """Return one step of the model: nodes are variables, an edge carries `lags`, sorted.

    A node carries what its variable declares (`rule`, `initial`, ...), `side` ("A" or "B") and
    `label`; the graph carries the rest of the declaration. There may be cycles, through lags of one
    step or more. A variable of arrays is one node, whose `shape` names its dims; `sizes` is the
    graph's.

    Example:
        >>> from causalopt import load
        >>> template_graph(load("thermostat")).edges["T", "R"]["lags"]
        (1,)
    """
    import networkx as nx  # slow to load

    declared = model.model_dump(mode="json", exclude_defaults=True, exclude={"partition"})
    graph: nx.DiGraph[str] = nx.DiGraph()
    for name, said in declared.pop("variables").items():
        graph.add_node(name, side=side(model, name), **{"label": name, **said})
    graph.graph.update(declared)
    for child, parents in _declared_parents(model.skeleton).items():
        for parent, lag in sorted(parents):
            lags = graph.edges[parent, child]["lags"] if graph.has_edge(parent, child) else ()
            graph.add_edge(parent, child, lags=(*lags, lag))
    return graph


def unrolled_graph(
    model: Model, steps: int | None = None, *, stages: bool = False
) -> nx.DiGraph[Place]:
    """Return the causal DAG of a run: nodes `(variable, t)` for t = 0 .. steps.

    Args:
        model: The model.
        steps: The last step; 0 for a model without time.
        stages: Whether the stage values of a multi-stage integrator are nodes of their own; else
            the edges run through them.

    Returns:
        A DAG whose nodes carry `variable`, `t`, `side`, `label` and `kind`: "initial" for given
        values, "rule" for computed ones, "stage". In a model with arrays a node is a whole
        variable at one step and carries `shape`, such as "row=32, column=32", "" for a number.

    Example:
        >>> from causalopt import load
        >>> sorted(unrolled_graph(load("thermostat"), 1).predecessors(("R", 1)))
        [('R', 0), ('T', 0)]
    """
    import networkx as nx  # slow to load

    from causalopt.model.model import run_length

    last = run_length(model, steps)
    template = model.skeleton
    graph: nx.DiGraph[Place] = nx.DiGraph(name=model.name)
    starts = {e.name: len(e.initial) for e in template.equations}
    parents = (
        {e.name: set(e.parents) for e in template.equations}
        if stages
        else _declared_parents(template)
    )
    owners = {e.name: e.owner for e in template.equations}
    shapes = shape_texts(model)
    for t in range(last + 1):
        for name in parents:
            is_stage = owners[name] != name
            if is_stage and t < starts[name]:
                continue
            kind = "stage" if is_stage else "initial" if t < starts[name] else "rule"
            graph.add_node(
                (name, t),
                variable=owners[name],
                t=t,
                side=side(model, owners[name]),
                label=model.variables[owners[name]].label or owners[name],
                kind=kind,
                **({"shape": shapes[owners[name]]} if shapes else {}),
            )
    for t in range(last + 1):
        for name, needed in parents.items():
            if (name, t) in graph and t >= starts[name]:
                graph.add_edges_from(
                    ((parent, t - lag), (name, t), {"lag": lag}) for parent, lag in sorted(needed)
                )
    return graph


def _declared_parents(template: Template) -> dict[str, set[tuple[str, int]]]:
    """Return variable -> (parent, lag) with stage nodes contracted away."""
    owners = {e.name: e.owner for e in template.equations}
    # With exact steps an algebraic variable acts by its course over the step that it begins.
    own = {name: template.equations[template.starting[name]].parents for name in template.slopes}
    courses = {name for name, parents in own.items() if (name, 1) not in parents}
    through: dict[str, set[tuple[str, int]]] = {}
    for equation in template.equations:
        found: set[tuple[str, int]] = set()
        for parent, lag in equation.parents:
            # At its own step a stage stands for its parents, at an earlier one for its variable.
            is_stage = owners[parent] != parent and lag == 0
            if is_stage and owners[parent] in courses:
                found.add((owners[parent], 1))
            else:
                found |= through[parent] if is_stage else {(owners[parent], lag)}
        through[equation.name] = found
    return {name: through[name] for name in template.names}


def declared_edges(model: Model) -> list[tuple[str, str, int]]:
    """Return the template's edges (parent, child, lag), by child; stages are contracted away.

    Example:
        >>> from causalopt import load
        >>> declared_edges(load("thermostat"))
        [('R', 'T', 1), ('R', 'R', 1), ('T', 'R', 1)]
    """
    return [
        (parent, child, lag)
        for child, parents in _declared_parents(model.skeleton).items()
        for parent, lag in sorted(parents)
    ]


def shape_texts(model: Model) -> dict[str, str]:
    """Return variable -> its dims with their sizes, "" for a number; nothing without arrays.

    Example:
        >>> shape_texts(Model(name="m", sizes={"unit": 3}, variables={"h": {"shape": ["unit"]}}))
        {'h': 'unit=3'}
    """
    if not model.is_array:
        return {}
    found = {}
    for name in model.variables:
        variable = model.arrays.by_name[name]
        dims = zip(variable.dims, variable.shape, strict=True)
        found[name] = ", ".join(f"{dim or f'dim{i}'}={n}" for i, (dim, n) in enumerate(dims))
    return found


def side(model: Model, name: str) -> str:
    """Return "A" or "B"."""
    return "A" if name in model.A else "B"


def paths(
    graph: nx.DiGraph[Place], source: Place, target: Place, *, avoid: Selection = ()
) -> Iterator[list[Place]]:
    """Yield every directed path from source to target, optionally those that avoid A.

    Comp's numerator sums the products of edge derivatives over all of them, its denominator over
    those that avoid A. Their number can grow exponentially with the steps.

    Raises:
        GraphError: A node is not in the graph.

    Example:
        >>> from causalopt import load
        >>> graph = unrolled_graph(load("thermostat"), 2)
        >>> len(list(paths(graph, ("R", 0), ("R", 2))))
        2
    """
    import networkx as nx  # slow to load

    for node in (source, target):
        if node not in graph:
            known = [f"{name}[{t}]" for name, t in graph.nodes]
            raise GraphError(
                f"the graph has no node {node[0]}[{node[1]}]"
                + suggestion(f"{node[0]}[{node[1]}]", known)
            )
    if source == target:
        yield [source]
        return
    held = {n for n in graph if any(NodeName(*n) in window for window in avoid)}
    kept = [n for n in graph if n == source or n not in held]
    yield from nx.all_simple_paths(graph.subgraph(kept), source, target)


def to_graphml(model: Model, steps: int | None = None) -> str:
    """Return the unrolled graph as GraphML.

    Example:
        >>> from causalopt import load
        >>> to_graphml(load("thermostat"), 1).count("<edge ")
        3
    """
    import networkx as nx  # slow to load

    graph = _named(model, steps)
    stream = io.BytesIO()
    nx.write_graphml(graph, stream, named_key_ids=True)
    return stream.getvalue().decode()


def to_adjacency(model: Model, steps: int | None = None) -> str:
    """Return the unrolled graph as text: one line a node, `node: child child ...`.

    Example:
        >>> from causalopt import load
        >>> to_adjacency(load("thermostat"), 1).splitlines()
        ['T[0]: R[1]', 'R[0]: T[1] R[1]', 'T[1]:', 'R[1]:']
    """
    graph = _named(model, steps)
    lines = [" ".join([f"{node}:", *graph.successors(node)]) for node in graph]
    return "\n".join(lines) + "\n"


def to_dagitty(
    model: Model,
    steps: int | None = None,
    *,
    exposure: str | None = None,
    outcome: str | None = None,
) -> str:
    """Return the unrolled graph in DAGitty's language, with an exposure and an outcome if given.

    Raises:
        GraphError: The exposure or the outcome is not a node.

    Example:
        >>> from causalopt import load
        >>> to_dagitty(load("thermostat"), 1, exposure="R[0]").splitlines()[2]
        '  "R[0]" [exposure]'
    """
    graph = _named(model, steps)
    for node in (exposure, outcome):
        if node is not None and node not in graph:
            raise GraphError(f"the graph has no node {node}{suggestion(node, graph.nodes)}")
    lines = ["dag {"]
    for node in graph:
        marks = [m for m, n in (("exposure", exposure), ("outcome", outcome)) if n == node]
        lines.append(f'  "{node}"' + (f" [{','.join(marks)}]" if marks else ""))
    lines += [f'  "{a}" -> "{b}"' for a, b in graph.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _named(model: Model, steps: int | None) -> nx.DiGraph[str]:
    import networkx as nx  # slow to load

    graph = unrolled_graph(model, steps)
    named: nx.DiGraph[str] = nx.DiGraph(name=model.name)
    names = {node: model.node_text(NodeName(*node)) for node in graph}
    named.add_nodes_from((names[node], attributes) for node, attributes in graph.nodes(data=True))
    named.add_edges_from((names[a], names[b]) for a, b in graph.edges)
    return named


def edge_list(model: Model) -> list[str]:
    """Return the template's edges as lines such as `R[t-1] -> T[t]`.

    Example:
        >>> from causalopt import load
        >>> edge_list(load("thermostat"))
        ['T[t-1] -> R[t]', 'R[t-1] -> T[t]', 'R[t-1] -> R[t]']
    """
    lines = []
    children: dict[str, list[tuple[str, int]]] = {name: [] for name in model.variables}
    for child, parents in _declared_parents(model.skeleton).items():
        for parent, lag in sorted(parents):
            children[parent].append((child, lag))
    for parent, found in children.items():
        for child, lag in found:
            if model.is_static:
                lines.append(f"{parent} -> {child}")
            else:
                past = f"[t-{lag}]" if lag else "[t]"
                lines.append(f"{parent}{past} -> {child}[t]")
    return lines


def rule_texts(model: Model) -> dict[str, str]:
    """Return variable or stage -> its rule as read, flows expanded into the integrator's steps.

    Disturbances are added to what they disturb; `system_texts` has the rules without them.
    Rules of arrays are returned as they are declared, a flow as `d h/dtime = ...`.
    """
    if model.is_array:
        return {n: text for n in model.variables if (text := declared_text(model, n)) is not None}
    template = model.template
    return {e.name: text for e in template.equations if (text := _rule_text(model, e)) is not None}


def system_texts(model: Model) -> dict[str, str]:
    """Return variable -> its rule as read, without what disturbances add to it.

    Disturbances and measures themselves are as they are written.
    """
    template = model.template
    rules = {n: r for n, r in template.system.items() if n in model.variables and r is not None}
    texts = {name: to_text(rule, static=model.is_static) for name, rule in rules.items()}
    asked = {name: declared_text(model, name) for name in model.asked_variables}
    return texts | {name: text for name, text in asked.items() if text is not None}


def declared_text(model: Model, name: str) -> str | None:
    """Return how a variable follows, as it is written; a flow as `d x/dtime = ...`."""
    variable = model.variables[name]
    if variable.flow is not None:
        return f"d {name}/dtime = {variable.flow}"
    for said, word in (
        (variable.rule, ""),
        (variable.algebraic, ""),
        (variable.noise, "noise "),
        (variable.data, "data "),
        (variable.disturbs, "disturbs "),
        (variable.measures, "measures "),
    ):
        if said is not None:
            return f"{word}{said}"
    return None


def _rule_text(model: Model, equation: Equation) -> str | None:
    if equation.rule is not None:
        return to_text(equation.rule, static=model.is_static)
    variable = model.variables[equation.owner]
    if variable.noise is not None:
        if isinstance(variable.noise, str):
            return f"noise {variable.noise}"
        law = model.finite.noises[equation.owner]
        return "noise {" + ", ".join(f"{label}: {p}" for label, p in law.items()) + "}"
    if variable.table is not None:
        rows = len(model.finite.tables[equation.owner].rows)
        return f"table of {rows} rows over {', '.join(variable.parents or ())}"
    return None
