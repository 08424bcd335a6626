"""The tool that kills sweeps: an honest driver passes it, and a liar is caught."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.kills import Killer, WrongStoreError


def driver(*words: str) -> list[str]:
    return [sys.executable, "-m", "tests.sweeps.store_driver", "{store}", *words]


def test_an_honest_driver_leaves_the_same_store_however_often_it_is_killed(tmp_path: Path) -> None:
    killer = Killer(driver("honest", "0.001"), tmp_path, seed=1)
    killer.kill(6)
    assert sum(killer.phases.values()) == 6
    assert killer.compared >= 1


def test_a_driver_that_marks_before_it_writes_is_caught(tmp_path: Path) -> None:
    killer = Killer(driver("liar", "0.01"), tmp_path, seed=1)
    with pytest.raises(WrongStoreError, match="is marked done, and"):
        killer.kill(30)


def test_a_store_that_differs_in_one_byte_is_found(tmp_path: Path) -> None:
    killer = Killer(driver("honest", "0"), tmp_path)
    killer._finish(tmp_path / "killed.zarr")
    chunk = tmp_path / "killed.zarr" / "value" / "c" / "7" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"x")
    with pytest.raises(WrongStoreError, match="value/c/7/0"):
        killer.kill(1)


def test_a_command_that_fails_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(WrongStoreError, match="the command failed"):
        Killer([sys.executable, "-c", "raise SystemExit(3)", "{store}"], tmp_path)
