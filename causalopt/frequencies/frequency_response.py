"""The result of `frequency`: Comp and Op over frequencies, margins, poles and Bode's integral."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from causalopt.engine.contract import Floats
from causalopt.frequencies.frequency_gains import (
    FREQUENCY_STATUSES,
    UNSTABLE,
    FrequencyGains,
    TwoWorlds,
)
from causalopt.frequencies.frequency_table import fact_lines, frequency_table
from causalopt.frequencies.loop_margins import LoopMargins
from causalopt.frequencies.transfer_system import Complexes
from causalopt.frequencies.waterbed import Waterbed
from causalopt.model.model import Model
from causalopt.model.selectors import Selection, selection_text
from causalopt.results import Plotted, Tabled, labelled, plain, plain_number, plot

if TYPE_CHECKING:
    import xarray

    from causalopt.results import Places

Per = Literal["step", "time"]
Kind = Literal["bode", "nichols", "nyquist"]
_ROWS = 9


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class FrequencyResponse(Plotted, Tabled):
    """What A does to a sinusoid at n, at every frequency.

    Attributes:
        model: The model.
        nudge: The variable n, which is nudged at every step.
        hold: The held set A.
        target: The measured variable m.
        per: Whether `frequency` is in radians per "step" or per unit of "time".
        gains: The numbers at the frequencies asked for.
        ends: The same at frequency 0 and at the Nyquist frequency.
        grid: Frequencies so dense that nothing lies between two of them unseen, radians per step.
        worlds: Both transfer functions, with poles and zeros.
        margins: Of the loop gain L = 1 / Comp - 1; None where Comp is the same status everywhere.
        waterbed: The mean of Op over all frequencies; None likewise.
    """

    model: Model
    nudge: str
    hold: Selection
    target: str
    per: Per
    gains: FrequencyGains
    ends: FrequencyGains
    grid: Floats
    worlds: TwoWorlds
    margins: LoopMargins | None
    waterbed: Waterbed | None

    @property
    def dt(self) -> float:
        """Time units per step; 1 where frequencies are per step."""
        return float(self.model.template.dt) if self.per == "time" else 1.0

    @property
    def unit(self) -> str:
        """What `frequency` is in."""
        return f"rad/{'time unit' if self.per == 'time' else 'step'}"

    @property
    def frequency(self) -> Floats:
        """The frequencies in `unit`, shape [frequency]."""
        return self.gains.omega / self.dt

    @property
    def comp(self) -> Complexes:
        """Comp = G_x / G_y, complex, shape [frequency]; NaN where undefined."""
        return self.gains.comp

    @property
    def op(self) -> Floats:
        """Op = -ln |Comp| in nats, shape [frequency]; NaN where undefined."""
        return self.gains.op

    @property
    def status(self) -> np.ndarray:
        """What each frequency's numbers mean: keys of `FREQUENCY_STATUSES`, shape [frequency]."""
        return self.gains.status

    @property
    def total(self) -> Complexes:
        """G_x, the gain from n to m over all paths, complex, shape [frequency]."""
        return self.gains.total

    @property
    def direct(self) -> Complexes:
        """G_y, over the paths that avoid A, complex, shape [frequency]."""
        return self.gains.direct

    @property
    def loop(self) -> Complexes:
        """L = 1 / Comp - 1, the gain round the loop that A closes, complex, shape [frequency]."""
        with np.errstate(all="ignore"):
            found = 1.0 / self.comp - 1.0
        found[np.isinf(self.comp)] = -1.0
        found[self.comp == 0] = complex(np.inf, 0.0)
        return found

    @functools.cached_property
    def _phases(self) -> Floats:
        """The phase of L along the dense grid, in radians and without jumps."""
        with np.errstate(all="ignore"):
            loop = 1.0 / self.worlds.comp(self.grid) - 1.0
        phase: Floats = np.unwrap(np.angle(np.where(np.isfinite(loop), loop, 1.0)))
        # Started within (-2 pi, 0], where control draws it.
        phase -= 2 * math.pi * math.ceil(round(float(phase[0]) / (2 * math.pi), 9))
        return phase

    def phase_at(self, omega: Floats) -> Floats:
        """Return the phase of L in degrees, without jumps from the lowest frequencies on.

        Args:
            omega: Radians per step, shape [frequency].
        """
        with np.errstate(all="ignore"):
            loop = 1.0 / self.worlds.comp(omega) - 1.0
        near = np.interp(omega, self.grid, self._phases)
        angle = np.angle(np.where(np.isfinite(loop), loop, np.exp(1j * near)))
        turns = np.round((near - angle) / (2 * math.pi))
        found: Floats = np.degrees(angle + 2 * math.pi * turns)
        return found

    @functools.cached_property
    def loop_phase(self) -> Floats:
        """The phase of L in degrees, without jumps, shape [frequency]."""
        return self.phase_at(self.gains.omega)

    @property
    def op_name(self) -> str:
        """What is asked for, as the theory writes it."""
        return f"Op({self.hold_name}; {self.nudge}, {self.target})"

    @property
    def hold_name(self) -> str:
        """The held set as the user writes it."""
        return selection_text(self.hold, self.model.named_shapes)

    @property
    def stability(self) -> dict[str, str]:
        """World -> whether what a nudge leaves in it dies away.

        "total" is the loop closed, "direct" the loop cut at A, "shared" what lies before or behind.
        """
        total, direct = self.worlds.stability
        sizes = np.abs(self.worlds.shared)
        shared = "unstable" if (sizes > 1).any() else "marginal" if (sizes == 1).any() else "stable"
        return {"total": total, "direct": direct, "shared": shared}

    @property
    def poles(self) -> dict[str, Complexes]:
        """World -> poles of its transfer function, in z, the largest first.

        Those that zeros cancel are left out, and those at 0, which are delays; those of both worlds
        are "shared".
        """
        total, direct = self.worlds.own_poles
        shared = self.worlds.shared
        return {"total": total, "direct": direct, "shared": shared[shared != 0]}

    @property
    def zeros(self) -> dict[str, Complexes]:
        """World -> finite zeros of its transfer function, in z; those at 0 left out."""
        x, y = (one.zeros[one.zeros != 0] for one in self.worlds.spectra)
        return {"total": x, "direct": y}

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON's types: infinities as "inf" and "-inf", undefined as None."""
        gains, ends = self.gains, self.ends
        return {
            "model": self.model.name,
            "nudge": self.nudge,
            "hold": self.hold_name,
            "target": self.target,
            "unit": self.unit,
            "nyquist": math.pi / self.dt,
            "linearised": self.worlds.step.origin.kind,
            "at": self.worlds.step.origin.step,
            "period": self.worlds.step.origin.period,
            "frequency": plain(self.frequency),
            "omega": plain(gains.omega),
            "total": _pair(gains.total),
            "direct": _pair(gains.direct),
            "comp": _pair(gains.comp),
            "loop": _pair(self.loop),
            "op": plain(gains.op),
            "op_error": plain(gains.op_error),
            "status": gains.status.tolist(),
            "zero": {
                "comp": plain_number(float(ends.comp[0].real)),
                "op": plain_number(float(ends.op[0])),
                "status": str(ends.status[0]),
            },
            "stability": self.stability,
            "poles": {name: _pair(values) for name, values in self.poles.items()},
            "zeros": {name: _pair(values) for name, values in self.zeros.items()},
            "margins": self._margins_dict(),
            "waterbed": None
            if self.waterbed is None
            else {k: plain_number(v) for k, v in dataclasses.asdict(self.waterbed).items()},
        }

    def _margins_dict(self) -> dict[str, Any] | None:
        found = self.margins
        if found is None:
            return None
        return {
            "gain_margin": plain_number(found.gain_margin),
            "gain_reduction": plain_number(found.gain_reduction),
            "phase_margin": plain_number(math.degrees(found.phase_margin)),
            "delay_margin": plain_number(found.delay_margin * self.dt),
            "peak": plain_number(found.peak),
            "peak_frequency": plain_number(found.peak_omega / self.dt),
            "bandwidth": None if found.bandwidth is None else found.bandwidth / self.dt,
            "gain_crossovers": [
                {"frequency": c.omega / self.dt, "phase_margin": math.degrees(c.margin)}
                for c in found.gain_crossovers
            ],
            "phase_crossovers": [
                {"frequency": c.omega / self.dt, "gain_margin": plain_number(c.margin)}
                for c in found.phase_crossovers
            ],
        }

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The result with a labelled axis `frequency`, and its provenance."""
        return labelled(self)

    def plot(
        self,
        *,
        kind: Kind = "bode",
        ax: Places | None = None,
        figsize: tuple[float, float] | None = None,
        panels: str | Sequence[str] | None = None,
        theme: Literal["light", "dark"] | None = None,
    ) -> Any:
        """Return a figure: Op, |Comp| and L over frequencies, or L in the plane.

        Args:
            kind: "bode" (over frequencies), "nichols" (gain against phase of L) or "nyquist" (L in
                the complex plane).
            ax: Your own axes; as of `causalopt.results.Plotted.plot`, as are the next three.
            figsize: The figure's width and height in inches.
            panels: Names of the panels that are drawn.
            theme: "light" or "dark".

        Raises:
            QuestionError: There is no such kind, panel or theme.
        """
        where: dict[str, Any] = {"ax": ax, "figsize": figsize, "panels": panels, "theme": theme}
        return plot(self, kind=kind, **where)

    @property
    def provenance(self) -> dict[str, Any]:
        """What made these numbers: model, question, slopes and versions."""
        from importlib.metadata import version

        return {
            "model": self.model.name,
            "model_hash": self.model.fingerprint,
            "source": self.model.source,
            "nudge": self.nudge,
            "hold": self.hold_name,
            "target": self.target,
            "linearised": str(self.worlds.step.origin),
            **{f"stability_{name}": text for name, text in self.stability.items()},
            "causalopt": version("causalopt"),
            "numpy": version("numpy"),
        }

    def __str__(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        lines = [f"{self.op_name} over frequencies in {self.model.name}, {self.unit}"]
        lines.append(f"  {self.worlds.step.origin}")
        lines += frequency_table(self, _ROWS)
        name = self.worlds.everywhere
        if name is not None:
            return "\n".join([*lines, f"  {name} at all: {FREQUENCY_STATUSES[name]}"])
        if self.worlds.is_unstable:
            lines.append(f"  {UNSTABLE}: {self._reservation()}")
        return "\n".join([*lines, *fact_lines(self)])

    def _reservation(self) -> str:
        """Return what the numbers of a world that grows are good for."""
        stability = self.stability
        if UNSTABLE not in (stability["total"], stability["shared"]):
            return (
                "without A the disturbance grows for ever, so that G_y is no response of a run; "
                "Comp is the sensitivity function of the loop that A keeps stable"
            )
        return FREQUENCY_STATUSES[UNSTABLE]


def _pair(values: Complexes) -> dict[str, Any]:
    return {"real": plain(values.real), "imag": plain(values.imag)}
