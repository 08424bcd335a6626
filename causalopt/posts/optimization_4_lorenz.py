"""Part 4, The Lorenz System, Points 2 and 3: around a stable equilibrium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.drawing.palette import GREEN, RED
from causalopt.effects.exponents.rates import rates
from causalopt.effects.running import run
from causalopt.extras import need
from causalopt.model.files import load, parse_model, to_text
from causalopt.posts.charts import NATS, TIME, Chart, Line, curves, line_figure

if TYPE_CHECKING:
    from typing import Any

    from causalopt.effects.run import Run
    from causalopt.model.model import Model
    from causalopt.posts.sheet import Sheet

LORENZ, POINT_2, POINT_3 = "The Lorenz System", "Point 2", "Point 3"
NUMBERS = ("none", "one", "two", "three")


def lorenz(rho: float, **changes: Any) -> Model:
    """Return the Lorenz system at this rho."""
    return load("lorenz").replace(parameters={"rho": rho}, **changes)


def op_panel(found: Run, m: str) -> Chart:
    """Return Op over time with steps of Comp < 0 marked."""
    lines = [Line(found.time, found.op, "Op = -ln |Comp|")]
    negative = found.comp < 0
    if negative.any():
        lines.append(Line(found.time, np.where(negative, found.op, np.nan), "Comp < 0", RED, "-"))
    return Chart(lines, TIME, NATS, f"Op(a; {found.node_name}, {m})", levels=(0.0,))


def parts_panel(found: Run, m: str, *, sizes: bool = False, part: slice = slice(None)) -> Chart:
    """Return the differences of X and Y from W, per delta, or their `sizes` on a log scale."""
    total, direct, bar = found.total[part], found.direct[part], ""
    if sizes:
        total, direct, bar = np.abs(total), np.abs(direct), "|"
    lines = [
        Line(found.time[part], total, f"{bar}x - w{bar} of {m}", RED, "-"),
        Line(found.time[part], direct, f"{bar}y - w{bar} of {m}", GREEN, "--"),
    ]
    title = f"m = {m}, n = {found.node_name}" if part == slice(None) else "n = c_0, closer"
    look: dict[str, Any] = {"scale": "log"} if sizes else {"levels": (0.0,)}
    return Chart(lines, TIME, "difference per delta", title, **look)


def regimes(sheet: Sheet) -> None:
    """The three regimes, and the sign of the printed equations."""
    part = sheet.under(LORENZ)
    stable = run(lorenz(0.8), steps=1000)
    panels = []
    for rho in (0.8, 14.0, 28.0):
        found = run(lorenz(rho), steps=2500)
        lines = curves(found.time, {v: found.W[v] for v in "abc"})
        panels.append(Chart(lines, TIME, "value in W", f"rho = {rho:g}", levels=(0.0,)))
    sheet.picture(
        "regimes",
        "The three regimes.",
        line_figure(*panels, height=3.2),
        "From (1, 1, 1), Euler, dt = 0.01: our choices, the post names no start, step or "
        "integrator.",
    )
    largest = max(abs(stable.W[v][-1]) for v in "abc")
    note = "rho = 0.8: largest of |a|, |b|, |c| at t = 10, on its way to the single stable point"
    part.number("origin", 0, largest, note, within=0.5)
    _printed_sign(part)
    _stability(part)


def _stability(sheet: Sheet) -> None:
    growth = [max(_eigenvalues(14.0, point).real) for point in _equilibria(14.0)]
    stable = sum(rate < 0 for rate in growth)
    origin = {rho: max(_eigenvalues(rho, (0.0, 0.0, 0.0)).real) for rho in (14.0, 0.8)}
    sheet.claim(
        "three",
        "for 1 < rho < 24.74 we get three stable equilibria",
        f"{NUMBERS[stable]} stable, {NUMBERS[len(growth) - stable]} unstable",
        stable == 3,
        "three equilibria; for rho > 1 the origin is one of them and a saddle: its "
        f"eigenvalue (-11 + sqrt(81 + 40 rho))/2 is {origin[14.0]:+.2f} at rho = 14 and "
        f"{origin[0.8]:+.3f} at rho = 0.8",
    )
    sheet.number(
        "hopf",
        "24.74",
        _hopf(),
        "sigma (sigma + beta + 3)/(sigma - beta - 1) = 470/19; just below it chaos "
        "and stable points already live side by side",
    )
    start = {"a": 1, "b": 1.5, "c": 10}
    calm, wild = (
        rates(lorenz(rho, initial=start), hold="a", steps=20000).lyapunov[0] for rho in (14, 28)
    )
    sheet.claim(
        "chaos",
        "for rho > 24.74 we have a chaotic system",
        wild,
        wild > 0.5,
        "largest Lyapunov exponent at rho = 28 per time unit (Euler, dt = 0.01; the "
        f"flow's is .9056); at rho = 14 it is {calm:.3f}",
    )


def _equilibria(rho: float) -> list[tuple[float, float, float]]:
    """Return where the flow rests for rho > 1: the origin, and a = b = +-sqrt(beta (rho - 1))."""
    a = (8 / 3 * (rho - 1)) ** 0.5
    return [(0.0, 0.0, 0.0), (a, a, rho - 1), (-a, -a, rho - 1)]


def _eigenvalues(rho: float, point: tuple[float, float, float]) -> np.ndarray:
    a, b, c = point
    return np.linalg.eigvals([[-10.0, 10.0, 0.0], [rho - c, -1.0, -a], [b, a, -8 / 3]])


def _hopf() -> float:
    """Return the rho at which the pair of equilibria loses its stability."""
    need("scipy")
    from scipy.optimize import brentq  # scipy is slow to load

    def growth(rho: float) -> float:
        return float(max(_eigenvalues(rho, _equilibria(rho)[1]).real))

    return float(brentq(growth, 20.0, 28.0, xtol=1e-13))


def _printed_sign(sheet: Sheet) -> None:
    text = to_text(lorenz(0.8)).split("facts:")[0].replace("sigma*(b - a)", "sigma*(a - b)")
    largest = np.abs(run(parse_model(text), steps=50).W["a"]).max()
    sheet.claim(
        "printed-sign",
        "da/dt = sigma (a - b)",
        largest,
        largest <= 1,
        "largest |a| by t = 0.5, from 1, with the printed sign at rho = 0.8, growing ever "
        "faster, where the post shows a going to 0: the sign is a slip for sigma (b - a)",
    )


def stable(sheet: Sheet) -> None:
    """Around a stable equilibrium, Op can be negative (rho = 0.8, n = b_0)."""
    b, c = (run(lorenz(0.8), target=m, steps=1000) for m in "bc")
    worlds = run(lorenz(0.8), steps=1000, delta=0.001)
    assert worlds.X is not None
    assert worlds.Y is not None
    panels = []
    for v in "ab":
        named = {"W": worlds.W[v], "X": worlds.X[v], "Y": worlds.Y[v]}
        panels.append(Chart(curves(worlds.time, named), TIME, v, f"{v} over time"))
    sheet.picture(
        "worlds",
        "a and b over time, in W, X and Y.",
        line_figure(*panels, height=3.2),
        "delta = 0.001: three curves that look like one, as in the post.",
    )
    sheet.picture(
        "differences",
        "Differences of b and of c.",
        line_figure(parts_panel(b, "b"), parts_panel(c, "c"), height=3.2),
        "The held world forgets b_0 sooner than the free one.",
    )
    sheet.picture("op-b", "Op of b over time.", op_panel(b, "b"), "rho = 0.8.")
    sheet.picture("op-c", "Op of c over time.", op_panel(c, "c"), "rho = 0.8.")
    _signs(sheet.under(POINT_2), b, c)
    _starts(sheet.under(POINT_2))


def _signs(sheet: Sheet, b: Run, c: Run) -> None:
    late = b.time > 0.4
    early = (
        f"; up to t = {float(b.time[b.op > 0].max()):.2f} it is positive by up to "
        f"{float(b.op.max()):.3f} nats, too little to be seen on the post's plot"
    )
    for m, found in (("b", b), ("c", c)):
        worst = float(found.op[late].max())
        sheet.claim(
            f"negative-{m}",
            f"Op(a; b_0, {m}) is negative",
            worst,
            worst < 0,
            "largest Op after t = 0.4" + early * (m == "b"),
        )
    larger = bool((np.abs(b.total) >= np.abs(b.direct))[late].all())
    sheet.claim(
        "amplified",
        "y - w is greater than x - w",
        f"{'x' if larger else 'y'} - w is the greater",
        not larger,
        "the letters are exchanged: the post's own Op < 0 on the same page means "
        "|x - w| > |y - w|, and so it is at every t > 0.4",
    )
    largest = max(abs(b.W[v][-1]) for v in "abc")
    note = "largest of the three at t = 10; it falls as exp(-0.178 t)"
    sheet.claim("zero", "a, b and c approach zero in all cases", largest, largest < 0.2, note)


def _starts(sheet: Sheet) -> None:
    """How much Point 2 depends on what the post leaves open."""
    ways: list[tuple[str, dict[str, Any], int]] = [
        ("Euler 0.01", {}, 500),
        ("Euler 0.001", {"dt": 0.001}, 5000),
        ("RK4 0.01", {"method": "rk4"}, 500),
        ("from (5, 5, 5)", {"initial": {"a": 5, "b": 5, "c": 5}}, 500),
        ("from (-3, 4, 2)", {"initial": {"a": -3, "b": 4, "c": 2}}, 500),
        ("from the origin", {"initial": {"a": 0, "b": 0, "c": 0}}, 500),
    ]
    found = {name: float(run(lorenz(0.8, **how), steps=n).op[-1]) for name, how, n in ways}
    sheet.claim(
        "start",
        "no start, step or integrator is given",
        ", ".join(f"{name}: {op:.3f}" for name, op in found.items()),
        max(found.values()) < 0,
        "sensitivity of Op(a; b_0, b) at t = 5: negative however it is chosen; the "
        "exact flow from (1, 1, 1) has -3.160",
    )


def complex_op(sheet: Sheet) -> None:
    """Our measures throw up issues: the axis c_0."""
    part = sheet.under(POINT_3)
    b, c = (run(lorenz(0.8), nudge="c[0]", target=m, steps=1000) for m in "bc")
    sheet.picture(
        "differences",
        "Differences of b and of c, n = c_0.",
        line_figure(parts_panel(b, "b"), parts_panel(c, "c"), height=3.2),
        "x - w of c goes below zero for a while.",
    )
    closer = parts_panel(c, "c", part=slice(80, 160))
    caption = "Between the two zeros of x - w the signs differ."
    sheet.picture("zoom", "The same for c, closer.", closer, caption)
    sheet.picture(
        "op-b",
        "Op of b over time, n = c_0.",
        op_panel(b, "b"),
        "b does not feel c_0 in the first two steps, where Op is undefined.",
    )
    sheet.picture(
        "op-c",
        "Op of c over time, n = c_0.",
        op_panel(c, "c"),
        "Comp < 0 between two peaks, at which x - w passes through 0 and Op through +infinity.",
    )
    times = c.time[c.comp < 0]
    fine = run(lorenz(0.8, method="rk4", dt=0.001), nudge="c[0]", target="c", steps=2000)
    exact = fine.time[fine.comp < 0]
    part.claim(
        "signs",
        "for a small chunk of time the differences have different signs",
        f"t = {times.min():.2f} to {times.max():.2f}",
        len(times) > 0,
        f"Euler, dt = 0.01, from (1, 1, 1); RK4 at dt = 0.001 gives {exact.min():.2f} "
        f"to {exact.max():.2f}",
    )
    real = bool(np.isfinite(c.op[c.comp < 0]).all())
    part.claim(
        "complex",
        "this causes Op to be complex valued",
        "real, with Comp < 0 beside it",
        not real,
        "the post defines Op by log |Comp|, which is real; its plots must have left "
        "the modulus out. The sign of Comp is kept beside Op here",
    )
