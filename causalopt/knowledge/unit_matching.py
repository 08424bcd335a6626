"""Do two networks' units that are updated by the same images hold the same knowledge?

Source: Hypotheses about Finding Knowledge and One-Shot Causal Entanglements, the last hypothesis.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from causalopt.engine.contract import Floats
from causalopt.knowledge.digit_network import NetworkSetting
from causalopt.knowledge.digit_phases import DigitPhases, streams
from causalopt.knowledge.localization import compare, first_phase, futures
from causalopt.knowledge.profile_correlations import correlation

OTHER_START = 1 << 20  # added to the seed of a second network's initial weights


@dataclasses.dataclass(frozen=True, eq=False)
class UnitMatch:
    """Units of a network matched to those of another by their update profiles.

    The profile of a unit is the share of each image's updates of hidden biases that it has, over
    the third quarter of phase 1; what is told of the match is measured on the fourth.

    Attributes:
        partners: For each unit of the second network its partner in the first, axis (unit,).
        likeness: The mean correlation of the activations of partners.
        chance: The same of all pairs.
        best: The same where partners are chosen by the activations of the third quarter.
        tuning: The correlation, over the second network's units, of the first network's tuning to
            1 and 7 against 6 and 8, carried over to their partners, with their own.
        knowledge: The same of c/(c + d) of the biases; NaN where the futures were not run.
    """

    partners: np.ndarray
    likeness: float
    chance: float
    best: float
    tuning: float
    knowledge: float


@dataclasses.dataclass(frozen=True, eq=False)
class TrainedUnits:
    """What is recorded of a network's hidden units.

    Attributes:
        profiles: Shares of the updates by each image of the third quarter, axes (t, unit).
        activations: In the third and the fourth quarter, axes (t, unit).
        tuning: The mean activation on 1s and 7s less that on 6s and 8s, in standard deviations,
            over the fourth quarter, axis (unit,).
        knowledge: c/(c + d) of the biases, axis (unit,).
    """

    profiles: Floats
    activations: tuple[Floats, Floats]
    tuning: Floats
    knowledge: Floats


def unit_matching(
    phases: DigitPhases, setting: NetworkSetting, seed: int, *, small: int = 20
) -> dict[str, UnitMatch]:
    """Train three networks from starts of their own, and match their units.

    Args:
        phases: The images, the same for all.
        setting: The large network.
        seed: Which initial weights.
        small: How many hidden units the small network has.

    Returns:
        "like": a second large network's units matched to the first one's; "small": the second
        large network's matched to the small one's.
    """
    little = dataclasses.replace(setting, hidden=small)
    large = trained_units(phases, setting, seed)
    second = trained_units(phases, setting, seed + OTHER_START)
    return {
        "like": matched(large, second),
        "small": matched(trained_units(phases, little, seed), second),
    }


def trained_units(phases: DigitPhases, setting: NetworkSetting, seed: int) -> TrainedUnits:
    """Train a network, part its four futures, and record its hidden units."""
    past = first_phase(phases, setting, seed, keep=("h", "db1"))
    told = compare(phases, past, futures(phases, past))
    quarter = phases.half // 2
    third, fourth = slice(phases.half, phases.half + quarter), slice(phases.half + quarter, None)
    updates, active = np.abs(past.courses["db1"]), past.courses["h"]
    first = streams(phases.first)["y"][fourth, 0] == 1
    last = active[fourth]
    apart = last[first].mean(axis=0) - last[~first].mean(axis=0)
    with np.errstate(invalid="ignore"):
        return TrainedUnits(
            profiles=_shares(updates[third]),
            activations=(active[third], last),
            tuning=apart / last.std(axis=0),
            knowledge=told.bias_differences,
        )


def matched(one: TrainedUnits, other: TrainedUnits) -> UnitMatch:
    """Match each unit of the second network to that of the first with the likest profile."""
    partners = cross_correlations(one.profiles, other.profiles).argmax(axis=0)
    by_activity = cross_correlations(one.activations[0], other.activations[0]).argmax(axis=0)
    alike = cross_correlations(one.activations[1], other.activations[1])
    every = np.arange(len(partners))
    return UnitMatch(
        partners=partners,
        likeness=float(alike[partners, every].mean()),
        chance=float(alike.mean()),
        best=float(alike[by_activity, every].mean()),
        tuning=correlation(one.tuning[partners], other.tuning),
        knowledge=correlation(one.knowledge[partners], other.knowledge),
    )


def cross_correlations(one: Floats, other: Floats) -> Floats:
    """Return the correlation over t of every column with every other's, axes (unit, other unit).

    A column that does not vary is alike to none: 0.
    """
    parts = []
    for table in (one, other):
        centred = table - table.mean(axis=0)
        size = np.linalg.norm(centred, axis=0)
        parts.append(centred / np.where(size > 0, size, 1.0))
    return np.asarray(parts[0].T @ parts[1])


def _shares(sizes: Floats) -> Floats:
    """Return each unit's share of a step's sizes; 0 of a step at which nothing moves."""
    total = sizes.sum(axis=1, keepdims=True)
    return np.asarray(sizes / np.where(total > 0, total, 1.0))
