"""W4 in a fresh process: a static DAG of many nodes, each with its own random rule."""

from __future__ import annotations

import random
import sys
import time

START = 0.0

from causalopt import Model  # noqa: E402 - the import is part of the first result
from causalopt.engine.executions import run_tangents  # noqa: E402
from causalopt.worlds.interventions import plan_for  # noqa: E402

RULES = [
    "{k}*{a} + {q}*sin({b})",
    "tanh({k}*{a}) - {b}*{c}/3",
    "exp(-{a}**2) + {k}*{b}",
    "where({a} > {b}, {c}, {k}*{a})",
    "{a}*{k} + {b}*{q} + {c}",
    "sqrt(1 + {a}**2)*{k} - cos({b} + {q})",
]


def rules(count: int) -> dict[str, object]:
    """Return a variable's name -> its rule or start."""
    rng = random.Random(0)
    found: dict[str, object] = {}
    for i in range(count):
        if i < 20:
            found[f"n{i}"] = {"initial": round(rng.uniform(-1, 1), 3)}
            continue
        parts = {key: f"n{rng.randrange(max(0, i - 300), i)}" for key in "abc"}
        numbers = {key: round(rng.uniform(-1, 1), 4) for key in "kq"}
        found[f"n{i}"] = {"rule": rng.choice(RULES).format(**parts, **numbers)}
    return found


def main() -> None:
    """Build, run and run again."""
    imported = time.process_time()
    model = Model(name="dag", variables=rules(int(sys.argv[1])))
    built = time.process_time()
    plan = plan_for(model, steps=0, hold=model.selection("n25, n300"), seed=model.node("n0"))
    found = run_tangents(model.template.structure, plan)
    first = time.process_time()
    run_tangents(model.template.structure, plan)
    again = time.process_time()
    print(
        f"CPU seconds: start and import {imported - START:.2f} s, "
        f"texts to model {built - imported:.2f} s, "
        f"schedule and first result {first - built:.2f} s "
        f"({found.execution}); in all {first - START:.2f} s; "
        f"again {again - first:.3f} s"
    )


if __name__ == "__main__":
    main()
