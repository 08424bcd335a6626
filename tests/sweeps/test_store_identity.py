"""What may differ between a store and the sweep that goes on with it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from causalopt.errors import QuestionError
from causalopt.sweeps.store_identity import differences
from causalopt.sweeps.sweep_store import SweepStore
from tests.sweeps.counted_plan import CountedMeasure, CountedPlan

PLAN = CountedPlan()


@pytest.fixture
def store(tmp_path: Path) -> SweepStore:
    SweepStore.create(tmp_path / "a.zarr", PLAN).close()
    return SweepStore.open(tmp_path / "a.zarr")


def test_the_same_is_the_same(store: SweepStore) -> None:
    assert store.differences(PLAN) == []
    store.check_same(PLAN)


def test_chunks_do_not_matter_and_the_store_s_are_taken(store: SweepStore) -> None:
    other = dataclasses.replace(PLAN, chunk=(1, 6))
    assert [(one.path, one.matters) for one in store.differences(other)] == [("chunk", False)]
    store.check_same(other)
    assert store.fitted(other) == PLAN


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"numpy": "2.5.0"}, "versions.numpy: 2.4.6 in the store, 2.5.0 asked"),
        ({"seed": 3}, "measure.seed: 0 in the store, 3 asked"),
        ({"shape": (10, 7), "chunk": (3, 7)}, "axes:"),
        ({"dims": ("R_0", "d")}, "axes:"),
        ({"hash": "0124", "text": "name: counted\nrule: 2*k"}, "    - rule: k\n    + rule: 2*k"),
        ({"measure": CountedMeasure(("ok", "bad", "unresolved"))}, "statuses:"),
    ],
)
def test_what_decides_numbers_is_refused_and_named(
    store: SweepStore, change: dict[str, object], said: str
) -> None:
    other = dataclasses.replace(PLAN, **change)  # type: ignore[arg-type]
    with pytest.raises(QuestionError) as error:
        store.check_same(other)
    assert said in error.value.message
    assert "holds another sweep" in error.value.message


def test_the_next_step_is_to_install_versions_where_only_they_differ(store: SweepStore) -> None:
    with pytest.raises(QuestionError, match="Install the versions"):
        store.check_same(dataclasses.replace(PLAN, numpy="1"))
    with pytest.raises(QuestionError, match="causalopt show"):
        store.check_same(dataclasses.replace(PLAN, numpy="1", seed=1))


def test_texts_about_the_same_equations_do_not_matter(store: SweepStore) -> None:
    store.check_same(dataclasses.replace(PLAN, text="name: counted\nrule: k\ntitle: new"))
    with pytest.raises(QuestionError, match=r"would not matter: model\.text"):
        store.check_same(dataclasses.replace(PLAN, text="title: new", seed=1))


@pytest.mark.parametrize(
    ("name", "stored", "asked", "matters"),
    [
        ("python", "3.11.7", "3.11.9", False),
        ("python", "3.11.7", "3.12.1", True),
        ("xarray", "2026.9", "2027.1", False),
        ("zarr", "3.1", "3.2", False),
        ("causalopt", "0.1.0", "0.2.0", True),
        ("execution", "llvmlite 0.50.0", "numpy", True),
        ("scipy", None, "1.17", True),
    ],
)
def test_versions_matter_where_they_decide_numbers(
    name: str, stored: str | None, asked: str, matters: bool
) -> None:
    left = {"versions": {} if stored is None else {name: stored}}
    (found,) = differences(left, {"versions": {name: asked}})
    assert found.matters is matters


def test_what_matters_comes_first_and_long_lists_are_cut() -> None:
    left = {"versions": {"zarr": "1"}, "measure": {str(k): k for k in range(30)}}
    right = {"versions": {"zarr": "2"}, "measure": {str(k): -1 for k in range(30)}}
    found = differences(left, right)
    assert [one.matters for one in found] == [True] * 30 + [False]
    long = "\n".join(f"line {k}" for k in range(100))
    (one,) = differences({"model": {"text": long}}, {"model": {"text": ""}})
    assert "and 76 lines more" in str(one)
    assert len(str(one).splitlines()) == 26
