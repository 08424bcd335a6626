"""System dynamics models, and the outputs that were published with them.

Ten models of the collection SDXorg/test-models (MIT), written by hand as flows and algebraic
variables under Euler's method: a teacup, an epidemic, hares and lynxes, material and information
delays of every order, a fixed delay, graphical functions, trends and test inputs. Every stock, and
what else the output shows of the model, beside the output of the tool that made it (Vensim, or the
collection's own). Published numbers have six digits.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np

import causalopt
from causalopt import Model
from tests.truth.record import Comparison, Record

FOLDER = Path(__file__).parent / "stocks"
SHORT = ("teacup", "hares_and_lynxes", "delays", "pipeline")
DIGITS = 1e-5  # of the largest, or of what shows in the last place


def records(short: bool) -> Iterator[Record]:
    """Yield the comparison of all columns of all outputs; of four models when short."""
    found = Comparison("Published outputs", "columns of outputs", DIGITS, "of the largest")
    for file in sorted(FOLDER.glob("*.csv")):
        if not short or file.stem in SHORT:
            times, columns, places = published(file)
            here = simulated(file.stem, times)
            for name, there in columns.items():
                scale = max(float(np.abs(there).max()), places[name] / 2 / DIGITS)
                found.add(f"{file.stem}: {name}", here[name], there, scale)
    yield found.record()


def published(file: Path) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, float]]:
    """Return the times and the columns of a published output, and the last place of each."""
    with file.open(newline="") as text:
        rows = list(csv.DictReader(text))
    columns = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    places = {name: min(last_place(row[name]) for row in rows) for name in rows[0]}
    return columns.pop("time"), columns, places


def last_place(text: str) -> float:
    """Return the unit in the last place of a printed number."""
    return float(Decimal(1).scaleb(int(Decimal(text).as_tuple().exponent)))


def simulated(name: str, times: np.ndarray) -> dict[str, np.ndarray]:
    """Return W of a model at times, by variable."""
    model: Model = causalopt.load(str(FOLDER / f"{name}.yaml"))
    at = np.rint(times / float(model.template.dt)).astype(int)
    found = causalopt.run(model, steps=int(at[-1]))
    return {variable: np.asarray(values)[at] for variable, values in found.W.items()}
