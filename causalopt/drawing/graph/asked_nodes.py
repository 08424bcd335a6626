"""Which nodes a question nudges and measures: one each, or several, spans and parameters."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from causalopt.language.reader import unmarked
from causalopt.language.step_window import StepWindow, window_of
from causalopt.model.graph import template_graph
from causalopt.model.model import Model
from causalopt.model.selectors import Node, Selection, Window

_OVER_TIME = ("sum", "mean", "integral", "min", "max")


def nudged_windows(model: Model, n: Node) -> Selection:
    """Return the nodes that a nudge of n shifts; of a parameter those whose rules read it.

    Args:
        model: A model in which n is one node, as `Model.asking` makes it.
        n: That node.
    """
    if n.variable not in model.asked_variables:
        return (Window(n.variable, n.t, n.t),)
    found = list(model.nudged(n))
    parameters = [p for p in model.template.pushes.get(n.variable, ()) if p.is_parameter]
    if parameters:
        first = min(push.window.first for push in parameters)
        said = {window.variable for window in found}
        starts: dict[str, int] = {}
        for equation in model.template.equations:
            starts[equation.owner] = max(starts.get(equation.owner, 0), len(equation.initial))
        children = template_graph(model).successors(n.variable)
        system = [c for c in children if c not in said | model.asked_variables]
        found += [Window(name, max(starts[name], first)) for name in system]
    return tuple(found)


def measured_windows(model: Model, m: Node, steps: int) -> Selection:
    """Return the nodes that m is made of: itself at the last step, or those its expression names.

    Args:
        model: A model in which m is one variable, as `Model.asking` makes it.
        m: That variable.
        steps: The last step.
    """
    declared = model.variables[m.variable]
    if declared.measures is None:
        return (Window(m.variable, steps, steps),)
    labels = {v.label: name for name, v in model.variables.items() if v.label}
    found: dict[Window, None] = {}
    for word, window in _named(ast.parse(declared.measures.strip(), mode="eval").body, None):
        name = word if word in model.variables else labels.get(word)
        if name is None:
            continue  # a parameter or a function
        last = steps if window is None or window.last is None else min(window.last, steps)
        found[Window(name, steps if window is None else min(window.first, last), last)] = None
    return tuple(found)


def _named(node: ast.AST, window: StepWindow | None) -> Iterator[tuple[str, StepWindow | None]]:
    """Yield the names in an expression with the steps meant, None for the last one."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[only]) if name in _OVER_TIME:
            inside = [
                w for w in map(_window, ast.walk(only)) if w is not None and w.first != w.last
            ]
            whole = StepWindow()
            for part in inside:
                whole = whole.met(part)
            yield from _named(only, whole)
        case ast.Call(args=args):
            for arg in args:
                yield from _named(arg, window)
        case ast.Subscript(value=ast.Name(id=name)):
            own = _window(node)
            yield unmarked(name), window if own is None or own.first != own.last else own
        case ast.Name(id=name):
            yield unmarked(name), window
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _named(child, window)


def _window(node: ast.AST) -> StepWindow | None:
    return window_of(node.slice) if isinstance(node, ast.Subscript) else None
