"""Study files: found by name or path, read, and checked against their model before any work."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from causalopt.effects.asked import ask
from causalopt.effects.measures import STATUSES
from causalopt.errors import (
    CausaloptError,
    FileError,
    Location,
    ModelError,
    QuestionError,
    UnknownNameError,
    suggestion,
)
from causalopt.model.declaration import shown
from causalopt.model.files import models_folder, read_text, shipped
from causalopt.model.model import Model, refuse_mistake
from causalopt.model.positions import yaml_document
from causalopt.studies.landscape_study import (
    QUANTITIES,
    RATES,
    SHARE,
    LandscapeStudy,
    StudyAlong,
    StudyClaim,
    StudyOrbit,
    StudyQuestion,
    StudyRecord,
)
from causalopt.studies.plane_sections import (
    base_model,
    evaluated,
    section_model,
    started,
    with_crossing,
)

if TYPE_CHECKING:
    from causalopt.model.positions import Positions

ENDINGS = (".yaml", ".yml")
_PLAIN = ("hold", "nudge", "target")


def shipped_studies() -> dict[str, Path]:
    """Return name -> file of every shipped study, in alphabetical order.

    Example:
        >>> "lorenz_rates" in shipped_studies()
        True
    """
    return {file.stem: file for file in sorted((models_folder() / "landscapes").glob("*.yaml"))}


def load_study(name: str | os.PathLike[str]) -> LandscapeStudy:
    """Return a shipped study by its name, or the study of a file.

    Args:
        name: A name that `causalopt landscapes --list` lists, or a path ending in .yaml.

    Raises:
        UnknownNameError: It is neither.
        FileError: The file cannot be read.
        ModelError: It declares no valid study; the location says file, line and column.

    Example:
        >>> load_study("lorenz_rates").model
        'lorenz'
    """
    text = os.fspath(name)
    if Path(text).suffix.lower() in ENDINGS or os.sep in text:
        return read_study(Path(text))
    files = shipped_studies()
    if text in files:
        return read_study(files[text])
    if text in shipped():
        of_it = [n for n, file in files.items() if f"\nmodel: {text}\n" in file.read_text()]
        raise UnknownNameError(
            f"'{text}' is a model, and a study is asked for: "
            + (f"of it there are {', '.join(of_it)}" if of_it else "no shipped one is of it")
        )
    raise UnknownNameError(
        f"no shipped study is called '{text}' (a file's name ends in .yaml)"
        f"{suggestion(text, files)}"
    )


def read_study(file: Path) -> LandscapeStudy:
    """Return the study that a file declares, checked against its model.

    Raises:
        FileError: The file cannot be read.
        ModelError: It declares no valid study; the location says file, line and column.
    """
    if file.suffix.lower() not in ENDINGS:
        raise FileError(f"'{file}' is no study: its name ends in {' or '.join(ENDINGS)}")
    text, _ = read_text(file)
    try:
        return _declared(text, file)
    except ModelError as error:
        raise error.shown_in(text) from None


def _declared(text: str, file: Path) -> LandscapeStudy:
    data, positions = yaml_document(text, str(file))
    if not isinstance(data, dict):
        raise ModelError(
            f"a study is a mapping: name, title, model, questions, ..., found {shown(data)}",
            location=Location(str(file), 1, 1),
        )
    if "variables" in data:
        raise ModelError(
            f"this is a model, and a study is asked for: `causalopt run {file}` asks a model",
            location=_place(positions, file, ("variables",), is_key=True),
        )
    try:
        study = _study({str(key): value for key, value in data.items()}).read_from(file.parent)
        with _at("model"):
            base = base_model(study)
        check_study(study, base)
    except ModelError as error:
        if error.location.file is not None:
            raise
        place = _place(positions, file, error.path, error.offset, is_key=error.is_key)
        raise ModelError(error.message, error.path, location=place) from None
    return study


def _place(
    positions: Positions,
    file: Path,
    path: tuple[str | int, ...],
    offset: int | None = None,
    *,
    is_key: bool = False,
) -> Location:
    spot = positions.find(path, offset, is_key=is_key)
    return Location(str(file), spot.line, spot.column)


def _study(data: dict[str, Any]) -> LandscapeStudy:
    try:
        return LandscapeStudy(**data)
    except ValidationError as error:
        refuse_mistake(error, _record_at)


def _record_at(path: tuple[int | str, ...]) -> type[StudyRecord]:
    records: dict[object, type[StudyRecord]] = {
        "questions": StudyQuestion,
        "claims": StudyClaim,
        "orbit": StudyOrbit,
        "along": StudyAlong,
    }
    return records.get(path[0], LandscapeStudy) if path else LandscapeStudy


@contextlib.contextmanager
def _at(*path: str | int, is_key: bool = False) -> Iterator[None]:
    """Place an error of what is asked of the model at the study's own words."""
    try:
        yield
    except CausaloptError as error:
        if isinstance(error, ModelError) and error.location.file is not None:
            raise  # in the model's own file
        raise ModelError(error.message, path, is_key=is_key) from None


def check_study(study: LandscapeStudy, base: Model) -> None:
    """Ask everything that a study will ask, without computing it.

    Args:
        study: The study.
        base: Its model, as the model's file has it.

    Raises:
        ModelError: Something in it means nothing in the model; the path leads there.
    """
    _check_ranges(study)
    for name in study.parameters:
        with _at("parameters", name, is_key=True):
            base.replace(parameters={name: 0.5})
    for name in study.initial:
        if name not in base.variables:
            with _at("initial", name, is_key=True):
                base.replace(initial={name: 0})
    with _at("axes" if study.axes else "parameters"):
        model = section_model(study, base)
        _ = model.template
    for name, values in study.each.items():
        with _at("each", name, is_key=True):
            model.replace(parameters={name: values[0]})
    for name in study.axes:
        with _at("axes", name, is_key=True):
            _check_axis(model, name)
    for k, question in enumerate(study.questions):
        with _at("questions", k):
            ask(model, **question.model_dump(), steps=max(study.at, default=10))
    for name, initial in study.points.items():
        with _at("points", name):
            started(model, initial, [])
    if study.orbit is not None:
        with _at("orbit"):
            started(with_crossing(model, study.orbit), study.orbit.initial, [])
    if study.along is not None:
        _check_along(study.along, model)
    for k, claim in enumerate(study.claims):
        _check_claim(study, claim, k)
        if claim.value is not None:
            with _at("claims", k, "value"):
                evaluated(model, claim.value)


def _check_ranges(study: LandscapeStudy) -> None:
    if study.axes and len(study.axes) != 2:
        with _at("axes"):
            raise QuestionError(f"axes are two, right and up; found {len(study.axes)}")
    for name, (low, high) in study.axes.items():
        if not -math.inf < low < high < math.inf:
            with _at("axes", name):
                raise QuestionError(
                    f"the axis '{name}' runs from low to high, found [{low:g}, {high:g}]"
                )
    for name, values in study.each.items():
        if not values or len(set(values)) < len(values):
            with _at("each", name):
                raise QuestionError(f"'{name}' takes different values, found {list(values)}")
    if study.along is not None and not study.along.low < study.along.high:
        with _at("along", "high"):
            raise QuestionError(f"high is above low, found {study.along.high:g}")


def _check_axis(model: Model, name: str) -> None:
    variable = name.partition("[")[0].strip()
    if name not in model.parameters and variable not in model.variables:
        raise QuestionError(f"unknown variable '{variable}'{suggestion(variable, model.variables)}")


def _check_along(along: StudyAlong, model: Model) -> None:
    with _at("along", "parameter"):
        model.replace(parameters={along.parameter: along.low})
    if along.maxima not in model.variables:
        with _at("along", "maxima"):
            hint = suggestion(along.maxima, model.variables)
            raise QuestionError(f"unknown variable '{along.maxima}'{hint}")
    for name, initial in along.starts.items():
        with _at("along", "starts", name):
            started(model.replace(parameters={along.parameter: along.high}), initial, [])


def _check_claim(study: LandscapeStudy, claim: StudyClaim, k: int) -> None:
    """Refuse names in a claim that the study has not, and landscapes that it does not compute."""
    quantities = RATES if study.along is not None else QUANTITIES
    for way in ("median", "least", "largest", "every", "of"):
        said = getattr(claim, way)
        if said is not None and said not in quantities:
            with _at("claims", k, way):
                raise QuestionError(f"expected {', '.join(quantities)}, found {shown(said)}")
    if claim.share is not None:
        found = SHARE.fullmatch(claim.share)
        if found is not None and found[1] not in quantities:
            with _at("claims", k, "share"):
                raise QuestionError(f"expected {', '.join(quantities)}, found '{found[1]}'")
    axes = [study.along.parameter] if study.along is not None else list(study.axes)
    named: Mapping[str, Any] = {
        "inside": claim.inside,
        "mirror": claim.mirror or (),
        "integral": () if claim.integral is None else (claim.integral,),
    }
    for key, names in named.items():
        for name in names:
            if name not in axes:
                with _at("claims", k, key):
                    raise QuestionError(f"'{name}' is no axis{suggestion(name, axes)}")
    if study.along is not None and claim.way in {"integral", "mirror", "like", "point", "refused"}:
        with _at("claims", k, claim.way, is_key=True):
            raise QuestionError(f"{claim.way} is of a plane, and this study is along a parameter")
    if claim.status is not None and claim.status not in STATUSES:
        with _at("claims", k, "status"):
            raise QuestionError(f"no status '{claim.status}'{suggestion(claim.status, STATUSES)}")
    allowed = {*_PLAIN, *({"branch"} if study.along is not None else {"at", *study.each})}
    for key in claim.where:
        if key not in allowed:
            with _at("claims", k, "where", key, is_key=True):
                raise QuestionError(f"'{key}' sets no landscapes apart{suggestion(key, allowed)}")
    labels = landscape_labels(study)
    meant = [row for row in labels if matches(claim.where, row)]
    if claim.way != "refused" and not meant:
        with _at("claims", k, "where"):
            raise QuestionError("no landscape of this study is meant: its where fits none")
    for row in meant if claim.like else ():
        wanted = {**row, **(claim.like or {})}
        del wanted["place"]
        if not set(wanted) <= allowed or not any(matches(wanted, other) for other in labels):
            with _at("claims", k, "like"):
                raise QuestionError("no landscape of this study is like that: its keys fit none")


def landscape_labels(study: LandscapeStudy) -> list[dict[str, Any]]:
    """Return what sets each landscape (or each curve) of a study apart, in their order.

    Keys are `hold`, `nudge`, `target`, and of a plane `at` and the parameters under `each`, of a
    curve `branch`. Each has its `place` in the arrays of the result.
    """
    found = []
    questions = list(enumerate(study.questions))
    if study.along is not None:
        for (b, name), (q, asked) in itertools.product(enumerate(study.along.starts), questions):
            found.append({**asked.model_dump(), "branch": name, "place": (b, q)})
        return found
    figures = list(enumerate(itertools.product(*study.each.values())))
    for (f, values), (q, asked), (k, at) in itertools.product(
        figures, questions, enumerate(study.at)
    ):
        own = dict(zip(study.each, values, strict=True))
        found.append({**asked.model_dump(), "at": at, **own, "place": (f, q, k)})
    return found


def matches(where: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Whether a landscape is one of those that a claim is of.

    Example:
        >>> matches({"rho": [10, 28], "hold": "a"}, {"rho": 28.0, "hold": "a", "nudge": "b[0]"})
        True
    """
    for key, said in where.items():
        wanted = said if isinstance(said, list | tuple) else [said]
        if not any(_plain(labels[key]) == _plain(one) for one in wanted):
            return False
    return True


def _plain(value: Any) -> Any:
    return value.replace(" ", "") if isinstance(value, str) else value
