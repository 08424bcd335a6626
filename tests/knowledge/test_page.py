"""The page on knowledge localization stands on what was measured, and can be measured again."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np
import pytest

from causalopt import load_images
from causalopt.knowledge.digit_network import ACTIVATIONS, COSTS
from causalopt.knowledge.seed_numbers import CHOSEN, INQUIRIES, RATES, settings
from tools import knowledge_page
from tools.knowledge_numbers import FILE, SEEDS, measure, name_of

KEPT: dict[str, Any] = json.loads(FILE.read_text())
MNIST = "f1366a68c3f863cf76b0c72389cc2bc0d563a78560b8f2fbaa991ca79ef0fd7e"


def test_the_page_is_what_the_command_writes() -> None:
    page = knowledge_page.PAGE.read_text()
    assert knowledge_page.written(page, knowledge_page.Told(knowledge_page.numbers())) == page


def test_a_number_that_was_changed_and_a_missing_place_are_seen() -> None:
    told = knowledge_page.Told(knowledge_page.numbers())
    page = knowledge_page.PAGE.read_text()
    row = re.search(r"^\| softplus \| 0\.03.*$", page, re.MULTILINE)
    assert row
    false = page.replace(row[0], row[0].replace("0.", "1.", 1))
    assert false != page
    assert knowledge_page.written(false, told) == page
    with pytest.raises(ValueError, match="no place marked <!-- table: start"):
        knowledge_page.written(page.replace("table: start", "table: end"), told)


def test_every_setting_and_seed_was_measured_on_mnist() -> None:
    assert KEPT["mnist"]["sha256"] == MNIST
    assert KEPT["mnist"]["seeds"] == SEEDS["mnist"] >= 20
    assert len(settings()) == len(ACTIVATIONS) * len(COSTS) * len(RATES) == 24
    for question, inquiry in INQUIRIES.items():
        tables = KEPT["mnist"]["measured"][question]
        assert list(tables) == [name_of(one) for one in inquiry.settings]
        assert {len(row) for t in tables.values() for row in t.values()} == {SEEDS["mnist"]}


def test_the_means_and_intervals_of_the_page_are_those_of_the_kept_numbers() -> None:
    scipy_stats = pytest.importorskip("scipy.stats")
    values = np.array(KEPT["mnist"]["measured"]["localization"][name_of(CHOSEN)]["weights_r2"])
    half = scipy_stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
    page = knowledge_page.PAGE.read_text()
    assert f"{values.mean():.3f} ± {half:.3f}" in page


def test_what_is_kept_of_the_digits_is_what_is_measured_now() -> None:
    assert KEPT["digits"]["sha256"] == load_images("digits").sha256
    found, kept = measure("digits", 1), KEPT["digits"]["measured"]
    for question, tables in found.items():
        for setting, table in tables.items():
            for name, values in table.items():
                if name == "identity":  # rounding, and nothing else
                    continue
                expected = kept[question][setting][name]
                assert (values[0] is None) == (expected[0] is None)
                if values[0] is not None:
                    assert values == pytest.approx(expected, rel=1e-5, abs=1e-6), (setting, name)
