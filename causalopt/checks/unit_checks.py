"""Units that do not fit, in every text of a model: rules, flows, functions, initial values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from causalopt.checks.unit_reader import BARE, UNKNOWN, UnitFunction, UnitScope, UnitValue, unit_of
from causalopt.checks.unit_system import Unit, UnitSystem
from causalopt.errors import ModelError
from causalopt.language.scope import normalized
from causalopt.model.declaration import motion
from causalopt.model.declared_names import signature

if TYPE_CHECKING:
    from causalopt.model.model import Model

Path = tuple[str | int, ...]


def has_units(model: Model) -> bool:
    """Whether a model names a unit anywhere."""
    named = any(v.unit is not None for v in model.variables.values())
    return named or bool(model.parameter_units) or model.time_unit is not None


def unit_doubts(model: Model) -> list[ModelError]:
    """Return the places at which units do not fit; nothing for a model that names none.

    Args:
        model: A model of numbers; rules on arrays are not read for their units.

    Raises:
        MissingPackageError: The model names units, and pint is not installed.

    Example:
        >>> from causalopt import Model
        >>> model = Model(
        ...     name="m", variables={"x": {"rule": "x[t-1] + v[t-1]", "initial": 0, "unit": "m"},
        ...     "v": {"initial": 1, "unit": "m/s"}}
        ... )
        >>> print(*unit_doubts(model))
        variables.x.rule, column 10: adds m and m/s: these are different quantities
          x[t-1] + v[t-1]
                   ^
    """
    if model.is_array or not has_units(model):
        return []
    return _UnitChecks(model).doubts()


class _UnitChecks:
    def __init__(self, model: Model) -> None:
        self._model = model
        self._system = UnitSystem()
        self._found: dict[tuple[Path, int, str], ModelError] = {}

    def doubts(self) -> list[ModelError]:
        model = self._model
        self._time = self._named(model.time_unit, ("time_unit",))
        self._variables = {
            normalized(name): self._named(v.unit, ("variables", name, "unit"))
            for name, v in model.variables.items()
        }
        self._names: dict[str, UnitValue] = {"pi": BARE, "t": BARE}
        self._names |= {"dt": self._time, "time": self._time}
        self._functions = self._declared_functions()
        self._read_parameters()
        for name in model.variables:
            self._variable(name)
        return list(self._found.values())

    def _say(self, message: str, path: Path, offset: int, text: str | None = None) -> None:
        key = (path, offset, message)
        said = ModelError(message, path, offset, text=text or self._text(path))
        self._found.setdefault(key, said)

    def _text(self, path: Path) -> str | None:
        """Return the text that stands at a place of the declaration."""
        found: Any = self._model
        for key in path:
            if isinstance(found, Mapping | list | tuple):
                found = cast("Any", found)[key]
            else:
                found = getattr(found, str(key), None)
        return found if isinstance(found, str) else None

    def _named(self, text: str | None, path: Path) -> UnitValue:
        """Return the unit that is declared somewhere."""
        if text is None:
            return UNKNOWN
        try:
            return UnitValue(self._system.unit(text))
        except ValueError as error:
            key = (path, 0, str(error))
            self._found.setdefault(key, ModelError(str(error), path, text=text))
            return UNKNOWN

    def _declared_functions(self) -> dict[str, UnitFunction]:
        found = {}
        for key, body in self._model.functions.items():
            name, arguments = signature(key)
            own = tuple(normalized(argument) for argument in arguments)
            found[normalized(name)] = UnitFunction(name, own, body, ("functions", key))
        return found

    def _scope(self, kind: str, *, variables: bool = True) -> UnitScope:
        bare = self._model.is_static or kind in {"flow", "algebraic"}
        return UnitScope(
            system=self._system,
            units=self._variables if variables else {},
            names=self._names,
            functions=self._functions,
            bare=bare,
            kind=kind,
            say=self._say,
            time=self._time,
        )

    def _read_parameters(self) -> None:
        model = self._model
        values = model.template.parameter_values()
        for name in model.template.parameters:
            if name not in model.parameters:
                continue  # a coefficient that the integrator computes
            value = model.parameters[name]
            # Where a unit is named the parameter is {value: ..., unit: ...} in the file.
            path: Path = ("parameters", name)
            unit = self._named(model.parameter_units.get(name), (*path, "unit"))
            if isinstance(value, str):
                path = (*path, "value") if name in model.parameter_units else path
                found = unit_of(value, self._scope("parameter", variables=False), path)
                if unit.unit is None:
                    unit = UNKNOWN if found.bare else found
                else:
                    self._fits(found, unit, f"'{name}' is", path, 0, value)
            known = UnitValue(unit.unit, number=values[name])
            self._names[normalized(name)] = known

    def _variable(self, name: str) -> None:
        variable = self._model.variables[name]
        own = self._variables[normalized(name)]
        path: Path = ("variables", name)
        key = motion(variable)
        text = getattr(variable, key)
        if text is not None:
            found = unit_of(text, self._scope(key), (*path, key))
            if key == "flow":
                self._flow(name, found, own, (*path, key), text)
            else:
                self._fits(found, own, f"'{name}' is", (*path, key), 0, text)
        initial = variable.initial
        several = isinstance(initial, tuple)
        for i, item in enumerate(initial if isinstance(initial, tuple) else (initial,)):
            if isinstance(item, str) and variable.domain is None:
                place = (*path, "initial", i) if several else (*path, "initial")
                found = unit_of(item, self._scope("initial value", variables=False), place)
                self._fits(found, own, f"'{name}' is", place, 0, item)

    def _fits(
        self, found: UnitValue, own: UnitValue, what: str, path: Path, offset: int, text: str
    ) -> None:
        """Say where a text's unit is not that of what it is the value of."""
        if found.unit is None or own.unit is None:
            return
        if self._system.is_offset(own.unit) and found.unit == self._system.difference(own.unit):
            return  # a difference that starts from 0
        problem = self._system.problem(found.unit, own.unit)
        if problem:
            self._say(
                f"this is in {self._system.text(found.unit)}, and {what} in "
                f"{self._system.text(own.unit)}: {problem}",
                path,
                offset,
                text,
            )

    def _flow(self, name: str, found: UnitValue, own: UnitValue, path: Path, text: str) -> None:
        """Say where a flow's unit is not that of its variable per unit of time."""
        if found.unit is None or own.unit is None:
            return
        system = self._system
        state = system.difference(own.unit)
        if self._time.unit is not None:
            rate: Unit = state / self._time.unit
            problem = system.problem(found.unit, rate)
            said = f"{system.text(rate)}, '{name}' per {system.text(self._time.unit)}"
        else:
            if (state / found.unit).dimensionality == {"[time]": 1}:
                return
            problem = "say which time it is by 'time_unit: s' at the top"
            said = f"{system.text(state)} per unit of time, as '{name}'"
        if problem:
            self._say(
                f"this flow is in {system.text(found.unit)}, and it must be in {said}: {problem}",
                path,
                0,
                text,
            )
