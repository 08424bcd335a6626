"""Names of nodes and of sets of nodes: `R[0]`, `a[t<=10]`, `a, b[3]`, `A`.

A variable is called by its name or by its label, dots and all: `fc1.weight`. The start of a label
up to a dot, `blocks.0.attn`, is enough where one variable alone has it, and `blocks.0.attn.*` is
all that have it, and the variable of that very label.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

from causalopt.errors import QuestionError, UnknownNameError, suggestion

Elements: TypeAlias = tuple[tuple[int, int], ...]
NamedShapes: TypeAlias = Mapping[str, tuple[tuple[str | None, ...], tuple[int, ...]]]
Labels: TypeAlias = Mapping[str, Sequence[str]]


@dataclasses.dataclass(frozen=True, order=True)
class Node:
    """One variable at one step; a model without time has its nodes at step 0.

    Attributes:
        variable: The variable.
        t: The step.
        elements: Of an array the range (start, stop) along each dim; None for all of it.
    """

    variable: str
    t: int = 0
    elements: Elements | None = None


@dataclasses.dataclass(frozen=True, order=True)
class Window:
    """A variable at the steps from `first` to `last`, both included; None: to the end.

    Of an array it is the elements in a range (start, stop) along each dim; None for all of it.
    """

    variable: str
    first: int = 0
    last: int | None = None
    elements: Elements | None = None

    def __contains__(self, node: object) -> bool:
        if not isinstance(node, Node) or node.variable != self.variable:
            return False
        return self.first <= node.t and (self.last is None or node.t <= self.last)

    def meets(self, other: Window) -> bool:
        """Whether two windows of one variable have steps and elements in common."""
        ends = [w.last for w in (self, other) if w.last is not None]
        return max(self.first, other.first) <= min(ends, default=math.inf) and (
            self.elements is None
            or other.elements is None
            or all(
                max(a, c) < min(b, d)
                for (a, b), (c, d) in zip(self.elements, other.elements, strict=True)
            )
        )

    @property
    def is_whole(self) -> bool:
        """Whether the window is all of the variable at every step."""
        return self.first == 0 and self.last is None and self.elements is None

    def __str__(self) -> str:
        if self.elements is not None:
            return self.text([f"dim{i}={a}:{b}" for i, (a, b) in enumerate(self.elements)])
        if self.is_whole:
            return self.variable
        if self.first == self.last:
            return f"{self.variable}[{self.first}]"
        low = f"{self.first}<=" if self.first else ""
        high = "" if self.last is None else f"<={self.last}"
        return f"{self.variable}[{low}t{high}]" if high else f"{self.variable}[t>={self.first}]"

    def text(self, elements: Sequence[str]) -> str:
        """Return it as the user writes it, with elements such as `hidden=3` beside its steps."""
        whole = str(dataclasses.replace(self, elements=None))
        steps = whole.partition("[")[2].removesuffix("]")
        inner = ", ".join([*([steps] if steps else []), *elements])
        return f"{self.variable}[{inner}]" if inner else self.variable


Selection = tuple[Window, ...]


class Written(tuple[Window, ...]):
    """A set of nodes that remembers the text that named it.

    Attributes:
        said: The text.
    """

    said: str

    def __new__(cls, windows: Iterable[Window], said: str) -> Written:
        """Make the set."""
        found = super().__new__(cls, windows)
        found.said = said
        return found

    def __getnewargs__(self) -> tuple[tuple[Window, ...], str]:
        return tuple(self), self.said


_NAME = r"(?P<name>[^\W\d]\w*|\w+(?:[.\-]\w+)*(?:\.\*)?)"
_ITEM = re.compile(rf"\s*{_NAME}\s*(?:\[(?P<steps>[^\[\]]*)\])?\s*")
_PLACE = re.compile(
    r"\s*(?P<dim>[^\W\d]\w*)\s*=\s*(?P<start>\d*)\s*(?P<range>:)?\s*(?P<stop>\d*)\s*"
)
_NAMED_PLACE = re.compile(r"\s*[^\W\d]\w*\s*=(?!=).*", re.DOTALL)
_OUTSIDE = re.compile(r",(?![^\[\]]*\])")  # commas that are not in brackets
_RANGE = re.compile(
    r"(?:(?P<low>\d+)\s*(?P<above><=|<)\s*)?t\s*(?:(?P<op><=|<|>=|>|==)\s*(?P<bound>\d+))?"
)


_INNER = re.compile(r"\[[^\[\]]*\]")
_ALGEBRA = re.compile(r"[()|^&~]|(?<!\w)-|-(?!\w)|(?:^|,)\s*\[")
_ONE_STEP = re.compile(r"[\[,]\s*t\s*=\s*\d+\s*[\],]")


def has_algebra(text: str) -> bool:
    """Whether a text is more than items with commas: operators, parentheses, bare brackets, t=3.

    A dash between two letters may belong to a label, and does not count.

    Example:
        >>> [has_algebra(text) for text in ("a, b[t<=3]", "layer-1", "a - b", "~a", "[t=3]")]
        [False, False, True, True, True]
    """
    return bool(_ONE_STEP.search(text) or _ALGEBRA.search(_INNER.sub("[]", text)))


def is_plain(text: object) -> bool:
    """Whether a selector is made of items alone, no sets of sets: a text, or several of them."""
    items = text if isinstance(text, list | tuple | set | frozenset) else (text,)
    plain = (Node, Window)
    return all(not has_algebra(i) if isinstance(i, str) else isinstance(i, plain) for i in items)


def selection_text(selection: Selection, shapes: NamedShapes | None = None) -> str:
    """Return a set of nodes as the user writes it: as it was said, where that is shorter.

    Args:
        selection: The set.
        shapes: The names and sizes of array variables' dims.
    """
    listed = _listed(selection, shapes)
    return min(selection.said, listed, key=len) if isinstance(selection, Written) else listed


def _listed(selection: Selection, shapes: NamedShapes | None) -> str:
    """Return the windows of a set, one after another."""
    return ", ".join(
        str(w)
        if w.elements is None or shapes is None
        else w.text(elements_text(w.elements, shapes[w.variable]))
        for w in selection
    )


def whole_variables(selection: Selection, why: str) -> tuple[str, ...]:
    """Return the variables of a set that holds each at every step.

    Raises:
        QuestionError: One is in it for some steps only; `why` says why that cannot be.
    """
    for window in selection:
        if not window.is_whole:
            raise QuestionError(f"{why}, such as {window.variable}; {window} is some of its steps")
    return tuple(dict.fromkeys(window.variable for window in selection))


def overlap(node: Node, window: Window) -> bool:
    """Whether a node and a window of its variable have elements in common."""
    if node.elements is None or window.elements is None:
        return True
    return all(
        max(a, c) < min(b, d) for (a, b), (c, d) in zip(node.elements, window.elements, strict=True)
    )


def elements_text(
    elements: Elements, shape: tuple[tuple[str | None, ...], tuple[int, ...]]
) -> list[str]:
    """Return an array's elements as the user writes them: `pixel=3`, `hidden=2:5`.

    Example:
        >>> elements_text(((3, 4), (0, 2)), (("pixel", None), (9, 2)))
        ['pixel=3']
    """
    texts = []
    for i, ((start, stop), name, size) in enumerate(zip(elements, *shape, strict=True)):
        if (start, stop) != (0, size):
            places = f"{start}" if stop == start + 1 else f"{start}:{stop}"
            once = name is not None and shape[0].count(name) == 1
            texts.append(f"{name if once else f'dim{i}'}={places}")
    return texts


def named_variable(text: str, names: Collection[str], labels: Labels) -> str:
    """Return the variable that its name, its label or the start of its label mean.

    Raises:
        UnknownNameError: There is none.
        QuestionError: There are several.

    Example:
        >>> named_variable("fc1.weight", ["h", "W"], {"fc1": ["h"], "fc1.weight": ["W"]})
        'W'
    """
    if text in names:
        return text
    exact = labels.get(text, ())
    found = exact or _below(text, labels)
    if len(found) == 1:
        return found[0]
    if not found:
        raise UnknownNameError(f"unknown variable '{text}'{suggestion(text, [*names, *labels])}")
    if exact:
        raise QuestionError(
            f"'{text}' is the label of {len(exact)} variables: write {' or '.join(exact)}"
        )
    meant = [label for label in labels if label.startswith(text + ".")]
    shown = ", ".join(meant[:6]) + (", ..." if len(meant) > 6 else "")
    raise QuestionError(
        f"'{text}' begins {len(found)} labels ({shown}): write one of them, or {text}.* for all "
        "where a set is asked for"
    )


def _below(text: str, labels: Labels) -> list[str]:
    """Return the variables whose label goes on after a text and a dot."""
    return [
        name for label, owned in labels.items() if label.startswith(text + ".") for name in owned
    ]


def _members(
    name: str, names: Collection[str], sets: Mapping[str, Sequence[str]], labels: Labels
) -> list[str]:
    """Return the variables that a name in a selector means."""
    if name in names:
        return [name]
    if name in sets:
        return list(sets[name])
    if name.endswith(".*"):
        start = name.removesuffix(".*")
        own = [start] if start in names else labels.get(start, ())
        found = [*own, *_below(start, labels)]
        if not found:
            raise UnknownNameError(f"no label begins with '{start}.'{suggestion(start, labels)}")
        return found
    return [named_variable(name, [*names, *sets], labels)]


def _split(text: str, names: NamedShapes, name: str) -> tuple[str | None, Elements | None]:
    """Return what stands in the brackets as the steps and the elements."""
    parts = text.split(",")
    places = [part for part in parts if _NAMED_PLACE.fullmatch(part)]
    if name not in names or (len(parts) == 1 and not places):
        return text, None
    dims, shape = names[name]
    whole = f"'{name}[{text}]'"
    steps = [part for part in parts if part not in places]
    if len(steps) > 1:
        raise QuestionError(f"{whole}: {_nameless(steps[1].strip(), dims, name)}")
    ranges = [(0, size) for size in shape]
    for part in places:
        dim = part.partition("=")[0].strip()
        axis = _axis(dim, dims, name)
        ranges[axis] = _range(part, dim, shape[axis], whole)
    return (steps[0].strip() if steps else None), tuple(ranges)


def _nameless(part: str, dims: tuple[str | None, ...], name: str) -> str:
    """Return what is wrong with an element that stands after the step without its dim."""
    if not dims:
        return f"'{name}' is a number and has no elements, found '{part}' after the step"
    dim = dims[0] if dims[0] is not None and dims.count(dims[0]) == 1 else "dim0"
    return (
        "after the step come elements by the names of their dims, such as "
        f"{dim}={part if part.isdigit() else 0}, found '{part}'"
    )


def _range(part: str, dim: str, size: int, whole: str) -> tuple[int, int]:
    """Return the elements (start, stop) that `hidden=3` or `hidden=2:5` means."""
    match = _PLACE.fullmatch(part)
    if match is None or not (match["range"] or (match["start"] and not match["stop"])):
        raise QuestionError(
            f"{whole}: {dim} takes a whole number from 0 to {size - 1}, such as {dim}=0, or a "
            f"range such as {dim}=0:{size}, found {part.strip()}"
        )
    start = int(match["start"] or 0)
    stop = start + 1 if not match["range"] else int(match["stop"] or size)
    if match["stop"] and stop <= start:
        raise QuestionError(
            f"{whole}: the range {part.strip()} is empty; {dim}={start}:{start + 1} is the one "
            f"element {start}"
        )
    if not start < stop <= size:
        raise QuestionError(f"{whole}: {dim} goes from 0 to {size - 1}, found {part.strip()}")
    return start, stop


def _axis(dim: str, dims: tuple[str | None, ...], name: str) -> int:
    """Return the axis that a dim's name means; `dim1` is the second whatever it is called."""
    if dims.count(dim) == 1:
        return dims.index(dim)
    if re.fullmatch(r"dim\d+", dim) and int(dim[3:]) < len(dims):
        return int(dim[3:])
    known = ", ".join(d or f"dim{i}" for i, d in enumerate(dims)) or "none: it is a number"
    twice = f"'{dim}' is {dims.count(dim)} dims of '{name}': write dim0, dim1, ..."
    raise QuestionError(
        twice if dim in dims else f"'{name}' has no dim '{dim}'; its dims are {known}"
    )


def parse_node(
    text: str | Node | tuple[str, int],
    names: Collection[str],
    *,
    static: bool,
    shapes: NamedShapes | None = None,
    labels: Labels | None = None,
    why: str = "this model has no time",
) -> Node:
    """Return the node a text names, such as `R[0]`, or `z` in a model without time.

    Args:
        text: The node; of an array it may name elements, as in `x[0, pixel=3]`.
        names: The declared variables.
        static: Whether the model is one without time.
        shapes: The names and sizes of array variables' dims.
        labels: Label -> the variables that have it.
        why: Why no step is named, where it is `static`.

    Raises:
        QuestionError: The text is not of that form.
        UnknownNameError: The variable is not declared.

    Example:
        >>> parse_node("R[3]", ["R", "T"], static=False)
        Node(variable='R', t=3, elements=None)
    """
    if isinstance(text, Node):
        _known(text.variable, names, {})
        return text
    if not isinstance(text, str):
        _known(text[0], names, {})
        return Node(text[0], int(text[1]))
    match = _ITEM.fullmatch(text)
    if match is None:
        form = "z" if static else "R[0]"
        raise QuestionError(f"'{text}' is not a node: write a name such as {form}")
    steps, elements = match["steps"], None
    name = named_variable(match["name"], names, labels or {})
    if steps is not None:
        steps, elements = _split(steps, shapes or {}, name)
    if static:
        if steps is not None:
            places = [part.strip() for part in (match["steps"] or "").split(",") if "=" in part]
            bare = f"{name}[{', '.join(places)}]" if elements is not None else name
            raise QuestionError(f"'{text}': {why}, write just {bare}")
        return Node(name, 0, elements)
    if steps is None or not steps.strip().isdigit():
        raise QuestionError(f"'{text}': a node needs one step, such as {name}[0]")
    return Node(name, int(steps), elements)


def parse_selection(
    text: str | Iterable[str | Node | Window],
    names: Collection[str],
    *,
    static: bool,
    sets: Mapping[str, Sequence[str]] | None = None,
    shapes: NamedShapes | None = None,
    labels: Labels | None = None,
) -> Selection:
    """Return the set of nodes a selector names.

    Args:
        text: Comma-separated items `a`, `a[3]`, `a[t<=10]`, `a[3<=t<9]`, or several such texts.
        names: The declared variables.
        static: Whether the model is one without time.
        sets: Named sets of variables, such as the partition's A; a variable's name wins.
        shapes: The names and sizes of array variables' dims.
        labels: Label -> the variables that have it; `fc1.*` is all whose labels begin with `fc1.`.

    Raises:
        QuestionError: An item is not of that form.
        UnknownNameError: A variable is not declared.

    Example:
        >>> [str(window) for window in parse_selection("a[t<=10], b", ["a", "b"], static=False)]
        ['a[t<=10]', 'b']
    """
    if isinstance(text, Window | Node):
        text = [text]
    items = _OUTSIDE.split(text) if isinstance(text, str) else list(text)
    windows: list[Window] = []
    for item in items:
        if isinstance(item, Window):
            _known(item.variable, names, {})
            windows.append(item)
        elif isinstance(item, Node):
            _known(item.variable, names, {})
            windows.append(Window(item.variable, item.t, item.t, item.elements))
        elif item.strip():
            windows += _parse_item(item, names, sets or {}, static, shapes or {}, labels or {})
    return tuple(dict.fromkeys(windows))


def _parse_item(
    item: str,
    names: Collection[str],
    sets: Mapping[str, Sequence[str]],
    static: bool,
    shapes: NamedShapes,
    labels: Labels,
) -> list[Window]:
    if _OUTSIDE.search(item):
        more = parse_selection(item, names, static=static, sets=sets, shapes=shapes, labels=labels)
        return list(more)
    match = _ITEM.fullmatch(item)
    if match is None:
        raise QuestionError(
            f"'{item.strip()}' does not select nodes: write a, a[3], a[t<=10] or a[3<=t<9]"
        )
    name, steps = match["name"], match["steps"]
    members = _members(name, names, sets, labels)
    if steps is None:
        return [Window(member) for member in members]
    windows = []
    for member in members:
        own_steps, elements = _split(steps, shapes, member)
        if own_steps is None:
            windows.append(Window(member, elements=elements))
        elif static:
            raise QuestionError(f"'{item.strip()}': this model has no time, write just {name}")
        else:
            first, last = _parse_steps(item.strip(), own_steps.strip())
            windows.append(Window(member, first, last, elements))
    return windows


def _parse_steps(item: str, steps: str) -> tuple[int, int | None]:
    if steps.isdigit():
        return int(steps), int(steps)
    match = _RANGE.fullmatch(steps)
    if match is None:
        from causalopt.language.step_window import steps_expected  # for the message alone

        raise QuestionError(f"'{item}': {steps_expected(steps)}")
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
