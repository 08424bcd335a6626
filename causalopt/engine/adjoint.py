"""The adjoint: the derivatives of one node by all others, in one sweep from the end to the start.

The full sweep and the one that avoids A run side by side. `x3_1` in the generated text is the
adjoint of equation 3 one step back, over all paths; `y` avoids A; `p` and `q` are the rounding
errors they carry, as in `source`. Long sweeps run in machine code (`reverse`).
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.baseline import Baseline, baselines_backwards
from causalopt.engine.executions import choose
from causalopt.engine.linearization import linearize
from causalopt.engine.plan import Bools, Floats, Plan
from causalopt.model.template import Structure

RESCALE = 32
MOST_PARTIALS = 400  # what machine code keeps in one block
_LETTERS = "xypq"
_HUGE, _TINY = 2.0**200, 2.0**-200


@dataclasses.dataclass(frozen=True)
class Adjoint:
    """The derivatives of one node m by every node.

    A derivative's value is mantissa * 2**exponent.

    Attributes:
        total: Over all paths, mantissas, shape [t, equation].
        direct: Over the paths that avoid A.
        total_error: Rounding error carried by `total`, in units of 2**-53.
        direct_error: Likewise for `direct`.
        exponents: Of total and direct, shape [t, 2].
        values: W at the measured node.
        closed: Where gaps of kinks were closed: (step, place in `moving_gaps`), shape [n, 2].
        nonfinite: Whether W left the finite numbers.
        execution: What ran it: `python` or `llvm`.
    """

    total: Floats
    direct: Floats
    total_error: Floats
    direct_error: Floats
    exponents: NDArray[np.int64]
    values: float
    closed: NDArray[np.intp]
    nonfinite: bool
    execution: str


def run_adjoint(
    structure: Structure, plan: Plan, target: int, *, execution: str | None = None
) -> Adjoint:
    """Return the derivatives of an equation's value at the plan's last step by every node.

    Args:
        structure: The template's rules.
        plan: The baseline; its held set is A, its seed is not used.
        target: The measured equation.
        execution: What runs it: `python` or `llvm`; chosen by the work when not given.
    """
    plan = dataclasses.replace(plan, seed=None)
    table = np.zeros((plan.steps + 1, len(structure.names), 4))
    exponents = np.zeros((plan.steps + 1, 2), dtype=np.int64)
    sweep = _sweep_of(structure, plan, target, execution)
    nonfinite, value = False, math.nan
    closed: list[NDArray[np.intp]] = [np.empty((0, 2), dtype=np.intp)]
    for baseline in baselines_backwards(structure, plan, execution=execution):
        first, stop = baseline.first, baseline.first + len(baseline.values)
        if stop == plan.steps + 1:
            value = float(baseline.values[-1, target])
        closed.append(np.argwhere(baseline.closed) + np.array([first, 0]))
        nonfinite |= not np.isfinite(baseline.values).all()
        sweep.over(baseline, table[first:stop], exponents[first:stop])
    return Adjoint(
        total=table[:, :, 0],
        direct=table[:, :, 1],
        total_error=table[:, :, 2],
        direct_error=table[:, :, 3],
        exponents=exponents,
        values=value,
        closed=np.concatenate(closed),
        nonfinite=nonfinite,
        execution=sweep.execution,
    )


def _sweep_of(
    structure: Structure, plan: Plan, target: int, execution: str | None
) -> _Generated | _Compiled:
    chosen = execution or choose(structure, plan, "tangents")
    if chosen == "llvm" and len(linearize(structure).partials) <= MOST_PARTIALS:
        return _Compiled(structure, plan, target)
    return _Generated(structure, plan, target)


class _Generated:
    """A sweep by generated Python; it goes on where the last stretch began."""

    execution = "python"

    def __init__(self, structure: Structure, plan: Plan, target: int) -> None:
        self._plan, self._width, self._seed = plan, len(structure.names), target
        self._code = _reverse(structure)
        self._state = [0.0] * self._code.size
        self._shift = [0, 0]

    def over(self, baseline: Baseline, table: Floats, exponents: NDArray[np.int64]) -> None:
        """Go back over a stretch of steps; its rows are filled in."""
        first = baseline.first
        for t1 in range(first + len(table), first, -RESCALE):
            t0 = max(t1 - RESCALE, first)
            rows: list[tuple[float, ...]] = []
            cut = [tuple(_cut(self._plan, t).tolist()) for t in range(t0, t1)]
            slopes = baseline.slopes[t0 - first : t1 - first].tolist()
            swept = self._code.sweep(t0, t1, self._state, slopes, cut, rows, self._seed)
            self._state, self._seed = list(swept), -1
            block = np.array(rows[::-1]).reshape(t1 - t0, 4, self._width)
            table[t0 - first : t1 - first] = block.transpose(0, 2, 1)
            exponents[t0 - first : t1 - first] = self._shift
            _rescale(self._state, self._shift, self._code.size // 4)


class _Compiled:
    """A sweep in machine code, likewise."""

    execution = "llvm"

    def __init__(self, structure: Structure, plan: Plan, target: int) -> None:
        from causalopt.engine.machine.reverse import reverse_code

        self._plan = plan
        self._code = reverse_code(structure)
        self._state = self._code.begin(target)

    def over(self, baseline: Baseline, table: Floats, exponents: NDArray[np.int64]) -> None:
        """Go back over a stretch of steps; its rows are filled in."""
        first, count = baseline.first, len(table)
        for t0, t1 in reversed(self._plan.segments()):
            starts = range(t0, t1) if t0 < len(self._plan.forced) else (t0,)
            for t in reversed(starts):
                low, high = max(t, first), min(t + 1 if len(starts) > 1 else t1, first + count)
                if low < high:
                    self._code.sweep(
                        baseline.slopes,
                        _cut(self._plan, t).astype(np.uint8),
                        table,
                        exponents,
                        self._state,
                        (first, count),
                        (low - first, high - first),
                    )


def _cut(plan: Plan, t: int) -> Bools:
    """Return which equations let nothing through: forced ones; and those in A besides, [2, V]."""
    held = plan.held_at(t)
    forced = plan.forced[t] if t < len(plan.forced) else np.zeros_like(held)
    return np.stack([forced, forced | held])


def _rescale(state: list[float], shift: list[int], size: int) -> None:
    for world in (0, 1):
        parts = [slice(k * size, (k + 1) * size) for k in (world, 2 + world)]
        largest = max(map(abs, state[parts[0]]), default=0.0)
        if not math.isfinite(largest) or largest == 0.0 or _TINY < largest < _HUGE:
            continue
        power = math.frexp(largest)[1]
        shift[world] += power
        for part in parts:
            state[part] = [math.ldexp(value, -power) for value in state[part]]


@dataclasses.dataclass(frozen=True)
class _Reverse:
    """Generated code of the sweep, and how many numbers its state has."""

    sweep: Callable[..., tuple[float, ...]]
    size: int


@functools.lru_cache(maxsize=64)
def _reverse(structure: Structure) -> _Reverse:
    linear = linearize(structure)
    width = len(structure.names)
    depth = max((partial.lag for partial in linear.partials), default=0)
    state = [f"{w}{i}_{lag}" for w in _LETTERS for lag in range(depth + 1) for i in range(width)]
    lines = [
        "force, hold = cut[t - t0]",
        f"({''.join(f's{k}, ' for k in range(len(linear.partials)))}) = slopes[t - t0]"
        if linear.partials
        else "pass",
        "s = -1.0 if (t & (t >> 1)).bit_count() & 1 else 1.0",
        *[f"if seed == {i}: x{i}_0 += 1.0; y{i}_0 += 1.0" for i in range(width)],
        "seed = -1",
    ]
    numbered: dict[int, list[tuple[int, int, int]]] = {}
    for k, partial in enumerate(linear.partials):
        numbered.setdefault(partial.child, []).append((k, partial.parent, partial.lag))
    for child in reversed(range(width)):
        sign = "+-"[child.bit_count() & 1]
        found = numbered.get(child, [])
        for value, error, cut in (("x", "p", "force"), ("y", "q", "hold")) if found else ():
            lines.append(f"if not {cut}[{child}]:")
            for k, parent, lag in found:
                noise = f"s{k} * {error}{child}_0 {sign} s * abs(r)"
                lines.append(f"    r = s{k} * {value}{child}_0")
                lines.append(f"    {value}{parent}_{lag} += r")
                lines.append(f"    {error}{parent}_{lag} += {noise}")
    lines.append(f"append(({', '.join(f'{w}{i}_0' for w in _LETTERS for i in range(width))},))")
    for w in _LETTERS:
        for i in range(width):
            chain = [f"{w}{i}_{lag}" for lag in range(depth + 1)]
            lines.append(
                f"{', '.join(chain)}{',' * (not depth)} = "
                f"{', '.join([*chain[1:], '0.0'])}{',' * (not depth)}"
            )
    source = "\n".join(
        [
            "def sweep(t0, t1, state, slopes, cut, rows, seed):",
            f"    ({', '.join(state)},) = state",
            "    append = rows.append",
            "    for t in range(t1 - 1, t0 - 1, -1):",
            *(f"        {line}" for line in lines),
            f"    return ({', '.join(state)},)",
        ]
    )
    namespace: dict[str, Any] = {}
    code = compile(source, "<causalopt adjoint>", "exec")
    exec(code, namespace)  # the text is generated above, from numbered names only
    return _Reverse(namespace["sweep"], len(state))
