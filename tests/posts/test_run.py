from __future__ import annotations

from pathlib import Path

import pytest

from causalopt.errors import UnknownNameError
from causalopt.posts.series import POSTS
from causalopt.posts.session import all_pieces, chosen, demo_pieces, reproduce


def test_the_eight_posts_are_all_there() -> None:
    networks = ["knowledge1", "knowledge2"]
    assert list(POSTS) == ["sgd1", "sgd2", *networks, "part1", "part2", "part3", "part4"]


def test_the_demonstration_has_a_piece_of_every_post() -> None:
    assert {piece.partition("/")[0] for piece in demo_pieces()} == set(POSTS)
    assert set(demo_pieces()) < set(all_pieces())


def test_only_takes_posts_pieces_and_checks() -> None:
    assert chosen([]) == all_pieces()
    assert chosen(["part1"]) == ["part1/dumb", "part1/smart"]
    assert chosen(["part1/smart", "part3/thermostat/op"]) == ["part1/smart", "part3/thermostat"]


@pytest.mark.parametrize("name", ["part9", "part", "part1/dum", ""])
def test_a_name_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(UnknownNameError, match="nothing to reproduce is called"):
        chosen([name])


def test_a_single_check_comes_alone_and_a_wrong_one_not_at_all(tmp_path: Path) -> None:
    found = reproduce(["part1/dumb/strength"], cache=tmp_path)
    assert [check.id for check in found.checks] == ["part1/dumb/strength"]
    assert found.figures == 0
    with pytest.raises(UnknownNameError, match="did you mean 'part1/dumb/strength'"):
        reproduce(["part1/dumb/strengt"], cache=tmp_path)


def test_a_second_run_computes_nothing_and_says_the_same(tmp_path: Path) -> None:
    done: list[float] = []
    first = reproduce(["part1"], workers=1, cache=tmp_path, progress=lambda at, *_: done.append(at))
    second = reproduce(["part1"], workers=2, cache=tmp_path)
    third = reproduce(["part1/dumb"], cache=tmp_path, fresh=True)
    assert (first.computed, second.computed, third.computed) == (2, 0, 1)
    assert {at for at in done if at == int(at)} == {0, 1, 2}
    assert second.findings == first.findings
    assert third.findings[0] == first.findings[0]


def test_two_processes_find_what_one_does(tmp_path: Path) -> None:
    alone = reproduce(["part1"], workers=1, cache=tmp_path / "one")
    together = reproduce(["part1"], workers=2, cache=tmp_path / "two")
    assert together.computed == 2
    assert together.findings == alone.findings


def test_the_page_is_written_where_it_is_wanted(tmp_path: Path) -> None:
    found = reproduce(["part1/dumb"], out=tmp_path / "made", cache=tmp_path / "cache")
    again = found.save(tmp_path / "again")
    assert again == tmp_path / "again" / "index.html"
    assert again.read_bytes() == (tmp_path / "made" / "index.html").read_bytes()


def test_the_selection_is_added_to_what_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("causalopt.posts.session.demo_pieces", lambda: ["part1/smart"])
    found = reproduce(["part1/dumb"], demo=True, workers=1, cache=tmp_path)
    assert [piece.piece for piece in found.findings] == ["part1/dumb", "part1/smart"]
