"""The set of nodes that an expression names, in one run; and why it is empty, where it is."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Iterable
from fractions import Fraction

from causalopt.errors import CausaloptError, QuestionError
from causalopt.model.regions.distances import Centre, cone, tube
from causalopt.model.regions.region import Region
from causalopt.model.regions.selector_syntax import (
    FUNCTIONS,
    MEASURING,
    Call,
    Combination,
    Complement,
    Expression,
    Item,
    error_at,
    parse_set,
)
from causalopt.model.regions.spacetime import Spacetime
from causalopt.model.regions.timeline import Timeline
from causalopt.model.selectors import Node, Selection, Window, Written, parse_selection

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_OPERATORS: dict[str, Callable[[Region, Region], Region]] = {
    "|": operator.or_,
    "^": operator.xor,
    "&": operator.and_,
    "-": operator.sub,
}


def region_of(space: Spacetime, text: str) -> Region:
    """Return the region that a text names; it may be empty.

    Raises:
        QuestionError: The text is no set, names nodes outside the run, or needs a run's end.
        UnknownNameError: A variable is not declared.
    """
    expression = parse_set(text, functools.partial(_is_name, space))
    found = _Evaluation(space, text).of(expression)
    return Region(space, found.timelines, expression)


def read_selection(space: Spacetime, said: object) -> Selection:
    """Return the windows of a set of nodes: a text, a region, or several texts and nodes.

    Raises:
        QuestionError: The set is empty, of another run, or no set.
        UnknownNameError: A variable is not declared.
    """
    if isinstance(said, Region):
        return _windows_for(space, said)
    if isinstance(said, str):
        return _windows_for(space, region_of(space, said))
    if not isinstance(said, Iterable):
        raise QuestionError(f"a set of nodes is a text, a region or a list of them, found {said!r}")
    found: list[Window] = []
    for item in said:
        if isinstance(item, Node | Window):
            found += parse_selection([item], space.names, static=space.template.is_static)
        else:
            found += read_selection(space, item)
    return tuple(dict.fromkeys(found))


def _windows_for(space: Spacetime, region: Region) -> Selection:
    """Return a region's windows for a run, with what names them."""
    own = region.spacetime
    if (own.names, dict(own.shapes)) != (space.names, dict(space.shapes)):
        raise QuestionError(
            f"the region {region} is of another model, '{own.name}': make it of '{space.name}'"
        )
    if None not in (own.steps, space.steps) and own.steps != space.steps:
        raise QuestionError(
            f"the region {region} is of a run to step {own.steps}, and this one goes to step "
            f"{space.steps}: make it with steps={space.steps}"
        )
    if not region:
        run = f" in a run to step {own.steps}" if own.steps else ""
        raise QuestionError(f"the set {region} is empty{run}: {why_empty(region)}")
    return Written(region.windows, str(region))


def check_names(space: Spacetime, text: str) -> None:
    """Refuse a text that is no set, or names what is not declared; steps do not count.

    Raises:
        QuestionError: The text is no set.
        UnknownNameError: A variable is not declared.
    """
    evaluation = _Evaluation(space, text)
    stack = [parse_set(text, functools.partial(_is_name, space))]
    while stack:
        part = stack.pop()
        if isinstance(part, Item):
            evaluation.windows(part)
        elif isinstance(part, Complement):
            stack.append(part.of)
        elif isinstance(part, Combination):
            stack += part.parts
        else:
            kinds = FUNCTIONS[part.function]
            stack += [
                argument
                for kind, argument in zip(kinds, part.arguments, strict=False)
                if kind in ("set", "node")
            ]


def region_of_windows(space: Spacetime, windows: Selection) -> Region:
    """Return the region that windows are."""
    by_name: dict[str, list[Window]] = {}
    for window in windows:
        _refuse_late(space, window, space.text((window,)))
        by_name.setdefault(window.variable, []).append(window)
    lines = {name: Timeline.of_windows(own, space.shape(name)) for name, own in by_name.items()}
    items = tuple(_item(space.text((window,))) for window in windows)
    expression = items[0] if len(items) == 1 else Combination("|", items) if items else Item("")
    return Region(space, lines, expression)


def why_empty(region: Region) -> str:
    """Return why a region has no nodes, in words that go on after 'is empty: '."""
    text = str(region)
    return _Evaluation(region.spacetime, text).why(region.expression)


def _item(text: str) -> Item:
    name, bracket, rest = text.partition("[")
    return Item(name, rest.removesuffix("]") if bracket else None)


def _is_name(space: Spacetime, text: str) -> bool:
    return bool(_windows_of(space, text))


def _windows_of(space: Spacetime, text: str) -> Selection:
    try:
        return parse_selection(
            text,
            space.names,
            static=space.template.is_static,
            sets=space.sets,
            shapes=space.shapes,
            labels=space.labels,
        )
    except CausaloptError:
        return ()


def _refuse_late(space: Spacetime, window: Window, said: str) -> None:
    if space.steps is not None and window.first > space.steps:
        raise QuestionError(f"the nodes {said} lie after the last step {space.steps}")


class _Evaluation:
    """Expressions of one text, in one run."""

    def __init__(self, space: Spacetime, text: str) -> None:
        self._space, self._text = space, text

    def of(self, part: Expression) -> Region:
        """Return an expression's set."""
        if isinstance(part, Item):
            return self._item(part)
        if isinstance(part, Complement):
            return ~self.of(part.of)
        if isinstance(part, Combination):
            return functools.reduce(_OPERATORS[part.operator], map(self.of, part.parts))
        return self._call(part)

    def _item(self, item: Item) -> Region:
        windows = self.windows(item)
        for window in windows:
            _refuse_late(self._space, window, str(item))
        found = region_of_windows(self._space, windows)
        return Region(self._space, found.timelines, item)

    def windows(self, item: Item) -> Selection:
        """Return what an item names."""
        space, static = self._space, self._space.template.is_static
        steps = item.brackets
        if not item.name:
            if static:
                raise QuestionError(
                    f"'{self._text}', character {item.position + 1}: this model has no time, and "
                    f"'{item}' names steps"
                )
            found = parse_selection(
                f"{space.names[0]}[{_with_two_signs(steps or '')}]", space.names, static=False
            )
            return tuple(Window(n, found[0].first, found[0].last) for n in space.names)
        if steps is None and item.name in space.asked and not _windows_of(space, item.name):
            node = space.asked[item.name]
            return (Window(node.variable, node.t, node.t, node.elements),)
        text = item.name if steps is None else f"{item.name}[{_with_two_signs(steps)}]"
        return parse_selection(
            text,
            space.names,
            static=static,
            sets=space.sets,
            shapes=space.shapes,
            labels=space.labels,
        )

    def _call(self, call: Call) -> Region:
        function, arguments = call.function, call.arguments
        if function in MEASURING:
            return self._measured(call)
        sets = [self.of(argument) for argument in arguments]
        if function == "between":
            found = sets[0].downstream & sets[1].upstream
        else:
            found = getattr(sets[0], function)
        return Region(self._space, found.timelines, call)

    def _measured(self, call: Call) -> Region:
        """Return a cone or a tube."""
        arguments = list(call.arguments)
        ring = len(arguments) > len(FUNCTIONS[call.function])
        if ring:
            arguments.pop()
        number = self._number(arguments.pop())
        centres = [self._centre(call, argument) for argument in arguments]
        if call.function != "tube":
            past = call.function == "past_cone"
            lines = cone(self._space, centres[0], number, past=past, ring=ring)
            return Region(self._space, lines, call)
        start, end = centres
        if [dim for dim, _ in start.place] != [dim for dim, _ in end.place] or start.t > end.t:
            raise QuestionError(
                f"'{call}': a tube leads from an element of an array to one of the same dims, at "
                "the same step or later"
            )
        if number.denominator != 1:
            raise QuestionError(f"'{call}': a distance counts elements, found {float(number):g}")
        return Region(self._space, tube(self._space, start, end, int(number), ring=ring), call)

    def _number(self, argument: Expression) -> Fraction:
        text = str(argument)
        if not isinstance(argument, Item) or not _NUMBER.fullmatch(text):
            place = argument.position if isinstance(argument, Item | Call) else 0
            raise error_at(self._text, place, "a number from 0 up, such as 2 or 0.5", text)
        return Fraction(text)

    def _centre(self, call: Call, argument: Expression) -> Centre:
        found = self.of(argument)
        windows = found.windows
        node = windows[0] if windows else None
        count = sum(1 for _ in _first_two(found)) if found.steps is not None else len(windows)
        is_element = node is not None and node.first == (
            node.last if node.last is not None else found.steps
        )
        if node is None or count != 1 or not is_element or not self._space.shape(node.variable):
            raise QuestionError(
                f"'{call}': {call.function} needs one element of an array at one step, such as "
                f"x[0, cell=3], found {argument}; the graph's own light cone is "
                "downstream(n) & upstream(m)"
            )
        shape = self._space.shape(node.variable)
        elements = node.elements or tuple((0, size) for size in shape)
        return Centre.of(self._space, Node(node.variable, node.first, elements))

    def why(self, part: Expression) -> str:
        """Return why an expression's set is empty."""
        if isinstance(part, Complement):
            return f"{part.of} is all nodes of the run"
        if isinstance(part, Call):
            return self._why_call(part)
        if not isinstance(part, Combination):
            return f"{part} names no nodes"
        empty = [p for p in part.parts if not self.of(p)]
        if empty and (part.operator in "&|" or empty[0] is part.parts[0]):
            return self.why(empty[0])
        texts = [str(p) for p in part.parts]
        if part.operator == "&":
            return f"{' and '.join(texts)} have no node in common"
        if part.operator == "-":
            return f"every node of {texts[0]} is in {' or '.join(texts[1:])}"
        return f"{' and '.join(texts)} are the same nodes"

    def _why_call(self, call: Call) -> str:
        sets = [self.of(argument) for argument in call.arguments if call.function not in MEASURING]
        for argument, found in zip(call.arguments, sets, strict=False):
            if not found:
                return self.why(argument)
        texts = [str(argument) for argument in call.arguments]
        if call.function == "between":
            reached = sets[0].downstream | sets[0]
            if not reached & sets[1]:
                return f"no path leads from {texts[0]} to {texts[1]}"
            return f"every path from {texts[0]} to {texts[1]} is a single edge"
        said = {
            "upstream": "no path leads to {} from outside of it",
            "downstream": "no path leads out of {}",
            "parents": "no edge leads into {}",
            "children": "no edge leads out of {}",
            "boundary": "no edge crosses the boundary of {}",
            "inner": "every node of {} has a parent or a child outside",
        }
        return said.get(call.function, f"{call} holds no element").format(*texts)


def _first_two(region: Region) -> list[Node]:
    return [node for node, _ in zip(region, range(2), strict=False)]


def _with_two_signs(steps: str) -> str:
    """Return brackets in which a step alone may be written t=3."""
    return re.sub(r"(^|,)\s*t\s*=(?!=)\s*(?=\d+\s*(?:,|$))", r"\1t==", steps)
