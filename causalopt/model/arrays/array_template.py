"""The template of a model with array variables: their shapes and rules, in computing order."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from causalopt.errors import QuestionError
from causalopt.language.scope import ratio
from causalopt.language.term import const
from causalopt.model.arrays.array_laws import ArrayLaw
from causalopt.model.template import Equation, Template
from causalopt.tensors.folding import evaluate
from causalopt.tensors.tensor import Shape, Tensor, inputs

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclasses.dataclass(frozen=True, eq=False)
class ArrayVariable:
    """How one variable, or one stage of an integrator, follows from others.

    Attributes:
        name: The variable; a stage is named `v.2`, `v.3`, ...
        dims: What its dims are called, None for one without a name.
        shape: Their sizes; () for a number.
        rule: Its value at t, None for what is given.
        initial: Its values at t = 0, 1, ... before the rule takes over.
        owner: The declared variable it belongs to; what is held together.
        noise: Its value at t made of draws, for what is drawn afresh each step.
        stream: Its values at every step, shape [t, *shape], for what a file gives.
        is_integer: Whether it takes whole numbers only.
        laws: What its noise or its initial values draw from.
    """

    name: str
    dims: tuple[str | None, ...]
    shape: Shape
    rule: Tensor | None
    initial: tuple[Tensor, ...]
    owner: str
    noise: Tensor | None = None
    stream: Floats | None = None
    is_integer: bool = False
    laws: tuple[ArrayLaw, ...] = ()

    @property
    def size(self) -> int:
        """How many numbers it has at one step."""
        return math.prod(self.shape)

    @functools.cached_property
    def parents(self) -> tuple[tuple[str, int], ...]:
        """The `(variable, lag)` pairs its rule reads, sorted."""
        if self.rule is None:
            return ()
        found = {(x.payload[1], x.payload[2]) for x in inputs(self.rule) if x.payload[0] == "ref"}
        return tuple(sorted(found))


@dataclasses.dataclass(frozen=True, eq=False)
class ArrayTemplate:
    """A model's array variables in an order in which one step can be computed.

    Attributes:
        variables: Every variable and stage, each after its same-step parents.
        names: The declared variables, in the order of the declaration.
        sizes: Name of a dim -> its size.
        parameters: Name -> tensor in other parameters, each after those it needs.
        dt: Time units per step.
        is_static: Whether the model has no time.
        depends_on_dt: Whether a value changes with dt.
        motions: Variable -> `flow` or `algebraic`, and what is written there.
    """

    variables: tuple[ArrayVariable, ...]
    names: tuple[str, ...]
    sizes: Mapping[str, int]
    parameters: Mapping[str, Tensor]
    dt: Fraction
    is_static: bool
    depends_on_dt: bool
    motions: Mapping[str, tuple[str, Tensor]] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def by_name(self) -> Mapping[str, ArrayVariable]:
        """Variable or stage -> what it is."""
        return {variable.name: variable for variable in self.variables}

    @functools.cached_property
    def max_lag(self) -> int:
        """The largest number of steps a rule looks back."""
        return max((lag for v in self.variables for _, lag in v.parents), default=0)

    @functools.cached_property
    def values(self) -> Mapping[str, float]:
        """Every parameter's value."""
        return self.values_with({})

    def values_with(self, given: Mapping[str, float]) -> dict[str, float]:
        """Return every parameter's value, some of them given."""
        values: dict[str, float] = {}
        for name, tensor in self.parameters.items():
            if name in given:
                values[name] = float(given[name])
            else:
                values[name] = float(evaluate([tensor], lambda key: values[key[1]])[0])
        return values

    @functools.cached_property
    def skeleton(self) -> Template:
        """The variables as a template of nodes without values: who reads whom, and from when on."""
        equations = tuple(
            Equation(v.name, None, (const(0),) * len(v.initial), v.owner, reads=v.parents)
            for v in self.variables
        )
        return Template(equations, self.names, {}, self.dt, self.is_static)

    @property
    def numbers(self) -> int:
        """How many numbers one step has."""
        return sum(variable.size for variable in self.variables)

    def time(self, step: Any) -> Any:
        """Return the time of a step, a number or an array: what rules read as `time`."""
        numerator, denominator = ratio(self.dt)
        return step * float(numerator) / float(denominator)

    def declared(self, name: str) -> ArrayVariable:
        """Return a declared variable.

        Raises:
            QuestionError: There is none of that name.
        """
        if name not in self.names:
            raise QuestionError(f"there is no variable '{name}'")
        return self.by_name[name]
