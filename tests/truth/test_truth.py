"""The comparison tells a lie from the truth, and what needs no foreign package agrees here too."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.truth import __main__ as command
from tests.truth import page
from tests.truth.oracles import ORACLES, Oracle, named
from tests.truth.record import Comparison, Record

ROOT = Path(__file__).resolve().parents[2]


def comparison(unit: str = "relative") -> Comparison:
    return Comparison("none", "numbers", 1e-6, unit)


class TestTheComparison:
    def test_equal_numbers_agree_and_infinities_too(self) -> None:
        asked = comparison()
        asked.add("same", [0.0, 1.0, np.inf, -np.inf], [0.0, 1.0, np.inf, -np.inf])
        assert asked.record() == Record("none", "numbers", 1, 1, 4, 0.0, 1e-6, "relative", ())

    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            (1.00001, 1.0),
            (-1.0, 1.0),
            (1e-300, 0.0),
            (np.nan, 1.0),
            (1.0, np.nan),
            (np.nan, np.nan),
            (np.inf, 1.0),
            (1.0, np.inf),
            (np.inf, -np.inf),
        ],
    )
    def test_a_wrong_number_is_a_disagreement(self, ours: float, theirs: float) -> None:
        asked = comparison()
        asked.add("wrong", [1.0, ours], [1.0, theirs])
        (said,) = asked.record().disagreements
        assert said.startswith(f"wrong: {ours:.17g} here, {theirs:.17g} there")
        assert asked.largest > asked.tolerance

    def test_the_unit_decides_what_a_difference_is(self) -> None:
        for unit, scale, far in (
            ("relative", None, 0.5),
            ("absolute", None, 1),
            ("errors", 4, 0.25),
        ):
            asked = comparison(unit)
            asked.add("one", 3.0, 2.0, scale)
            assert asked.largest == far

    def test_a_difference_without_its_scale_and_another_shape_are_refused(self) -> None:
        with pytest.raises(ValueError, match="differences in 'errors' need a scale"):
            comparison("errors").add("one", 3.0, 2.0)
        for ours, theirs in (([1.0], [1.0, 1.0]), ([], [])):
            with pytest.raises(ValueError, match="numbers here"):
                comparison().add("one", ours, theirs)

    def test_what_is_not_ok_is_counted_and_not_compared(self) -> None:
        asked = comparison()
        asked.doubtful()
        asked.claim("word", True, "it is")
        assert (asked.cases, asked.ok, asked.disagreements) == (2, 1, [])
        asked.claim("word", False, "it is not")
        assert asked.disagreements == ["word: it is not"]


def oracle(
    monkeypatch: pytest.MonkeyPatch, records: list[Record], package: str = "numpy"
) -> Oracle:
    """Return an oracle of these records, as one that is known."""
    module = ModuleType("invented", "An oracle that was invented.")
    module.records = lambda short: iter(records)  # noqa: ARG005
    monkeypatch.setattr(Oracle, "module", property(lambda self: module))  # noqa: ARG005
    invented = Oracle("invented", (package,))
    monkeypatch.setattr("tests.truth.oracles.ORACLES", (invented,))
    return invented


class TestTheCommand:
    def lie(self, ours: float) -> Record:
        asked = comparison()
        asked.add("a case", ours, 2.0)
        return asked.record()

    def test_fails_where_a_number_is_wrong_and_writes_it_on_the_page(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(page, "PAGE", tmp_path / "docs" / "truth.md")
        page.PAGE.parent.mkdir()
        for ours, code in ((2.0, 0), (2.1, 1)):
            oracle(monkeypatch, [self.lie(ours)])
            assert command.main([]) == code
            text = page.PAGE.read_text()
            assert f"{code} disagreements" in text
            assert f"{code} disagreements" in capsys.readouterr().out
        assert "- a case: 2.1000000000000001 here, 2 there" in text
        assert "An oracle that was invented." in text
        assert f"numpy {np.__version__}" in text

    def test_the_short_form_writes_no_page(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(page, "PAGE", tmp_path / "truth.md")
        oracle(monkeypatch, [self.lie(2.0)])
        assert command.main(["--short"]) == 0
        assert not page.PAGE.exists()

    def test_an_oracle_writes_its_own_section_anew_and_keeps_the_others(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = oracle(monkeypatch, [])
        other = Oracle("second", ())
        monkeypatch.setattr("tests.truth.oracles.ORACLES", (one, other, Oracle("third", ())))
        both = page.written({other: [self.lie(2.0)], one: [self.lie(2.1)]})
        assert both.index("<!-- invented -->") < both.index("<!-- second -->")
        assert "In all: 2 cases, 2 of them `ok`, 2 numbers compared, 1 disagreements." in both
        mended = page.written({one: [self.lie(2.0)] * 2}, both)
        assert "In all: 3 cases, 3 of them `ok`, 3 numbers compared, 0 disagreements." in mended
        assert page.sections(mended)["second"] == page.sections(both)["second"]
        assert page.written({}, mended) == mended

    def test_a_section_whose_oracle_is_gone_is_dropped(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = oracle(monkeypatch, [])
        text = page.written({one: [self.lie(2.0)]})
        stale = text + "\n<!-- gone -->\n## Gone\n"
        assert page.written({}, stale) == text

    def test_a_missing_package_is_an_error_with_its_install_line(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        oracle(monkeypatch, [self.lie(2.0)], package="no-such-package")
        with pytest.raises(SystemExit, match=r"needs no-such-package.*make \.venv-truth/\.done"):
            command.main(["--short"])

    def test_an_oracle_that_compares_nothing_is_an_error(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        empty = comparison()
        empty.doubtful()
        for records, said in (([], "has no records"), ([empty.record()], "compared nothing")):
            oracle(monkeypatch, records)
            with pytest.raises(SystemExit, match=said):
                command.main(["--short"])

    def test_an_unknown_oracle_is_refused(self) -> None:
        with pytest.raises(SystemExit, match="no oracle is named 'delphi'"):
            named(["delphi"])


def one_docstring(one: Oracle) -> str:
    """Return a module's docstring without importing what it imports."""
    file = Path(__file__).with_name(f"{one.name}.py")
    return ast.get_docstring(ast.parse(file.read_text())) or ""


class TestTheOracles:
    def test_each_module_of_the_folder_with_records_is_listed_once(self) -> None:
        found = sorted(
            file.stem
            for file in Path(__file__).parent.glob("*.py")
            if "\ndef records(" in file.read_text()
        )
        assert sorted(oracle.name for oracle in ORACLES) == found

    def test_every_package_is_locked(self) -> None:
        lock = (ROOT / "requirements-truth.lock").read_text().lower()
        wanted = {package.lower() for oracle in ORACLES for package in oracle.packages}
        assert [name for name in wanted if f"\n{name}==" not in lock] == []

    def test_the_page_has_each_of_them_and_no_disagreement(self) -> None:
        text = page.PAGE.read_text()
        assert list(page.sections(text)) == [one.name for one in ORACLES]
        assert page.written({}, text) == text
        assert text.count(" 0 disagreements.") == 1
        for one in ORACLES:
            section = page.sections(text)[one.name]
            assert inspect.cleandoc(one_docstring(one)) in section, f"make truth ORACLES={one.name}"
            assert re.search(r" \| 0 \|$", section, re.MULTILINE)
            for package in one.packages:
                assert f" {package} " in section.partition("\nWith ")[2], package

    @pytest.mark.parametrize("one", [o for o in ORACLES if o.development], ids=lambda o: o.name)
    def test_the_short_form_agrees(self, one: Oracle) -> None:
        one.versions()
        found: Iterator[Record] = one.module.records(True)
        records = list(found)
        assert records
        for record in records:
            assert record.ok > 0
            assert record.disagreements == ()
        assert inspect.getdoc(one.module)
