"""The page on knowledge localization: `python -m tools.knowledge_page`.

It writes the tables between marks of docs/knowledge-localization.md and the pictures that the page
shows from docs/knowledge-localization.json, which `python -m tools.knowledge_numbers` measures.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from causalopt.knowledge.digit_network import ACTIVATIONS, COSTS, NetworkSetting
from causalopt.knowledge.locality import CHANGES
from causalopt.knowledge.seed_intervals import Interval, interval
from causalopt.knowledge.seed_numbers import CHOSEN, INQUIRIES, RATES, SLOW, settings
from causalopt.posts.charts import Chart, Line, line_figure
from causalopt.posts.knowledge_charts import bar_figure
from causalopt.posts.sheet import image_bytes
from tools.knowledge_numbers import FILE, Kept, name_of
from tools.rooms import ROOT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = ROOT / "docs" / "knowledge-localization.md"
IMAGES = ROOT / "docs" / "images"
Rows = Iterable[Sequence[str]]


def numbers() -> Kept:
    """Return question -> setting -> name -> one number a seed, on MNIST."""
    found: dict[str, Any] = json.loads(FILE.read_text())
    measured: Kept = found["mnist"]["measured"]
    return measured


class Told:
    """The kept numbers as intervals and as tables of the page."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def values(self, question: str, setting: NetworkSetting, name: str) -> list[float]:
        """Return one number a seed, NaN where there is none."""
        every = self._kept[question][name_of(setting)][name]
        return [math.nan if value is None else value for value in every]

    def of(self, question: str, setting: NetworkSetting, name: str) -> Interval:
        """Return a mean over the seeds with its interval."""
        return interval(self.values(question, setting, name))

    def chosen_rate(self, activation: str, cost: str) -> float:
        """Return the rate of the highest mean accuracy."""
        every = {
            rate: self.of("localization", NetworkSetting(activation, cost, rate), "accuracy").mean
            for rate in RATES
        }
        return max(every, key=lambda rate: every[rate])

    def settings_table(self, cost: str) -> str:
        """Return R and R squared of every activation and rate under a cost."""
        names = (
            "accuracy",
            "weights_r2",
            "brightness_r2",
            "given_brightness",
            "within",
            "biases_r2",
        )
        rows = []
        for one in settings(cost):
            best = one.rate == self.chosen_rate(one.activation, cost)
            cells = [str(self.of("localization", one, name)) for name in names]
            rows.append([one.activation, f"{one.rate:g}{' *' if best else ''}", *cells])
        heads = ["activation", "rate", "accuracy", "weights R²", "brightness alone R²"]
        heads += ["R given brightness", "R inside pixels", "biases R²"]
        return table(heads, rows)

    def biases_table(self) -> str:
        """Return R of the biases at the rates that accuracy chooses, and at the lowest."""
        rows = []
        for cost in COSTS:
            for activation in ACTIVATIONS:
                rate = self.chosen_rate(activation, cost)
                cells = [
                    str(self.of("localization", NetworkSetting(activation, cost, one), name))
                    for name in ("weights", "biases")
                    for one in (rate, RATES[-1])
                ]
                rows.append([f"{activation}, {cost}", f"{rate:g}", *cells])
        low = f"{RATES[-1]:g}"
        heads = ["network", "rate by accuracy", "weights R", f"at {low}", "biases R", f"at {low}"]
        return table(heads, rows)

    def heat_table(self) -> str:
        """Return what the heat map shows, at every rate."""
        names = ("positive", "lit", "edge", "identity")
        rows = [[f"{rate:g}", *(self._heat(rate, name) for name in names)] for rate in RATES]
        return table(
            ["rate", "share of lit pixels with R > 0", "mean R, lit", "R, never lit",
             "largest distance from R of the biases"],
            rows,
        )  # fmt: skip

    def _heat(self, rate: float, name: str) -> str:
        setting = NetworkSetting(rate=rate)
        if name == "identity":
            return f"{max(self.values('localization', setting, name)):.0e}"
        return str(self.of("localization", setting, name))

    def halves_table(self) -> str:
        """Return R over the second half of phase 1 and over all of it."""
        rows = [
            [
                f"{one.rate:g}",
                what,
                *(str(self.of("halves", one, f"{what}_{w}")) for w in ("half", "all")),
            ]
            for one in (CHOSEN, SLOW)
            for what in ("weights", "biases")
        ]
        return table(["rate", "of", "second half", "all of phase 1"], rows)

    def locality_table(self) -> str:
        """Return sizes and participation ratios of the changes."""
        names = ("size", "weights", "elsewhere", "units")
        rows = [
            [kind, *(str(self.of("locality", CHOSEN, f"{kind}: {name}")) for name in names)]
            for kind in (*CHANGES, "training")
        ]
        return table(["change", "size", "weights", "weights off the patch", "hidden units"], rows)

    def influence_table(self) -> str:
        """Return the rank correlations."""
        said = {"biases": "final hidden biases", "outputs": "final outputs"}
        rows = [
            [
                text,
                *(str(self.of("influence", CHOSEN, f"{name}{end}")) for end in ("", "_given_step")),
            ]
            for name, text in said.items()
        ]
        return table(["influence on", "raw", "step controlled for"], rows)

    def matching_table(self) -> str:
        """Return how alike partners are, and what maps carry over."""
        said = {"like": "100 units to 100", "small": "20 units to 100"}
        names = ("likeness", "chance", "best", "tuning", "knowledge")
        rows = [
            [text, *(str(self.of("matching", CHOSEN, f"{pair}: {name}")) for name in names)]
            for pair, text in said.items()
        ]
        heads = ["networks", "partners", "all pairs", "partners by activity", "map of tuning"]
        return table([*heads, "map of c/(c + d)"], rows)

    def start_steps(self) -> list[int]:
        """Return the last steps of the windows."""
        every = self._kept["start"][name_of(CHOSEN)]
        return [int(name.partition(": ")[2]) for name in every if name.startswith("weights")]

    def start_table(self) -> str:
        """Return Comp of the start at some windows."""
        steps = self.start_steps()
        rows = [
            [
                str(step + 1),
                *(str(self.of("start", CHOSEN, f"{n}: {step}")) for n in ("weights", "outputs")),
            ]
            for step in sorted({steps[0], *steps[1::3], steps[-1]})
        ]
        return table(["after images", "Comp on the weights", "Comp on the outputs"], rows)

    def pictures(self) -> dict[str, Figure]:
        """Return file -> picture."""
        every = settings("squared")
        groups = [f"{one.activation}\n{one.rate:g}" for one in every]
        said = {"weights_r2": "weights", "brightness_r2": "brightness alone", "biases_r2": "biases"}
        bars = {
            text: [self.of("localization", one, name) for one in every]
            for name, text in said.items()
        }
        steps, lines = self.start_steps(), []
        for name in ("weights", "outputs"):
            rows = [self.of("start", CHOSEN, f"{name}: {step}") for step in steps]
            lines.append(Line(steps, [one.mean for one in rows], f"on the {name}", marker="."))
            lines += [
                Line(steps, [getattr(one, end) for one in rows], dash=":", pale=0.4)
                for end in ("low", "high")
            ]
        kinds = (*CHANGES, "training")
        columns = {"weights": "weights", "elsewhere": "weights off the patch", "units": "units"}
        spread = {
            text: [self.of("locality", CHOSEN, f"{kind}: {name}") for kind in kinds]
            for name, text in columns.items()
        }
        ranks = ("biases", "biases_given_step", "outputs", "outputs_given_step")
        names = ("likeness", "chance", "best", "tuning", "knowledge")
        pairs = {"like": "100 to 100", "small": "20 to 100"}
        matches = {
            text: [self.of("matching", CHOSEN, f"{pair}: {name}") for name in names]
            for pair, text in pairs.items()
        }
        labels = [kind.replace(" ", "\n", 1) for kind in kinds]
        influence = {"Spearman": [self.of("influence", CHOSEN, name) for name in ranks]}
        return {
            "knowledge-r-squared.svg": bar_figure(groups, bars, "R²", level=0.28),
            "knowledge-locality.svg": bar_figure(
                labels, spread, "participation ratio", level=1 / 3
            ),
            "knowledge-influence.svg": bar_figure(
                [name.replace("_", "\n", 1).replace("_", " ") for name in ranks], influence, "R"
            ),
            "knowledge-matching.svg": bar_figure(names, matches, "correlation"),
            "knowledge-start.svg": line_figure(Chart(lines, "t [steps]", "Comp")),
        }


def table(heads: Sequence[str], rows: Rows) -> str:
    """Return a table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def written(page: str, told: Told) -> str:
    """Return a page with the tables between its marks written anew.

    Raises:
        ValueError: A table has no place on the page.
    """
    tables: dict[str, Callable[[], str]] = {
        **{cost: lambda cost=cost: told.settings_table(cost) for cost in COSTS},  # type: ignore[misc]
        "activations": told.biases_table,
        "heat map": told.heat_table,
        "halves": told.halves_table,
        "locality": told.locality_table,
        "influence": told.influence_table,
        "matching": told.matching_table,
        "start": told.start_table,
    }
    for name, make in tables.items():
        mark = rf"(<!-- table: {name} -->\n).*?(<!-- end -->)"
        if not re.search(mark, page, re.DOTALL):
            raise ValueError(f"the page has no place marked <!-- table: {name} -->")
        text = make()
        page = re.sub(mark, lambda m, text=text: m[1] + text + "\n" + m[2], page, flags=re.DOTALL)  # type: ignore[misc]
    return page


def main() -> None:
    """Write the page and its pictures."""
    told = Told(numbers())
    PAGE.write_text(written(PAGE.read_text(), told))
    for name, figure in told.pictures().items():
        (IMAGES / name).write_bytes(image_bytes(figure))
    asked = sum(len(inquiry.settings) for inquiry in INQUIRIES.values())
    print(f"{PAGE.relative_to(ROOT)}: {asked} networks asked")


if __name__ == "__main__":
    main()
