from __future__ import annotations

import json
from pathlib import Path

import pytest

from causalopt.cli import main

KEYS = ["id", "source", "claimed", "computed", "agrees", "note"]


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_json_has_the_checks_and_nothing_else_on_stdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made" / "here"
    assert main(["reproduce", "--out", str(out), "--only", "part1/smart", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert all(list(check) == KEYS for check in found["checks"])
    strength = next(c for c in found["checks"] if c["id"] == "part1/smart/strength")
    # 20/9 log2(9/2) ... by hand: two cells of 2/9, two of 1/9, one of 1/3.
    assert strength["computed"] == pytest.approx(2.1971597, abs=5e-8)
    assert (out / "index.html").read_text().startswith("<!doctype html>")


def test_the_text_ends_with_the_page_and_names_differences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", "--out", str(tmp_path), "--only", "part1/dumb"]) == 0
    text = capsys.readouterr().out
    assert (
        "≠ part1/dumb/off-hot: off, hot goes to (warm, low) claimed, (warm, off) computed" in text
    )
    assert text.splitlines()[-1] == f"the page is {tmp_path / 'index.html'}"


def test_a_wrong_name_is_the_asker_s_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["reproduce", "--out", str(tmp_path), "--only", "part7", "--json"]
    assert main(words) == 2
    assert "nothing to reproduce" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_a_folder_that_is_a_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["reproduce", "--out", str(tmp_path / "file"), "--only", "part1/dumb"]) == 2
    assert "cannot make the folder" in capsys.readouterr().err
