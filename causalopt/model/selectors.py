"""Names of nodes and of sets of nodes: `R[0]`, `a[t<=10]`, `a, b[3]`, `A`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from causalopt.errors import QuestionError, UnknownNameError, suggestion


@dataclasses.dataclass(frozen=True, order=True)
class Node:
    """One variable at one step; a model without time has its nodes at step 0."""

    variable: str
    t: int = 0


@dataclasses.dataclass(frozen=True, order=True)
class Window:
    """A variable at the steps from `first` to `last`, both included; None: to the end."""

    variable: str
    first: int = 0
    last: int | None = None

    def __contains__(self, node: object) -> bool:
        if not isinstance(node, Node) or node.variable != self.variable:
            return False
        return self.first <= node.t and (self.last is None or node.t <= self.last)

    @property
    def is_whole(self) -> bool:
        """Whether the window is the variable at every step."""
        return self.first == 0 and self.last is None

    def __str__(self) -> str:
        if self.is_whole:
            return self.variable
        if self.first == self.last:
            return f"{self.variable}[{self.first}]"
        low = f"{self.first}<=" if self.first else ""
        high = "" if self.last is None else f"<={self.last}"
        return f"{self.variable}[{low}t{high}]" if high else f"{self.variable}[t>={self.first}]"


Selection = tuple[Window, ...]
_ITEM = re.compile(r"\s*(?P<name>[^\W\d]\w*)\s*(?:\[(?P<steps>[^\[\]]*)\])?\s*")
_RANGE = re.compile(
    r"(?:(?P<low>\d+)\s*(?P<above><=|<)\s*)?t\s*(?:(?P<op><=|<|>=|>|==)\s*(?P<bound>\d+))?"
)


def selection_text(selection: Selection) -> str:
    """Return a set of nodes as the user writes it."""
    return ", ".join(map(str, selection))


def whole_variables(selection: Selection, why: str) -> tuple[str, ...]:
    """Return the variables of a set that holds each at every step.

    Raises:
        QuestionError: One is in it for some steps only; `why` says why that cannot be.
    """
    for window in selection:
        if not window.is_whole:
            raise QuestionError(f"{why}, such as {window.variable}; {window} is some of its steps")
    return tuple(dict.fromkeys(window.variable for window in selection))


def parse_node(text: str | Node | tuple[str, int], names: Collection[str], *, static: bool) -> Node:
    """Return the node a text names, such as `R[0]`, or `z` in a model without time.

    Raises:
        QuestionError: The text is not of that form.
        UnknownNameError: The variable is not declared.

    Example:
        >>> parse_node("R[3]", ["R", "T"], static=False)
        Node(variable='R', t=3)
    """
    if isinstance(text, Node):
        text = (text.variable, text.t)
    if not isinstance(text, str):
        _known(text[0], names, {})
        return Node(text[0], int(text[1]))
    match = _ITEM.fullmatch(text)
    if match is None:
        form = "z" if static else "R[0]"
        raise QuestionError(f"'{text}' is not a node: write a name such as {form}")
    name, steps = match["name"], match["steps"]
    _known(name, names, {})
    if static:
        if steps is not None:
            raise QuestionError(f"'{text}': this model has no time, write just {name}")
        return Node(name)
    if steps is None or not steps.strip().isdigit():
        raise QuestionError(f"'{text}': a node needs one step, such as {name}[0]")
    return Node(name, int(steps))


def parse_selection(
    text: str | Iterable[str | Node | Window],
    names: Collection[str],
    *,
    static: bool,
    sets: Mapping[str, Sequence[str]] | None = None,
) -> Selection:
    """Return the set of nodes a selector names.

    Args:
        text: Comma-separated items `a`, `a[3]`, `a[t<=10]`, `a[3<=t<9]`, or several such texts.
        names: The declared variables.
        static: Whether the model is one without time.
        sets: Named sets of variables, such as the partition's A; a variable's name wins.

    Raises:
        QuestionError: An item is not of that form.
        UnknownNameError: A variable is not declared.

    Example:
        >>> parse_selection("a[t<=10], b", ["a", "b"], static=False)
        (Window(variable='a', first=0, last=10), Window(variable='b', first=0, last=None))
    """
    if isinstance(text, Window | Node):
        text = [text]
    items = text.split(",") if isinstance(text, str) else list(text)
    windows: list[Window] = []
    for item in items:
        if isinstance(item, Window):
            _known(item.variable, names, {})
            windows.append(item)
        elif isinstance(item, Node):
            _known(item.variable, names, {})
            windows.append(Window(item.variable, item.t, item.t))
        elif item.strip():
            windows += _parse_item(item, names, sets or {}, static)
    return tuple(dict.fromkeys(windows))


def _parse_item(
    item: str, names: Collection[str], sets: Mapping[str, Sequence[str]], static: bool
) -> list[Window]:
    if "," in item:
        return list(parse_selection(item, names, static=static, sets=sets))
    match = _ITEM.fullmatch(item)
    if match is None:
        raise QuestionError(
            f"'{item.strip()}' does not select nodes: write a, a[3], a[t<=10] or a[3<=t<9]"
        )
    name, steps = match["name"], match["steps"]
    _known(name, names, sets)
    members = [name] if name in names else sets[name]
    if steps is None:
        return [Window(member) for member in members]
    if static:
        raise QuestionError(f"'{item.strip()}': this model has no time, write just {name}")
    first, last = _parse_steps(item.strip(), steps.strip())
    return [Window(member, first, last) for member in members]


def _parse_steps(item: str, steps: str) -> tuple[int, int | None]:
    if steps.isdigit():
        return int(steps), int(steps)
    match = _RANGE.fullmatch(steps)
    if match is None:
        raise QuestionError(
            f"'{item}': the steps must read 3, t<=10, t>=5 or 3<=t<9, found '{steps}'"
        )
    first, last = 0, None
    if match["low"]:
        first = int(match["low"]) + (match["above"] == "<")
    if match["bound"]:
        bound = int(match["bound"])
        match match["op"]:
            case "<=":
                last = bound
            case "<":
                last = bound - 1
            case ">=":
                first = max(first, bound)
            case ">":
                first = max(first, bound + 1)
            case _:
                first, last = max(first, bound), bound
    if last is not None and last < first:
        raise QuestionError(f"'{item}' selects no step")
    return first, last


def _known(name: str, names: Collection[str], sets: Mapping[str, Sequence[str]]) -> None:
    if name not in names and name not in sets:
        raise UnknownNameError(f"unknown variable '{name}'{suggestion(name, [*names, *sets])}")
