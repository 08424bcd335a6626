"""Interventions as values: nudge a node, set it, or replace nodes by their values in a world."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from causalopt.errors import QuestionError
from causalopt.language.scope import CLOCK
from causalopt.language.term import const, leaves, substitute
from causalopt.model.asked_words import Nudged, is_sum, names_one_node, nudge_text
from causalopt.model.declaration import motion
from causalopt.model.model import Model
from causalopt.model.selectors import Node, Selection, Window, is_plain
from causalopt.model.template import Equation, belonging, equations_mask, has_stages, node_name

if TYPE_CHECKING:
    import numpy as np

    from causalopt.engine.contract import Floats, Plan


class Donor(Protocol):
    """A world as far as others take nodes from it: its model, its length and its values."""

    @property
    def model(self) -> Model:
        """The model it is a world of."""

    @property
    def name(self) -> str:
        """W, X, Y or the caller's name."""

    @property
    def steps(self) -> int:
        """The last step."""

    @property
    def table(self) -> Floats:
        """Values of every equation, shape [t, equation]."""


@dataclasses.dataclass(frozen=True)
class Nudge:
    """Shift nodes: each takes its value plus `by`, and everything downstream follows.

    Attributes:
        node: A node, or several as for `run`'s nudge, each by its weight: `d[t>=5]`,
            `2*R[0] - T[3]`, a list, or item -> weight; or a set of nodes as `hold` has.
        by: By how much.

    Example:
        >>> Nudge("R[0]", 0.001)
        Nudge(node='R[0]', by=0.001)
    """

    node: Nudged
    by: float


@dataclasses.dataclass(frozen=True)
class Set:
    """Give nodes a value (Pearl's do): their parents no longer matter.

    Attributes:
        node: A node, or several as a selector names them: `u[10<=t<20]`.
        to: The value.
    """

    node: str | Node
    to: float


@dataclasses.dataclass(frozen=True)
class Replace:
    """Take nodes, with their values, from another world of the same model and length.

    This is the one surgery of the theory: Y takes A from W; decorrelation takes A from a replica.
    """

    nodes: str | Selection
    world: Donor


Intervention = Nudge | Set | Replace


def given_nodes(model: Model, given: Iterable[Intervention], steps: int | None) -> Selection:
    """Return the nodes that interventions cut off from what they are computed from.

    Args:
        model: The model.
        given: Interventions; a nudge cuts nothing.
        steps: The last step.

    Example:
        >>> from causalopt import load
        >>> [str(window) for window in given_nodes(load("thermostat"), [Set("R[3]", 20)], 9)]
        ['R[3]']
    """
    found: list[Window] = []
    for intervention in given:
        if isinstance(intervention, Set):
            found += moved_nodes(model, intervention, steps)
        elif isinstance(intervention, Replace):
            found += model.selection(intervention.nodes, steps=steps)
    return tuple(found)


def moved_nodes(model: Model, intervention: Nudge | Set, steps: int | None) -> Selection:
    """Return the nodes that are shifted or set.

    Args:
        model: The model.
        intervention: A nudge, or a set value.
        steps: The last step, to which windows without an end go.

    Raises:
        QuestionError: The text names no nodes, or a parameter.
    """
    said = intervention.node if isinstance(intervention, Set) else nudge_text(intervention.node)
    if not isinstance(said, str):
        node = model.node(said)
        return (Window(node.variable, node.t, node.t, node.elements),)
    if said.strip() in model.parameters and said.strip() not in model.variables:
        raise _no_parameter(said.strip())
    if isinstance(intervention, Set) and is_sum(said, minus=False):
        raise QuestionError(
            f"'{said}' is a weighted sum, and nodes are set to one value: name them alone, such as "
            "u[10<=t<20]; a Nudge takes weights"
        )
    if names_one_node(said, static=model.is_static):
        node = model.node(said)
        return (Window(node.variable, node.t, node.t, node.elements),)
    if "[" not in said and not model.is_static and is_plain(said) and "," not in said:
        model.node(said)  # a name alone is no node: the message says how to write one
    return model.selection(said, steps=steps)


def shifted_nodes(model: Model, nudge: Nudge, steps: int) -> Iterator[tuple[Window, float]]:
    """Yield the nodes that a nudge shifts, each with its weight.

    Args:
        model: The model, of numbers.
        nudge: What is shifted; weights may depend on the step.
        steps: The last step.

    Raises:
        QuestionError: The text names no nodes, or a parameter.
    """
    said = nudge_text(nudge.node)
    if not isinstance(said, str) or not is_sum(said):
        yield from ((window, 1.0) for window in moved_nodes(model, nudge, steps))
        return
    asked, n, _ = model.asking(said)
    template = asked.template
    for push in template.pushes[str(n)]:
        if push.is_parameter:
            raise _no_parameter(push.name)
        window = Window(push.name, push.window.first, push.window.last)
        if CLOCK["t"] not in leaves(push.weight):
            yield window, template.number(push.weight)
            continue
        last = steps if window.last is None else min(window.last, steps)
        for t in range(window.first, last + 1):
            clock = {CLOCK["t"]: const(t)}
            yield Window(push.name, t, t), template.number(substitute(push.weight, clock))


def _no_parameter(name: str) -> QuestionError:
    return QuestionError(
        f"'{name}' is a parameter, and a baseline sets and shifts nodes: give it another value "
        f"with parameters={{'{name}': ...}} (--set {name}=...)"
    )


def set_places(
    model: Model, given: Iterable[Intervention], steps: int
) -> Iterator[tuple[int, str]]:
    """Yield (step, variable) of every node that interventions set, up to a step."""
    for item in given:
        if isinstance(item, Set):
            for window in moved_nodes(model, item, steps):
                last = steps if window.last is None else min(window.last, steps)
                yield from ((t, window.variable) for t in range(window.first, last + 1))


def plan_for(
    model: Model,
    interventions: tuple[Intervention, ...] = (),
    *,
    steps: int,
    hold: Selection = (),
    seed: Node | None = None,
    noise_seed: int = 0,
) -> Plan:
    """Return the plan that runs a model under interventions, applied in order.

    Args:
        model: The model.
        interventions: What is done to it.
        steps: The last step.
        hold: The set A.
        seed: The node by which derivatives are taken.
        noise_seed: Which draws the noise variables make.

    Raises:
        QuestionError: A node lies outside the run, or a world is of another model or length.
    """
    import numpy as np  # formulas read interventions, and need no arrays

    from causalopt.engine.contract import Plan

    template, width = model.template, len(model.template.equations)
    values = template.parameter_values()
    bare = Plan(
        steps=steps,
        parameters=np.array([values[name] for name in template.structure.parameters]),
        forced=np.zeros((0, width), dtype=bool),
        values=np.zeros((0, width)),
        shifts=np.zeros((0, width)),
        held=held_mask(model, hold, steps),
        seed=None if seed is None else (seed.t, template.index[seed.variable]),
    )
    builder = _Builder(model, bare)
    builder.start(_drawn(model, steps, noise_seed))
    return builder.after(interventions)


def intervened(model: Model, plan: Plan, *interventions: Intervention) -> Plan:
    """Return a plan with further interventions after those it has.

    Raises:
        QuestionError: As for `plan_for`.
    """
    return _Builder(model, plan).after(interventions)


def _drawn(model: Model, steps: int, seed: int) -> Mapping[str, Floats]:
    if seed == 0 and all(variable.noise is None for variable in model.variables.values()):
        return {}
    # Random streams are not loaded for a model without noise; a seed is checked all the same.
    from causalopt.worlds.noise import draw_noise

    return draw_noise(model, steps, seed=seed)


def held_mask(model: Model, hold: Selection, steps: int) -> np.ndarray:
    """Return which equations are held at which step, shape [rows, equation]; the last row lasts."""
    rows = _held_steps(model, hold, steps)
    return equations_mask(model.skeleton, model.variables, hold, rows)


def held_rows(model: Model, hold: Selection, steps: int) -> list[list[bool]]:
    """Return the same as lists, made without numpy.

    Example:
        >>> from causalopt import load
        >>> model = load("thermostat")
        >>> held_rows(model, model.selection("T[t<=1]"), 9)
        [[True, False], [True, False], [False, False]]
    """

    def is_in(variable: str, t: int) -> bool:
        return any(Node(variable, t) in window for window in hold)

    def is_held(equation: Equation, t: int) -> bool:
        own, before = is_in(equation.owner, t), is_in(equation.owner, max(t - 1, 0))
        return {"own": own, "between": own and before, "before": before}[
            belonging(model.variables, equation)
        ]

    equations = model.skeleton.equations
    return [[is_held(e, t) for e in equations] for t in range(_held_steps(model, hold, steps))]


def _held_steps(model: Model, hold: Selection, steps: int) -> int:
    """Return after how many steps nothing changes any more."""
    late = int(has_stages(model.skeleton))
    ends = [window.first + late for window in hold if window.first]
    ends += [window.last + 1 + late for window in hold if window.last is not None]
    return min(max(ends, default=0), steps) + 1


class _Builder:
    """The forced and shifted nodes of a plan, as arrays that grow to the last step touched."""

    def __init__(self, model: Model, plan: Plan) -> None:
        self._model, self._plan, self._steps = model, plan, plan.steps
        self.forced, self.values = plan.forced.copy(), plan.values.copy()
        self.shifts = plan.shifts.copy()
        self._set: list[tuple[Window, float]] = []

    def after(self, interventions: Iterable[Intervention]) -> Plan:
        for intervention in interventions:
            self._apply(intervention)
        return dataclasses.replace(
            self._plan, forced=self.forced, values=self.values, shifts=self.shifts
        )

    def _grow(self, t: int) -> None:
        import numpy as np

        missing = min(t, self._steps) + 1 - len(self.forced)
        if missing > 0:
            pad = ((0, missing), (0, 0))
            self.forced = np.pad(self.forced, pad)
            self.values = np.pad(self.values, pad)
            self.shifts = np.pad(self.shifts, pad)

    def start(self, noise: Mapping[str, Floats]) -> None:
        template = self._model.template
        self._grow(max((len(e.initial) for e in template.equations), default=0) - 1)
        for i, equation in enumerate(template.equations):
            if equation.name in noise:
                self._grow(self._steps)
                self.forced[:, i] = True
                self.values[:, i] = noise[equation.name]
                continue
            if equation.law is not None:
                raise QuestionError(
                    f"'{equation.owner}' {equation.law}, and a run follows single values: ask "
                    "`causalopt entropy` for the law"
                )
            if equation.rule is None and len(equation.initial) <= self._steps:
                given = len(equation.initial)
                raise QuestionError(
                    f"'{equation.owner}' has no rule and values for {given} "
                    f"step{'s' * (given != 1)} (t = 0..{given - 1}), and the run goes to "
                    f"t = {self._steps}: give it a rule such as {equation.owner}[t-1], or run at "
                    f"most {given - 1} steps"
                )
            for t, value in enumerate(self._model.template.initial_values(equation.name)):
                if t <= self._steps:
                    self.forced[t, i] = True
                    self.values[t, i] = value

    def _apply(self, intervention: Intervention) -> None:
        if isinstance(intervention, Replace):
            self._replace(intervention)
            return
        if isinstance(intervention, Nudge):
            by, said = _finite(intervention.by, "a nudge"), nudge_text(intervention.node)
            static = self._model.is_static
            lasting = isinstance(said, str) and not names_one_node(said, static=static)
            for window, weight in shifted_nodes(self._model, intervention, self._steps):
                self._shift(window, weight * by, lasting=lasting)
            return
        for window in moved_nodes(self._model, intervention, self._steps):
            self._check_once(window, intervention.to)
            places = self._places(window)
            self.forced[: len(places)] |= places
            self.values[: len(places)][places] = _finite(intervention.to, "a set value")
            self.shifts[: len(places)][places] = 0.0

    def _shift(self, window: Window, by: float, *, lasting: bool) -> None:
        """Shift the nodes of a window; `lasting` has algebraic ones shifted between steps too."""
        name, rows = window.variable, self._rows(window)
        if not lasting or motion(self._model.variables[name]) != "algebraic":
            self.shifts[rows, self._model.template.index[name]] += by
            return
        places = self._places(window, added=True)
        self.shifts[: len(places)][places] += by

    def _places(self, *windows: Window, added: bool = False) -> np.ndarray:
        """Return which equations are of some nodes, stages included, shape [rows, equation].

        Where disturbances are added to a node, the equation that is set comes before, and the one
        that is shifted (`added`) after.
        """
        template = self._model.template
        late = int(has_stages(template))
        ends = [self._rows(window).stop + late for window in windows]
        rows = min(max(ends, default=0), self._steps + 1)
        self._grow(rows - 1)
        mask = equations_mask(template, self._model.variables, windows, rows)
        mask &= template.is_last if added else template.is_settable
        return mask

    def _check_once(self, window: Window, value: float) -> None:
        for other, before in self._set:
            if other.variable == window.variable and other.meets(window):
                both = Window(
                    window.variable, max(other.first, window.first), _first_end(other, window)
                )
                name = window.variable if self._model.is_static else str(both)
                raise QuestionError(
                    f"the node {name} is set twice, to {before:g} and to {value:g}: set it once"
                )
        self._set.append((window, float(value)))

    def _rows(self, window: Window) -> slice:
        """Return the steps of a window within the run, which the arrays then have."""
        if window.first > self._steps:
            raise QuestionError(f"the node {window} lies after the last step {self._steps}")
        last = self._steps if window.last is None else min(window.last, self._steps)
        self._grow(last)
        return slice(window.first, last + 1)

    def _replace(self, intervention: Replace) -> None:
        import numpy as np

        world, template = intervention.world, self._model.template
        given = world.model.template
        if world.steps < self._steps or given.system != template.system:
            raise QuestionError(
                f"world {world.name} is of another model or shorter than {self._steps} steps: "
                "replace takes nodes from a world of the same model and length"
            )
        windows = self._model.selection(intervention.nodes, steps=self._steps)
        mask = self._places(*(w for w in windows if w.first <= self._steps))
        names = [node_name(equation) for equation in template.equations]
        columns = [given.index.get(name, 0) for name in names]
        unknown = [i for i, name in enumerate(names) if name not in given.index]
        if mask[:, unknown].any():
            said = next(names[i] for i in unknown if mask[:, i].any())
            raise QuestionError(f"world {world.name} has no '{said}': replace other nodes")
        table = world.table[: len(mask)]
        if columns != list(range(table.shape[1])):  # a long table is copied only where it must be
            table = table[:, columns]
        np.copyto(self.values[: len(mask)], table, where=mask)
        self.forced[: len(mask)] |= mask
        self.shifts[: len(mask)][mask] = 0.0


def _first_end(*windows: Window) -> int | None:
    return min((w.last for w in windows if w.last is not None), default=None)


def _finite(value: float, what: str) -> float:
    if not math.isfinite(value):
        raise QuestionError(f"{what} must be a finite number, found {value}")
    return float(value)
