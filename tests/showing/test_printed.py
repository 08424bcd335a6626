"""`print` and the command show one table, which is made in one place."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

import causalopt
from causalopt.cli import main

T = "thermostat"
PRINTED = {
    f"run {T} --steps 30": lambda c, m: c.run(m(T), steps=30),
    "run lorenz --steps 30 --nudge b[0] --hold a --target c": lambda c, m: c.run(
        m("lorenz"), steps=30, nudge="b[0]", hold="a", target="c"
    ),
    f"rates {T} --steps 200": lambda c, m: c.rates(m(T), steps=200),
    f"sweep {T} --grid k=0.1:0.2:5 --steps 9": lambda c, m: c.sweep(
        m(T), {"k": [0.1, 0.125, 0.15, 0.175, 0.2]}, steps=9
    ),
    "entropy thermostat_smart --at 1": lambda c, m: c.strength(m("thermostat_smart"), at=1),
    f"optimizers {T} --steps 9": lambda c, m: c.find_optimizers(m(T), steps=9),
    f"optimizers {T} --steps 9 --over-time": lambda c, m: c.find_optimizers(
        m(T), steps=9
    ).over_time(),
    f"currents {T} --steps 9": lambda c, m: c.currents(m(T), steps=9),
    f"across {T} --steps 5": lambda c, m: c.across(m(T), steps=5),
    f"divide {T} --steps 9": lambda c, m: c.divide(m(T), steps=9),
    "matrix lorenz --hold c --steps 20": lambda c, m: c.op_matrix(m("lorenz"), hold="c", steps=20),
    f"sensitivity {T} --at 5": lambda c, m: c.sensitivity(m(T), at=5),
    f"frequency {T}": lambda c, m: c.frequency(m(T)),
    f"derive {T}": lambda c, m: c.derive(m(T)),
    "compare base_optimizer": lambda c, m: c.compare_measures(m("base_optimizer")),
    f"refine {T} --grid k=0.1:0.4 --steps 9 --points 40": lambda c, m: c.refine(
        m(T), {"k": (0.1, 0.4)}, steps=9, points=40
    ),
    f"basins {T} --grid R[0]=1:40 --steps 9": lambda c, m: c.op_basins(
        m(T), {"R[0]": (1, 40)}, steps=9
    ),
}


@pytest.mark.parametrize("words", PRINTED)
def test_a_command_prints_what_its_result_prints(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(shlex.split(words)) == 0
    printed = capsys.readouterr().out
    result: Any = PRINTED[words](causalopt, causalopt.load)
    assert printed == f"{result}\n"


def test_a_run_s_table_has_its_numbers_at_its_ends_and_evenly_between() -> None:
    found = causalopt.run(causalopt.load(T), steps=100)
    rows = [line.split() for line in str(found).split("\n\n")[1].splitlines()]
    assert rows[0] == ["t", "W", "R", "total", "direct", "Comp", "Op", "status"]
    assert [int(row[0]) for row in rows[1:]] == list(range(0, 101, 10))
    # k = 1/100: Op(10) and Op(100) as in Defining Optimization, Part 3.
    assert rows[2][5] == "0.0912767"
    assert rows[-1][5] == "1.00508"
    assert "\n\n" not in repr(found)


def test_a_sweep_s_table_has_both_corners_of_its_grid() -> None:
    model = causalopt.load("thermostat_saturating")
    found = causalopt.sweep(model, {"R[0]": [5.0, 45.0], "p": [0.5, 1.0]}, steps=9)
    table = str(found).split("\n\n")[1].splitlines()
    assert table[0].split() == ["R[0]", "p", "W", "R", "Comp", "Op", "status"]
    assert [line.split()[:2] for line in table[1:]] == [
        ["5", "0.5"],
        ["5", "1"],
        ["45", "0.5"],
        ["45", "1"],
    ]


def test_how_many_paths_are_listed_is_asked_of_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["currents", T, "--steps", "9", "--paths", "2"])
    text = capsys.readouterr().out
    assert len(text.partition("largest paths")[2].strip().splitlines()) == 3
    main(["currents", T, "--steps", "9", "--paths", "0"])
    assert "largest paths" not in capsys.readouterr().out
