"""A declaration with array variables, read: sizes, shapes, rules, files and what is drawn."""

from __future__ import annotations

import dataclasses
import functools
import graphlib
import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from causalopt.errors import ExpressionError, FileError, ModelError, suggestion
from causalopt.model.array_source import ArraySource
from causalopt.model.arrays.array_files import load_array
from causalopt.model.arrays.array_flows import discretized, elapsed
from causalopt.model.arrays.array_laws import ArrayLaw
from causalopt.model.arrays.array_template import ArrayTemplate, ArrayVariable, Floats
from causalopt.model.arrays.backpropagation import resolved
from causalopt.model.declaration import Method, Variable, motion
from causalopt.model.declared_names import check_names, has_time, signature
from causalopt.tensors.building import (
    ShapeError,
    const,
    elementwise,
    expanded,
    given,
    joint_shape,
    literal,
)
from causalopt.tensors.folding import evaluate
from causalopt.tensors.named import Named
from causalopt.tensors.tensor import Shape, Tensor, inputs
from causalopt.tensors.tensor_reader import read_tensor
from causalopt.tensors.tensor_scope import MacroFunction, TensorScope, tensor_function_names
from causalopt.tensors.tensor_syntax import MAX_ELEMENTS

Path = tuple[str | int, ...]
# Draws have names that no one can write, and these functions are what reads them.
_LAWS = {
    "normal": MacroFunction("normal", ("mean", "sd"), "mean + sd*draw\xb7normal"),
    "uniform": MacroFunction("uniform", ("low", "high"), "low + (high - low)*draw\xb7uniform"),
    "bernoulli": MacroFunction("bernoulli", ("p",), "where(draw\xb7uniform < p, 1, 0)"),
}


def read_array_template(
    *,
    sizes: Mapping[str, int | str],
    variables: Mapping[str, Variable],
    parameters: Mapping[str, int | float | str],
    functions: Mapping[str, str],
    dt: float | None,
    method: Method | None,
    source: ArraySource | None = None,
) -> ArrayTemplate:
    """Read the texts of a declaration with array variables, and the arrays of `source`.

    Raises:
        ModelError: A text, a name, a shape or a file is wrong; `path` and `offset` say where.
    """
    sections = {"sizes": sizes, "parameters": parameters, "functions": functions}
    check_names({**sections, "variables": variables}, tensor_function_names())
    for name, declared in variables.items():
        for key in ("disturbs", "measures"):
            if getattr(declared, key) is not None:
                raise ModelError(
                    f"'{key}' is for models of numbers: write '{name}' as a rule of arrays, or "
                    "causalopt.expand the model without it",
                    ("variables", name, key),
                )
    step = Fraction(repr(dt)) if dt is not None else Fraction(1)
    reader = _Reader(variables, _sizes(sizes), parameters, functions, step, source)
    found = [reader.variable(name) for name in variables]
    continuous = {n: motion(v) for n, v in variables.items() if motion(v) != "rule"}
    motions = {v.name: (continuous[v.name], _whole(v)) for v in found if v.name in continuous}
    if continuous:
        found = reader.integrated(found, continuous, dt, method)
    elif method is not None:
        raise ModelError("'method' integrates flows, and this model has none: drop it", ("method",))
    rules = {v.name: v.rule for v in found if v.rule is not None}
    shapes = {v.name: v.shape for v in found}
    whole = resolved(rules, shapes)
    done = [_with_rule(v, whole.get(v.name)) for v in found]
    for variable in done:
        _check_lags(variable, motion(variables[variable.owner]))
    return ArrayTemplate(
        variables=_ordered(done, variables),
        names=tuple(variables),
        sizes=reader.sizes,
        parameters=reader.parameters,
        dt=step,
        is_static=reader.is_static,
        depends_on_dt=bool(continuous) or reader.reads_dt,
        motions=motions,
    )


def _with_rule(variable: ArrayVariable, rule: Tensor | None) -> ArrayVariable:
    return dataclasses.replace(variable, rule=rule)


def _sizes(declared: Mapping[str, int | str]) -> dict[str, int]:
    """Return name -> size; a size may be an expression in those declared before it."""
    sizes: dict[str, int] = {}
    for name, value in declared.items():
        path = ("sizes", name)
        number: Any = value
        if isinstance(value, str):
            scope = TensorScope(
                {}, {}, {}, {n: Named(const(s), ()) for n, s in sizes.items()}, {}, kind="size"
            )
            try:
                found = np.asarray(evaluate([read_tensor(value, scope).tensor], _nothing)[0])
            except ExpressionError as error:
                raise ModelError(error.message, path, error.offset) from None
            if found.shape:
                raise ModelError("expected a number, found an array", path)
            number = float(found)
        # The bounds come first: they refuse nan, and infinity before it is made a whole number.
        if not 1 <= number <= MAX_ELEMENTS or number != int(number):
            raise ModelError(
                f"a size is a whole number from 1 to {MAX_ELEMENTS:,}, found {number:,}", path
            )
        sizes[name] = int(number)
    return sizes


def _nothing(key: tuple[Any, ...]) -> Any:
    raise ModelError(f"{key} means nothing here")


class _Reader:
    """The texts of one declaration, and what their names mean."""

    def __init__(
        self,
        variables: Mapping[str, Variable],
        sizes: dict[str, int],
        parameters: Mapping[str, int | float | str],
        functions: Mapping[str, str],
        dt: Fraction,
        source: ArraySource | None,
    ) -> None:
        self._source = source
        self._called: list[tuple[str, Sequence[Named]]] = []  # laws, by the text being read
        self._laws: dict[str, list[ArrayLaw]] = {name: [] for name in variables}
        self._variables, self.sizes, self._dt = variables, sizes, dt
        self.is_static = not any(has_time(v) or v.data is not None for v in variables.values())
        texts = [t for v in variables.values() for t in (v.rule, v.initial) if isinstance(t, str)]
        self.reads_dt = any(re.search(r"\b(time|dt)\b", text) for text in texts)
        self._functions = {
            name: MacroFunction(name, arguments, body)
            for (name, arguments), body in (
                (signature(key), body) for key, body in functions.items()
            )
        }
        self.parameters = self._read_parameters(parameters)
        self._dims: dict[str, tuple[str | None, ...]] = {}
        self._shapes: dict[str, Shape] = {}
        for name, variable in variables.items():
            self._dims[name], self._shapes[name] = self._shape(name, variable)

    def _shape(self, name: str, variable: Variable) -> tuple[tuple[str | None, ...], Shape]:
        dims: list[str | None] = []
        shape: list[int] = []
        for i, size in enumerate(variable.shape or ()):
            if isinstance(size, str) and size not in self.sizes:
                hint = suggestion(size, self.sizes) if self.sizes else ": declare it under sizes:"
                raise ModelError(f"unknown size '{size}'{hint}", ("variables", name, "shape", i))
            dims.append(size if isinstance(size, str) else None)
            shape.append(self.sizes[size] if isinstance(size, str) else size)
        if math.prod(shape) > MAX_ELEMENTS:
            raise ModelError(
                f"'{name}' has {math.prod(shape):,} elements, the limit is {MAX_ELEMENTS:,}",
                ("variables", name, "shape"),
            )
        return tuple(dims), tuple(shape)

    def _read_parameters(self, raw: Mapping[str, int | float | str]) -> dict[str, Tensor]:
        names = {n: Named(given("param", n), ()) for n in raw}
        scope = TensorScope(
            {}, {}, self.sizes, {**self._constants(), **names}, self._functions, kind="parameter"
        )
        read = {n: self._number(value, scope, ("parameters", n)) for n, value in raw.items()}
        needs = {n: [x.payload[1] for x in inputs(tensor)] for n, tensor in read.items()}
        try:
            order = list(graphlib.TopologicalSorter(needs).static_order())
        except graphlib.CycleError as error:
            cycle = list(reversed(error.args[1]))
            raise ModelError(
                "parameters define each other in a circle: " + " -> ".join(cycle),
                ("parameters", cycle[0]),
            ) from None
        return {n: read[n] for n in order}

    def _number(self, value: int | float | str, scope: TensorScope, path: Path) -> Tensor:
        found = self._read(value, scope, path)
        if found.tensor.shape:
            raise ModelError("expected a number, found an array", path)
        return found.tensor

    def _constants(self) -> dict[str, Named]:
        return {"pi": Named(const(Fraction(math.pi)), ()), "dt": Named(const(self._dt), ())}

    def _read(self, value: int | float | str, scope: TensorScope, path: Path) -> Named:
        if not isinstance(value, str):
            return Named(const(Fraction(repr(value))), ())
        try:
            return read_tensor(value, scope)
        except ExpressionError as error:
            raise ModelError(error.message, path, error.offset) from None

    def scope(self, kind: str, variable: str) -> TensorScope:
        """Return what names mean in the rules, flows or initial values of a variable."""
        names = self._constants()
        names |= {n: Named(given("param", n), ()) for n in self.parameters}
        bare = kind in {"flow", "algebraic"}
        functions = dict(self._functions)
        if not self.is_static and bare:
            names["time"] = Named(given("time"), ())
        elif not self.is_static and kind == "rule":
            names["t"] = Named(given("t"), ())
            names["time"] = Named(elapsed(given("t"), self._dt), ())
        if kind in {"initial value", "noise"}:
            names |= self._draws(variable)
            functions |= {n: self._noted(_LAWS[n]) for n in ("normal", "uniform")}
        if kind == "noise":
            functions["bernoulli"] = self._noted(_LAWS["bernoulli"])
            names["uniform"] = names["draw\xb7uniform"]
        if kind == "initial value":
            return TensorScope({}, {}, self.sizes, names, functions, kind=kind)
        return TensorScope(
            dims=self._dims,
            shapes=self._shapes,
            sizes=self.sizes,
            names=names,
            functions=functions,
            bare=self.is_static or bare,
            kind=kind,
        )

    def _noted(self, function: MacroFunction) -> MacroFunction:
        def told(arguments: Sequence[Named]) -> None:
            self._called.append((function.name, arguments))

        return dataclasses.replace(function, told=told)

    def _note_laws(self, name: str, t: int, path: Path) -> None:
        """Keep the laws that the text just read draws from, and refuse those that cannot be."""
        laws = [ArrayLaw.of(kind, arguments, t) for kind, arguments in self._called]
        self._called.clear()
        for law in laws:
            fault = None if law.reads - {"param"} else law.fault(self._parameter)
            if fault is not None:
                raise ModelError(f"'{name}': {fault}", path)
        self._laws[name] += laws

    def _parameter(self, key: tuple[Any, ...]) -> float:
        return self._values[key[1]]

    @functools.cached_property
    def _values(self) -> dict[str, float]:
        values: dict[str, float] = {}
        for name, tensor in self.parameters.items():
            values[name] = float(evaluate([tensor], lambda key: values[key[1]])[0])
        return values

    def _draws(self, name: str) -> dict[str, Named]:
        shape, dims = self._shapes[name], self._dims[name]
        return {
            f"draw\xb7{kind}": Named(given("draw", kind, shape=shape), dims)
            for kind in ("normal", "uniform")
        }

    def variable(self, name: str) -> ArrayVariable:
        """Return one declared variable, a flow still being a flow."""
        variable, path = self._variables[name], ("variables", name)
        _check_keys(variable, path)
        key = motion(variable)
        rule = noise = stream = None
        if variable.noise is not None:
            noise = self._fitted(variable.noise, "noise", name, (*path, "noise"))
        elif variable.data is not None:
            stream = self._stream(name, variable.data, (*path, "data"))
        elif getattr(variable, key) is not None:
            rule = self._fitted(getattr(variable, key), key, name, (*path, key))
        initial = self._initial(variable, name, path)
        if self.is_static and rule is not None and initial:
            raise ModelError(
                "in a model without time a variable has a rule or an initial value, not both",
                (*path, "initial" if variable.initial is not None else "values"),
            )
        dims, shape = self._dims[name], self._shapes[name]
        whole = variable.kind == "integer"
        laws = tuple(self._laws[name])
        return ArrayVariable(name, dims, shape, rule, initial, name, noise, stream, whole, laws)

    def _fitted(self, text: Any, kind: str, name: str, path: Path) -> Tensor:
        """Return a text's tensor in the shape of its variable."""
        if not isinstance(text, int | float | str):
            raise ModelError("in a model with arrays noise is a text: uniform, normal(0, 1)", path)
        found = self._read(text, self.scope(kind, name), path)
        return self._stretched(found, name, kind, path)

    def _stretched(self, found: Named, name: str, kind: str, path: Path) -> Tensor:
        dims, shape = self._dims[name], self._shapes[name]
        tensor = found.tensor
        if tensor.is_truth:
            tensor = elementwise("where", tensor, const(1), const(0))
        own = dims[len(dims) - len(found.dims) :] if len(found.dims) <= len(dims) else dims
        clash = any(a and b and a != b for a, b in zip(found.dims, own, strict=False))
        try:
            fits = not clash and joint_shape(tensor.shape, shape) == shape
        except ShapeError:
            fits = False
        if not fits:
            raise ModelError(
                f"the {kind} gives {_brackets(found.dims, tensor.shape)}, and '{name}' has the "
                f"shape {_brackets(dims, shape)}",
                path,
            )
        if kind == "noise" and (read := [x for x in inputs(tensor) if x.payload[0] == "ref"]):
            raise ModelError(
                f"noise is drawn by itself and reads no variable, found '{read[0].payload[1]}': "
                "read both in the rule of a third",
                path,
            )
        step = path[-1] if isinstance(path[-1], int) else 0
        self._note_laws(name, step, path)
        return expanded(tensor, shape)

    def _initial(self, variable: Variable, name: str, path: Path) -> tuple[Tensor, ...]:
        shape, value = self._shapes[name], variable.initial
        if variable.values is not None:
            values = self._from_file(variable.values, (*path, "values"))
            if values.shape != shape:
                raise ModelError(
                    f"'{variable.values}' has the shape {list(values.shape)}, and '{name}' "
                    f"{_brackets(self._dims[name], shape)}",
                    (*path, "values"),
                )
            return (literal(values),)
        if value is None:
            return ()
        if isinstance(value, Mapping):
            raise ModelError(
                "a law at t = 0 needs labels: write a number, or normal(0, 1) or uniform(0, 1)",
                (*path, "initial"),
            )
        scope = self.scope("initial value", name)
        where = (*path, "initial")
        if not isinstance(value, tuple):
            return (self._stretched(self._read(value, scope, where), name, "initial value", where),)
        return self._listed(value, name, where, scope)

    def _listed(
        self, value: tuple[Any, ...], name: str, path: Path, scope: TensorScope
    ) -> tuple[Tensor, ...]:
        """Return a list's values: an array's elements, or one entry a step."""
        shape = self._shapes[name]
        try:
            numbers = np.array(value, dtype=float)
        except (TypeError, ValueError):
            numbers = None
        if shape and numbers is not None:
            if numbers.shape == shape:
                return (literal(numbers),)
            if numbers.shape[1:] == shape:
                return tuple(literal(row) for row in numbers)
            raise ModelError(
                f"the list has the shape {list(numbers.shape)}, and '{name}' "
                f"{_brackets(self._dims[name], shape)}",
                path,
            )
        if any(isinstance(item, tuple | list) for item in value):
            raise ModelError(
                "the rows of the list differ in length, or hold other than numbers", path
            )
        return tuple(
            self._stretched(self._read(x, scope, (*path, i)), name, "initial value", (*path, i))
            for i, x in enumerate(value)
        )

    def _from_file(self, text: str, path: Path) -> Floats:
        try:
            return load_array(text, self._source)
        except FileError as error:
            raise ModelError(error.message, path) from None

    def _stream(self, name: str, text: str, path: Path) -> Floats:
        values, shape = self._from_file(text, path), self._shapes[name]
        if values.ndim != len(shape) + 1 or values.shape[1:] != shape:
            raise ModelError(
                f"'{text}' has the shape {list(values.shape)}; a stream for '{name}' has the step "
                f"first and then {_brackets(self._dims[name], shape)}",
                path,
            )
        return values

    def integrated(
        self,
        found: list[ArrayVariable],
        continuous: Mapping[str, str],
        dt: float | None,
        method: Method | None,
    ) -> list[ArrayVariable]:
        """Return the variables with the integrator's in place of flows and algebraic ones."""
        if "flow" not in continuous.values():
            name = next(iter(continuous))
            raise ModelError(
                "'algebraic' is the value between steps, and this model has no flow: write 'rule'",
                ("variables", name, "algebraic"),
            )
        if dt is None or method is None:
            missing = "dt" if dt is None else "method"
            raise ModelError(
                "a model with a flow names its step and method at the top level: "
                f"'{missing}' is missing (dt: 0.01, method: euler or rk4)",
                ("variables", next(iter(continuous)), "flow"),
            )
        if method == "exact":
            raise ModelError(
                "method: exact is for flows of numbers, and this model has arrays: write euler or "
                "rk4, or write it out with causalopt.expand(model) first",
                ("method",),
            )
        by_name = {v.name: v for v in found}
        for name, key in continuous.items():
            if (len(by_name[name].initial) == 1) != (key == "flow"):
                raise ModelError(
                    "a flow starts from one initial value"
                    if key == "flow"
                    else "an algebraic variable has its value at every instant: drop 'initial'",
                    ("variables", name, "initial"),
                )
        rules = {
            n: {v: _whole(by_name[v]) for v, k in continuous.items() if k == n}
            for n in ("flow", "algebraic")
        }
        stages = discretized(rules["flow"], rules["algebraic"], self._shapes, method, self._dt)
        made = []
        for stage in stages:
            owner = by_name[stage.owner]
            own = stage.name == stage.owner
            start = owner.initial if own else (expanded(const(0), owner.shape),)
            laws = owner.laws if own else ()
            dims, shape, rule = owner.dims, owner.shape, stage.rule
            made.append(ArrayVariable(stage.name, dims, shape, rule, start, stage.owner, laws=laws))
        return [v for v in found if v.name not in continuous] + made


def _whole(variable: ArrayVariable) -> Tensor:
    assert variable.rule is not None
    return variable.rule


def _check_keys(variable: Variable, path: Path) -> None:
    """Refuse keys that contradict each other, or that models with arrays do not have."""
    given_keys = [
        key
        for key in ("rule", "flow", "algebraic", "noise", "data")
        if getattr(variable, key) is not None
    ]
    if len(given_keys) > 1:
        raise ModelError(
            "a variable has one of rule, flow, algebraic, noise and data; this has "
            + " and ".join(given_keys),
            (*path, given_keys[1]),
        )
    for key in ("table", "parents", "domain", "spread"):
        if getattr(variable, key) is not None:
            raise ModelError(
                f"'{key}' belongs to labels and laws, and a model with arrays follows numbers: "
                "write a rule, or keep the labels in a model of their own",
                (*path, key),
            )
    if variable.initial is not None and variable.values is not None:
        raise ModelError(
            "'initial' and 'values' both say how it starts: drop one", (*path, "values")
        )
    starts = variable.initial is not None or variable.values is not None
    if starts and {"noise", "data"} & set(given_keys):
        raise ModelError(
            f"'{given_keys[0]}' gives every step's value: drop the initial one", (*path, "initial")
        )


def _brackets(dims: tuple[str | None, ...], shape: Shape) -> str:
    names = (name or str(size) for name, size in zip(dims, shape, strict=True))
    return f"[{', '.join(names)}]" if shape else "a number"


def _check_lags(variable: ArrayVariable, key: str) -> None:
    known = len(variable.initial)
    for parent, lag in variable.parents:
        if lag > known:
            raise ModelError(
                f"at t = {known} the {key} of '{variable.owner}' reads {parent}[t-{lag}], before "
                f"t = 0: give '{variable.owner}' {lag} initial value{'s' * (lag != 1)}",
                ("variables", variable.owner, key),
            )


def _ordered(
    found: list[ArrayVariable], declared: Mapping[str, Variable]
) -> tuple[ArrayVariable, ...]:
    needs = {v.name: [parent for parent, lag in v.parents if lag == 0] for v in found}
    by_name = {v.name: v for v in found}
    try:
        order = list(graphlib.TopologicalSorter(needs).static_order())
    except graphlib.CycleError as error:
        cycle = [by_name[name].owner for name in error.args[1]]
        raise ModelError(
            "variables need each other at the same step, in a circle: "
            f"{' -> '.join(cycle)}; break it with a [t-1]",
            ("variables", cycle[0], motion(declared[cycle[0]])),
        ) from None
    return tuple(by_name[name] for name in order)
