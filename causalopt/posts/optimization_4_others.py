"""Systems that do not optimize beside those that do: Part 3's and Part 4's wish."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.effects.running import run
from causalopt.model.files import load
from causalopt.posts.charts import NATS, STEPS, Chart, bar_figure, curves, line_figure
from causalopt.posts.systems import logistic, plughole

if TYPE_CHECKING:
    from causalopt.effects.run import Run
    from causalopt.posts.sheet import Sheet

WISH = "Point 1 and Conclusions"


def systems() -> dict[str, Run]:
    """Return runs of six optimizers, then of six systems that are none."""
    return {
        "thermostat": run(load("thermostat"), steps=500),
        "thermostat of limited power": run(load("thermostat_saturating"), steps=500),
        "gradient descent in a well (A = gradients)": run(load("sgd_well"), steps=60),
        "iterative solver": run(load("solver")),
        "amortized answer": run(load("amortized")),
        "base optimizer": run(load("base_optimizer")),
        "thermostat switched off (k = 0)": run(
            load("thermostat").replace(parameters={"k": 0}), steps=500
        ),
        "water in a plughole, watched": run(plughole(), steps=500),
        "logistic map, watched": run(logistic(), steps=500),
        "thermostat with crossed wires (k = -0.01)": run(
            load("thermostat").replace(parameters={"k": -0.01}), steps=500
        ),
        "Lorenz at rho = 0.8, A = a": run(
            load("lorenz").replace(parameters={"rho": 0.8}), steps=500
        ),
        "Lorenz at rho = 28, A = a": run(load("lorenz"), steps=500),
    }


def beside(sheet: Sheet) -> None:
    """Non-optimizers beside optimizers."""
    runs = systems()
    ends = {f"{name}, time {found.time[-1]:g}": float(found.op[-1]) for name, found in runs.items()}
    sheet.picture(
        "bars",
        "Op at the end of a run: optimizers, bystanders, amplifiers.",
        bar_figure(ends, name=NATS),
        "t in each model's own units. Violet: positive; orange, hatched: negative.",
    )
    hole, room = runs["water in a plughole, watched"], runs["thermostat"]
    sizes = {
        "plughole: (x - w)/delta": np.abs(hole.total),
        "plughole: (y - w)/delta": np.abs(hole.direct),
        "thermostat: (x - w)/delta": np.abs(room.total),
        "thermostat: (y - w)/delta": np.abs(room.direct),
    }
    t, ops = np.arange(501), {"plughole": hole.op, "thermostat": room.op}
    panels = [
        Chart(curves(t, sizes), STEPS, "difference per delta", scale="log"),
        Chart(curves(t, ops), STEPS, NATS),
    ]
    sheet.picture(
        "plughole",
        "Compression that nobody does: water in a plughole.",
        line_figure(*panels),
        "Both systems compress the nudge; only in one of them does A do it.",
    )
    _claims(sheet, runs, ends)


def _claims(sheet: Sheet, runs: dict[str, Run], ends: dict[str, float]) -> None:
    hole = runs["water in a plughole, watched"]
    sheet.under(WISH).claim(
        "plughole",
        "systems which naturally compress themselves, for example water going "
        "into a plughole, should not count",
        hole.op[-1],
        float(np.abs(hole.op).max()) == 0.0,
        f"Op is 0 while the nudge shrinks to {float(hole.total[-1]):.3g} of itself: in "
        "Y it shrinks just as much",
    )
    chaotic = float(np.abs(runs["logistic map, watched"].op).max())
    sheet.under(WISH).claim(
        "watched",
        "a natural measure gives no credit to a bystander",
        chaotic,
        chaotic == 0.0,
        "largest |Op| of a watcher of a chaotic map",
    )
    good, bad = list(ends.values())[:6], list(ends.values())[6:]
    sheet.under("Definition of Op").claim(
        "order",
        "Op is positive when A does something optimizer-ish",
        f"optimizers from {min(good):.2f}, others up to {max(bad):.2f} nats",
        min(good) > max(bad),
    )
