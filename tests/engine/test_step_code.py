"""Step code found by what it computes is the code that its text gives, and no other program's."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from causalopt import ObjectStore, load, parse_model, run, sweep
from causalopt.engine.machine import batch_code, step_code, step_text, trajectory
from causalopt.engine.machine.effort import FULL
from causalopt.engine.machine.frame import Frame, frame_of
from causalopt.engine.program import Program

STRUCTURE = load("thermostat_saturating").template.structure


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("CAUSALOPT_CACHE", str(tmp_path / "cache"))
    forget()
    yield tmp_path / "cache"
    forget()


def forget() -> None:
    batch_code.code_for.cache_clear()
    trajectory.code_for.cache_clear()


def found() -> list[float]:
    forget()
    answer = sweep(load("thermostat_saturating"), {"R[0]": [20, 25.5, 31, 40]}, at=700)
    return [float(op) for op in answer.op]


def test_every_part_of_a_program_is_described() -> None:
    base = Program(STRUCTURE, "tangents")
    rule = next(rule for rule in STRUCTURE.rules if rule is not None)
    others: dict[str, Any] = {
        "structure": load("thermostat").template.structure,
        "mode": "values",
        "careful": True,
        "lanes": 8,
        "register": 4,
        "estimate": False,
        "varying": frozenset({1}),
        "extras": (rule,),
        "contract": True,
        "watch": True,
        "near": True,
        "held": frozenset[int](),
        "watched": frozenset[int](),
        "brief": True,
    }
    assert {*others, "regime"} == {field.name for field in dataclasses.fields(Program)}
    programs = [base, *(dataclasses.replace(base, **{key: v}) for key, v in others.items())]
    programs += [
        dataclasses.replace(base, held=frozenset({0})),
        dataclasses.replace(base, held=frozenset({0, 1})),
        dataclasses.replace(base, structure=load("lorenz").template.structure),
    ]
    texts = [program.described() for program in programs]
    assert len(set(texts)) == len(texts)
    assert dataclasses.replace(base).described() == texts[0]


RULES = ["a*b + x[t-1]", "a*b - x[t-1]", "b*a + x[t-1]", "a*b + x[t-2]", "a + b + x[t-1]",
         "2*a + x[t-1]", "2.5*a + x[t-1]", "max(a, x[t-1])", "x[t-1]**2", "x[t-1]**3"]  # fmt: skip


def test_other_rules_are_described_otherwise() -> None:
    def described(rule: str) -> str:
        text = f"{{name: m, parameters: {{a: 1, b: 2}}, variables: {{x: {{rule: '{rule}', initial: "
        start = "[1, 1]" if "t-2" in rule else "1"
        return Program(parse_model(f"{text}{start}}}}}}}").template.structure, "values").described()

    assert described(RULES[0]) == described(RULES[0])
    for one, other in itertools.combinations(RULES, 2):
        assert described(one) != described(other)


def test_a_frame_comes_back_as_it_was() -> None:
    program = Program(STRUCTURE, "tangents", lanes=16, register=8, near=True)
    frame = frame_of(program)
    again = Frame.of_told(json.loads(json.dumps(frame.told())))
    assert repr(again.items()) == repr(frame.items())
    assert (again.size, again.lanes, again.register) == (frame.size, 16, 8)
    assert [type(c.start) for _, c in again.items()] == [type(c.start) for _, c in frame.items()]
    assert again.fresh().tobytes() == frame.fresh().tobytes()


def test_code_is_found_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    first = found()
    monkeypatch.setattr(step_text, "batch_text", None)
    monkeypatch.setattr(step_text, "trajectory_text", None)
    assert found() == first
    alone = [float(run(load("thermostat_saturating"), initial={"R": r}, steps=700).op[-1])
             for r in (20, 25.5, 31, 40)]  # fmt: skip
    assert first == pytest.approx(alone, rel=1e-12)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"object": "x"}', b'{"frame": 3}'])
def test_an_entry_of_another_shape_is_made_again(
    content: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = found()
    store = ObjectStore(cache / "steps")
    names = [file.stem for file in (cache / "steps").iterdir()]
    assert names
    for file in (cache / "steps").iterdir():
        file.unlink()
    keep = ObjectStore.keep
    with monkeypatch.context() as patched:
        patched.setattr(ObjectStore, "keep", lambda self, key, _: keep(self, key, content))
        assert found() == first
    assert sorted(file.stem for file in (cache / "steps").iterdir()) == sorted(names)
    assert found() == first
    assert all(b"frame" in (store.find_named(name) or b"") for name in names)


def test_an_object_that_is_gone_is_made_again(cache: Path) -> None:
    first = found()
    for file in cache.glob("*.object"):
        file.unlink()
    assert found() == first
    assert list(cache.glob("*.object"))


def test_other_sources_have_entries_of_their_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sources = tmp_path / "package"
    for place in step_code._WRITTEN_BY:
        file = sources / place if place.endswith(".py") else sources / place / "one.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    monkeypatch.setattr(step_code, "__file__", str(sources / "engine" / "machine" / "one.py"))
    state = step_code._state_of_sources.__wrapped__
    states = [state()]
    for place in step_code._WRITTEN_BY:
        file = sources / place if place.endswith(".py") else sources / place / "one.py"
        os.utime(file, ns=(len(states), len(states)))
        states.append(state())
    assert len(set(states)) == len(states)
    assert None not in states
    monkeypatch.setattr(step_code, "__file__", str(tmp_path / "archive.zip" / "a" / "b" / "c.py"))
    assert state() is None


def test_without_files_of_sources_texts_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    first = found()
    monkeypatch.setattr(step_code, "_state_of_sources", lambda: None)
    assert found() == first
    code = step_code.load_trajectory(Program(STRUCTURE, "tangents"), FULL)
    assert "advance" in code[0].functions
