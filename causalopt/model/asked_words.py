"""What callers say for n and m, each as one text."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from causalopt.errors import QuestionError
from causalopt.model.selectors import Node, Window

NudgeItem: TypeAlias = str | Node | Window
Nudged: TypeAlias = NudgeItem | tuple[str, int] | Sequence[NudgeItem] | Mapping[NudgeItem, float]

_ONE_NODE = re.compile(r"\s*[\w.\-]+\s*\[\s*\d+\s*(?:,[^\[\]]*)?\]\s*")
_ELEMENTS = re.compile(r"\s*[\w.\-]+\s*\[[^\[\]<>]*=[^\[\]<>]*\]\s*")
_SPAN = re.compile(r"[<>]")
_NAME = re.compile(r"\s*[\w.\-]+\s*")


def nudge_text(said: Nudged) -> str | Node:
    """Return n as a text, or as the node it is.

    Args:
        said: A text, a node, several of them, or each with its weight.

    Raises:
        QuestionError: It is none of these.

    Example:
        >>> nudge_text({"d[t>=5]": 2, "Kp": -1}), nudge_text(["R[0]", "R[1]"]), nudge_text(("R", 3))
        ('2*d[t>=5] - 1*Kp', 'R[0], R[1]', Node(variable='R', t=3, elements=None))
    """
    if isinstance(said, Node):
        return said
    if isinstance(said, str | Window):
        return str(said).strip()
    if isinstance(said, Mapping):
        return _weighted(said)
    if isinstance(said, tuple) and len(said) == 2 and isinstance(said[1], int):
        return Node(str(said[0]), said[1])
    if isinstance(said, Sequence) and said:
        texts = [nudge_text(item) for item in said if isinstance(item, str | Node | Window)]
        return ", ".join(f"{n.variable}[{n.t}]" if isinstance(n, Node) else n for n in texts)
    raise QuestionError(
        f"a nudge is a node such as 'R[0]', several of them, or each with its weight such as "
        f"{{'d[t>=5]': 2}}, found {said!r}"
    )


def one_nudge(said: Nudged | None) -> str | Node | None:
    """Return n of a model with arrays, which is one node.

    Raises:
        QuestionError: It is several, or has a weight.
    """
    if said is None or isinstance(said, str | Node):
        return said
    found = nudge_text(said)
    if isinstance(found, Node):
        return found
    raise several_nodes(found)


def several_nodes(text: str) -> QuestionError:
    """Return the error that a nudge of several nodes is in a model with arrays."""
    return QuestionError(
        f"'{text}' nudges a parameter or several nodes, which is asked of numbers: in a model "
        "with arrays n is one node such as x[2], of all its elements or of some; or ask "
        "causalopt.expand(model), in which each element is a variable"
    )


def is_several(text: str, *, static: bool) -> bool:
    """Whether a text is a span of steps, or several nodes with or without weights.

    Example:
        >>> [is_several(text, static=False) for text in ("x[2]", "x[2, unit=1]", "x[t>=5, unit=1]")]
        [False, False, True]
    """
    return bool(_SPAN.search(text)) or (not names_one_node(text, static=static) and is_sum(text))


def refuse_among_arrays(text: str) -> None:
    """Refuse a measure that is an expression, in a model with arrays.

    Raises:
        QuestionError: It is one.
    """
    if _ELEMENTS.fullmatch(text):
        return
    if is_expression(text):
        raise QuestionError(
            f"'{text}' is an expression, which is measured among numbers: give the model a "
            "variable that has it as its rule, carried from step to step where it is over time; or "
            "ask causalopt.expand(model), in which each element is a variable"
        )


def _weighted(items: Mapping[NudgeItem, float]) -> str:
    """Return a weighted sum as text."""
    text = ""
    for item, weight in items.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise QuestionError(f"the weight of {item} must be a number, found {weight!r}")
        named = nudge_text(item)
        inner = f"{named.variable}[{named.t}]" if isinstance(named, Node) else named
        inner = inner if _NAME.fullmatch(inner.partition("[")[0]) else f"({inner})"
        sign = (" - " if weight < 0 else " + ") if text else ("-" if weight < 0 else "")
        text += f"{sign}{abs(weight)!r}*{inner}"
    if not text:
        raise QuestionError("a nudge names at least one node")
    return text


def names_one_node(text: str, *, static: bool) -> bool:
    """Whether a text is one node as models write it: `R[0]`, or `z` without time.

    Example:
        >>> [names_one_node(text, static=False) for text in ("R[0]", "R", "2*R[0]", "R[t>=5]")]
        [True, False, False, False]
    """
    return bool((_NAME if static else _ONE_NODE).fullmatch(text))


def is_sum(text: str, *, minus: bool = True) -> bool:
    """Whether a text has weights or signs: `2*R[0] + T[3]`; a minus in a set takes nodes away.

    Example:
        >>> [is_sum(text) for text in ("R[t>=5]", "R[0], R[1]", "2*R[0]", "R[0] - T[1]")]
        [False, False, True, True]
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    items = tree.elts if isinstance(tree, ast.Tuple) else [tree]
    signs = (ast.Mult, ast.Add, ast.Sub) if minus else (ast.Mult, ast.Add)
    return any(
        (isinstance(item, ast.BinOp) and isinstance(item.op, signs))
        or (minus and isinstance(item, ast.UnaryOp) and isinstance(item.op, ast.USub))
        for item in items
    )


def is_expression(text: str) -> bool:
    """Whether a text is more than the name of a variable or its label.

    Example:
        >>> [is_expression(text) for text in ("e", "fc1.weight", "e**2", "mean(e)", "e[100]")]
        [False, False, True, True, True]
    """
    if _NAME.fullmatch(text) and "-" not in text:
        return False
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return not _NAME.fullmatch(text)
    return not isinstance(tree, ast.Name | ast.Attribute)
