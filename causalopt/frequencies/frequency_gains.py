"""Comp and Op at frequencies, with the rounding errors and the status of each."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.measures import STATUSES
from causalopt.engine.contract import Bools, Floats
from causalopt.frequencies.exact_transfer import ExactLimit, ExactTransfer, exact_limit
from causalopt.frequencies.hessenberg_form import MANY, HessenbergForm
from causalopt.frequencies.linear_step import LinearStep
from causalopt.frequencies.state_space import PolesZeros, Stability, cancelled, spectrum
from causalopt.frequencies.transfer_system import Complexes, TransferSystem

UNSTABLE = "unstable"
_ENDS = ((0.0, 1), (math.pi, -1))  # frequencies, and z there
_BESIDE, _NEAR = 1e-4, 0.1  # radians per step from an end, and how alike Comp is there
# What a frequency's numbers mean: a run's statuses, and one more.
FREQUENCY_STATUSES = {
    **{name: STATUSES[name] for name in ("ok", "no_influence", "held")},
    "perfect": "the total effect is 0, or only the direct one grows without bound: A removes all",
    "only_path": STATUSES["only_path"],
    "nonfinite": "the loop resonates there without damping: a pole on the unit circle",
    "kink": STATUSES["kink"],
    "unresolved": "rounding may be as large as the effect",
    UNSTABLE: "a pole lies outside the unit circle: the functions have values on it, which are "
    "no response of a run",
}


@dataclasses.dataclass(frozen=True)
class FrequencyGains:
    """Both transfer functions and their ratio, at some frequencies.

    Attributes:
        omega: Radians per step, shape [frequency].
        total: G_x, of n on m over all paths.
        direct: G_y, over the paths that avoid A.
        total_error: A bound on the rounding error of G_x.
        direct_error: Likewise of G_y.
        comp: G_x / G_y; NaN where undefined.
        op: -ln |Comp| in nats.
        op_error: A bound on the rounding error of Op.
        status: Keys of `FREQUENCY_STATUSES`.
    """

    omega: Floats
    total: Complexes
    direct: Complexes
    total_error: Floats
    direct_error: Floats
    comp: Complexes
    op: Floats
    op_error: Floats
    status: NDArray[np.str_]


class TwoWorlds:
    """The transfer functions of X and Y.

    Args:
        step: The model's step as a linear map.
        is_held: Whether m is in A.

    Attributes:
        total: X's system.
        direct: Y's.
    """

    def __init__(self, step: LinearStep, *, is_held: bool) -> None:
        self.step, self.is_held = step, is_held
        self.total = TransferSystem(step, avoid=False)
        self.direct = TransferSystem(step, avoid=True)
        self.is_apart = self.total.rows != self.direct.rows

    @functools.cached_property
    def _solvers(self) -> tuple[TransferSystem | HessenbergForm, TransferSystem | HessenbergForm]:
        total, direct = (
            one if one.size < MANY else HessenbergForm(one) for one in (self.total, self.direct)
        )
        return total, direct

    @functools.cached_property
    def spectra(self) -> tuple[PolesZeros, PolesZeros]:
        """Poles and zeros of X and Y."""
        return spectrum(self.total), spectrum(self.direct)

    @functools.cached_property
    def shared(self) -> Complexes:
        """Poles of both worlds: of what lies before the loop, or behind it."""
        x, y = (one.poles for one in self.spectra)
        free, found = y.tolist(), []
        for pole in x.tolist():
            if pole in free:
                free.remove(pole)
                found.append(pole)
        return np.array(found, dtype=complex)

    @functools.cached_property
    def own_poles(self) -> tuple[Complexes, Complexes]:
        """Poles of X and of Y that the other has not, and that no zero cancels; none at 0."""
        found = [one.lasting[0] for one in self.spectra]
        x, y = (poles[~cancelled(poles, self.shared) & (poles != 0)] for poles in found)
        return x, y

    @functools.cached_property
    def stability(self) -> tuple[Stability, Stability]:
        """Whether what a nudge leaves dies away in X, and in Y."""
        x, y = self.spectra
        return x.stability(self.shared), y.stability(self.shared)

    @functools.cached_property
    def is_unstable(self) -> bool:
        """Whether something grows, in the loop or beside it."""
        return UNSTABLE in self.stability or any(
            one.stability() == UNSTABLE for one in self.spectra
        )

    def comp(self, omega: Floats) -> Complexes:
        """Return Comp alone, without errors or status."""
        if not self.is_apart:
            return np.ones(len(omega), dtype=complex)
        with np.errstate(all="ignore"):
            found: Complexes = (
                self._solvers[0].gains(omega).value / self._solvers[1].gains(omega).value
            )
        for end, sign in _ENDS:
            at: Bools = omega == end
            limit = self.limit(sign) if at.any() else None
            if limit is not None and limit.direct is not None:
                found[at] = math.inf if limit.comp is None else float(limit.comp)
        return found

    def gains(self, omega: Floats) -> FrequencyGains:
        """Return everything at some frequencies."""
        total = self._solvers[0].gains(omega)
        direct = self._solvers[1].gains(omega) if self.is_apart else total
        with np.errstate(all="ignore"):
            comp = total.value / direct.value
            relative = total.error / np.abs(total.value) + direct.error / np.abs(direct.value)
        if not self.is_apart:
            comp, relative = np.ones(len(omega), dtype=complex), np.zeros(len(omega))
        status = np.full(len(omega), UNSTABLE if self.is_unstable else "ok", dtype="<U12")
        doubted = np.zeros(len(omega), dtype=bool)
        if self.is_apart:
            for one in (total, direct):
                doubted |= ~(8 * one.error < np.abs(one.value)) | ~np.isfinite(one.value)
        status[doubted] = "unresolved"
        self._settle_ends(omega, comp, relative, status)
        self._settle_everywhere(comp, relative, status)
        with np.errstate(all="ignore"):
            op = -np.log(np.abs(comp)) + 0.0
        undefined = (status == "no_influence") | ((status == "unresolved") & ~np.isfinite(op))
        comp[undefined], op[undefined] = complex(np.nan, np.nan), np.nan
        relative[np.isinf(op) | np.isnan(op)] = 0.0
        return FrequencyGains(
            omega, total.value, direct.value, total.error, direct.error, comp, op, relative, status
        )

    def _settle_ends(
        self, omega: Floats, comp: Complexes, relative: Floats, status: NDArray[np.str_]
    ) -> None:
        """Put exact answers at frequency 0 and at the Nyquist frequency."""
        for end, sign in _ENDS:
            at: Bools = omega == end
            limit = self.limit(sign) if at.any() else None
            if limit is None or limit.total is None or limit.direct is None:
                continue
            if limit.total == 0 == limit.direct and not self._is_sure(end, limit, status[at][0]):
                continue
            relative[at] = 0.0
            if limit.comp is not None:
                comp[at] = float(limit.comp)
                calm = UNSTABLE if self.is_unstable else "ok"
                status[at] = "perfect" if limit.comp == 0 and calm == "ok" else calm
            else:
                comp[at] = complex(np.inf, 0.0)
                status[at] = "nonfinite" if limit.total < 0 else "only_path"

    def _is_sure(self, end: float, limit: ExactLimit, status: str) -> bool:
        """Whether a value that is neither 0 nor infinite is better than that of floats.

        Where slopes are floats it is not, but for a singular system whose gains are finite; its
        value then is that of the frequencies beside it.
        """
        if self.step.is_exact or status != "unresolved" or limit.comp is None:
            return self.step.is_exact
        beside = self.comp(np.array([abs(end - _BESIDE)]))[0]
        return bool(abs(beside - float(limit.comp)) < _NEAR * abs(beside))

    def _settle_everywhere(
        self, comp: Complexes, relative: Floats, status: NDArray[np.str_]
    ) -> None:
        """Put what holds at all frequencies."""
        name = self.everywhere
        if name is None:
            return
        status[:] = name
        relative[:] = 0.0
        if name == "perfect":
            comp[:] = 0.0
        elif name in {"only_path", "held"}:
            comp[:] = complex(np.inf, 0.0)

    @functools.cached_property
    def everywhere(self) -> str | None:
        """The status that all frequencies have, None where each has its own."""
        if not self.total.has_path:
            return "no_influence"
        if self.is_held:
            return "held"
        if self.step.origin.on_kink:
            return "kink"
        no_total, no_direct = (one.is_zero for one in self._exact)
        if no_total and no_direct:
            return "no_influence"
        return "perfect" if no_total else "only_path" if no_direct else None

    @functools.lru_cache(maxsize=2)  # noqa: B019 - as long as the worlds
    def limit(self, sign: int) -> ExactLimit | None:
        """Return Comp at z = 1 or -1 exactly, None where it cannot be had."""
        return exact_limit(*self._exact, sign)

    @functools.cached_property
    def _exact(self) -> tuple[ExactTransfer, ExactTransfer]:
        return ExactTransfer(self.total), ExactTransfer(self.direct)
