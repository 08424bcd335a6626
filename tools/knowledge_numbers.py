"""What the page on knowledge localization stands on: `python -m tools.knowledge_numbers`.

Asks every question of `causalopt.knowledge.seed_numbers` of 20 seeds on MNIST, on two processes,
and one seed on scikit-learn's digits, by which a test sees whether the numbers are stale. It writes
docs/knowledge-localization.json, in about five minutes on two processors that do nothing else.
"""

from __future__ import annotations

import functools
import json
import math
import time
from typing import Any

from causalopt import load_images
from causalopt.knowledge.digit_network import NetworkSetting
from causalopt.knowledge.seed_intervals import over_seeds
from causalopt.knowledge.seed_numbers import INQUIRIES, Table
from tools.rooms import ROOT

FILE = ROOT / "docs" / "knowledge-localization.json"
SEEDS = {"mnist": 20, "digits": 1}
DIGITS = 8  # of a number that is kept
Measured = dict[str, dict[str, Table]]
Kept = dict[str, dict[str, dict[str, list[float | None]]]]


def name_of(setting: NetworkSetting) -> str:
    """Return a setting in words.

    Example:
        >>> name_of(NetworkSetting())
        'softplus, squared, rate 0.03'
    """
    return f"{setting.activation}, {setting.cost}, rate {setting.rate:g}"


def measure_seed(images: str, seed: int) -> Measured:
    """Return question -> setting -> numbers, each a list of one."""
    shown = load_images(images)
    return {
        name: {name_of(one): inquiry.over(shown, one, [seed]) for one in inquiry.settings}
        for name, inquiry in INQUIRIES.items()
    }


def measure(images: str, workers: int) -> Kept:
    """Return question -> setting -> name -> one number a seed."""
    ask = functools.partial(measure_seed, images)
    return joined(over_seeds(ask, range(SEEDS[images]), workers=workers))


def joined(found: list[Measured]) -> Kept:
    """Return the numbers of every seed, each a list of one, as lists of one number a seed."""
    return {
        question: {
            setting: {
                name: [_short(one[question][setting][name][0]) for one in found] for name in table
            }
            for setting, table in tables.items()
        }
        for question, tables in found[0].items()
    }


def _short(value: float) -> float | None:
    """Return a number as it is kept; None for one that is not finite, which JSON has not."""
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def main() -> None:
    """Measure, and write the file."""
    began = time.perf_counter()
    found: dict[str, Any] = {
        images: {
            "sha256": load_images(images).sha256,
            "seeds": count,
            "measured": measure(images, 2),
        }
        for images, count in SEEDS.items()
    }
    seconds = time.perf_counter() - began
    FILE.write_text(json.dumps(found, separators=(",", ":")) + "\n")
    print(f"{FILE.relative_to(ROOT)}: {seconds:.0f} s on two processes")


if __name__ == "__main__":
    main()
