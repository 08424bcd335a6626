from __future__ import annotations

from pathlib import Path

import pytest

from causalopt.posts.cache import cache_folder, key_of, store, stored
from causalopt.posts.sheet import Findings, Sheet


def findings() -> Findings:
    sheet = Sheet("part9/piece", "Part 9", "A piece")
    sheet.number("S", "1.6", 1.58)
    return sheet.findings()


def test_what_is_stored_is_found_again(tmp_path: Path) -> None:
    assert stored(tmp_path, "k") is None
    assert store(tmp_path / "new", "k", findings())
    assert stored(tmp_path / "new", "k") == findings()


def test_a_damaged_file_counts_as_nothing_stored(tmp_path: Path) -> None:
    store(tmp_path, "k", findings())
    for text in ("{", "[]", '{"piece": 1}'):
        (tmp_path / "k.json").write_text(text)
        assert stored(tmp_path, "k") is None


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not store(tmp_path / "file" / "below", "k", findings())


def test_a_key_changes_with_the_source_and_the_piece_alone(tmp_path: Path) -> None:
    source = tmp_path / "post.py"
    source.write_text("a = 1\n")
    first = key_of("part9/piece", [source])
    assert key_of("part9/piece", [source]) == first
    assert key_of("part9/other", [source]) != first
    source.write_text("a = 2\n")
    assert key_of("part9/piece", [source]) != first


def test_the_cache_lies_where_the_user_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "causalopt" / "reproduce"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "causalopt" / "reproduce"
