"""The declaration of a study: which landscapes are computed, and what is claimed of them.

Frozen pydantic records that check shapes and types. Whether the names in them mean anything in the
study's model is decided in `study_files`, where positions are known.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from causalopt.model.declaration import Method, Scalar, Text

Measure = Literal["op", "comp"]
QUANTITIES = ("op", "comp", "w")
RATES = ("op", "lyapunov", "conditional", "excess")
WAYS = (
    "share",
    "median",
    "least",
    "largest",
    "every",
    "integral",
    "mirror",
    "like",
    "point",
    "refused",
)
SHARE = re.compile(r"\s*(\w+)\s*(<=|>=|<|>)\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*")
LEAST_SIZE, MOST_SIZE = 4, 2000
LONGEST_NAME = 100


class StudyRecord(BaseModel):
    """A frozen record that knows no keys but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StudyQuestion(StudyRecord):
    """One landscape: Op(A; n, m)."""

    hold: Text
    nudge: Text
    target: Text


class StudyClaim(StudyRecord):
    """A sentence on what is seen, and the number that holds or refutes it.

    Attributes:
        claim: The sentence.
        where: Which landscapes it is of: values of `hold`, `nudge`, `target`, `at` and of the
            parameters under `each`, one or a list; all when not given.
        inside: Axis -> [low, high]: which part of the plane.
        share: The share of points with, such as "op > 0".
        median: Of this quantity over the points.
        least: Its least value.
        largest: Its largest value.
        every: The quantity that has the value at every point; the worst is shown.
        integral: The axis over which 1 - Comp is integrated (midpoint rule), at each value of the
            other one.
        mirror: Axes whose sign is changed: the largest difference of Op and Comp is compared.
        like: What sets another landscape apart: the largest difference of Op and Comp from it.
        point: Start -> value: one run from there, of which `of` is compared.
        refused: A question that cannot be asked; words of the refusal.
        of: The quantity of `point`.
        value: What is expected: a number, or an expression in the model's parameters.
        tolerance: How far off it may be.
        between: In place of a value: the least and the largest there may be.
        status: In place of a value: the status that the point has.
        source: Where the expected value comes from.
    """

    claim: str
    where: Mapping[str, Any] = Field(default_factory=dict)
    inside: Mapping[str, tuple[float, float]] = Field(default_factory=dict)
    share: str | None = None
    median: str | None = None
    least: str | None = None
    largest: str | None = None
    every: str | None = None
    integral: str | None = None
    mirror: tuple[str, ...] | None = None
    like: Mapping[str, Any] | None = None
    point: Mapping[str, Scalar] | None = None
    refused: str | None = None
    of: str = "op"
    value: Scalar | None = None
    tolerance: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    between: tuple[float, float] | None = None
    status: str | None = None
    source: str = ""

    @property
    def way(self) -> str:
        """Which of `WAYS` the claim takes."""
        return next(name for name in WAYS if getattr(self, name) is not None)

    @property
    def is_of_a_grid(self) -> bool:
        """Whether the number depends on how fine the grid is."""
        return self.way in {"share", "median", "least", "largest", "integral"}

    @model_validator(mode="after")
    def _is_whole(self) -> StudyClaim:
        given = [name for name in WAYS if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"a claim has one of {', '.join(WAYS)}; this one has {found}")
        expected = [n for n in ("value", "between", "status") if getattr(self, n) is not None]
        if given != ["refused"] and len(expected) != 1:
            found = " and ".join(expected) or "none"
            raise ValueError(f"a claim expects one of value, between, status; this one has {found}")
        if self.share is not None and SHARE.fullmatch(self.share) is None:
            raise ValueError(f'a share is of points with, such as "op > 0"; found {self.share!r}')
        if self.status is not None and self.point is None:
            raise ValueError("a status is of a point: give its start under point")
        if self.between is not None and not self.between[0] <= self.between[1]:
            raise ValueError(f"between is [least, largest], found {list(self.between)}")
        return self


class StudyOrbit(StudyRecord):
    """A long run that is drawn on the plane where it passes through.

    Attributes:
        crosses: An expression of the run's nodes at t that is 0 on the plane.
        initial: Where it starts; the model's own start when not given.
        skip: Steps before its crossings count.
        steps: The last step.
    """

    crosses: Text
    initial: Mapping[str, Scalar] = Field(default_factory=dict)
    skip: int = Field(default=10_000, ge=0)
    steps: int = Field(default=60_000, ge=1)


class StudyAlong(StudyRecord):
    """Rates along a parameter.

    Attributes:
        parameter: Its name.
        low: Its least value.
        high: Its largest one.
        maxima: The variable whose maxima in the long run are drawn above.
        starts: What each branch is called -> its initial values: a system may have several
            attractors.
        steps: How many steps rates are fitted to.
        transient: How many are run before.
        marks: What is marked -> at which value of the parameter.
    """

    parameter: str
    low: float
    high: float
    maxima: str
    starts: Mapping[str, Mapping[str, Scalar]] = Field(min_length=1)
    steps: int = Field(default=10_000, ge=2)
    transient: int = Field(default=10_000, ge=0)
    marks: Mapping[str, float] = Field(default_factory=dict)


def _file_stem(name: str) -> str:
    """Refuse a name that files of the page cannot have, such as one of another folder."""
    if re.fullmatch(r"\w[\w.-]*", name) is None or len(name) > LONGEST_NAME:
        raise ValueError(
            f"files are called by the name: letters, digits, _, - and . (at most {LONGEST_NAME}), "
            f"and no . or - first; found {name!r}"
        )
    return name


class LandscapeStudy(StudyRecord):
    """A study: questions of one model over a plane of starts, or rates along a parameter.

    Attributes:
        name: What it is called on the command line.
        title: In a line.
        model: A shipped model, or a file beside the study's.
        source: Who asked for it.
        words: Paragraphs on what is seen; what is claimed in numbers stands under `claims`.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's; they may follow the plane's coordinates.
        dt: Replaces the model's.
        method: Likewise.
        questions: The landscapes, in the order of the panels.
        each: Parameter -> values: a picture for each combination.
        axes: Of a plane, the one that goes right and the one that goes up -> [low, high]: a
            parameter, a node such as `c[0]`, or a coordinate of its own that `initial` uses.
        at: The steps measured, a panel for each.
        size: Points along an axis (of a plane), or values of the parameter.
        columns: Panels beside each other.
        measures: What is drawn, a picture for each.
        points: What is marked on the plane -> its starting values, as expressions.
        orbit: A long run that is drawn where it passes through the plane.
        along: In place of axes: rates along a parameter.
        claims: What is claimed, each checked when the study is computed.
    """

    name: Annotated[str, AfterValidator(_file_stem)]
    title: str
    model: str
    source: str = ""
    words: tuple[str, ...] = ()
    parameters: Mapping[str, Scalar] = Field(default_factory=dict)
    initial: Mapping[str, Scalar] = Field(default_factory=dict)
    dt: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    method: Method | None = None
    questions: tuple[StudyQuestion, ...] = Field(min_length=1)
    each: Mapping[str, tuple[float, ...]] = Field(default_factory=dict)
    axes: Mapping[str, tuple[float, float]] = Field(default_factory=dict)
    at: tuple[int, ...] = ()
    size: int = Field(default=100, ge=LEAST_SIZE, le=MOST_SIZE)
    columns: int = Field(default=3, ge=1, le=8)
    measures: tuple[Measure, ...] = ("op",)
    points: Mapping[str, Mapping[str, Scalar]] = Field(default_factory=dict)
    orbit: StudyOrbit | None = None
    along: StudyAlong | None = None
    claims: tuple[StudyClaim, ...] = ()
    _folder: Path | None = PrivateAttr(default=None)

    @property
    def folder(self) -> Path | None:
        """Where the study's file is, beside which its model may be."""
        return self._folder

    def read_from(self, folder: Path) -> LandscapeStudy:
        """Return the same study, which knows where its file is."""
        found = self.model_copy()
        found._folder = folder
        return found

    @property
    def fingerprint(self) -> str:
        """A digest of what decides the numbers and the pictures: all but words and claims."""
        told = self.model_dump(mode="json", exclude={"words", "claims", "source"})
        text = json.dumps(told, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @model_validator(mode="after")
    def _is_one_kind(self) -> LandscapeStudy:
        if (self.along is None) == (not self.axes):
            raise ValueError("a study has axes (a plane) or along (a parameter), and not both")
        if self.axes and not self.at:
            raise ValueError("a plane needs at: the steps that are measured, such as [200]")
        return self
