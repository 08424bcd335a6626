"""The parts of a model's declaration: what a model file may say, and nothing else.

Frozen pydantic records. They check shapes and types only; what the texts in them mean is decided in
`template`, once, when a `Model` is made of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Method = Literal["euler", "rk4"]


def _scalar(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"expected a number or an expression, found {_shown(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"expected a finite number, found {value}")
    return value


def _shown(value: Any) -> str:
    kinds = {dict: "a mapping", list: "a list", type(None): "nothing", bool: "a truth value"}
    return kinds.get(type(value), repr(value))


def _text(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    if not isinstance(value, str):
        raise ValueError(f"expected a text, found {_shown(value)}")
    return value


def _names(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Scalar = Annotated[int | float | str, BeforeValidator(_scalar)]
Text = Annotated[str, BeforeValidator(_text)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]


class Record(BaseModel):
    """A frozen record that knows no keys but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Variable(Record):
    """One variable: its rule (or flow) and how it starts."""

    rule: Text | None = Field(
        default=None, description="the value at t from v[t], v[t-1], ..., parameters, t and time"
    )
    flow: Text | None = Field(
        default=None, description="dv/dtime, with bare names; in place of a rule"
    )
    initial: Scalar | tuple[Scalar, ...] | None = Field(
        default=None, description="the value at t = 0, or the list of values at t = 0, 1, ..."
    )
    kind: Literal["real", "integer"] = Field(default="real", description="which values it takes")
    label: str | None = Field(default=None, description="how pictures name it")
    unit: str | None = Field(default=None, description="the unit of its values")


class Partition(Record):
    """Which variables are A, the suspected optimizer, and which B; B is the rest by default."""

    A: Names = ()
    B: Names | None = None


class Question(Record):
    """What is asked of the model when the command line or the caller does not say."""

    nudge: str | None = Field(default=None, description="the node n that is nudged, such as R[0]")
    hold: str | None = Field(default=None, description="the set A, such as a or a[t<=10]")
    target: str | None = Field(default=None, description="the variable m that is measured")
    steps: int | None = Field(default=None, ge=0, description="how many steps to run")


class Fact(Record):
    """A number the model is known to give, with its source: shipped models carry their own tests.

    Attributes:
        claim: The fact in words.
        measure: Which result is compared: `op`, `comp`, `total`, `direct`, or `value` (of target in
            the baseline W).
        at: The step it is compared at.
        value: The expected value.
        tolerance: The largest difference allowed.
        source: Where the value comes from, and how it can be derived.
    """

    claim: str
    measure: Literal["op", "comp", "total", "direct", "value"]
    at: int = Field(0, ge=0)
    value: float
    tolerance: float = Field(gt=0)
    source: str
    nudge: str | None = None
    hold: str | None = None
    target: str | None = None
    parameters: Mapping[str, Scalar] = {}
    initial: Mapping[str, Scalar | tuple[Scalar, ...]] = {}
    dt: float | None = None
    method: Method | None = None
