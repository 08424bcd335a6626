"""Study files: what they declare, and the place of every mistake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from causalopt import FileError, ModelError, UnknownNameError, read_model, shipped
from causalopt.studies.study_files import (
    landscape_labels,
    load_study,
    matches,
    read_study,
    shipped_studies,
)
from tests.studies.study_texts import CURVE, PLANE, study, written


def test_a_study_is_no_model() -> None:
    assert shipped_studies().keys() & shipped().keys() == set()
    for name, file in shipped_studies().items():
        assert load_study(name).name == name
        with pytest.raises(ModelError):
            read_model(file)


def test_labels_name_every_landscape_in_the_order_of_the_arrays(tmp_path: Path) -> None:
    labels = landscape_labels(study(tmp_path, PLANE))
    assert len(labels) == 2 * 2 * 2
    assert labels[3] == {
        "hold": "c", "nudge": "a[0]", "target": "b", "at": 50, "rho": 10, "place": (0, 1, 1),
    }  # fmt: skip
    assert matches({"rho": [28], "hold": "c"}, labels[-1])
    assert not matches({"rho": 28, "at": 20}, labels[-1])
    assert matches({"hold": "a,b"}, {"hold": "a, b"})


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "message"),
    [
        ("title: A", "titel: A", 2, 1, "unknown key 'titel'; did you mean 'title'?"),
        ("title: A small plane\n", "", 1, 1, "the key 'title' is missing"),
        ("model: lorenz", "model: lorentz", 3, 8, "did you mean 'lorenz'?"),
        ("method: rk4", "method: rk5", 4, 9, "rk4"),
        ("{rho: [10, 28]}", "{rhoo: [10, 28]}", 5, 8, "unknown parameter 'rhoo'"),
        ("[10, 28]", "[10, 10]", 5, 13, "'rho' takes different values"),
        ('"c[0]": [0', '"d[0]": [0', 6, 22, "unknown variable 'd'"),
        ("{s: [-20", "{u: [-20", 6, 7, "the axis 'u' is no parameter, no node such as c[0]"),
        ("[0, 40]", "[40, 0]", 6, 30, "runs from low to high"),
        (', "c[0]": [0, 40]', "", 6, 7, "axes are two, right and up; found 1"),
        ("{a: s, b: s}", "{a: s, e: s}", 7, 17, "unknown variable 'e'"),
        ("{a: s, b: s}", "{a: s + q, b: s}", 6, 7, "unknown name 'q'"),
        ("at: [20, 50]\n", "", 1, 1, "a plane needs at"),
        ("size: 6", "size: 1", 9, 7, "number from 4 up"),
        ("[op, comp]", "[op, cmp]", 10, 16, "'op' or 'comp'"),
        ('{hold: a, nudge: "b[0]"', '{hold: a, nudge: "a[0]"', 12, 5, "nudge is made in B"),
        ('{hold: a, nudge: "b[0]"', '{hold: x, nudge: "b[0]"', 12, 5, "unknown variable 'x'"),
        ("target: b}\n  - {hold: c", "targt: b}\n  - {hold: c", 12, 30, "unknown key 'targt'"),
    ],
)
def test_a_mistake_is_told_with_its_place(
    tmp_path: Path, old: str, new: str, line: int, column: int, message: str
) -> None:
    assert old in PLANE
    file = written(tmp_path, PLANE.replace(old, new, 1))
    with pytest.raises(ModelError, match=re.escape(message)) as caught:
        read_study(file)
    place = caught.value.location
    assert (place.file, place.line, place.column) == (str(file), line, column)


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ('share: "op > 0", value: 1, between: [0, 1]', "value and between"),
        ('share: "op > 0"', "expects one of value, between, status; this one has none"),
        ("value: 1", "a claim has one of share"),
        ("median: op, least: op, value: 1", "median and least"),
        ('share: "op >> 0", value: 1', "a share is of points with"),
        ('share: "opp > 0", value: 1', "expected op, comp, w, found 'opp'"),
        ("median: power, value: 1", "expected op, comp, w, found 'power'"),
        ("median: op, value: 1, where: {rho: 11}", "its where fits none"),
        ("median: op, value: 1, where: {sigma: 11}", "'sigma' sets no landscapes apart"),
        ("mirror: [r], value: 0", "'r' is no axis"),
        ("median: op, value: 1, inside: {b: [0, 1]}", "'b' is no axis"),
        ("integral: b, value: 0", "'b' is no axis"),
        ("like: {rho: 29}, value: 0", "no landscape of this study is like that"),
        ("point: {s: 0, c: 0}, status: okay", "no status 'okay'"),
        ("median: op, status: ok", "a status is of a point"),
        ("median: op, between: [1, 0]", "between is [least, largest]"),
        ("median: op, value: 1, tolerance: -1", "number from 0.0 up"),
    ],
)
def test_a_claim_that_cannot_be_checked_is_refused(
    tmp_path: Path, claim: str, message: str
) -> None:
    with pytest.raises(ModelError, match=re.escape(message)) as caught:
        study(tmp_path, PLANE, claim)
    assert caught.value.location.line == PLANE.count("\n") + 2


def test_a_curve_has_claims_of_its_own_only(tmp_path: Path) -> None:
    study(tmp_path, CURVE, "every: excess, value: 0, tolerance: 1")
    for claim in (
        "mirror: [rho], value: 0",
        "median: comp, value: 1",
        "where: {at: 3}, least: op, value: 0",
    ):
        with pytest.raises(ModelError):
            study(tmp_path, CURVE, claim)
    with pytest.raises(ModelError, match="unknown parameter 'roh'"):
        study(tmp_path, CURVE.replace("parameter: rho", "parameter: roh"))
    with pytest.raises(ModelError, match="unknown variable 'z'"):
        study(tmp_path, CURVE.replace("maxima: c", "maxima: z"))
    with pytest.raises(ModelError, match=r"axes .a plane. or along"):
        study(tmp_path, CURVE + "axes: {rho: [1, 2], beta: [1, 2]}\nat: [3]\n")


def test_what_is_no_study_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'lorenz_rates'"):
        load_study("lorenz_rate")
    with pytest.raises(
        UnknownNameError, match=r"'thermostat_saturating' is a model.*thermostat_band"
    ):
        load_study("thermostat_saturating")
    with pytest.raises(FileError, match="cannot read"):
        load_study(tmp_path / "none.yaml")
    with pytest.raises(FileError, match="its name ends in"):
        read_study(written(tmp_path, PLANE, "study.json"))
    with pytest.raises(ModelError, match="this is a model"):
        read_study(shipped()["lorenz"])
    for text, message in (
        ("- 1\n", "a study is a mapping"),
        ("a: [", "is not closed"),
        ("", "a mapping"),
    ):
        with pytest.raises(ModelError, match=message):
            read_study(written(tmp_path, text))


def test_a_model_s_file_may_stand_beside_the_study(tmp_path: Path) -> None:
    (tmp_path / "room.yaml").write_text(
        "name: room\nparameters: {k: 0.1}\nvariables:\n"
        '  T: {rule: "R[t-1]", initial: 0}\n  R: {rule: "R[t-1] - k*T[t-1]", initial: 1}\n'
    )
    text = (
        'name: rooms\ntitle: Rooms\nmodel: room.yaml\naxes: {k: [0, 1], "R[0]": [0, 1]}\n'
        'at: [2]\nquestions: [{hold: T, nudge: "R[0]", target: R}]\n'
    )
    found = read_study(written(tmp_path, text))
    assert found.model == "room.yaml"
    broken = (tmp_path / "room.yaml").read_text().replace("k*T", "kk*T")
    (tmp_path / "room.yaml").write_text(broken)
    with pytest.raises(ModelError, match="unknown name 'kk'") as caught:
        read_study(tmp_path / "study.yaml")
    assert caught.value.location.file == str(tmp_path / "room.yaml")


@pytest.mark.parametrize(
    "name", ["../evil", "/tmp/evil", ".hidden", "-o", "a/b", "a<b>", '"', "a b"]
)
def test_a_name_that_no_file_beside_the_page_can_have_is_refused(tmp_path: Path, name: str) -> None:
    text = re.sub(r"name: .*", lambda _: f"name: '{name}'", PLANE, count=1)
    with pytest.raises(ModelError, match="files are called by the name") as caught:
        study(tmp_path, text)
    assert caught.value.location.line == 1


def test_an_expected_value_that_the_model_does_not_know_is_refused_before_any_work(
    tmp_path: Path,
) -> None:
    with pytest.raises(ModelError, match="unknown name 'foo'") as caught:
        study(tmp_path, PLANE + 'claims:\n  - {claim: x, median: op, value: "foo"}\n')
    assert caught.value.location.line == len(PLANE.splitlines()) + 2
