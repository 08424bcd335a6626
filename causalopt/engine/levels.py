"""Numpy, level by level: for thousands of different rules that are each evaluated a few times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.adjoint import PythonSweep, ReverseSweep, swept, whole_baseline
from causalopt.engine.contract import Adjoint, Execution, Floats, Plan, Tangents, Trajectory
from causalopt.engine.rescaling import RESCALE, is_odd, power_of, step_sign
from causalopt.engine.schedule import EQUATION, Schedule, Sums, schedule
from causalopt.extras import has_compiler
from causalopt.language.arrays import array_function
from causalopt.language.term import Term
from causalopt.model.template import Structure
from causalopt.work.progress import tick


class NumpyLevels(Execution):
    """Plans run by array operations on all rules of one level and kind at once."""

    name = "levels"

    def run_values(
        self, structure: Structure, plan: Plan, extras: tuple[Term, ...] = ()
    ) -> Trajectory:
        """Return one world's values, and those of further terms, at every step."""
        run = _Levels(schedule(structure, "values", extras), plan)
        run.all_steps()
        return Trajectory(run.values, run.extras, self.name)

    def run_tangents(self, structure: Structure, plan: Plan) -> Tangents:
        """Return W with the total and direct tangents of every node, at every step."""
        run = _Levels(schedule(structure, "tangents"), plan)
        run.all_steps()
        total, direct, total_error, direct_error = np.moveaxis(run.tangents, 1, 0)
        return Tangents(
            values=run.values,
            total=total,
            direct=direct,
            total_error=total_error,
            direct_error=direct_error,
            exponents=run.exponents,
            kink=None if run.kink < 0 else run.kink,
            execution=self.name,
        )

    def run_adjoint(self, structure: Structure, plan: Plan, target: int) -> Adjoint:
        """Return the derivatives of an equation's value at the last step by every node.

        Only W is run by numpy: a sweep has one operation a local derivative, and none to group.
        They are done in machine code, where it can be made, else in generated Python.
        """
        if has_compiler():
            from causalopt.engine.machine.reverse_table import TableSweep

            sweep: ReverseSweep = TableSweep(structure, plan, target)
        else:
            sweep = PythonSweep(structure, plan, target)
        baseline = whole_baseline(self, structure, plan)
        return swept(sweep, [baseline], structure, plan, target)


class _Levels:
    """One run; tangents are kept as x, y, p, q on the second axis: [t, 4, equation]."""

    def __init__(self, schedule: Schedule, plan: Plan) -> None:
        self._s, self._plan = schedule, plan
        width, steps = len(schedule.equations), plan.steps
        self.values = np.empty((steps + 1, width))
        self.extras = np.empty((steps + 1, len(schedule.extras)))
        self._has_tangents = bool(schedule.tangents)
        self.tangents = np.zeros((steps + 1 if self._has_tangents else 0, 4, width))
        self.exponents = np.zeros((steps + 1, 2), dtype=np.int64)
        self._depth = max([lag for _, lag in schedule.layout.slots], default=0)
        # Tangents of the last steps, that of t in row t modulo their number: all in the exponent of
        # this step, unlike the table of results.
        self._past = np.zeros((self._depth + 1, 4, width))
        self._signs = np.array([-1.0 if is_odd(i) else 1.0 for i in range(width)])
        self.kink = -1

    def all_steps(self) -> None:
        shift = np.zeros(2, dtype=np.int64)
        with np.errstate(all="ignore"):
            for start, stop in self._plan.segments():
                for t0 in range(start, stop, RESCALE):
                    t1 = min(t0 + RESCALE, stop)
                    for t in range(t0, t1):
                        self._step(t)
                    self.exponents[t0:t1] = shift
                    if self._has_tangents:
                        self._rescale(shift, t1)
                    tick(t1, self._plan.steps + 1)

    def _step(self, t: int) -> None:
        s, plan = self._s, self._plan
        v = s.start.copy()
        v[s.parameters[:, 0]] = plan.parameters[s.parameters[:, 1]]
        if s.clock >= 0:
            v[s.clock] = t
        place, equation, lag = s.inputs.T
        known = lag <= t
        v[place[known]] = self.values[t - lag[known], equation[known]]
        careful = t < len(plan.forced)
        number = np.empty(s.size, dtype=np.intp)
        number[s.equations] = np.arange(len(s.equations))
        for group in s.groups:
            if group.op == EQUATION:
                value = v[group.args[0]]
                if careful:
                    i = number[group.out]
                    value = np.where(plan.forced[t, i], plan.values[t, i], value)
                    value = value + plan.shifts[t, i]
            elif group.op == "ipow":
                value = array_function("ipow")(v[group.args[0]], group.payload)
            else:
                value = array_function(group.op)(*v[group.args])
            v[group.out] = value
        self.values[t] = v[s.equations]
        self.extras[t] = v[s.extras]
        if self._has_tangents:
            self._tangent_step(t, v)

    def _tangent_step(self, t: int, v: Floats) -> None:
        s, plan = self._s, self._plan
        past = self._past[t % len(self._past)]
        past[:] = 0.0
        held = plan.held_at(t)
        for chosen, sums in s.tangents:
            value, rounding = self._summed(sums, v, t)
            value[2:] += (step_sign(t) * self._signs[chosen] * ~s.copies[chosen]) * rounding
            value[1::2, held[chosen]] = 0.0
            if t < len(plan.forced):
                value[:, plan.forced[t, chosen]] = 0.0
            if plan.seed is not None and plan.seed[0] == t:
                value[:2, chosen == plan.seed[1]] += 1.0
            past[:, chosen] = value
        self.tangents[t] = past
        if self.kink < 0 and len(s.gaps) and self._on_kink(v, t):
            self.kink = t

    def _summed(self, sums: Sums, v: Floats, t: int) -> tuple[Floats, Floats]:
        value = np.zeros((4, sums.count))
        rounding = np.zeros((2, sums.count))
        for k, (results, slopes, lags, parents) in enumerate(sums.rounds):
            rows = (t - lags) % len(self._past)
            product = v[slopes] * self._past[rows, :, parents].T
            if k:
                value[:, results] += product
                rounding[:, results] += np.abs(product[:2])
            else:
                value[:, results] = product
                rounding[:, results] = np.abs(product[:2])
        return value, rounding

    def _on_kink(self, v: Floats, t: int) -> bool:
        left, right, guard = self._s.gaps.T
        closed = v[left] == v[right]
        closed &= (guard < 0) | (v[guard] != 0)
        if not closed.any():
            return False
        moved = (self._summed(self._s.moves, v, t)[0][:2] != 0.0).any(axis=0)
        return bool((closed & moved).any())

    def _rescale(self, shift: NDArray[np.int64], stop: int) -> None:
        """Bring tangents back near 1, by the rule of the generated Python."""
        slots = self._s.layout.slots
        if not slots:
            return
        columns = np.array([i for i, _ in slots])
        rows = (stop - np.array([lag for _, lag in slots])) % len(self._past)
        state = self._past[rows, :, columns]
        for world in (0, 1):
            size = float(np.abs(state[:, world]).max()) or float(np.abs(state[:, 2 + world]).max())
            power = power_of(size)
            if not power:
                continue
            shift[world] += power
            scaled = np.ldexp(self._past[:, world::2], -power)
            self._past[:, world::2] = scaled
