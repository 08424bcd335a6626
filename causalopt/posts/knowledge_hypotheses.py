"""Hypotheses about Finding Knowledge: each asked of networks that are trained on digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.knowledge.locality import CHANGES
from causalopt.knowledge.seed_intervals import interval
from causalopt.knowledge.seed_numbers import INQUIRIES
from causalopt.posts.charts import Chart, Line
from causalopt.posts.knowledge_charts import bar_figure
from causalopt.posts.knowledge_sheet import image_files, mean_of, shown, words
from causalopt.posts.post import Post

if TYPE_CHECKING:
    from causalopt.knowledge.seed_numbers import Table
    from causalopt.posts.knowledge_sheet import Shown
    from causalopt.posts.sheet import Sheet

NETWORK = "softplus, squared error, rate 0.03; means over seeds with 95 % intervals."


def measured(part: Shown, name: str) -> Table:
    """Return a question's numbers over the seeds."""
    inquiry = INQUIRIES[name]
    (setting,) = inquiry.settings
    return inquiry.over(part.images, setting, part.seeds)


def local(sheet: Sheet) -> None:
    """Do local changes of the data make local changes of the parameters?."""
    part = shown(sheet.under("Changes in the world"))
    if part is None:
        return
    table = measured(part, "locality")
    kinds = (*CHANGES, "training")
    columns = {"weights": "weights", "elsewhere": "weights off the patch", "units": "hidden units"}
    sheet.picture(
        "participation",
        "Over which share of the parameters a change is spread.",
        bar_figure(
            [kind.replace(" ", "\n", 1) for kind in kinds],
            {
                said: [mean_of(table, f"{kind}: {name}") for kind in kinds]
                for name, said in columns.items()
            },
            "participation ratio",
            level=1 / 3,
        ),
        f"{NETWORK} Dotted: 1/3, a random change of the parameters; over units that gives 0.997.",
    )
    for name, said in columns.items():
        structured, noise = (table[f"{kind}: {name}"] for kind in CHANGES[:2])
        gap = interval(np.log(structured) - np.log(noise))
        part.check(
            f"local-{name}",
            "structured and localized changes in the dataset cause localized changes in parameters",
            float(np.exp(gap.mean)),
            gap.high < 0,
            f"participation ratio over {said} of the change by a lit patch on all 1s, over that by "
            f"noise of equal size on the same images: {words([('ln:', gap)])}; "
            + words([(kind, mean_of(table, f"{kind}: {name}")) for kind in kinds]),
        )
    sizes = [mean_of(table, f"{kind}: size") for kind in CHANGES]
    part.check(
        "structured",
        "for lots of choices it might just be a series of random changes",
        sizes[0].mean / sizes[1].mean,
        sizes[0].low > sizes[1].high,
        "size of the change of the parameters by the patch, over that by noise of equal size: "
        + words([*zip(CHANGES, sizes, strict=True)]),
    )


def influence(sheet: Sheet) -> None:
    """Do images that update a parameter much decide its final value?."""
    part = shown(sheet.under("The Training Process"))
    if part is None:
        return
    table = measured(part, "influence")
    names = ("biases", "biases_given_step", "outputs", "outputs_given_step")
    found = [mean_of(table, name) for name in names]
    said = [
        "final biases",
        "the same,\nstep controlled for",
        "final outputs",
        "the same,\nstep c. f.",
    ]
    sheet.picture(
        "ranks",
        "Rank correlation of an image's update size and its counterfactual influence.",
        bar_figure(said, {"Spearman's correlation over images": found}, "correlation"),
        f"{NETWORK} By one adjoint through 490 steps of training: 4 hidden biases, o[0] - o[1].",
    )
    for place, name in ((1, "biases"), (3, "outputs")):
        part.check(
            f"updates-{name}",
            "update size is correlated with the change that a change of the element would cause",
            found[place].mean,
            found[place].low > 0,
            f"Spearman's correlation over images with the step controlled for, {found[place]} "
            f"over {found[place].count} seeds; raw {found[place - 1]}. Influence is the norm over "
            f"pixels of the derivative of the final {name} by the image, through later training",
        )


def matching(sheet: Sheet) -> None:
    """Do units that the same images update hold the same knowledge?."""
    part = shown(sheet.under("The Training Process"))
    if part is None:
        return
    table = measured(part, "matching")
    names = {
        "likeness": "partners",
        "chance": "all pairs",
        "best": "partners by activity",
        "tuning": "map of tuning",
        "knowledge": "map of c/(c + d)",
    }
    pairs = {"like": "100 units to 100", "small": "20 units to 100"}
    sheet.picture(
        "likeness",
        "Units of two networks matched by their update profiles.",
        bar_figure(
            [*names.values()],
            {
                said: [mean_of(table, f"{key}: {name}") for name in names]
                for key, said in pairs.items()
            },
            "correlation",
        ),
        f"{NETWORK} The first three: of activations on images not used to match; the last two: of "
        "a map carried over to partners, with their own.",
    )
    for key, said in pairs.items():
        gap = interval(np.subtract(table[f"{key}: likeness"], table[f"{key}: chance"]))
        part.check(
            f"same-{key}",
            "correlating update size identifies parameters which contain the same knowledge",
            gap.mean,
            gap.low > 0,
            f"{said}: correlation of the activations of partners less that of all pairs, {gap}; "
            f"matching by the activations themselves gives {mean_of(table, f'{key}: best')}",
        )
    for name in ("tuning", "knowledge"):
        carried = mean_of(table, f"small: {name}")
        part.check(
            f"map-{name}",
            "a simple interpreted model lets us infer information about a much larger one",
            carried.mean,
            carried.low > 0,
            f"{names[name]} of 20 units carried over to 100: correlation with their own, "
            f"{carried}; tuning: the mean activation on 1s and 7s less that on 6s and 8s",
        )


def start(sheet: Sheet) -> None:
    """How long does a network depend on its start?."""
    part = shown(sheet.under("Properties of Learning"))
    if part is None:
        return
    table = measured(part, "start")
    steps = [int(name.partition(": ")[2]) for name in table if name.startswith("weights")]
    found = {
        name: [mean_of(table, f"{name}: {step}") for step in steps]
        for name in ("weights", "outputs")
    }
    lines = []
    for name, rows in found.items():
        lines.append(Line(steps, [one.mean for one in rows], f"on the {name}", marker="."))
        lines += [
            Line(steps, [getattr(one, end) for one in rows], dash=":", pale=0.4)
            for end in ("low", "high")
        ]
    sheet.picture(
        "comp",
        "Comp of the initial weights, A = the updates.",
        Chart(lines, "t [steps]", "Comp", limits=(0, None)),  # type: ignore[arg-type]
        f"{NETWORK} Root mean squares over 4 random directions; outputs over windows of 70 images.",
    )
    last = {name: rows[-1] for name, rows in found.items()}
    part.check(
        "parameters",
        "the final parameters depend mostly on X and much less strongly on theta_0",
        last["weights"].mean,
        last["weights"].high < 0.5,
        f"Comp on the weights after {steps[-1] + 1} steps, {last['weights']}: of a random change "
        "of the start as good as all is still there, for the loss is flat in most directions",
    )
    part.check(
        "outputs",
        "there will presumably be some dependency on initial conditions",
        last["outputs"].mean,
        last["outputs"].low > 0 and last["outputs"].high < 1,
        f"Comp on the outputs, {last['outputs']}: what a change of the start does to them, over "
        "what it would do had training not reacted",
    )


POST = Post(
    "knowledge1",
    "Hypotheses about Finding Knowledge and One-Shot Causal Entanglements",
    {"local": local, "influence": influence, "matching": matching, "start": start},
    demo=("start",),
    intro="The hypotheses are stated for learning systems at large; they are tested here on the "
    "network of the post that follows.",
    files=image_files,
)
