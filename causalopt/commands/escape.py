"""causalopt escape: with what probability is a walker beyond a level at step N?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from causalopt.commands.options import (
    Initials,
    Json,
    ModelArgument,
    Sets,
    emit,
    output_file,
    read_model,
    table,
    write_figure,
)
from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from causalopt.descents.chain import Chain
    from causalopt.descents.escape.answer import Answer
    from causalopt.descents.escape.escape import Escape

METHODS = ("operator", "ensemble", "diffusion", "exact")

Start = Annotated[float, typer.Option("--start", metavar="V", help="Where the walker starts.")]
Beyond = Annotated[float, typer.Option("--beyond", metavar="V", help="The level to be passed.")]
Within = Annotated[
    str, typer.Option("--within", metavar="N[,N...]", help="Numbers of steps, such as 100,1000.")
]
How = Annotated[
    str,
    typer.Option(
        "--method",
        metavar="|".join(METHODS),
        help="Transfer operator, Monte Carlo, Fokker-Planck, or exact counting of rare events.",
    ),
]
Walkers = Annotated[
    int,
    typer.Option(
        "--walkers",
        metavar="M",
        help="How many walkers the ensemble has, at most 1e8; the other methods have none.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", metavar="S", help="The ensemble's seed.")]
Target = Annotated[
    str | None,
    typer.Option("--target", metavar="VAR", help="The coordinate that start and level are of."),
]
Passage = Annotated[
    bool,
    typer.Option("--passage", help="Ask for the first passage instead of the position at step N."),
]
Grid = Annotated[
    str | None,
    typer.Option("--grid", metavar="T=LO:HI:COUNT", help="Ask at each value of a parameter."),
]
Plot = Annotated[
    str | None, typer.Option("--plot", metavar="FILE", help="Draw the grid: .png, .svg or .pdf.")
]


def escape(
    model: ModelArgument,
    start: Start,
    beyond: Beyond,
    within: Within,
    method: How = "operator",
    sets: Sets = None,
    initial: Initials = None,
    target: Target = None,
    walkers: Walkers = 100_000,
    seed: Seed = 0,
    passage: Passage = False,
    grid: Grid = None,
    plot: Plot = None,
    json: Json = False,
) -> None:
    """Probability of standing beyond a level at step N, for a walker that starts before it."""
    from causalopt.descents.chain import chain_of
    from causalopt.descents.escape.by_ensemble import check_walkers
    from causalopt.descents.escape.escape import Escape

    if method not in METHODS:
        raise QuestionError(f"--method is one of {', '.join(METHODS)}; '{method}' came")
    if plot is not None and grid is None:
        raise QuestionError("--plot draws a grid: add --grid T=0.01:0.02:11")
    check_walkers(walkers)
    if not 0 <= seed < 2**64:
        raise QuestionError(f"a seed is an integer from 0 to 2^64 - 1; {seed} came")
    file = output_file(plot, (".png", ".svg", ".pdf"))
    declared = read_model(model, sets, initial)
    axis, values = _axis(grid) if grid else ("", [None])
    answers = []
    for value in values:
        at = declared if value is None else declared.replace(parameters={axis: value})
        chain = chain_of(at, target)
        begin, place = chain.start_at(start), chain.coordinate
        question = Escape(begin, beyond, _numbers(within), passage=passage, coordinate=place)
        answers.append(_answer(chain, question, method, walkers, seed))
    if file is not None:
        _draw(values, answers, method, axis, file)
    if json:
        emit(_as_json(answers, axis, values))
        return
    _print(declared.name, chain, question, answers, axis, values)


def _axis(text: str) -> tuple[str, list[float]]:
    name, _, span = text.partition("=")
    try:
        low, high, count = span.split(":")
        first, last, number = float(low), float(high), int(count)
    except ValueError:
        number = 0
    if number < 2 or not name.strip():
        raise QuestionError(f"--grid takes T=LO:HI:COUNT such as T=0.01:0.02:11; '{text}' came")
    return name.strip(), [first + (last - first) * i / (number - 1) for i in range(number)]


def _as_json(answers: list[Answer], axis: str, values: Sequence[float | None]) -> dict[str, Any]:
    rows = [
        {
            "method": answer.method,
            "within": list(answer.within),
            "probability": list(answer.probability),
            "error": list(answer.error),
            "status": answer.status,
            "note": answer.note,
        }
        for answer in answers
    ]
    if not axis:
        return rows[0]
    shared = {key: rows[0][key] for key in ("method", "within")}
    per_point = ("probability", "error", "status", "note")
    return {**shared, axis: list(values), **{key: [row[key] for row in rows] for key in per_point}}


def _draw(
    values: Sequence[float | None], answers: list[Answer], method: str, axis: str, file: Path
) -> None:
    import numpy as np

    from causalopt.drawing.plots.of_escape import plot_escape_curves

    figure = plot_escape_curves(np.array(values, dtype=float), {method: answers})
    figure.axes[0].set_xlabel(axis)
    write_figure(figure, file)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise QuestionError(
            f"--within takes whole numbers of steps such as 100,1000; '{text}' came"
        ) from None


def _answer(chain: Chain, question: Escape, method: str, walkers: int, seed: int) -> Answer:
    from causalopt.descents.escape.by_counting import escape_by_counting
    from causalopt.descents.escape.by_diffusion import escape_by_diffusion
    from causalopt.descents.escape.by_ensemble import escape_by_ensemble
    from causalopt.descents.escape.by_operator import escape_by_operator

    if method == "ensemble":
        return escape_by_ensemble(chain.step, question, walkers=walkers, seed=seed)
    if method == "diffusion":
        return escape_by_diffusion(chain.step, question)
    if method == "exact":
        return escape_by_counting(chain.step, question)
    return escape_by_operator(chain.step, question)


def _print(
    name: str,
    chain: Chain,
    question: Escape,
    answers: list[Answer],
    axis: str,
    values: Sequence[float | None],
) -> None:
    variable = chain.step.names[chain.coordinate]
    sign = ">" if question.side > 0 else "<"
    when = "by step N" if question.passage else "at step N"
    begin = question.start[question.coordinate]
    typer.echo(f"{name}: P({variable} {sign} {question.beyond:g} {when} | start {begin:g})")
    rows = []
    for value, answer in zip(values, answers, strict=True):
        head = [] if value is None else [f"{value:.6g}"]
        for steps, chance, error in zip(
            answer.within, answer.probability, answer.error, strict=True
        ):
            rows.append([*head, str(steps), f"{chance:.6g}", f"{error:.2g}"])
    typer.echo(table(rows, [*([axis] if axis else []), "N", "probability", "error"]))
    typer.echo(f"by {answers[0].method}")
    for value, answer in zip(values, answers, strict=True):
        place = "" if value is None else f"{axis} = {value:.6g}: "
        if answer.status != "ok" or (answer.note and value is None):
            typer.echo(f"  {place}{answer.status}: {answer.note}")
