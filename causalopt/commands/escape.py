"""causalopt escape: with what probability is a walker beyond a level at step N?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from causalopt.commands.options import Initials, Json, ModelArgument, Sets, emit, read_model, table
from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from causalopt.distributions.chain import Chain
    from causalopt.escape import Answer, Escape

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
    int, typer.Option("--walkers", metavar="M", help="How many walkers the ensemble has.")
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
    json: Json = False,
) -> None:
    """Probability of standing beyond a level at step N, for a walker that starts before it."""
    from causalopt.distributions.chain import chain_of
    from causalopt.escape import Escape

    if method not in METHODS:
        raise QuestionError(f"--method is one of {', '.join(METHODS)}; '{method}' came")
    declared = read_model(model, sets, initial)
    chain = chain_of(declared, target)
    question = Escape(
        chain.start_at(start),
        beyond,
        _numbers(within),
        passage=passage,
        coordinate=chain.coordinate,
    )
    answer = _answer(chain, question, method, walkers, seed)
    if json:
        emit(
            {
                "method": answer.method,
                "within": list(answer.within),
                "probability": list(answer.probability),
                "error": list(answer.error),
                "status": answer.status,
                "note": answer.note,
            }
        )
        return
    _print(declared.name, chain, question, answer)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise QuestionError(
            f"--within takes whole numbers of steps such as 100,1000; '{text}' came"
        ) from None


def _answer(chain: Chain, question: Escape, method: str, walkers: int, seed: int) -> Answer:
    from causalopt.escape import (
        escape_by_counting,
        escape_by_diffusion,
        escape_by_ensemble,
        escape_by_operator,
    )

    if method == "ensemble":
        return escape_by_ensemble(chain.step, question, walkers=walkers, seed=seed)
    if method == "diffusion":
        return escape_by_diffusion(chain.step, question)
    if method == "exact":
        return escape_by_counting(chain.step, question)
    return escape_by_operator(chain.step, question)


def _print(name: str, chain: Chain, question: Escape, answer: Answer) -> None:
    variable = chain.step.names[chain.coordinate]
    sign = ">" if question.side > 0 else "<"
    when = "by step N" if question.passage else "at step N"
    begin = question.start[question.coordinate]
    typer.echo(f"{name}: P({variable} {sign} {question.beyond:g} {when} | start {begin:g})")
    rows = [
        [str(steps), f"{chance:.6g}", f"{error:.2g}"]
        for steps, chance, error in zip(
            answer.within, answer.probability, answer.error, strict=True
        )
    ]
    typer.echo(table(rows, ["N", "probability", "error"]))
    status = "" if answer.status == "ok" else f", status {answer.status}"
    typer.echo(f"by {answer.method}{status}" + (f": {answer.note}" if answer.note else ""))
