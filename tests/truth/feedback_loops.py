"""Feedback loops in time and in frequency, by python-control.

A random plant y = G v of second order and a controller u = -C y of first order, v = u but for the
nudge; A is the controller. The total effects of a nudge are the impulse response of the closed
loop, the direct ones that of the plant; Comp(e^(i omega)) is the sensitivity 1 / (1 + G C),
compared at 200 frequencies, with its peak and with the integral of its logarithm (Bode's), as the
mean over a fine grid there.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import sympy

from causalopt import Model, run
from causalopt.symbolic.derive import derive
from causalopt.symbolic.resolvent import Z
from tests.truth.record import Comparison, Record

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import control

COUNT, SHORT = 40, 3
STEPS, FINE = 30, 1 << 15
OMEGAS = np.linspace(0.01, np.pi, 200)


def records(short: bool) -> Iterator[Record]:
    """Yield the records of responses, of the sensitivity, of its peak and of its integral."""
    total = Comparison("python-control", "total effects, closed loop", 1e-9, "scale")
    direct = Comparison("python-control", "direct effects, open loop", 1e-9, "scale")
    sensitivity = Comparison("python-control", "|Comp| at 200 frequencies", 1e-9)
    peak = Comparison("python-control", "its peak", 1e-6)
    integral = Comparison("python-control", "Bode's integral, nats", 1e-6, "absolute")
    for seed in range(SHORT if short else COUNT):
        loop = Loop(seed)
        found = run(loop.model)
        assert set(found.status[2:]) <= {"ok", "no_influence", "only_path"}
        for one, ours, system in (
            (total, found.total[2:], control.feedback(loop.plant, loop.controller)),
            (direct, found.direct[2:], loop.plant),
        ):
            response = _impulse(system)
            scale = max(1.0, float(np.abs(response).max()))
            one.add(f"seed {seed}", ours, response, scale)
        _in_frequency(seed, loop, sensitivity, peak, integral)
    for one in (total, direct, sensitivity, peak, integral):
        yield one.record()


class Loop:
    """A plant of second order and a controller of first order, as systems and as a model.

    Coefficients have two decimals, so that both programs hold the same loop.
    """

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        while True:
            a1, a2, b1, b2, c0, c1, d = (round(float(v), 2) for v in rng.uniform(-1, 1, 7))
            self.plant = control.tf([b1, b2], [1, -a1, -a2], True)
            self.controller = control.tf([c0, c1], [1, -d], True)
            roots = control.feedback(self.plant, self.controller).poles()
            if b1 != 0 and b2 != 0 and max(abs(roots)) < 0.97:
                break
        self.model = Model(
            name="loop",
            variables={
                "y": {
                    "rule": f"({a1})*y[t-1] + ({a2})*y[t-2] + ({b1})*v[t-1] + ({b2})*v[t-2]",
                    "initial": [0, 0],
                },
                "u": {"rule": f"({d})*u[t-1] - ({c0})*y[t] - ({c1})*y[t-1]", "initial": 0},
                "v": {"rule": "u[t]"},
            },
            partition={"A": ["u"]},
            question={"nudge": "v[2]", "hold": "A", "target": "y", "steps": STEPS + 2},
        )


def _impulse(system: control.TransferFunction) -> np.ndarray:
    return np.squeeze(control.impulse_response(system, T=np.arange(STEPS + 1)).outputs)


def _in_frequency(
    seed: int, loop: Loop, gain: Comparison, peak: Comparison, integral: Comparison
) -> None:
    solution = derive(loop.model).solution
    assert solution is not None
    ours = solution.loop()
    assert ours is not None
    assert not ours.unstable({})
    theirs = control.feedback(1, loop.plant * loop.controller)
    z = np.exp(1j * OMEGAS)
    gain.add(f"seed {seed}", np.abs(sympy.lambdify(Z, ours.comp)(z)), np.abs(theirs(z)))
    peak.add(f"seed {seed}", ours.peak({}).comp, control.system_norm(theirs, "inf", tol=1e-9))
    # The trapezoid of a periodic function: exact up to roots very near the unit circle.
    circle = np.exp(1j * np.pi * (np.arange(FINE) + 0.5) / FINE)
    integral.add(f"seed {seed}", ours.waterbed({}), -np.mean(np.log(np.abs(theirs(circle)))))
