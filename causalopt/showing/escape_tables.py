"""The table of probabilities of escape, with their errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from causalopt.descents.escape.answer import Answer
from causalopt.descents.escape.curves import EscapeCurve
from causalopt.display.summary import Summary
from causalopt.display.table import Table, spread_places
from causalopt.results import summary

_MOST = 24


@summary.register(Answer)
def answer_summary(answer: Answer, **_options: Any) -> Summary:
    """Return one answer's probabilities, a row for each number of steps."""
    heading, *_ = repr(answer).split("\n")
    said = [f"{answer.status}: {answer.note}"] if answer.status != "ok" or answer.note else []
    rows = _rows(answer, [])
    return Summary(heading, tuple(said), (Table(["N", "probability", "error"], rows),))


@summary.register(EscapeCurve)
def curve_summary(curve: EscapeCurve, **_options: Any) -> Summary:
    """Return probabilities at each value of the parameter."""
    heading, *_ = repr(curve).split("\n")
    chosen: Sequence[int] = spread_places(
        len(curve.values), max(_MOST // len(curve.answers[0].within), 2)
    )
    rows, said = [], []
    for place in chosen:
        rows += _rows(curve.answers[place], [f"{curve.values[place]:.6g}"])
    for value, answer in zip(curve.values, curve.answers, strict=True):
        if answer.status != "ok":
            said.append(f"{curve.axis} = {value:.6g}: {answer.status}: {answer.note}")
    left = len(curve.values) - len(chosen)
    table = Table(
        [curve.axis, "N", "probability", "error"],
        rows,
        more=f"{len(chosen)} of {len(curve.values)} values" if left else "",
    )
    return Summary(heading, tuple(said), (table,))


def _rows(answer: Answer, head: list[str]) -> list[list[str]]:
    numbers = zip(answer.within, answer.probability, answer.error, strict=True)
    return [[*head, str(n), f"{chance:.6g}", f"{error:.2g}"] for n, chance, error in numbers]
