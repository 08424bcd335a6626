"""The model: a frozen declaration that has been read, checked and found whole."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from causalopt.errors import (
    CausaloptError,
    ModelError,
    QuestionError,
    QuestionTextError,
    UnknownNameError,
    suggestion,
)
from causalopt.language.term import collector_paused
from causalopt.model.array_source import ArraySource
from causalopt.model.asked_words import (
    Nudged,
    is_expression,
    is_several,
    names_one_node,
    nudge_text,
    refuse_among_arrays,
    several_nodes,
)
from causalopt.model.declaration import (
    A_RULE_IS_A_TEXT,
    Fact,
    FixedMapping,
    Label,
    Method,
    Partition,
    Question,
    Scalar,
    Size,
    Text,
    TrainingSettings,
    Variable,
    python_number,
    shown,
    uses_labels,
)
from causalopt.model.equations import read_template
from causalopt.model.frozen_record import After, Before, Record, Schema, checked, field
from causalopt.model.selectors import (
    NamedShapes,
    Node,
    Selection,
    Window,
    Written,
    elements_text,
    is_plain,
    named_variable,
    parse_node,
    parse_selection,
)
from causalopt.model.template import Template
from causalopt.results import Displayed, written

if TYPE_CHECKING:
    from pydantic import ValidationError

    from causalopt.model.arrays.array_template import ArrayTemplate
    from causalopt.model.labels.records import Domains
    from causalopt.model.regions.spacetime import Spacetime

MAX_STEPS = 1_000_000_000
_NUMBER = {"anyOf": [{"type": "number"}, {"type": "string"}]}
_PARAMETERS = {
    "type": "object",
    "additionalProperties": {
        "anyOf": [
            *_NUMBER["anyOf"],
            {
                "type": "object",
                "properties": {"value": _NUMBER, "unit": {"type": "string"}},
                "required": ["value"],
                "additionalProperties": False,
            },
        ]
    },
}
_ARRAY_KEYS = ("shape", "values", "data")
_SHOWN = 200  # characters of a repr
_OWN = ("causalopt.model.model", "causalopt.results", "builtins")
_PYDANTIC = ("model_", "__pydantic", "__private", "__class_vars", "_abc")
# What other rooms ask of a model, and no user.
_WITHIN = {
    "array_source", "arrays", "check_nudge", "finite", "held_set", "named_shapes", "question_hold",
    "question_nodes", "skeleton", "spacetime",
}  # fmt: skip
_BYTES = 5 * 8  # a run keeps a node's value, two tangents and their errors


def _variables(value: Any) -> Any:
    """Let a bare text stand for a variable's rule, and a bare number for its initial value."""
    if not isinstance(value, Mapping):
        return value
    short = {str: "rule", int: "initial", float: "initial"}
    plain = {k: python_number(v) for k, v in value.items()}
    return {k: {short[type(v)]: v} if type(v) in short else v for k, v in plain.items()}


def _split_units(data: dict[str, Any]) -> dict[str, Any]:
    """Return a declaration whose parameters {value: 2, unit: m} are numbers beside their units."""
    parameters = data.get("parameters")
    if not isinstance(parameters, Mapping):
        return data
    numbers, units = dict(parameters), dict(data.get("parameter_units") or {})
    for name, said in parameters.items():
        if not isinstance(said, Mapping):
            continue
        path = ("parameters", str(name))
        for key in said:
            if key not in {"value", "unit"}:
                hint = suggestion(str(key), ["value", "unit"])
                raise ModelError(f"unknown key '{key}'{hint}", (*path, str(key)), is_key=True)
        if "value" not in said:
            raise ModelError(f"'{name}' has no value: write {name}: {{value: 1, unit: m}}", path)
        numbers[name] = said["value"]
        if said.get("unit") is not None:
            if not isinstance(said["unit"], str | int | float):
                raise ModelError(f"a unit is a text, found {shown(said['unit'])}", (*path, "unit"))
            units[name] = str(said["unit"])
    return {**data, "parameters": numbers, **({"parameter_units": units} if units else {})}


class ModelClass(type):
    """The class of models: it completes to a model's own names, and not to pydantic's."""

    def __dir__(cls) -> list[str]:
        own = {name for kind in cls.__mro__ if kind.__module__ in _OWN for name in vars(kind)}
        found = {*vars(cls)["model_fields"], *own} - _WITHIN
        return sorted(name for name in found if not name.startswith(_PYDANTIC))


class Model(Displayed, Record, metaclass=ModelClass):
    """A causal model: variables with rules, parameters, and a partition into A and B.

    A model is checked whole when it is made and never changes: `replace` returns another one.

    Args:
        source: Where the arrays are that `values:` and `data:` name; without a keyword, so that
            `source=` is the text below. Files lie in the working folder when it is not given.

    Attributes:
        name: A short name.
        title: One line on what the system is.
        source: Where the model comes from.
        parameters: Name -> number, or expression in other parameters; {value: 2, unit: m} where
            it has a unit.
        parameter_units: Name -> unit, for the parameters that have one.
        time_unit: The unit of time, of which dt is a number.
        functions: Signature such as `f(x)` -> body.
        sizes: Name of a dim of array variables -> its size, a number or an expression in others.
        variables: Name -> variable.
        partition: The sets A and B.
        question: The defaults of what is asked.
        training: What a model with arrays is trained for, and how.
        initial: Rows of a joint law at t = 0, such as {room: hot, thermostat: off, p: 1/3}.
        renormalise: Whether probabilities that sum to 1 only up to their written digits are
            divided by their sum.
        dt: Time units per step (1 when not given).
        method: How flows are integrated.
        facts: Numbers the model is known to give.

    Raises:
        ModelError: The declaration is wrong; the message says where and what to do.

    Example:
        >>> model = Model(name="halving", variables={"x": {"rule": "x[t-1]/2", "initial": 1}})
        >>> model.template.names
        ('x',)
    """

    name: str
    title: str = ""
    source: str = ""
    description: str = ""
    parameters: Annotated[Mapping[str, Scalar], After(FixedMapping), Schema(_PARAMETERS)] = field(
        default={}, validate_default=True
    )
    parameter_units: Annotated[Mapping[str, str], Schema(None)] = {}
    functions: Mapping[str, Text] = {}
    sizes: Mapping[str, Size] = {}
    variables: Annotated[Mapping[str, Variable], Before(_variables), After(FixedMapping)]
    initial: tuple[Mapping[str, Label], ...] = ()
    renormalise: bool = field(
        default=False, description="divide rounded probabilities by their sum, such as 0.9999999"
    )
    partition: Partition = Partition()
    question: Question = Question()
    training: TrainingSettings | None = None
    dt: Annotated[float | None, Before(python_number)] = field(
        default=None, gt=0, allow_inf_nan=False
    )
    method: Method | None = None
    time_unit: str | None = field(default=None, description="the unit of time, such as s or day")
    facts: tuple[Fact, ...] = ()

    _arrays_from: ArraySource
    _asked: dict[tuple[str | None, str | None], Model]

    def __repr__(self) -> str:
        title = f": {self.title}" if self.title else ""
        count = len(self.variables)
        sides = f", A = {{{', '.join(self.A)}}}" if self.A else ""
        text = f"Model({self.name}{title}, {count} variable{'s' * (count != 1)}{sides})"
        return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 4]}...)"

    def __dir__(self) -> list[str]:
        return dir(type(self))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a file, whole or not at all; its suffix says as what.

        Raises:
            FileError: The file cannot be written, or its suffix is none of `.yaml`, `.json`, ...
        """
        written(self, path)

    def __init__(self, source: ArraySource | None = None, /, **data: Any) -> None:
        with collector_paused():
            self._begin(source, _checked(_split_units(data)))

    def _begin(self, source: ArraySource | None, values: Mapping[str, Any]) -> None:
        self.__dict__.update(values)
        self._arrays_from = ArraySource() if source is None else source
        self._asked = {}
        self._check_partition()
        self._check_question()
        self._check_training()
        if not self.is_array and uses_labels(self.variables, self.initial):
            _ = self.finite  # read now, so that a wrong table is an error of the declaration

    def __eq__(self, other: object) -> bool:
        same = super().__eq__(other)
        return same and isinstance(other, Model) and self._arrays_from == other._arrays_from

    def __hash__(self) -> int:
        return super().__hash__()

    @functools.cached_property
    def is_array(self) -> bool:
        """Whether the model has array variables."""
        return bool(self.sizes) or any(v.shape is not None for v in self.variables.values())

    @functools.cached_property
    def arrays(self) -> ArrayTemplate:
        """The variables of a model with arrays, read and ordered."""
        from causalopt.model.arrays.array_reading import read_array_template  # few models have any

        if self.initial:
            raise ModelError(
                "a joint law at t = 0 needs labels, and a model with arrays follows numbers",
                ("initial",),
            )
        return read_array_template(
            sizes=self.sizes,
            variables=self.variables,
            parameters=self.parameters,
            functions=self.functions,
            dt=self.dt,
            method=self.method,
            source=self.array_source,
        )

    @property
    def array_source(self) -> ArraySource:
        """Where the arrays are that `values:` and `data:` name."""
        return self._arrays_from

    @functools.cached_property
    def template(self) -> Template:
        """The equations, read and ordered.

        Raises:
            QuestionError: The model has array variables.
        """
        if self.is_array:
            raise QuestionError(
                f"'{self.name}' has array variables, and this is asked of numbers: write it out "
                "with causalopt.expand(model), or ask `run`"
            )
        return read_template(
            variables=self.variables,
            parameters=self.parameters,
            functions=self.functions,
            dt=self.dt,
            method=self.method,
            joint=frozenset(name for row in self.initial for name in row if name in self.variables),
        )

    @functools.cached_property
    def finite(self) -> Domains:
        """What the declaration says in labels: domains, tables, noise and laws at t = 0."""
        from causalopt.model.labels.domains import read_finite  # few models have labels

        template = self.template
        values = template.exact_parameters(), template.parameter_values()
        return read_finite(self.variables, self.initial, *values, renormalise=self.renormalise)

    @property
    def is_static(self) -> bool:
        """Whether the model is a plain DAG, without time."""
        return self.arrays.is_static if self.is_array else self.template.is_static

    @property
    def skeleton(self) -> Template:
        """One step as a graph: its nodes are whole variables, of numbers or of arrays."""
        return self.arrays.skeleton if self.is_array else self.template

    @property
    def step_size(self) -> Fraction:
        """The time units of a step."""
        return self.arrays.dt if self.is_array else self.template.dt

    @property
    def A(self) -> tuple[str, ...]:  # noqa: N802 - the theory's name
        """The variables of the partition's A."""
        return self.partition.A

    @property
    def B(self) -> tuple[str, ...]:  # noqa: N802 - the theory's name
        """The variables of the partition's B: all that are not in A."""
        return tuple(name for name in self.variables if name not in self.partition.A)

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash of all that decides the model's numbers; texts about it do not count."""
        deciding = {"parameters", "functions", "variables", "initial", "dt", "method"}
        deciding |= {"renormalise"} if self.renormalise else set()
        deciding |= {"sizes"} if self.sizes else set()
        texts = {"label", "unit", *_ARRAY_KEYS}
        parts = self.model_dump(
            mode="json", include=deciding, exclude={"variables": {"__all__": texts}}
        )
        if self.is_array:
            from causalopt.model.arrays.array_files import hashes

            parts["arrays"] = hashes(self.variables, self.array_source)
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    @functools.cached_property
    def asked_variables(self) -> frozenset[str]:
        """The variables that are no part of the system: disturbances and measures."""
        return frozenset(
            name
            for name, variable in self.variables.items()
            if variable.disturbs is not None or variable.measures is not None
        )

    def asking(
        self, nudge: Nudged | None = None, target: str | None = None
    ) -> tuple[Model, str | Node | None, str | None]:
        """Return a model in which n is one node and m one variable, and what they are called.

        Several nodes, spans and parameters become a node that shifts them, and an expression a
        variable; both are called as they are said. Where n is a node and m a variable already, or
        the model has arrays, it is the model itself.

        Args:
            nudge: A node, nodes and parameters with their weights such as `2*d[t>=5] - Kp`, a list
                of them, or item -> weight; None leaves it open.
            target: A variable, or an expression of a run's nodes such as `integral(e**2)`.

        Raises:
            QuestionError: One cannot be read.
            UnknownNameError: It names what the model does not declare.

        Example:
            >>> from causalopt import load
            >>> asked, n, m = load("thermostat").asking("k", "mean(R)")
            >>> asked.variables[n].disturbs, asked.variables[m].measures
            ('k[t>=0]', 'mean(R)')
        """
        if self.is_array:
            return self, nudge, target  # type: ignore[return-value]
        n, m = None if nudge is None else nudge_text(nudge), target
        sums = None
        if isinstance(n, str) and not self._is_node(n):
            if n in self.variables or n in self.parameters:  # names stay free for what has them
                n = f"1*{n}" if self.is_static else f"{n}[t>=0]"
            sums = n
        measure = m = None if m is None else m.strip()
        if m is not None and not self._is_measure(m):
            measure = None
        if sums is not None and sums == measure:
            n = sums = f"({sums})"  # one name for each
        return self._with_asked(sums, measure), n, m

    def _is_node(self, text: str) -> bool:
        if text in self.asked_variables:
            return True
        named = names_one_node(text, static=self.is_static)
        name = text.partition("[")[0].strip()
        return named and not (name in self.parameters and name not in self.variables)

    def _is_plain(self, nudge: str | None) -> bool:
        return nudge is not None and self._is_node(nudge)

    def _is_measure(self, text: str) -> bool:
        return text not in self.asked_variables and is_expression(text) and text not in self._labels

    def _with_asked(self, nudge: str | None, target: str | None) -> Model:
        if nudge is None and target is None:
            return self
        if (nudge, target) not in self._asked:
            self._asked[nudge, target] = self._made_with_asked(nudge, target)
        return self._asked[nudge, target]

    def _made_with_asked(self, nudge: str | None, target: str | None) -> Model:
        from causalopt.model.asked_declaration import asked_error, declared_with  # few ask it

        own = self.question
        keeps = {
            "nudge": own.nudge == nudge or self._is_plain(own.nudge),
            "target": own.target in {target, *self.variables},
        }
        texts = {"disturbs": nudge, "measures": target}
        added = {text: {key: text} for key, text in texts.items() if text is not None}
        try:
            return type(self)(self.array_source, **declared_with(self.model_dump(), added, keeps))
        except ModelError as error:
            raise asked_error(error, added) or error from None

    def node(self, text: str | Node | tuple[str, int]) -> Node:
        """Return the node a text names, such as `R[0]`; a disturbance has one, its name."""
        if isinstance(text, str) and text in self.asked_variables:
            return Node(text)
        if self.is_array and isinstance(text, str):
            is_parameter = text in self.parameters and text not in self.variables
            if is_parameter or is_several(text, static=self.is_static):
                raise several_nodes(text)
        return parse_node(
            text,
            tuple(self.variables),
            static=self.is_static,
            shapes=self.named_shapes,
            labels=self._labels,
        )

    def node_text(self, node: Node) -> str:
        """Return a node as the user writes it: `R[0]`, or `z` in a model without time."""
        if node.elements is None:
            declared = self.variables.get(node.variable)
            is_bare = self.is_static or (declared is not None and declared.disturbs is not None)
            return node.variable if is_bare else f"{node.variable}[{node.t}]"
        elements = elements_text(node.elements, self.named_shapes[node.variable])
        inner = [*([] if self.is_static else [str(node.t)]), *elements]
        return f"{node.variable}[{', '.join(inner)}]"

    @functools.cached_property
    def _labels(self) -> Mapping[str, tuple[str, ...]]:
        """Label -> the variables that have it."""
        found: dict[str, tuple[str, ...]] = {}
        for name, variable in self.variables.items():
            if variable.label is not None:
                found[variable.label] = (*found.get(variable.label, ()), name)
        return found

    def variable(self, text: str) -> str:
        """Return the variable that its name, its label or the start of its label mean.

        Raises:
            UnknownNameError: There is none.
            QuestionError: There are several.

        Example:
            >>> from causalopt import load
            >>> load("thermostat").variable("room")
            'R'
        """
        with self._meaning("a variable is meant here"):
            return named_variable(text, tuple(self.variables), self._labels)

    @functools.cached_property
    def named_shapes(self) -> NamedShapes:
        """Array variable -> what its dims are called, and their sizes."""
        if not self.is_array:
            return {}
        return {v.name: (v.dims, v.shape) for v in self.arrays.variables if v.name == v.owner}

    def spacetime(
        self,
        steps: int | None = None,
        *,
        given: Selection = (),
        asked: Mapping[str, Node] | None = None,
    ) -> Spacetime:
        """Return the nodes of a run and the edges between them.

        Args:
            steps: The last step; without one, sets may have no end, and the graph is not asked.
            given: The nodes that the baseline sets or takes from another world.
            asked: What `n` and `m` are, where no variable is called so.
        """
        from causalopt.model.regions.spacetime import Spacetime  # most sets are plain lists

        sets = {"A": self.A, "B": self.B}
        return Spacetime(
            name=self.name,
            template=self.skeleton,
            variables=self.variables,
            shapes=self.named_shapes,
            steps=0 if self.is_static else steps,
            given=given,
            labels=self._labels,
            sets={k: v for k, v in sets.items() if v},
            asked=asked or {},
        )

    def selection(
        self,
        text: str | Sequence[str | Node | Window],
        *,
        steps: int | None = None,
        given: Selection = (),
        asked: Mapping[str, Node] | None = None,
    ) -> Selection:
        """Return the set of nodes a selector names, such as `a[t<=10]`; `A` is the partition's.

        Args:
            text: The selector, several of them, or a region.
            steps: The last step, which sets that ask the graph need.
            given: The nodes that the baseline sets or takes from another world.
            asked: What `n` and `m` are, where no variable is called so.

        Raises:
            QuestionError: It is no set, it is empty, or it is of another run.
            UnknownNameError: A variable is not declared.
        """
        if isinstance(text, Written):
            return text
        unknown: UnknownNameError | None = None
        if is_plain(text):
            try:
                return self._plain_selection(text)
            except UnknownNameError as error:
                if not isinstance(text, str) or "-" not in text:
                    raise
                unknown = error  # a dash that is in no name is a difference
        from causalopt.model.regions.set_evaluation import read_selection  # most sets are plain

        try:
            return read_selection(self.spacetime(steps, given=given, asked=asked), text)
        except UnknownNameError as error:
            raise unknown or error from None

    def _plain_selection(self, text: str | Sequence[str | Node | Window]) -> Selection:
        sets = {"A": self.A, "B": self.B}
        with self._meaning("what is held are variables"):
            return parse_selection(
                text,
                tuple(self.variables),
                static=self.is_static,
                sets={k: v for k, v in sets.items() if v},
                shapes=self.named_shapes,
                labels=self._labels,
            )

    def target(self, text: str) -> Node:
        """Return the measured variable, or elements of it, that a text names."""
        if text in self.asked_variables:
            return Node(text)
        if self.is_array:
            refuse_among_arrays(text)
        with self._meaning("what is measured is a variable"):
            return parse_node(
                text,
                tuple(self.variables),
                static=True,
                shapes=self.named_shapes,
                labels=self._labels,
                why="this model has no time" if self.is_static else "m is measured at every step",
            )

    def held_set(
        self,
        hold: str | Sequence[str | Node] | None = None,
        *,
        steps: int | None = None,
        given: Selection = (),
        asked: Mapping[str, Node] | None = None,
    ) -> Selection | None:
        """Return the set A that is meant: the one said, else the question's, else the partition's.

        The rest is as for `selection`.

        Example:
            >>> from causalopt import load
            >>> load("lorenz").held_set()
            (Window(variable='a', first=0, last=None, elements=None),)
        """
        said = hold if hold is not None else self.question.hold
        if said is not None:
            return self.selection(said, steps=steps, given=given, asked=asked)
        return tuple(Window(name) for name in self.A) or None

    def check_nudge(self, node: Node, hold: Selection, last: int | None) -> None:
        """Refuse a nudge that is not made in B, or not within the run.

        Raises:
            QuestionError: The node lies in the held set, or after the last step.
        """
        name = self.node_text(node)
        for push in self.template.pushes.get(node.variable, ()) if not self.is_array else ():
            if last is not None and push.is_parameter and push.window.first > last:
                raise QuestionError(
                    f"{name} nudges the parameter {push.name} after the last step {last} alone: "
                    "give more steps, or earlier ones"
                )
        for own in self.nudged(node):
            for window in hold:
                if own.variable != window.variable or not own.meets(window):
                    continue
                if own.variable == node.variable:
                    raise QuestionError(
                        f"the nudged node {name} is in the held set: the nudge is made in B; nudge "
                        "another node, or hold a set without it"
                    )
                said = name if str(own) == name else f"{name} nudges {own}, which"
                raise QuestionError(
                    f"{said} is in the held set ({window}): the nudge is made in B; nudge other "
                    "nodes, or hold a set without them"
                )
            if last is not None and own.first > last and own.variable != node.variable:
                said = name if str(own) == name else f"{name} nudges {own}, which"
                raise QuestionError(
                    f"{said} lies after the last step {last}: give more steps, or earlier nodes"
                )
        if last is not None and node.t > last:
            raise QuestionError(
                f"the nudged node {name} lies after the last step {last}: give more steps, or "
                "an earlier node"
            )

    def check_target(self, target: str, last: int) -> None:
        """Refuse a measure of nodes that lie after the last step.

        Raises:
            QuestionError: One of them does.
        """
        spans = self.template.spans.get(target, ()) if target in self.asked_variables else ()
        for text, window in spans:
            if window.first > last:
                said = text if text == target else f"{target} measures {text}, which"
                raise QuestionError(
                    f"{said} lies after the last step {last}: give more steps, or earlier nodes"
                )

    def nudged(self, node: Node) -> Selection:
        """Return the nodes that a nudge of one shifts: itself; of a disturbance those it names."""
        if node.variable not in self.asked_variables:
            return (Window(node.variable, node.t, node.t, node.elements),)
        pushes = self.template.pushes.get(node.variable, ())
        return tuple(
            Window(push.name, push.window.first, push.window.last)
            for push in pushes
            if not push.is_parameter
        )

    def replace(
        self,
        *,
        parameters: Mapping[str, int | float | str] | None = None,
        initial: Mapping[str, Any] | None = None,
        dt: float | None = None,
        method: Method | None = None,
    ) -> Model:
        """Return the model with other parameter values, initial values, step or method.

        Raises:
            UnknownNameError: A name is not declared.
            ModelError: The changed declaration is wrong.

        Example:
            >>> model = Model(name="m", variables={"x": {"rule": "x[t-1]/2", "initial": 1}})
            >>> model.replace(initial={"x": 8}).variables["x"].initial
            8
        """
        if not parameters and not initial and dt is None and method is None:
            return self
        template = self.arrays if self.is_array else self.template
        if dt is not None and not template.depends_on_dt:
            raise QuestionError(
                f"nothing in '{self.name}' depends on dt: it has no flow, no lag in time and no "
                "rule that reads time or dt; lags such as [t-1] are steps, [time - 0.4] is a time"
            )
        data = self.model_dump()
        for name, value in (parameters or {}).items():
            if name not in data["parameters"]:
                raise self._no_parameter(name)
            data["parameters"][name] = value
        for name, value in (initial or {}).items():
            if name not in data["variables"]:
                raise self._no_start(name)
            data["variables"][name] |= {"initial": value, "values": None}
        if dt is not None:
            data["dt"] = dt
        if method is not None:
            data["method"] = method
        return type(self)(self.array_source, **data)

    def _no_parameter(self, name: str) -> UnknownNameError:
        if name in self.variables:
            return UnknownNameError(
                f"'{name}' is a variable, not a parameter: its initial value is given by "
                f'--initial {name}=1 (initial={{"{name}": 1}} in Python)'
            )
        return UnknownNameError(f"unknown parameter '{name}'{suggestion(name, self.parameters)}")

    def _no_start(self, name: str) -> UnknownNameError:
        if name in self.parameters:
            return UnknownNameError(
                f"'{name}' is a parameter, not a variable: its value is given by --set {name}=1 "
                f'(parameters={{"{name}": 1}} in Python)'
            )
        return UnknownNameError(f"unknown variable '{name}'{suggestion(name, self.variables)}")

    @contextlib.contextmanager
    def _meaning(self, what: str) -> Iterator[None]:
        """Say of a parameter, where a variable is meant, that it is one."""
        try:
            yield
        except UnknownNameError as error:
            name = re.match(r"unknown variable '(.*?)'", error.message)
            if name is None or name[1] not in self.parameters:
                raise
            known = ", ".join([*self.variables][:12])
            raise UnknownNameError(
                f"'{name[1]}' is a parameter, and {what}: name one of {known}"
            ) from None

    def _check_partition(self) -> None:
        for side in ("A", "B"):
            for i, name in enumerate(getattr(self.partition, side) or ()):
                if name not in self.variables:
                    hint = suggestion(name, self.variables)
                    raise ModelError(f"unknown variable '{name}'{hint}", ("partition", side, i))
        if self.partition.B is None:
            return
        both = sorted(set(self.partition.A) & set(self.partition.B))
        neither = [n for n in self.variables if n not in {*self.partition.A, *self.partition.B}]
        if both:
            raise ModelError(
                f"'{both[0]}' is in A and in B: a variable is in one of them", ("partition",)
            )
        if neither:
            raise ModelError(
                f"'{neither[0]}' is in neither A nor B: add it to one, or leave B out (it is then "
                "the rest)",
                ("partition",),
            )

    def _check_question(self) -> None:
        static = self.is_static
        question = self.question
        if self._checked_by_asking():
            return
        checks: dict[str, Callable[[str], object]] = {
            "hold": self._check_hold,
            "nudge": lambda text: self.check_nudge(
                self.node(text), self.question_hold(), question.steps
            ),
            "target": lambda text: self.check_target(
                self.target(text).variable, MAX_STEPS if question.steps is None else question.steps
            ),
        }
        for key, check in checks.items():
            text = getattr(question, key)
            try:
                if text is not None:
                    check(text)
            except ModelError:
                raise
            except CausaloptError as error:
                raise ModelError(error.message, ("question", key)) from None
        if static and question.steps:
            raise ModelError(
                "a model without time has no steps: drop 'steps'", ("question", "steps")
            )

    def _checked_by_asking(self) -> bool:
        """Whether the model in which n is one node and m one variable has checked the question."""
        for key in ("nudge", "target"):
            text = getattr(self.question, key)
            try:
                self.asking(**{key: text})
            except QuestionTextError as error:
                margin = len(text) - len(text.lstrip())
                raise ModelError(error.message, ("question", key), error.offset + margin) from None
            except CausaloptError as error:
                raise ModelError(error.message, ("question", key)) from None
        return self.asking(self.question.nudge, self.question.target)[0] is not self

    def _check_hold(self, text: str) -> None:
        """Refuse a set that cannot be read; one that asks the graph is a set of each run's own."""
        if is_plain(text):
            self.selection(text)
        else:
            from causalopt.model.regions.set_evaluation import check_names  # most sets are plain

            check_names(self.spacetime(asked=self.question_nodes(self.question.steps)), text)

    def question_nodes(self, steps: int | None) -> dict[str, Node]:
        """Return the nodes that the question's own sets may call n and m, m at the last step."""
        question = self.question
        found = {} if question.nudge is None else {"n": self.node(question.nudge)}
        if question.target is not None:
            found["m"] = dataclasses.replace(self.target(question.target), t=steps or 0)
        return found

    def question_hold(self) -> Selection:
        """Return the set A of the question's own run; nothing where its length is not said."""
        question = self.question
        if question.hold is not None and not is_plain(question.hold):
            if question.steps is None and not self.is_static:
                return ()
            return (
                self.held_set(steps=question.steps, asked=self.question_nodes(question.steps)) or ()
            )
        return self.held_set() or ()

    def _check_training(self) -> None:
        if self.training is not None:
            from causalopt.model.arrays.trainable import check_training  # few models are trained

            check_training(self.arrays if self.is_array else None, self.training)


def refuse_for_numbers(**options: Any) -> None:
    """Refuse options that only models with arrays have.

    Raises:
        QuestionError: One is given.
    """
    for name, value in options.items():
        if value is not None:
            raise QuestionError(f"'{name}' is for models with array variables, and this has none")


def run_length(model: Model, steps: int | None) -> int:
    """Return the last step of a run, from the caller or the model's question.

    Raises:
        QuestionError: Neither says it, or it is out of range.
    """
    if model.is_static:
        if steps:
            raise QuestionError("this model has no time: it takes no steps")
        return 0
    last = model.question.steps if steps is None else steps
    if last is None:
        raise QuestionError(
            "how many steps? say --steps N (steps=N in Python), or give the model "
            "a question with steps"
        )
    if last < 0 or last != int(last):
        raise QuestionError(f"steps must be a whole number from 0 up, found {last}")
    if last > MAX_STEPS:
        raise QuestionError(f"steps must be at most {MAX_STEPS:,}, found {last}")
    if model.is_array:
        return int(last)  # what is kept of it decides the memory
    needed, there = (int(last) + 1) * len(model.template.equations) * _BYTES, machine_memory()
    if needed > there:
        raise QuestionError(
            f"{last} steps of this model need about {needed / 1e9:.3g} GB and this machine has "
            f"{there / 1e9:.3g} GB: run fewer steps, or keep one step of many by a sweep"
        )
    return int(last)


def machine_memory() -> float:
    """Return the machine's memory in bytes, infinite where it does not say."""
    names = getattr(os, "sysconf_names", {})
    if not {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= set(names):
        return math.inf
    return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def model_of_checked(values: Mapping[str, Any], source: ArraySource) -> Model:
    """Return the model of another one's fields: what they mean is checked as ever.

    Raises:
        ModelError: The declaration is wrong.
    """
    found = Model.__new__(Model)
    with collector_paused():
        found._begin(source, values)
    return found


def _checked(data: dict[str, Any]) -> dict[str, Any]:
    """Return a model's fields, checked; pydantic's first complaint says what to do."""
    from pydantic import ValidationError

    try:
        return checked(Model, data)
    except ValidationError as error:
        refuse_mistake(error, _record_at)


def refuse_mistake(
    error: ValidationError, record_at: Callable[[tuple[int | str, ...]], Any]
) -> NoReturn:
    """Raise pydantic's first complaint as one that says what to do.

    Args:
        error: What it complains of.
        record_at: Path of keys -> the record there, whose keys a misspelt one is likened to.

    Raises:
        ModelError: Always; its path leads to the mistake.
    """
    # A section with nothing under it explains keys that stand elsewhere, a misspelt key the one
    # that is missing.
    first = min(
        error.errors(), key=lambda e: (e["input"] is not None, e["type"] != "extra_forbidden")
    )
    path = tuple(key for i, key in enumerate(first["loc"]) if i < 3 or not _is_inner(key))
    if first["type"] == "extra_forbidden":
        owner = record_at(path[:-1])
        hint = suggestion(str(path[-1]), owner.model_fields)
        message = f"unknown key '{path[-1]}'{hint}"
    elif first["type"] == "missing":
        message = f"the key '{path[-1]}' is missing"
        path = path[:-1]
    elif first["type"] in {"model_type", "mapping_type", "dict_type"}:
        message = _no_mapping(first["input"], path)
    elif first["type"] == "string_type":
        message = _no_text(first["input"], path)
    elif first["type"] in {"int_type", "int_parsing", "int_from_float", "int_parsing_size"}:
        message = f"expected a whole number, found {shown(first['input'])}"
    elif first["type"] == "greater_than_equal":
        message = f"expected a number from {first['ctx']['ge']} up, found {shown(first['input'])}"
    elif first["type"] in {"tuple_type", "list_type"}:
        message = _no_list(first["input"], path)
    elif first["type"] == "bool_parsing":
        message = f"expected true or false, found {shown(first['input'])}"
    elif first["type"] == "literal_error":
        message = f"expected {first['ctx']['expected']}, found {shown(first['input'])}"
    elif first["type"] == "value_error":
        message = str(first["ctx"]["error"])
    else:
        message = f"{first['msg'][:1].lower()}{first['msg'][1:]}, found {shown(first['input'])}"
    raise ModelError(message, path, is_key=first["type"] == "extra_forbidden") from None


def _no_mapping(value: Any, path: tuple[int | str, ...]) -> str:
    """Return what to do where a mapping is expected and something else came."""
    if value is None and path:
        return (
            f"'{path[-1]}' has nothing under it: indent the lines that belong to it by two spaces "
            "more than it"
        )
    said = f"expected a mapping of keys to values, found {shown(value)}"
    if callable(value):
        return f"{said}: {A_RULE_IS_A_TEXT}"
    if isinstance(value, list | tuple) and all(isinstance(item, Mapping) for item in value):
        keys = [str(key) for item in value for key in item]
        return f"{said}: drop the dashes or brackets, write {keys[0] if keys else 'name'}: ..."
    return said


def _no_list(value: Any, path: tuple[int | str, ...]) -> str:
    """Return what to do where a list is expected and something else came."""
    said = f"expected a list, found {shown(value)}"
    if isinstance(value, Mapping) and value and all(item is None for item in value.values()):
        return f"{said}: write {path[-1]}: [{', '.join(map(str, value))}]"  # braces for brackets
    return said


def _no_text(value: Any, path: tuple[int | str, ...]) -> str:
    """Return what to do where a text is expected and something else came."""
    key = path[-1] if path else "name"
    if value is None:
        return f"'{key}' has nothing after it: write {key}: ..., or drop the key"
    said = f"expected a text, found {shown(value)}"
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return f'{said}: write {key}: "{", ".join(value)}"'
    return said


def _is_inner(key: int | str) -> bool:
    """Whether a step of a path is the checker's own, not a key of the declaration."""
    inner = {"int", "float", "str", "tuple", "dict"}
    return isinstance(key, str) and (key in inner or "[" in key or "(" in key)


def _record_at(path: tuple[int | str, ...]) -> type[Record]:
    records: dict[object, type[Record]] = {
        "variables": Variable,
        "partition": Partition,
        "question": Question,
        "facts": Fact,
    }
    return records.get(path[0], Model) if path else Model
