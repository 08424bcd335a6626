"""Part 4, The Lorenz System, Points 2 and 3: around a stable equilibrium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt import load, parse_model, rates, run, to_text
from causalopt.drawing.palette import GREEN, RED
from causalopt.posts.charts import Chart, Line, line_figure

if TYPE_CHECKING:
    from typing import Any

    from causalopt import Model, Run
    from causalopt.posts.sheet import Sheet

LORENZ, POINT_2, POINT_3 = "The Lorenz System", "Point 2", "Point 3"
TIME = "time"


def lorenz(rho: float, **changes: Any) -> Model:
    """Return the Lorenz system at this rho."""
    return load("lorenz").replace(parameters={"rho": rho}, **changes)


def op_panel(found: Run, m: str) -> Chart:
    """Return Op over time with steps of Comp < 0 marked."""
    lines = [Line(found.time, found.op, "Op = -ln |Comp|")]
    negative = found.comp < 0
    if negative.any():
        lines.append(Line(found.time, np.where(negative, found.op, np.nan), "Comp < 0", RED, "-"))
    return Chart(lines, TIME, "Op [nats]", f"Op(a; {found.node_name}, {m})", levels=(0.0,))


def parts_panel(found: Run, m: str, *, sizes: bool = False) -> Chart:
    """Return the differences of X and Y from W, per delta, or their `sizes` on a log scale."""
    total, direct = (
        (np.abs(found.total), np.abs(found.direct)) if sizes else (found.total, found.direct)
    )
    bar = "|" if sizes else ""
    return Chart(
        [
            Line(found.time, total, f"{bar}x - w{bar} of {m}", RED, "-"),
            Line(found.time, direct, f"{bar}y - w{bar} of {m}", GREEN, "--"),
        ],
        TIME,
        "difference per delta",
        f"m = {m}, n = {found.node_name}",
        levels=() if sizes else (0.0,),
        scale="log" if sizes else "linear",
    )


def regimes(sheet: Sheet) -> None:
    """The three regimes, and the sign of the printed equations."""
    stable = run(lorenz(0.8), steps=1000)
    runs = {rho: run(lorenz(rho), steps=2500) for rho in (0.8, 14.0, 28.0)}
    panels = [
        Chart(
            [Line(found.time, found.W[v], v) for v in "abc"],
            TIME,
            "value in W",
            f"rho = {rho:g}",
            levels=(0.0,),
        )
        for rho, found in runs.items()
    ]
    sheet.picture(
        "regimes",
        "The three regimes.",
        line_figure(panels, columns=3, size=(4.2, 3.2)),
        "From (1, 1, 1), Euler, dt = 0.01: our choices, the post names no start, step or "
        "integrator.",
    )
    largest = max(abs(float(stable.W[v][-1])) for v in "abc")
    sheet.number(
        "origin",
        0,
        largest,
        within=0.5,
        section=LORENZ,
        note="rho = 0.8: largest of |a|, |b|, |c| at t = 10, on its way to the single stable point",
    )
    _printed_sign(sheet)
    _stability(sheet)


def _stability(sheet: Sheet) -> None:
    rows = {
        rho: rates(lorenz(rho, initial={"a": 1, "b": 1.5, "c": 10}), hold="a", steps=20000)
        for rho in (14.0, 28.0)
    }
    sheet.claim(
        "three",
        "for 1 < rho < 24.74 we get three stable equilibria",
        "two stable, one unstable",
        agrees=False,
        section=LORENZ,
        note="three equilibria; for rho > 1 the origin is one of them and a saddle: its "
        f"eigenvalue (-11 + sqrt(81 + 40 rho))/2 is {_origin(14):+.2f} at rho = 14 and "
        f"{_origin(0.8):+.3f} at rho = 0.8",
    )
    sheet.number(
        "hopf",
        "24.74",
        470 / 19,
        section=LORENZ,
        note="sigma (sigma + beta + 3)/(sigma - beta - 1) = 470/19; just below it chaos "
        "and stable points already live side by side",
    )
    largest_28 = rows[28.0].lyapunov[0]
    sheet.claim(
        "chaos",
        "for rho > 24.74 we have a chaotic system",
        largest_28,
        agrees=largest_28 > 0.5,
        section=LORENZ,
        note="largest Lyapunov exponent at rho = 28 per time unit (Euler, dt = 0.01; the "
        f"flow's is .9056); at rho = 14 it is {rows[14.0].lyapunov[0]:.3f}",
    )


def _origin(rho: float) -> float:
    return float((-11 + np.sqrt(81 + 40 * rho)) / 2)


def _printed_sign(sheet: Sheet) -> None:
    text = to_text(lorenz(0.8)).split("facts:")[0].replace("sigma*(b - a)", "sigma*(a - b)")
    found = run(parse_model(text), steps=50)
    sheet.claim(
        "printed-sign",
        "da/dt = sigma (a - b)",
        float(np.abs(found.W["a"]).max()),
        agrees=False,
        section=LORENZ,
        note="largest |a| by t = 0.5, from 1, with the printed sign at rho = 0.8, growing ever "
        "faster, where the post shows a going to 0: the sign is a slip for sigma (b - a)",
    )


def stable(sheet: Sheet) -> None:
    """Around a stable equilibrium, Op can be negative (rho = 0.8, n = b_0)."""
    b, c = (run(lorenz(0.8), target=m, steps=1000) for m in "bc")
    worlds = run(lorenz(0.8), steps=1000, delta=0.001)
    assert worlds.X is not None
    assert worlds.Y is not None
    panels = [
        Chart(
            [
                Line(worlds.time, worlds.W[v], "W"),
                Line(worlds.time, worlds.X[v], "X"),
                Line(worlds.time, worlds.Y[v], "Y"),
            ],
            TIME,
            f"{v}",
            f"{v} over time",
        )
        for v in "ab"
    ]
    sheet.picture(
        "worlds",
        "a and b over time, in W, X and Y.",
        line_figure(panels, columns=2, size=(4.8, 3.2)),
        "delta = 0.001: three curves that look like one, as in the post.",
    )
    sheet.picture(
        "differences",
        "Differences of b and of c.",
        line_figure([parts_panel(b, "b"), parts_panel(c, "c")], columns=2, size=(4.8, 3.2)),
        "The held world forgets b_0 sooner than the free one.",
    )
    sheet.picture("op-b", "Op of b over time.", line_figure([op_panel(b, "b")]), "rho = 0.8.")
    sheet.picture("op-c", "Op of c over time.", line_figure([op_panel(c, "c")]), "rho = 0.8.")
    _signs(sheet, b, c)
    _starts(sheet)


def _signs(sheet: Sheet, b: Run, c: Run) -> None:
    late = b.time > 0.4
    early = (
        f"; before time {float(b.time[b.op > 0].max()):.2f} it is positive by up to "
        f"{float(b.op.max()):.3f} nats, too little to be seen on the post's plot"
    )
    for m, found in (("b", b), ("c", c)):
        worst = float(found.op[late].max())
        sheet.claim(
            f"negative-{m}",
            f"Op(a; b_0, {m}) is negative",
            worst,
            agrees=worst < 0,
            section=POINT_2,
            note="largest Op after t = 0.4" + early * (m == "b"),
        )
    larger = bool((np.abs(b.total) >= np.abs(b.direct))[late].all())
    sheet.claim(
        "amplified",
        "y - w is greater than x - w",
        "x - w is the greater",
        agrees=not larger,
        section=POINT_2,
        note="the letters are exchanged: the post's own Op < 0 on the same page means "
        "|x - w| > |y - w|, and so it is at every t > 0.4",
    )
    ends = {v: abs(float(b.W[v][-1])) for v in "abc"}
    sheet.claim(
        "zero",
        "a, b and c approach zero in all cases",
        max(ends.values()),
        agrees=max(ends.values()) < 0.2,
        section=POINT_2,
        note="largest of the three at t = 10; it falls as exp(-0.178 t)",
    )


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
    text = ", ".join(f"{name}: {op:.3f}" for name, op in found.items())
    sheet.claim(
        "start",
        "no start, step or integrator is given",
        text,
        agrees=max(found.values()) < 0,
        section=POINT_2,
        note="sensitivity of Op(a; b_0, b) at t = 5: negative however it is chosen; the "
        "exact flow from (1, 1, 1) has -3.160",
    )


def complex_op(sheet: Sheet) -> None:
    """Our measures throw up issues: the axis c_0."""
    b, c = (run(lorenz(0.8), nudge="c[0]", target=m, steps=1000) for m in "bc")
    sheet.picture(
        "differences",
        "Differences of b and of c, n = c_0.",
        line_figure([parts_panel(b, "b"), parts_panel(c, "c")], columns=2, size=(4.8, 3.2)),
        "x - w of c goes below zero for a while.",
    )
    zoom = Chart(
        [
            Line(c.time[80:160], c.total[80:160], "x - w of c", RED, "-"),
            Line(c.time[80:160], c.direct[80:160], "y - w of c", GREEN, "--"),
        ],
        TIME,
        "difference per delta",
        "n = c_0, closer",
        levels=(0.0,),
    )
    sheet.picture(
        "zoom",
        "The same for c, closer.",
        line_figure([zoom]),
        "Between the two zeros of x - w the signs differ.",
    )
    sheet.picture(
        "op-b",
        "Op of b over time, n = c_0.",
        line_figure([op_panel(b, "b")]),
        "b does not feel c_0 in the first two steps, where Op is undefined.",
    )
    sheet.picture(
        "op-c",
        "Op of c over time, n = c_0.",
        line_figure([op_panel(c, "c")]),
        "Comp < 0 between two peaks, at which x - w passes through 0 and Op through +infinity.",
    )
    times = c.time[c.comp < 0]
    fine = run(lorenz(0.8, method="rk4", dt=0.001), nudge="c[0]", target="c", steps=2000)
    exact = fine.time[fine.comp < 0]
    sheet.claim(
        "signs",
        "for a small chunk of time the differences have different signs",
        f"t = {times.min():.2f} to {times.max():.2f}",
        agrees=len(times) > 0,
        section=POINT_3,
        note=f"Euler, dt = 0.01, from (1, 1, 1); RK4 at dt = 0.001 gives {exact.min():.2f} "
        f"to {exact.max():.2f}",
    )
    real = bool(np.isfinite(c.op[c.comp < 0]).all())
    sheet.claim(
        "complex",
        "this causes Op to be complex valued",
        "real, with Comp < 0 beside it",
        agrees=not real,
        section=POINT_3,
        note="the post defines Op by log |Comp|, which is real; its plots must have left "
        "the modulus out. The sign of Comp is kept beside Op here",
    )
