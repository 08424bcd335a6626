"""The benchmarks: both sides of a comparison compute the same, or there is no comparison."""

from __future__ import annotations

import cProfile
import math
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import native, page, share
from benchmarks.__main__ import main
from benchmarks.case import Case, Contestant, DiffersError, compare
from benchmarks.cases import CALLS, all_cases, chosen, named
from benchmarks.fresh import both
from benchmarks.measured import OURS, Measured, shown
from benchmarks.timing import Time, least
from benchmarks.wholes import TooLongError, child

ROOT = Path(__file__).resolve().parent.parent
needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None and shutil.which("clang++") is None, reason="no C++ compiler"
)
# Kernel's file, a place in it, what is put there, and the case that must notice.
LIES = [
    ("lorenz", "s.a * s.b - p.beta * s.c", "s.a * s.b - 1.001 * p.beta * s.c", "run(delta=)"),
    ("lorenz", "w.a * (h * p.rho - h * w.c)", "w.a * (h * p.rho + h * w.c)", "world"),
    ("lorenz", "h * p.sigma * w.b,", "1.0001 * h * p.sigma * w.b,", "run"),
    ("lorenz", "const State<pair> e = keep(d);", "const State<pair> e = d;", "op_from_all"),
    ("lorenz", "{1, 1, 0, 0}};", "{1, 1, 1, 1}};", "find_optimizers"),
    ("lorenz", "sums[j] / (steps * p.dt)", "sums[j] / steps", "rates"),
    ("ring", "y[held[first + l]][l] = 0;", "y[held[first + l]][l] *= 0.5;", "op_matrix"),
    ("ring", "i * 7 % n", "i * 3 % n", "find_optimizers: ring"),
    ("kernels", "T[j] = newT, xT[j] = newxT;", "T[j] = newT, xT[j] = 1.01 * newxT;", "sweep"),
    ("kernels", "-(e * e)", "-(1.1 * e * e)", "escape"),
    ("kernels", "1ULL << (t % 64)", "1ULL << (t % 32)", "escape: pit, 102,400"),
]


def case_of(numbers: Any, contestant: Any, **options: Any) -> tuple[Case, Contestant]:
    """Return a case whose results are these numbers, and a contestant whose are those."""
    other = Contestant("other", lambda: lambda: contestant, np.asarray)
    made = Case("call", "what", "size", lambda: lambda: numbers, np.asarray, (other,), **options)
    return made, other


def written_in_c(case: Case) -> list[Contestant]:
    """Return the contestants of a case that are written in C."""
    return [contestant for contestant in case.beside if contestant.name.startswith("C")]


class TestWhatIsCompared:
    def test_equal_numbers_pass_whether_or_not_finite(self) -> None:
        same = [1.0, math.inf, math.nan, -2.0]
        case, other = case_of(same, same)
        compare(case, same, other, [1.0 + 1e-12, math.inf, math.nan, -2.0])

    @pytest.mark.parametrize(
        "theirs", [[1.0, 2.1], [1.0, math.nan], [1.0, math.inf], [1.0, 2.0, 3.0], [2.0, 1.0]]
    )
    def test_other_numbers_are_an_error(self, theirs: list[float]) -> None:
        case, other = case_of([1.0, 2.0], theirs)
        with pytest.raises(DiffersError, match=r"call: what, size"):
            compare(case, [1.0, 2.0], other, theirs)

    def test_the_error_names_both_numbers_and_the_place(self) -> None:
        case, other = case_of([1.0, 2.0], [1.0, 3.0])
        with pytest.raises(DiffersError, match=r"3\.0.* where causalopt has .*2\.0.* at \(1,\)"):
            compare(case, [1.0, 2.0], other, [1.0, 3.0])

    def test_numbers_of_which_none_is_finite_compare_nothing(self) -> None:
        case, other = case_of([math.nan], [math.nan])
        with pytest.raises(DiffersError, match="no finite number"):
            compare(case, [math.nan], other, [math.nan])


class TestTheCases:
    def test_every_public_call_has_three_sizes_and_one_in_the_short_form(self) -> None:
        for call in CALLS:
            by_what: dict[str, int] = {}
            mine = [case for case in all_cases() if case.call == call]
            for case in mine:
                by_what[case.what] = by_what.get(case.what, 0) + 1
            assert max(by_what.values()) >= 3 or len(mine) >= 3, call
            assert any(case.quick for case in mine), call
            assert all(case.beside for case in mine), call

    def test_have_titles_of_their_own(self) -> None:
        titles = [case.title for case in all_cases()]
        assert len(set(titles)) == len(titles)
        assert named(titles[3]) is all_cases()[3]

    def test_a_name_that_none_has_is_answered_with_the_names(self) -> None:
        with pytest.raises(SystemExit, match="world: Lorenz"):
            chosen("wrold", quick=False)

    def test_the_packages_beside_are_pinned(self) -> None:
        lines = (ROOT / "benchmarks" / "requirements.txt").read_text().splitlines()
        pins = [line for line in lines if not line.startswith("#")]
        assert pins
        assert all(re.fullmatch(r"[\w-]+==[\d.]+", line) for line in pins)


@needs_compiler
class TestTheC:
    @pytest.mark.parametrize(
        "case", [c for c in all_cases() if c.quick and written_in_c(c)], ids=lambda c: c.title
    )
    def test_computes_what_causalopt_computes(self, case: Case) -> None:
        ours = case.prepare()()
        for contestant in written_in_c(case):
            compare(case, ours, contestant, contestant.prepare()())

    def test_stands_beside_every_call_about_trajectories(self) -> None:
        titles = {c.title.partition(":")[0] for c in all_cases() if c.quick and written_in_c(c)}
        assert titles >= {"run", "world", "run(delta=)", "op_from_all", "rates", "sweep"}

    @pytest.mark.parametrize(("stem", "place", "lie", "title"), LIES)
    def test_that_computes_something_else_is_an_error(
        self,
        stem: str,
        place: str,
        lie: str,
        title: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        text = (native.HERE / f"{stem}.cpp").read_text()
        assert place in text
        original = native.library
        monkeypatch.setattr(
            native,
            "library",
            lambda name: original(name, text.replace(place, lie) if name == stem else None),
        )
        quick = [c for c in all_cases() if c.quick and written_in_c(c)]
        case = next(c for c in quick if c.title.startswith(title))
        contestant = next(c for c in case.beside if c.name.startswith("C"))
        ours = case.prepare()()
        with pytest.raises(DiffersError, match="computes something else"):
            compare(case, ours, contestant, contestant.prepare()())
        if title == "world":
            assert main(["--quick", "--only", case.title]) == 1
            assert "Mend the benchmark" in capsys.readouterr().err

    def test_the_command_prints_both_times_and_the_ratio(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        cases = [c for c in all_cases() if c.quick and c.call == "world"]
        title = next(c.title for c in cases if written_in_c(c))
        assert main(["--quick", "--only", title]) == 0
        shown_text = capsys.readouterr().out
        assert re.search(r"causalopt +\S+ \S+ / \S+ \S+\n", shown_text)
        assert re.search(r"  C +.*ratio +\d", shown_text)

    def test_that_does_not_compile_is_said(self, tmp_path: Path) -> None:
        broken = tmp_path / "broken.cpp"
        broken.write_text("int f( {")
        with pytest.raises(native.CompilerError, match=r"does not compile broken\.cpp"):
            native.built(broken, tmp_path)

    def test_a_missing_compiler_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("CXX", raising=False)
        monkeypatch.setattr(shutil, "which", lambda _: None)
        with pytest.raises(native.CompilerError, match="install g"):
            native.compiler()


class TestTimes:
    def test_contestants_take_turns(self) -> None:
        order: list[str] = []

        def slow(name: str) -> None:
            order.append(name)
            time.sleep(3e-3)

        found = least({"a": lambda: slow("a"), "b": lambda: slow("b")}, budget=0, rounds=3)
        assert order == [*"ab" * 3]
        assert all(t.clock >= 3e-3 > t.cpu for t in found.values())

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [
            (2.34, "2.3 s"),
            (0.9999, "1 s"),
            (0.1234, "123 ms"),
            (4.5e-5, "45 µs"),
            (1e-8, "0.01 µs"),
        ],
    )
    def test_are_shown_in_the_unit_that_suits_them(self, seconds: float, text: str) -> None:
        assert shown(seconds) == text

    def test_goals_are_reached_or_not(self) -> None:
        case, _ = case_of([1.0], [1.0], reach=4, reach_seconds=0.1)
        for ours, met in ((0.05, [False, True]), (0.03, [True, True]), (0.2, [False, False])):
            found = Measured(case, {OURS: Time(ours, ours), "other": Time(0.01, 0.01)})
            assert [reached for _, reached in found.goals] == met
            assert found.ratio == pytest.approx(ours / 0.01)

    def test_a_fresh_process_compiles_once(self) -> None:
        case = next(c for c in all_cases() if c.quick and c.call == "sweep")
        empty, full = both(case.title, 1)
        assert empty.compiling > 0 == full.compiling
        assert 0 < full.imports < full.cpu


class TestWhereTheTimeGoes:
    @staticmethod
    def stats() -> dict[share.Place, Any]:
        f, g = (f"{share.PACKAGE}effects/f.py", 1, "f"), ("numpy.py", 1, "resize")
        inner, step = ("~", 0, "copy"), (share.GENERATED, 1, "advance")
        return {
            f: (1, 1, 1.0, 11.0, {}),
            g: (1, 1, 2.0, 8.0, {f: (1, 1, 2.0, 8.0)}),
            inner: (2, 2, 6.0, 6.0, {g: (2, 2, 6.0, 6.0)}),
            step: (1, 1, 2.0, 2.0, {f: (1, 1, 2.0, 2.0)}),
        }

    def test_what_a_library_takes_is_charged_to_who_called_it(self) -> None:
        found = share.charged(self.stats())
        f, step = (f"{share.PACKAGE}effects/f.py", 1, "f"), (share.GENERATED, 1, "advance")
        assert {k: v for k, v in found.items() if v} == {f: 9.0, step: 2.0}

    def test_a_function_above_a_fifth_is_named_unless_it_is_the_work(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Given:
            stats = self.stats()

        monkeypatch.setattr(share.pstats, "Stats", lambda _: Given)
        found = share.shares(cProfile.Profile(), ())
        assert found.large == {"effects/f.py:1 f": pytest.approx(9 / 11)}
        assert (found.work, found.statuses) == (pytest.approx(2 / 11), pytest.approx(9 / 11))
        assert share.shares(cProfile.Profile(), ("effects/",)).large == {}

    def test_of_machine_code_by_itself_most_is_work(self) -> None:
        case = next(c for c in all_cases() if c.call == "(engine) batch")
        found = share.share(case.title)
        assert found.work > 0.5
        assert found.work + found.statuses + found.imports + found.other == pytest.approx(1)


class TestThePage:
    def test_has_the_place_that_is_written(self) -> None:
        text = page.PAGE.read_text()
        assert page.written(page.written(text, "one"), "two") == page.written(text, "two")

    def test_without_its_marks_is_refused(self) -> None:
        with pytest.raises(ValueError, match="no place marked"):
            page.written("a page", "text")

    def test_names_no_folder_of_a_machine(self) -> None:
        assert re.findall(r"(?<![\w.`/])/(?:home|work|tmp|root|usr)/", page.PAGE.read_text()) == []

    def test_has_a_row_a_case_with_ratio_and_goal(self) -> None:
        case, _ = case_of([1.0], [1.0], reach=4)
        found = Measured(case, {OURS: Time(0.05, 0.06), "other": Time(0.01, 0.01)})
        rows = page.calls_table([found]).splitlines()
        assert len(rows) == 3
        assert "| 50 ms / 60 ms | 10 ms other | 5 | 4 times: no |" in rows[2]


class TestWholeProcesses:
    def test_are_measured_from_outside(self) -> None:
        burn = "x = bytearray(200_000_000); [i for i in range(10**6)]; print('done')"
        clock, cpu, memory, out = child([sys.executable, "-c", burn])
        assert out == "done\n"
        assert clock > 0.01 < cpu
        assert 0.18 < memory < 0.4

    def test_that_take_too_long_are_stopped(self) -> None:
        with pytest.raises(TooLongError):
            child([sys.executable, "-c", "import time; time.sleep(60)"], longest=0.3)

    def test_that_fail_are_an_error(self) -> None:
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            child([sys.executable, "-c", "1/0"])
