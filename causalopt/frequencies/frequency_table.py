"""A frequency response as text: some of its frequencies, and what an engineer asks of the loop."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from causalopt.engine.contract import Floats
from causalopt.frequencies.frequency_gains import UNSTABLE, FrequencyGains, TwoWorlds
from causalopt.frequencies.loop_margins import Crossover, LoopMargins
from causalopt.frequencies.transfer_system import Complexes
from causalopt.frequencies.waterbed import Waterbed

HEADS = ("frequency", "|Comp|", "Op", "|L|", "phase L", "status")
_WORDS = {"total": "closed loop (X)", "direct": "cut at A (Y)"}


class Told(Protocol):
    """A frequency response, as far as it is told here."""

    @property
    def gains(self) -> FrequencyGains:
        """The numbers at the frequencies asked for."""

    @property
    def ends(self) -> FrequencyGains:
        """The same at frequency 0 and at the Nyquist frequency."""

    @property
    def worlds(self) -> TwoWorlds:
        """Both transfer functions."""

    @property
    def margins(self) -> LoopMargins | None:
        """The loop's margins."""

    @property
    def waterbed(self) -> Waterbed | None:
        """The mean of Op."""

    @property
    def loop(self) -> Complexes:
        """L."""

    @property
    def loop_phase(self) -> Floats:
        """The phase of L in degrees."""

    @property
    def poles(self) -> dict[str, Complexes]:
        """World -> poles."""

    @property
    def stability(self) -> dict[str, str]:
        """World -> whether it is stable."""

    @property
    def dt(self) -> float:
        """Time units per step, 1 where frequencies are per step."""

    @property
    def unit(self) -> str:
        """What frequencies are in."""


def frequency_rows(found: Told, count: int) -> list[list[str]]:
    """Return rows of some frequencies, frequency 0 first; `HEADS` stands over the columns."""
    ends, gains = found.ends, found.gains
    frequency = gains.omega / found.dt
    rows = [["0", f"{abs(ends.comp[0]):.6g}", f"{ends.op[0]:.6g}", "", "", str(ends.status[0])]]
    with np.errstate(all="ignore"):
        loop, phase = np.abs(found.loop), found.loop_phase
    rows += [
        [
            f"{frequency[k]:.4g}",
            f"{abs(gains.comp[k]):.6g}",
            f"{gains.op[k]:.6g}",
            f"{loop[k]:.4g}",
            f"{phase[k]:.1f}",
            str(gains.status[k]),
        ]
        for k in _places(frequency, count)
    ]
    if frequency[0] == 0:
        rows.pop(1)
    return rows


def frequency_table(found: Told, count: int) -> list[str]:
    """Return `frequency_rows` in aligned columns, below their heads."""
    rows = frequency_rows(found, count)
    widths = [max(len(row[c]) for row in [list(HEADS), *rows]) for c in range(len(HEADS))]
    lines = []
    for row in [list(HEADS), *rows]:
        cells = [text.rjust(width) for text, width in zip(row[:-1], widths[:-1], strict=True)]
        lines.append("  " + "  ".join([*cells, row[-1]]))
    return lines


def _places(frequency: np.ndarray, count: int) -> list[int]:
    """Return places of frequencies evenly spread on a logarithmic scale, the ends among them."""
    if len(frequency) <= count:
        return list(range(len(frequency)))
    low = max(float(frequency[0]), float(frequency[-1]) * 1e-9, 1e-300)
    wanted = np.geomspace(low, max(float(frequency[-1]), low), count)
    return sorted({int(np.argmin(np.abs(frequency - w))) for w in wanted})


def fact_lines(found: Told) -> list[str]:
    """Return stability, margins, peak, bandwidth and Bode's integral, a line each."""
    lines = [f"  {_WORDS[name]}: {_stability(found, name)}" for name in _WORDS]
    shared = found.poles["shared"]
    if len(shared):
        lines.append(f"  before or behind the loop, in both: poles at {_numbers(shared)}")
    margins, waterbed = found.margins, found.waterbed
    if margins is not None and found.worlds.is_apart:
        if found.stability["total"] == UNSTABLE:
            lines.append("  the loop is unstable as it is: its margins are no reserves")
        lines += [
            f"  gain margin    {_gain_margin(found)}",
            f"  phase margin   {_phase_margin(found)}",
            f"  delay margin   {_delay_margin(found)}",
            f"  peak M_s       {margins.peak:.6g} (Op = {-_log(margins.peak):.6g} nats) at "
            f"{margins.peak_omega / found.dt:.4g} {found.unit}",
            f"  bandwidth      {_bandwidth(found)}",
        ]
    if waterbed is not None:
        lines.append(
            f"  mean of Op     {_rounded(waterbed.mean_op)} nats (Bode's integral; "
            f"{_rounded(waterbed.by_roots)} by poles and zeros): "
            f"{waterbed.removed:.6g} removed, {_rounded(-waterbed.added)} added"
        )
    return lines


def _stability(found: Told, name: str) -> str:
    poles = found.poles[name]
    largest = f", largest pole {_largest(poles)}" if len(poles) else ", no pole of its own"
    return found.stability[name] + largest


def _largest(poles: np.ndarray) -> str:
    """Return the first of some numbers, with its conjugate."""
    return _numbers(poles[:2] if poles[0].imag else poles[:1])


def _numbers(values: np.ndarray) -> str:
    """Return complex numbers as text, conjugates once, at most four of them."""
    upper = [v for v in values.tolist() if v.imag >= 0]
    texts = [
        f"{v.real:.6g}" if v.imag == 0 else f"{v.real:.6g} +- {v.imag:.6g}i" for v in upper[:4]
    ]
    return ", ".join(texts) + (f" and {len(upper) - 4} more" if len(upper) > 4 else "")


def _rounded(value: float) -> str:
    return "0" if abs(value) < 1e-9 else f"{value:.6g}"


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _decibels(value: float) -> str:
    return f"{20 * math.log10(value):.4g} dB"


def _gain_margin(found: Told) -> str:
    margins = found.margins
    assert margins is not None
    parts = []
    for value, words in ((margins.gain_margin, "more"), (margins.gain_reduction, "less")):
        if 0 < value < math.inf:
            place = _where(found, margins.phase_crossovers, value)
            parts.append(f"{value:.6g} ({_decibels(value)}) {words}, {place}")
    return "; ".join(parts) or "infinite: L is never negative"


def _phase_margin(found: Told) -> str:
    margins = found.margins
    assert margins is not None
    if math.isinf(margins.phase_margin):
        return "infinite: |L| is never 1"
    place = _where(found, margins.gain_crossovers, margins.phase_margin)
    return f"{math.degrees(margins.phase_margin):.6g} degrees, {place}"


def _where(found: Told, crossovers: tuple[Crossover, ...], margin: float) -> str:
    (place,) = [c.omega for c in crossovers if c.margin == margin][:1]
    return f"at {place / found.dt:.4g} {found.unit}"


def _delay_margin(found: Told) -> str:
    margins = found.margins
    assert margins is not None
    if math.isinf(margins.delay_margin):
        return "infinite: |L| is never 1"
    unit = "steps" if found.unit.endswith("step") else "time units"
    return f"{margins.delay_margin * found.dt:.6g} {unit}"


def _bandwidth(found: Told) -> str:
    width = None if found.margins is None else found.margins.bandwidth
    if width is None:
        return "none: |Comp| is above -3 dB at the lowest frequencies"
    if width == math.pi:
        return "all frequencies: |Comp| stays below -3 dB"
    return f"{width / found.dt:.6g} {found.unit}: below it A removes at least 3 dB"
