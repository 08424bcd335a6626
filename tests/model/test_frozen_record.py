"""Records are what pydantic's frozen models were: the same fields, dumps, schema and refusals."""

from __future__ import annotations

import copy
import itertools
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import pydantic
import pytest

from causalopt import ArgumentError
from causalopt.model.frozen_record import After, Before, Record, Schema, checker, field, of_checked


def doubled(value: Any) -> Any:
    return value + value if isinstance(value, str) else value


def kept(value: Any) -> Any:
    if value == {"bad": 0}:
        raise ValueError("not this one")
    return value


class Inner(Record):
    """What is inside."""

    text: Annotated[str, Before(doubled)] = field(default="a", description="a text")
    names: tuple[str, ...] = ()
    number: float | None = field(default=None, gt=0, allow_inf_nan=False)


class Outer(Record):
    name: str
    inner: Inner = Inner()
    each: Mapping[str, Inner] = {}
    values: Annotated[Mapping[str, int | float], After(kept), Schema({"type": "object"})] = {}
    hidden: Annotated[Mapping[str, str], Schema(None)] = {}
    rows: tuple[Mapping[int | str, float], ...] = ()


class PydanticInner(pydantic.BaseModel):
    """What is inside."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", title="Inner")
    text: Annotated[str, pydantic.BeforeValidator(doubled)] = pydantic.Field(
        default="a", description="a text"
    )
    names: tuple[str, ...] = ()
    number: float | None = pydantic.Field(default=None, gt=0, allow_inf_nan=False)


class PydanticOuter(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", title="Outer")
    name: str
    inner: PydanticInner = PydanticInner()
    each: Mapping[str, PydanticInner] = {}
    values: Annotated[
        Mapping[str, int | float],
        pydantic.AfterValidator(kept),
        pydantic.WithJsonSchema({"type": "object"}),
    ] = {}
    hidden: Annotated[Mapping[str, str], pydantic.json_schema.SkipJsonSchema()] = {}
    rows: tuple[Mapping[int | str, float], ...] = ()


DATA: list[dict[str, Any]] = [
    {"name": "x"},
    {"name": "x", "inner": {}, "each": {"a": {}, "b": {"text": "c"}}},
    {"name": "x", "inner": {"text": "b", "names": ["p", "q"], "number": 2}},
    {"name": "x", "each": {"a": {"number": 0.5}}, "values": {"k": 1, "l": 0.25}},
    {"name": "x", "hidden": {"k": "m"}, "rows": [{1: 0.5, "a": 1}, {}]},
]
WRONG: list[dict[str, Any]] = [
    {},
    {"name": 3},
    {"name": "x", "nmae": 1},
    {"name": "x", "inner": None},
    {"name": "x", "inner": {"txt": "a"}},
    {"name": "x", "each": {"a": {"number": -1}}},
    {"name": "x", "each": {"a": {"number": float("inf")}}},
    {"name": "x", "values": {"bad": 0}},
    {"name": "x", "rows": [{"a": "b"}]},
]
MODES = [
    *itertools.product(
        ("python", "json"),
        (None, {"name", "inner", "each"}),
        (None, {"inner"}, {"each": {"__all__": {"text"}}, "values": True}),
        (False, True),
        (False, True),
    )
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("data", DATA)
def test_a_dump_is_pydantics(data: dict[str, Any], mode: tuple[Any, ...]) -> None:
    options = dict(
        zip(("mode", "include", "exclude", "exclude_defaults", "exclude_none"), mode, strict=True)
    )
    expected = PydanticOuter(**data).model_dump(**options)
    found = Outer(**data).model_dump(**options)
    assert found == expected
    assert repr(found) == repr(expected)  # the types too


@pytest.mark.parametrize("data", WRONG)
def test_a_refusal_is_pydantics(data: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError) as expected:
        PydanticOuter(**data)
    with pytest.raises(pydantic.ValidationError) as found:
        Outer(**data)

    def told(error: pydantic.ValidationError) -> list[tuple[Any, ...]]:
        return [(e["type"], e["loc"], e["msg"].replace("Pydantic", "")) for e in error.errors()]

    assert told(found.value) == told(expected.value)


def test_the_schema_is_pydantics() -> None:
    text = repr(PydanticOuter.model_json_schema()).replace("PydanticInner", "Inner")
    assert repr(Outer.model_json_schema()) == text


def test_a_record_in_another_stays_itself() -> None:
    inner = Inner(text="b")
    found = Outer(name="x", inner=inner, each={"a": inner})
    assert found.inner is inner
    assert found.each["a"] is inner
    assert inner.text == "bb"


def test_records_are_compared_copied_and_sent() -> None:
    first, second = (Outer(name="x", inner={"text": "b"}) for _ in range(2))  # type: ignore[arg-type]
    assert first == second
    assert first != Outer(name="y")
    assert first != PydanticOuter(name="x")
    assert Inner(names=["a"]) != Inner(names=["b"])  # type: ignore[arg-type]
    assert hash(Inner(text="a")) == hash(Inner(text="a"))
    for other in (copy.deepcopy(first), pickle.loads(pickle.dumps(first)), first.model_copy()):
        assert other == first
        assert other is not first
    assert of_checked(Outer, vars(first)) == first


def test_a_record_is_not_written_to() -> None:
    found: Any = Outer(name="x")
    writes: tuple[Callable[[], object], ...] = (
        lambda: setattr(found, "name", "y"),
        lambda: setattr(found, "more", 1),
        lambda: delattr(found, "name"),
    )
    for write in writes:
        with pytest.raises(ArgumentError, match="a model never changes"):
            write()


def test_what_says_nothing_needs_no_checker() -> None:
    code = (
        "import sys; from causalopt.model.declaration import Partition, Question\n"
        "assert Question().steps is None and Partition().A == ()\n"
        "assert 'pydantic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert checker(Inner) is checker(Inner)
