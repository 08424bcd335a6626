"""The plan of a run of arrays: parameters, streams, forced and shifted nodes, the held set."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from causalopt.errors import QuestionError
from causalopt.model.arrays.array_template import ArrayTemplate, ArrayVariable

Values: TypeAlias = np.ndarray[Any, Any]


@dataclasses.dataclass(frozen=True, eq=False)
class Force:
    """Values that elements of a node take whatever its rule says.

    Attributes:
        values: The values, of the variable's shape.
        mask: Which elements; None for all.
    """

    values: Values
    mask: Values | None = None

    def over(self, value: Any) -> Any:
        """Return a value with these put over it."""
        if self.mask is None:
            return self.values
        return np.where(self.mask, self.values, value)


@dataclasses.dataclass(frozen=True, eq=False)
class HeldArray:
    """A stretch of steps at which a variable, or elements of it, are in A.

    Attributes:
        name: The variable or stage.
        first: The first step.
        last: The last step; None: to the end.
        mask: Which elements; None for all.
    """

    name: str
    first: int
    last: int | None
    mask: Values | None

    def holds_at(self, t: int) -> bool:
        """Whether step t is among these."""
        return self.first <= t and (self.last is None or t <= self.last)


@dataclasses.dataclass(frozen=True, eq=False)
class ArrayPlan:
    """One run.

    Attributes:
        template: The variables.
        steps: The last step; nodes exist at t = 0 .. steps.
        parameters: Name -> value; of many worlds at once, shape [world] where they differ.
        initial: Variable -> its values before its rule takes over.
        streams: Variable -> its values at every step, step first, for what is given from outside.
        forces: (t, variable) -> values put over the rule's.
        shifts: (t, variable) -> what is added to it.
        held: The set A.
        seed: Which draws noise and initial laws make.
    """

    template: ArrayTemplate
    steps: int
    parameters: Mapping[str, Any]
    initial: Mapping[str, Sequence[Values]]
    streams: Mapping[str, Values]
    forces: Mapping[tuple[int, str], Force] = dataclasses.field(default_factory=dict)
    shifts: Mapping[tuple[int, str], Values] = dataclasses.field(default_factory=dict)
    held: tuple[HeldArray, ...] = ()
    seed: int = 0

    @functools.cached_property
    def first_free(self) -> int:
        """The step from which on every variable with a rule follows it."""
        return max((len(values) for values in self.initial.values()), default=0)

    @functools.cached_property
    def touched(self) -> frozenset[int]:
        """The steps at which something is forced or shifted."""
        return frozenset(t for t, _ in itertools.chain(self.forces, self.shifts))

    @functools.cached_property
    def held_throughout(self) -> frozenset[str]:
        """The variables that are wholly in A at every step."""
        return frozenset(
            h.name for h in self.held if h.mask is None and h.first == 0 and h.last is None
        )

    @functools.cached_property
    def held_partly(self) -> tuple[str, ...]:
        """The variables of which some elements, or some steps, are in A."""
        names = dict.fromkeys(h.name for h in self.held if h.name not in self.held_throughout)
        return tuple(names)

    def mask_at(self, name: str, t: int) -> Values:
        """Return which elements of a variable are held at a step, of its shape."""
        shape = self.template.by_name[name].shape
        mask = np.zeros(shape, dtype=bool)
        for held in self.held:
            if held.name == name and held.holds_at(t):
                mask |= True if held.mask is None else held.mask
        return mask

    @functools.cached_property
    def held_edges(self) -> frozenset[int]:
        """The steps at which A changes."""
        edges = {h.first for h in self.held}
        return frozenset(edges | {h.last + 1 for h in self.held if h.last is not None})

    def initial_at(self, variable: ArrayVariable, t: int) -> Values | None:
        """Return what a variable starts with at a step, None where its rule has taken over."""
        values = self.initial.get(variable.name, ())
        return values[t] if t < len(values) else None

    def _remedy(self, variable: ArrayVariable) -> str:
        """Return what gives a variable without a rule its values."""
        name = variable.name
        stream = (
            f"data={{'{name}': array}} with the step first (--data {name}=FILE.npz#NAME on the "
            'command line), `data: "FILE.npz#NAME"` in the model file (`causalopt data mnist '
            "--out FILE.npz` writes images so)"
        )
        if name in self.initial and name not in self.streams:
            kept = f'`rule: "{name}[t-1]"` where it keeps its initial value'
            return f"write {kept}, give {stream}, or fewer steps"
        return f"give {stream}, a rule, or fewer steps"

    def stream_at(self, variable: ArrayVariable, t: int) -> Values:
        """Return what is given for a variable at a step.

        Raises:
            QuestionError: Nothing is.
        """
        stream = self.streams.get(variable.name)
        if stream is not None and t < len(stream):
            values: Values = stream[t]
            return values
        known = len(self.initial.get(variable.name, ())) if stream is None else len(stream)
        raise QuestionError(
            f"'{variable.name}' has no rule and values for {known} "
            f"step{'s' * (known != 1)}, and step {t} needs one: {self._remedy(variable)}"
        )
