"""Probability Current, its printed equations: each beside what the line before it gives.

P, S and G are functions of W, and a prime is a derivative by W. The text writes d(S²)P/dW for P
times the slope of S²: it writes the same current out the line before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.posts.charts import Chart, curves

if TYPE_CHECKING:
    from causalopt.posts.sheet import Sheet

FLOW, ENDS = "Gradient Variance", "Solving for End-States"


def equations(sheet: Sheet) -> None:
    """The printed equations, line by line."""
    import sympy as sp  # sympy is slow to load

    T, P, dP, ddP, S, dS, ddS, G, dG = sp.symbols("T P P' P'' S S' S'' G G'")
    after = {P: dP, dP: ddP, S: dS, dS: ddS, G: dG}

    def slope(term: Any) -> Any:
        return sum(term.diff(symbol) * after[symbol] for symbol in term.free_symbols & after.keys())

    V, dV, ddV = S**2, slope(S**2), slope(slope(S**2))
    flow, even = -T * G * P, -(T**2) * V * dP / 2
    heat, ito = -(T**2) * S * slope(S * P) / 2, -(T**2) * slope(V * P) / 2
    rate = T**2 * (dV * dP + V * ddP + ddV * P) / 2 + T * (G * dP + P * dG)
    (end,) = sp.solve(heat + flow, dP)
    lines = {
        "descent": (
            "dρ/dt = T [G dρ/dW + P dP/dW]",
            T * (G * slope(flow) + P * dP),
            -slope(flow),
            "dP/dt = -dρ/dW is meant, and in it G dP/dW + P dG/dW",
        ),
        "even": (
            "dρ/dt = ½ T² S² P'' + ½ T² (S²)' P'",
            T**2 * (V * ddP + dV * dP) / 2,
            -slope(even),
            "right for dP/dt, though called dρ/dt",
        ),
        "heat-capacity": (
            "dρ/dt = -½ T² S² P' + ½ T² S P S'",
            T**2 * (-V * dP + S * P * dS) / 2,
            heat,
            "ρ is meant, and both signs are minus: ρ = -k d(P S)/dW with k = ½ T² S, in which "
            "½ S S' P is ¼ (S²)' P",
        ),
        "unreduced": (
            "dP/dt = T² [½ S S' P' + ½ S² P'' + ½ S'² P + ½ S P S'']",
            T**2 * (S * dS * dP + V * ddP + dS**2 * P + S * P * ddS) / 2,
            -slope(heat),
            "3/2 S S' P' is right",
        ),
        "squared": (
            "ρ = -T² [½ S² P' + ½ P (S²)']",
            -(T**2) * (V * dP + P * dV) / 2,
            heat,
            "not what the heat capacity gives, which is ¼ P (S²)' (alpha = 1/2, as the end state "
            "has it): it is Ito's current, and for this update rule the right one",
        ),
        "master": (
            "ρ = -T² [½ S² P' + ½ P (S²)'] - T G P",
            -(T**2) * (V * dP + dV * P) / 2 + flow,
            ito + flow,
            "exactly Ito's current, -½ T² (S² P)' - T G P; P (S²)' is printed as d(S²)P/dW, and "
            "written out the line before",
        ),
        "master-rate": (
            "dP/dt = T² [½ (S²)' P' + ½ S² P'' + ½ (S²)'' P] + T [G P' + P G']",
            rate,
            -slope(ito + flow),
            "the divergence of the current printed above it has (S²)' P', without the half; as "
            "printed, probability is not conserved",
        ),
        "end": (
            "0 = -T² [½ S² P' + ¼ d(S² P)/dW] - T G P",
            -(T**2) * (V * dP / 2 + slope(V * P) / 4) + flow,
            heat + flow,
            "¼ P d(S²)/dW is meant, and so in the three lines after it; the last one is right "
            "for alpha = 1/2",
        ),
        "end-log": (
            "d(log P)/dW = -½ d(log S²)/dW - 2 G/(T S²)",
            -dV / V / 2 - 2 * G / (T * V),
            end / P,
            "of the current that the heat capacity gives; Ito's has -d(log S²)/dW",
        ),
    }
    for name, (claimed, said, right, note) in lines.items():
        off = sp.factor(said - right)
        text = f"off by {off}".replace("**2", "²").replace("*", " ") if off != 0 else "the same"
        sheet.under(ENDS if name.startswith("end") else FLOW).claim(
            name, claimed, text, off == 0, note
        )
    symbols = [T, P, dP, ddP, S, dS, ddS, G, dG]
    _picture(sheet, sp.lambdify(symbols, [rate, -slope(ito + flow)]))


def _picture(sheet: Sheet, rates: Any) -> None:
    """Draw dP/dt on the text's linear system, as printed and from the printed current."""
    W, spread = np.linspace(-0.3, 3.3, 481), 0.3
    P = np.exp(-(((W - 1.5) / spread) ** 2) / 2) / spread / np.sqrt(2 * np.pi)
    dP = -P * (W - 1.5) / spread**2
    ddP = -(P + dP * (W - 1.5)) / spread**2
    printed, right = rates(0.5, P, dP, ddP, 0.2 * W, 0.2, 0.0, W - 2, 1.0)
    gain, kept = (abs(np.trapezoid(rate, W)) for rate in (printed, right))
    sheet.picture(
        "rate",
        "dP/dt as printed, and from the current printed above it.",
        Chart(curves(W, {"as printed": printed, "-dρ/dW": right}), "W", "dP/dt", levels=(0.0,)),
        "A normal law of mean 1.5 and deviation 0.3 on the linear system, T = 0.5. The integral is "
        f"{kept:.4f} of one and {gain:.4f} of the other: as printed, probability is not conserved.",
    )
