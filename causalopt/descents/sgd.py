"""Stochastic gradient descent as an ordinary model: losses in, variables and rules out.

The model has a gradient node for every parameter, `g[t] = dl_j/dW` at `W[t]` for the datapoint j
that the noise variable `pick` draws, and `W[t] = W[t-1] - T g[t-1]`. Nothing is hidden: the losses
are declared functions, the gradients are `diff` of them, and A, the suspected optimizer, is the
gradient nodes.

Source: Modelling and Understanding SGD; SGD Understood through Probability Current.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from causalopt.errors import QuestionError, UnknownNameError, suggestion
from causalopt.model.model import Model

MOST_BATCHES = 512


@dataclasses.dataclass(frozen=True)
class Descent:
    """How the losses are descended, as `sgd_model` says it."""

    batch: int = 1
    replacement: bool = True
    momentum: float = 0.0
    inner: int = 1


def sgd_model(
    losses: Mapping[str, str],
    *,
    learned: Sequence[str] = ("W",),
    T: float | str = 0.02,
    start: Mapping[str, float] | float = 0.0,
    constants: Mapping[str, float | str] | None = None,
    batch: int = 1,
    replacement: bool = True,
    momentum: float = 0.0,
    inner: int = 1,
    name: str = "sgd",
    title: str = "Stochastic gradient descent",
) -> Model:
    """Return the model that descends these losses.

    Args:
        losses: Datapoint -> loss as an expression in the parameters and constants.
        learned: Names of what is learned, one or more.
        T: The learning rate, positive; the 'temperature' of the posts.
        start: First value of each of them, one number for all of them if a number.
        constants: Other parameters that the losses mention.
        batch: Datapoints a step; as many as there are losses, without replacement, is full-batch
            descent, which draws nothing.
        replacement: Whether a datapoint may come twice in one minibatch.
        momentum: `v <- momentum v + g`, `W <- W - T v`; 0 is plain descent.
        inner: Small steps of T / inner on the same minibatch before the next is drawn, post 2's
            remedy for large T.
        name: The model's name.
        title: One line about it.

    Raises:
        QuestionError: No losses, T not positive, or sizes that make no sense.
        ModelError: A loss cannot be read.

    Example:
        >>> model = sgd_model({"one": "-exp(-(W - 2)**2)"}, T=0.5)
        >>> model.variables["W"].rule
        'W[t-1] - T*g_W[t-1]'
    """
    how = Descent(batch, replacement, momentum, inner)
    _check(losses, learned, T, how)
    first = start if isinstance(start, Mapping) else dict.fromkeys(learned, start)
    unknown = sorted(set(first) - set(learned))
    if unknown:
        raise UnknownNameError(
            f"start names '{unknown[0]}', which is no parameter{suggestion(unknown[0], learned)}"
        )
    return Model(
        name=name,
        title=title,
        parameters={"T": T, **(constants or {}), **_momentum(how)},
        functions=_functions(losses, learned),
        variables=_variables(list(losses), tuple(learned), first, how),
        partition={"A": _gradient_nodes(learned, how)},
        question={"nudge": f"{learned[0]}[0]", "hold": "A", "target": learned[0]},
    )


def _check(
    losses: Mapping[str, str], parameters: Sequence[str], T: float | str, how: Descent
) -> None:
    if not losses or not parameters:
        raise QuestionError("descent needs at least one loss and one parameter")
    if not isinstance(T, str) and not (T > 0 and math.isfinite(T)):
        raise QuestionError(f"the learning rate T is a positive number; {T} came")
    if how.batch < 1 or (not how.replacement and how.batch > len(losses)):
        raise QuestionError(
            f"a minibatch holds 1 or more datapoints, and without replacement at most "
            f"{len(losses)}; {how.batch} came"
        )
    if how.inner < 1 or not 0 <= how.momentum < 1:
        raise QuestionError(
            f"inner steps are 1 or more and momentum is in [0, 1); {how.inner} and "
            f"{how.momentum} came"
        )
    if len(batches(len(losses), how)) > MOST_BATCHES:
        raise QuestionError(
            f"{len(batches(len(losses), how))} different minibatches are too many to write out; "
            f"at most {MOST_BATCHES}"
        )


def batches(count: int, how: Descent) -> list[tuple[tuple[int, ...], Fraction]]:
    """Return every minibatch, as sorted datapoints, with its probability.

    Args:
        count: How many datapoints there are.
        how: Minibatch size and replacement.

    Returns:
        Distinct minibatches; the order of draws does not matter to the mean gradient.

    Example:
        >>> batches(2, Descent(batch=2))
        [((0, 0), Fraction(1, 4)), ((0, 1), Fraction(1, 2)), ((1, 1), Fraction(1, 4))]
    """
    if not how.replacement:
        chosen = list(itertools.combinations(range(count), how.batch))
        return [(batch, Fraction(1, len(chosen))) for batch in chosen]
    ways = math.comb(count + how.batch - 1, how.batch)
    if ways > MOST_BATCHES:
        return [((), Fraction(0))] * ways
    drawn = itertools.combinations_with_replacement(range(count), how.batch)
    return [(batch, Fraction(_orders(batch), count**how.batch)) for batch in drawn]


def _orders(batch: tuple[int, ...]) -> int:
    repeats = (batch.count(point) for point in set(batch))
    return math.factorial(len(batch)) // math.prod(math.factorial(r) for r in repeats)


def _momentum(how: Descent) -> dict[str, float]:
    return {"momentum": how.momentum} if how.momentum else {}


def _functions(losses: Mapping[str, str], parameters: Sequence[str]) -> dict[str, str]:
    """Declare each loss, and once more with every other parameter first, for `diff`."""
    head = ", ".join(parameters)
    functions = {}
    for place, text in enumerate(losses.values()):
        functions[f"loss_{place}({head})"] = text
        for name in parameters[1:]:
            turned = ", ".join([name, *(other for other in parameters if other != name)])
            functions[f"loss_{place}_by_{name}({turned})"] = f"loss_{place}({head})"
    return functions


def _gradient(place: int, name: str, parameters: tuple[str, ...], suffix: str) -> str:
    """Return the text of dl_place/dname at the parameters' values at this inner step."""
    order = [name, *(other for other in parameters if other != name)]
    values = ", ".join(f"{other}{suffix}[t]" for other in order)
    function = f"loss_{place}" if name == parameters[0] else f"loss_{place}_by_{name}"
    return f"diff({function}, {values})"


def _mean_gradient(
    batch: tuple[int, ...], name: str, parameters: tuple[str, ...], suffix: str
) -> str:
    parts = [_gradient(place, name, parameters, suffix) for place in batch]
    return parts[0] if len(parts) == 1 else f"({' + '.join(parts)})/{len(parts)}"


def _choice(
    drawn: list[tuple[tuple[int, ...], Fraction]],
    name: str,
    parameters: tuple[str, ...],
    suffix: str,
) -> str:
    """Return `where(pick[t] == 0, ..., where(pick[t] == 1, ..., ...))`."""
    texts = [_mean_gradient(batch, name, parameters, suffix) for batch, _ in drawn]
    rule = texts[-1]
    for place in range(len(texts) - 2, -1, -1):
        rule = f"where(pick[t] == {place}, {texts[place]}, {rule})"
    return rule


def _gradient_nodes(parameters: Sequence[str], how: Descent) -> list[str]:
    return [f"g_{name}{_suffix(step)}" for step in range(how.inner) for name in parameters]


def _suffix(step: int) -> str:
    return f"_{step}" if step else ""


def _variables(
    names: list[str], parameters: tuple[str, ...], first: Mapping[str, float], how: Descent
) -> dict[str, Any]:
    drawn = batches(len(names), how)
    variables: dict[str, Any] = {}
    if len(drawn) > 1:
        shares = {place: str(share) for place, (_, share) in enumerate(drawn)}
        variables["pick"] = {"noise": shares, "label": "datapoint"}
    length = "T" if how.inner == 1 else f"T/{how.inner}"
    for step in range(how.inner):
        here, ahead = _suffix(step), _suffix(step + 1)
        for name in parameters:
            rule = _choice(drawn, name, parameters, here)
            variables[f"g_{name}{here}"] = {"rule": rule, "label": f"gradient by {name}"}
        if step < how.inner - 1:
            for name in parameters:
                variables[f"{name}{ahead}"] = f"{name}{here}[t] - {length}*g_{name}{here}[t]"
    last = _suffix(how.inner - 1)
    for name in parameters:
        move = f"{length}*g_{name}{last}[t-1]"
        if how.momentum:
            rule = f"momentum*v_{name}[t-1] + g_{name}{last}[t-1]"
            variables[f"v_{name}"] = {"rule": rule, "initial": 0}
            move = f"{length}*v_{name}[t]"
        variables[name] = {"rule": f"{name}{last}[t-1] - {move}", "initial": first.get(name, 0.0)}
    return variables
