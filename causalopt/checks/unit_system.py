"""The units of a model: pint's, asked whether two fit together, and why not where they do not."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Hashable
from typing import Any, TypeAlias

from causalopt.extras import need

Unit: TypeAlias = Any  # pint's Unit
_ROUNDING = 1e-9


@functools.cache
def _registry() -> Any:
    need("pint")
    import pint

    return pint.UnitRegistry()


class UnitSystem:
    """What is asked of units; `called` keeps the functions that were read.

    Example:
        >>> system = UnitSystem()
        >>> system.problem(system.unit("cm"), system.unit("m"))
        'numbers are not converted, and 1 m is 100 cm'
    """

    def __init__(self) -> None:
        self._registry = _registry()
        self.one: Unit = self._registry.Unit("")
        self.called: dict[Hashable, Any] = {}

    def unit(self, text: str) -> Unit:
        """Return the unit that a text names.

        Raises:
            ValueError: pint knows none of that name; the message names the nearest.
        """
        need("pint")
        import pint

        try:
            return self._registry.parse_units(text)
        except pint.UndefinedUnitError as error:
            names = error.unit_names
            name = names if isinstance(names, str) else next(iter(names))
            raise ValueError(f"unknown unit '{name}'{self._nearest(name)}") from None
        except Exception as error:  # what pint raises at a text that is none has no common class
            reason = str(error).splitlines()[0] if str(error) else "it is no unit"
            raise ValueError(
                f"'{text}' is no unit that pint reads ({reason}): write units with *, / and **, "
                "such as m/s**2"
            ) from None

    def _nearest(self, name: str) -> str:
        close = difflib.get_close_matches(name, _unit_names(), n=1, cutoff=0.7)
        if close:
            return f"; did you mean '{close[0]}'?"
        return ": it is left alone; pint's units are such as m, kg, s, degC, W, percent, count"

    def text(self, unit: Unit) -> str:
        """Return a unit as it is written: m/s, degC; `no unit` for a number."""
        if unit == self.one:
            return "no unit"
        return f"{unit:~C}".replace("Δ°", "delta_deg").replace("°C", "degC").replace("°F", "degF")

    def is_offset(self, unit: Unit) -> bool:
        """Whether a unit's zero is not nothing, as that of degC and degF."""
        if len(dict(unit._units)) != 1:
            return False
        if unit.dimensionality != {"[temperature]": 1}:
            return False
        return bool(self._registry.Quantity(0.0, unit).to_root_units().magnitude != 0)

    def difference(self, unit: Unit) -> Unit:
        """Return the unit of differences: delta_degC for degC, and itself for all others."""
        if not self.is_offset(unit):
            return unit
        (name,) = dict(unit._units)
        return self._registry.Unit(f"delta_{name}")

    def problem(self, a: Unit, b: Unit) -> str:
        """Return why two units cannot be added or compared, "" where they can."""
        if a == b:
            return ""
        if a.dimensionality != b.dimensionality:
            return "these are different quantities"
        shifted = self.is_offset(a), self.is_offset(b)
        if any(shifted):
            if all(shifted) or self.one in (a, b):
                return "their zeros differ: convert one of them"
            other = str(b if shifted[0] else a)
            if other.startswith("delta_"):
                return ""
            return (
                "their zeros differ: convert one of them, and write delta_degC for the unit of a "
                "difference"
            )
        factor = float(self._registry.Quantity(1.0, a).to(b).magnitude)
        if abs(factor - 1) < _ROUNDING:
            return ""
        if factor < 1:
            a, b, factor = b, a, 1 / factor
        return f"numbers are not converted, and 1 {self.text(a)} is {factor:.6g} {self.text(b)}"

    def no_number(self, unit: Unit) -> str:
        """Return what makes a number of a unit, "" where it counts as one."""
        if self.is_offset(unit) or unit.dimensionality:
            return "divide it by a parameter in that unit"
        factor = float(self._registry.Quantity(1.0, unit).to(self.one).magnitude)
        return "" if abs(factor - 1) < _ROUNDING else f"multiply it by {factor:.6g}"


@functools.cache
def _unit_names() -> tuple[str, ...]:
    return tuple(sorted(name for name in _registry() if name.isascii()))
