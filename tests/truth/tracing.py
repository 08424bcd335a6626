"""A foreign function of numbers, run on names: what it computes comes out as a rule's text.

`Traced` takes the place of a float in Python code that was written for numpy. `Numpy` takes the
place of the numpy module there: it knows names, and complex numbers in functions that bend.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

FUNCTIONS = ("sin", "cos", "tan", "exp", "log", "sqrt", "sinh", "cosh", "tanh", "arctan", "sign")
BINARY = {
    np.add: "+",
    np.subtract: "-",
    np.multiply: "*",
    np.divide: "/",
    np.true_divide: "/",
    np.power: "**",
}


class Traced:
    """A number that is known by the text that computes it."""

    def __init__(self, text: str):
        self.text = text

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *given: Any, **options: Any) -> Any:
        """Numpy's functions of it, and numpy's scalars and arrays beside it."""
        if method != "__call__" or options:
            raise TypeError(f"numpy.{ufunc.__name__}.{method} of a name")
        if any(isinstance(x, np.ndarray) and x.ndim for x in given):
            wrapped = [x if isinstance(x, np.ndarray) else boxed(x) for x in given]
            return ufunc(*wrapped)
        if ufunc in BINARY:
            return operation(BINARY[ufunc], *given)
        if ufunc is np.negative:
            return -given[0]
        if ufunc is np.absolute:
            return abs(given[0])
        if ufunc.__name__ in FUNCTIONS:
            return called(ufunc.__name__, given[0])
        raise TypeError(f"numpy.{ufunc.__name__} of a name")

    def __getattr__(self, name: str) -> Any:
        """Functions as methods, as numpy calls them on the entries of an array."""
        if name in FUNCTIONS:
            return lambda: called(name, self)
        raise AttributeError(name)

    def __add__(self, other: Any) -> Any:
        return operation("+", self, other)

    def __radd__(self, other: Any) -> Any:
        return operation("+", other, self)

    def __sub__(self, other: Any) -> Any:
        return operation("-", self, other)

    def __rsub__(self, other: Any) -> Any:
        return operation("-", other, self)

    def __mul__(self, other: Any) -> Any:
        return operation("*", self, other)

    def __rmul__(self, other: Any) -> Any:
        return operation("*", other, self)

    def __truediv__(self, other: Any) -> Any:
        return operation("/", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return operation("/", other, self)

    def __pow__(self, other: Any) -> Any:
        return operation("**", self, other)

    def __rpow__(self, other: Any) -> Any:
        return operation("**", other, self)

    def __neg__(self) -> Traced:
        return Traced(f"(-{self.text})")

    def __abs__(self) -> Traced:
        return called("abs", self)

    def __bool__(self) -> bool:
        raise TypeError(f"a branch on {self.text} cannot be traced")

    def __lt__(self, other: Any) -> Any:
        raise TypeError(f"a branch on {self.text} cannot be traced")

    __gt__ = __le__ = __ge__ = __eq__ = __lt__
    __hash__ = object.__hash__


def boxed(x: Any) -> np.ndarray:
    """Return an array without axes that holds a name."""
    box = np.empty((), dtype=object)
    box[()] = x
    return box


def written(x: Any) -> str:
    """Return a number or a name as a rule's text, without loss."""
    if isinstance(x, Traced):
        return x.text
    if isinstance(x, np.ndarray) and x.ndim:
        raise TypeError("a list in place of a number")
    value = x.item() if hasattr(x, "item") else x
    return f"({value!r})" if value < 0 else repr(value)


def operation(sign: str, left: Any, right: Any) -> Any:
    """Return left sign right; with a whole array, entry by entry."""
    for x in (left, right):
        if isinstance(x, np.ndarray) and x.ndim:
            return NotImplemented
    return Traced(f"({written(left)} {sign} {written(right)})")


def called(name: str, x: Any) -> Traced:
    """Return a function of x, by the name that rules have for it."""
    return Traced(f"{name.replace('arctan', 'atan')}({written(x)})")


class Numpy:
    """numpy, with functions that bend for names and, by their real parts, for complex numbers.

    A complex number with a tiny imaginary part carries a derivative through any analytic function;
    what bends takes the side of the real part.
    """

    def __init__(self, module: ModuleType = np):
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def heaviside(self, x: Any, half: float) -> Any:
        """Return 0 below 0, half at 0 and 1 above."""
        if isinstance(x, Traced):
            return Traced(f"where({x.text} > 0, 1, where({x.text} < 0, 0, {half!r}))")
        return np.heaviside(np.real(x), half)

    def sign(self, x: Any) -> Any:
        """Return the sign of the real part."""
        return np.sign(x) if isinstance(x, Traced) else np.sign(np.real(x))

    def abs(self, x: Any) -> Any:
        """Return |x|, with its derivative in the imaginary part."""
        return abs(x) if isinstance(x, Traced) else x * np.sign(np.real(x))

    def min(self, x: Any, axis: int) -> Any:
        """Return the least along an axis."""
        if np.asarray(x).dtype == object:
            rows = np.moveaxis(x, axis, -1)
            return np.array([least(row) for row in rows], dtype=object)
        chosen = np.argmin(np.real(x), axis=axis)
        return np.take_along_axis(x, np.expand_dims(chosen, axis), axis).squeeze(axis)

    def zeros_like(self, x: Any) -> np.ndarray:
        """Return zeros that names can take the place of."""
        return np.array([0.0] * len(x), dtype=x.dtype)


def least(row: Any) -> Traced:
    """Return min(...) of names."""
    return Traced(f"min({', '.join(map(written, row))})")


def greatest(*given: Any) -> Any:
    """Return max(...) of numbers, names or complex numbers."""
    if any(isinstance(x, Traced) for x in given):
        return Traced(f"max({', '.join(map(written, given))})")
    return max(given, key=np.real)
