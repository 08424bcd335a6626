"""The flows of dysts, twice: as models of this package, and as their authors' functions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from causalopt import Model
from tests.truth.tracing import Numpy, Traced, greatest

STEP = 1e-30  # an imaginary part that no rounding reaches
STEPS_A_PERIOD = 1000
BENDS = ("abs(", "sign(", "where(", "min(", "max(")


@dataclass(frozen=True)
class ForeignFlow:
    """One flow of the collection; `system` is an object of dysts, at its own parameters."""

    name: str
    system: Any

    @property
    def initial(self) -> np.ndarray:
        """The collection's initial state, (size,)."""
        return np.asarray(self.system.ic, float)

    @property
    def period(self) -> float:
        """The collection's dominant period, in its time units."""
        return float(self.system.period)

    @cached_property
    def texts(self) -> list[str]:
        """The flows as rules, traced through the authors' functions."""
        numbers = self.parameters
        own = {name: Traced(f"p_{name}") for name in numbers}
        listed = list(self.system.param_list)
        names = sorted(self.system.params)
        self.system.__dict__.update(own)
        self.system.param_list = [own.get(n, v) for n, v in zip(names, listed, strict=True)]
        state = np.array([Traced(f"x{i}") for i in range(len(self.initial))], dtype=object)
        try:
            flows = self.system.rhs(state, Traced("time"))
        finally:
            self.system.__dict__.update(numbers)
            self.system.param_list = listed
        return [f.text if isinstance(f, Traced) else repr(float(f)) for f in flows]

    @property
    def parameters(self) -> dict[str, float]:
        """The parameters that are numbers; lists of numbers are written into the rules."""
        return {
            name: value
            for name, value in self.system.params.items()
            if isinstance(value, int | float)
        }

    @property
    def bends(self) -> bool:
        """Whether the flow has kinks or jumps."""
        return any(word in text for word in BENDS for text in self.texts)

    def model(self, steps_a_period: int = STEPS_A_PERIOD) -> Model:
        """Return the flow as a model, x0 to x(size - 1), under rk4."""
        return Model(
            name=self.name.lower(),
            parameters={f"p_{name}": value for name, value in self.parameters.items()},
            variables={
                f"x{i}": {"flow": text, "initial": float(start)}
                for i, (text, start) in enumerate(zip(self.texts, self.initial, strict=True))
            },
            dt=self.period / steps_a_period,
            method="rk4",
        )

    def flow(self, x: np.ndarray, time: float) -> np.ndarray:
        """Return dx/dtime by the authors' function; x may be complex."""
        return np.asarray(self.system.rhs(x, time))

    def slope(self, x: np.ndarray, time: float, direction: np.ndarray) -> np.ndarray:
        """Return the derivative of the flow in a direction, through an imaginary part."""
        return self.flow(x + 1j * STEP * direction, time).imag / STEP

    def trace(self, x: np.ndarray, time: float) -> float:
        """Return the divergence of the flow at x."""
        return sum(self.slope(x, time, unit)[i] for i, unit in enumerate(np.eye(len(x))))

    def integrated(self, times: np.ndarray, held: int) -> tuple[np.ndarray, ...]:
        """Return W, total and direct effect of x0 on all variables, each (size, times).

        By the variational equations; in the direct one the tangent of variable `held` stays 0.
        """
        size = len(self.initial)

        def together(time: float, y: np.ndarray) -> np.ndarray:
            x, total, direct = y.reshape(3, size)
            kept = self.slope(x, time, direct)
            kept[held] = 0.0
            return np.concatenate([self.flow(x, time), self.slope(x, time, total), kept])

        first = np.eye(size)[0]
        found = adaptive(together, np.concatenate([self.initial, first, first]), times)
        return tuple(found.reshape(3, size, -1))

    def divergence(self, times: np.ndarray) -> np.ndarray:
        """Return the divergence along W, integrated from 0, the first of the times, to each."""
        size = len(self.initial)

        def together(time: float, y: np.ndarray) -> np.ndarray:
            return np.append(self.flow(y[:size], time), self.trace(y[:size], time))

        start = np.append(self.initial, 0.0)
        return adaptive(together, start, times)[-1]


def adaptive(function: Any, start: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the solution at times, (size, times), by scipy's DOP853 to a relative 1e-12."""
    with np.errstate(all="ignore"):  # trial steps may leave where the flow is defined
        found = solve_ivp(
            function, (times[0], times[-1]), start, "DOP853", times, rtol=1e-12, atol=1e-17
        )
    if not found.success:
        raise RuntimeError(found.message)
    return found.y


def collection() -> list[ForeignFlow]:
    """Return all flows of dysts without delays, their functions as plain Python."""
    import dysts.flows as source
    from dysts.base import DynSys, DynSysDelay

    source.np = Numpy()
    source.max = greatest
    kinds = [
        kind
        for kind in vars(source).values()
        if isinstance(kind, type)
        and issubclass(kind, DynSys)
        and not issubclass(kind, DynSysDelay)
        and kind is not DynSys
    ]
    for kind in kinds:
        interpreted(kind)
    return [ForeignFlow(kind.__name__, kind()) for kind in kinds]


def interpreted(kind: type) -> None:
    """Put the Python functions of a class in the place of those that numba compiled."""
    for name, value in list(vars(kind).items()):
        if isinstance(value, staticmethod) and hasattr(value.__func__, "py_func"):
            setattr(kind, name, staticmethod(value.__func__.py_func))
