from __future__ import annotations

import base64
import json

import pytest

from causalopt.errors import QuestionError
from causalopt.posts.charts import Chart, Line
from causalopt.posts.sheet import Findings, Sheet


def sheet() -> Sheet:
    return Sheet("part9/piece", "Part 9", "A piece")


def test_ids_and_sources_are_written_out() -> None:
    found = sheet()
    found.under("Opening").number("S", "1.6", 1.58)
    check = found.findings().checks[0]
    assert check.id == "part9/piece/S"
    assert check.source == "Part 9: Opening"
    assert check.claimed == "1.6"
    assert check.agrees


def test_a_claim_in_words_is_compared_by_the_number_it_means() -> None:
    found = sheet()
    found.number("p", "an 81% chance", 0.8101, value=0.81, within=0.005)
    found.number("q", "an 81% chance", 0.9, "no", value=0.81, within=0.005)
    assert [check.agrees for check in found.findings().checks] == [True, False]


def test_names_are_taken_once() -> None:
    found = sheet()
    found.claim("x", "a", "b", True)
    found.picture("x", "t", "<svg/>", "c")
    with pytest.raises(QuestionError, match="has two checks called 'x'"):
        found.under("another section").claim("x", "a", "b", True)
    with pytest.raises(QuestionError, match="has two pictures called 'x'"):
        found.picture("x", "t", "<svg/>", "c")


def test_pictures_are_the_same_bytes_every_time() -> None:
    def plate() -> str:
        found = sheet()
        found.picture("p", "t", Chart([Line([0, 1], [0, 2], "l")], "x", "y"), "c")
        return found.findings().plates[0].content

    assert plate() == plate()
    assert base64.b64decode(plate()).startswith(b"<?xml")


def test_findings_come_back_from_json_as_they_went() -> None:
    found = sheet()
    found.number("S", 2, 2.25, "why", within=0.1)
    found.picture("p", "t", "<svg/>", "c")
    whole = found.findings()
    assert Findings.from_dict(json.loads(json.dumps(whole.to_dict()))) == whole


def test_what_is_no_findings_is_refused() -> None:
    with pytest.raises(QuestionError, match="these are no findings"):
        Findings.from_dict({"piece": "a", "checks": [{"wrong": 1}], "plates": []})
