"""The same models, and PySD.

PySD reads the Vensim files themselves, as their authors wrote them, and steps them by Euler's
method in doubles; here run the models written by hand. Roessler's chaotic flow, of which no
output was published, is among them.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.truth.published import FOLDER, simulated
from tests.truth.record import Comparison, Record

SHORT = ("teacup", "smooth")
# The model's variable by the name it has in the Vensim file.
NAMES = {
    "teacup": {"Teacup Temperature": "temperature", "Heat Loss to Room": "loss"},
    "sir": {"Susceptible": "susceptible", "Infectious": "infectious", "Recovered": "recovered"},
    "roessler": {"x": "x", "y": "y", "z": "z"},
    "delays": {
        "Output Delay1": "out1",
        "Output Delay1I": "out1i",
        "Output Delay3": "out3",
        "Output Delay3I": "out3i",
        "OutputDelayN": "outn",
    },
    "smooth": {
        "Smooth output": "smooth",
        "SmoothI output": "smoothi",
        "Smooth3 output": "s3",
        "Smooth3I output": "t3",
        "Smooth N output": "n2",
    },
    "smooth_and_stock": {
        "accumulation": "accumulation",
        "Smoothed Input": "smoothed",
        "first order smooth": "first",
        "third order smooth": "third",
    },
    "lookups": {"accumulation": "accumulation", "rate": "rate"},
    "trend": {"input": "input", "TREND of input": "trend"},
    "inputs": {"StockA": "stock", "InputA": "inflow"},
    "pipeline": {
        "Output Integer Pipeline Delay": "whole",
        "Output Second Order Delay": "second",
        "Output Third order Delay": "third",
        "Output Third order Delay with Modified Delay Time": "third_modified",
    },
}


def records(short: bool) -> Iterator[Record]:
    """Yield the comparison of all stocks and outputs; of two models when short."""
    found = Comparison("PySD", "stocks and outputs", 1e-11, "of the largest")
    for name, names in NAMES.items():
        if not short or name in SHORT:
            times, columns = stepped(name, list(names))
            here = simulated(name, times)
            for foreign, own in names.items():
                there = columns[foreign]
                found.add(f"{name}: {own}", here[own], there, np.abs(there).max())
    yield found.record()


def stepped(name: str, columns: list[str]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return PySD's times and columns; what it translates lies in a folder that goes away."""
    import pysd

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the orders it lowers, and of pandas' future
        file = Path(shutil.copy(FOLDER / f"{name}.mdl", folder))
        found = pysd.read_vensim(str(file)).run(return_columns=columns)
    return found.index.to_numpy(float), {c: found[c].to_numpy(float) for c in columns}
