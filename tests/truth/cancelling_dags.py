"""Linear graphs built to cancel, against sums over paths in fractions.

Four to seven nodes, coefficients of tenths, thirds and longer decimals; the last edge into m is
chosen so that the paths from n to m cancel: exactly, but for a relative 1e-12 to 1e-19, or up to
the rounding of the coefficient to 15, 16 or 17 digits. Some graphs do so along the paths that avoid
A. An effect that is called `ok` must be within an eighth of the truth, and `perfect`, `only_path`
and `no_influence` must be exactly true.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from fractions import Fraction

from causalopt import parse_model, run
from tests.truth.interpreter import Effects
from tests.truth.record import Record
from tests.truth.verdicts import Answer, Tally

COUNT, SHORT = 14_457, 200


@dataclasses.dataclass(frozen=True)
class Graph:
    """A linear graph: for each node parent -> coefficient; n is the first node, m the last.

    Attributes:
        edges: The coefficients.
        texts: How each is written.
        held: The nodes of A.
    """

    edges: tuple[dict[int, Fraction], ...]
    texts: tuple[dict[int, str], ...]
    held: frozenset[int]

    def effects(self) -> tuple[Fraction, Fraction]:
        """Return the total and the direct effect."""
        return path_sum(self.edges, frozenset()), path_sum(self.edges, self.held)

    def model_text(self, start: int) -> str:
        """Return the model file."""
        lines = ["name: cancelling", "variables:", f"  v0: {start}"]
        for i, own in enumerate(self.texts[1:], 1):
            rule = " + ".join(f"{c}*v{j}" for j, c in own.items()) or "0"
            lines.append(f'  v{i}: "{rule}"')
        held = ", ".join(f"v{i}" for i in sorted(self.held))
        lines.append(f"partition: {{A: [{held}]}}")
        lines.append(f"question: {{nudge: v0, hold: A, target: v{len(self.edges) - 1}}}")
        return "\n".join(lines) + "\n"


def path_sum(edges: tuple[dict[int, Fraction], ...], held: frozenset[int]) -> Fraction:
    """Return the sum over paths from the first node to the last that avoid the held ones."""
    reached = [Fraction(1)]
    for i, own in enumerate(edges[1:], 1):
        total = sum((c * reached[j] for j, c in own.items()), Fraction(0))
        reached.append(Fraction(0) if i in held else total)
    return reached[-1]


def drawn(seed: int) -> Graph:
    """Return the graph of a seed."""
    rng = random.Random(f"graph {seed}")
    count = rng.randint(4, 7)
    edges: list[dict[int, Fraction]] = [{}]
    texts: list[dict[int, str]] = [{}]
    for i in range(1, count):
        parents = rng.sample(range(i), min(i, rng.choice([1, 2, 2, 3])))
        chosen = {j: _coefficient(rng) for j in sorted(parents)}
        edges.append({j: c for j, (c, _) in chosen.items()})
        texts.append({j: text for j, (_, text) in chosen.items()})
    held = frozenset(rng.sample(range(1, count - 1), rng.choice([1, 1, 2])))
    _close(rng, edges, texts, held if rng.random() < 0.3 else frozenset())
    return Graph(tuple(edges), tuple(texts), held)


def _coefficient(rng: random.Random) -> tuple[Fraction, str]:
    kind = rng.random()
    sign = rng.choice(["", "-"])
    if kind < 0.2:
        text = f"{sign}{rng.randint(1, 9)}/{rng.choice([3, 7, 9])}"
    else:
        digits = rng.choice([1, 1, 2, 3, 8, 15])
        text = f"{sign}{rng.randint(1, 3 * 10**digits) / 10**digits:.{digits}f}"
    return Fraction(text), f"({text})"


def _close(
    rng: random.Random,
    edges: list[dict[int, Fraction]],
    texts: list[dict[int, str]],
    held: frozenset[int],
) -> None:
    """Choose the last coefficient of m so that what reaches it cancels, more or less."""
    last = edges[-1]
    if len(last) < 2:
        other = rng.choice([j for j in range(len(edges) - 1) if j not in last])
        last[other], texts[-1][other] = _coefficient(rng)
    free = [j for j in last if j not in held]
    if not free:
        return
    j = rng.choice(free)
    rest = {k: c for k, c in last.items() if k != j}
    sums = [path_sum((*edges[:-1], own), held) for own in (rest, {j: Fraction(1)})]
    if 0 in sums:
        return
    exact = -sums[0] / sums[1]
    kind = rng.random()
    if kind < 0.3:
        value = exact
        text = f"({exact.numerator}/{exact.denominator})"
    elif kind < 0.6:
        value = exact * (1 + Fraction(rng.choice([1, -1]), 10 ** rng.randint(12, 19)))
        text = f"({value.numerator}/{value.denominator})"
    else:
        text = f"({float(exact):.{rng.choice([15, 16, 17])}g})"
        value = Fraction(text.strip("()"))
    last[j], texts[-1][j] = value, text


def records(short: bool) -> Iterator[Record]:
    """Yield the record."""
    tally = Tally()
    for seed in range(SHORT if short else COUNT):
        graph = drawn(seed)
        found = run(parse_model(graph.model_text(seed % 5 - 2)))
        answer = Answer(float(found.total[0]), float(found.direct[0]), str(found.status[0]))
        effects = graph.effects()
        tally.judge(f"seed {seed}", answer, Effects(Fraction(0), effects, effects))
    yield tally.record("Cancelling graphs", "effects and statuses")
