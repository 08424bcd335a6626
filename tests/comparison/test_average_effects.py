"""Average effects of labels against an enumeration of all noises by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from causalopt import label_side_by_side, load
from causalopt.comparison.average_effects import average_effect
from causalopt.entropy.declared import finite_model
from causalopt.errors import QuestionError
from causalopt.laws.discrete import DiscreteModel, Mechanism, Parent
from causalopt.laws.law import law_of
from causalopt.laws.space import Space


def pursuit_by_hand(start: tuple[int, int], to: int, steps: int) -> tuple[float, float]:
    """Return total and direct effect on the gap over every sequence of the prey's moves."""
    total = direct = 0.0
    for moves in itertools.product((0, 0, 1, -1), repeat=steps):  # 1/2, 1/4, 1/4
        prey, chaser = start
        x_prey, x_chaser, y_prey = to, chaser, to
        for move in moves:
            chaser, x_chaser = (
                chaser + int(np.sign(prey - chaser)),
                x_chaser + int(np.sign(x_prey - x_chaser)),
            )
            prey, x_prey, y_prey = (min(4, max(0, p + move)) for p in (prey, x_prey, y_prey))
        total += (x_prey - x_chaser) - (prey - chaser)
        direct += (y_prey - chaser) - (prey - chaser)
    return total / 4**steps, direct / 4**steps


@pytest.mark.parametrize(("start", "to", "steps"), [((2, 2), 3, 4), ((0, 4), 3, 3), ((4, 1), 0, 5)])
def test_the_pursuit_by_every_sequence_of_moves(
    start: tuple[int, int], to: int, steps: int
) -> None:
    prey, chaser = start
    found = average_effect(
        finite_model(load("pursuit")),
        {"prey": prey, "chaser": chaser},
        nudge="prey",
        to=to,
        target="gap",
        steps=steps,
    )
    expected = pursuit_by_hand(start, to, steps)
    assert (found.total, found.direct) == pytest.approx(expected, abs=1e-12)


def test_a_corrected_bit_is_forgotten_and_an_uncorrected_one_stays() -> None:
    """Without the corrector the nudged bit stays turned unless noise turns it: 1 - 2q a step."""
    code = finite_model(load("hamming_code"))
    word = {f"x{i}": 0 for i in range(1, 8)}
    ask = {"nudge": "x1", "to": 1, "target": "x1"}
    found = [average_effect(code, word, steps=t, **ask) for t in range(3)]
    assert [f.total for f in found] == pytest.approx([1, 0, 0], abs=1e-12)
    # In Y the corrector puts right what it saw in W, the last error; the other bit stays: with an
    # error at the nudged bit, 0 in Y and 1 in W.
    assert found[1].direct == pytest.approx(1 - 2 / 20)


def test_without_chance_it_is_the_finite_comp() -> None:
    for name in ("thermostat_smart", "thermostat_dumb"):
        model = load(name)
        for room, other in itertools.permutations(("hot", "warm", "cold"), 2):
            for steps in range(4):
                question = {"nudge": "room", "to": other, "target": "room", "steps": steps}
                found = average_effect(
                    finite_model(model), {"thermostat": "low", "room": room}, **question
                )
                comp = label_side_by_side(model, ("low", room), **question).comp[-1]
                mine = (
                    found.total / found.direct
                    if found.direct
                    else math.copysign(math.inf, found.total)
                    if found.total
                    else math.nan
                )
                assert mine == pytest.approx(comp, nan_ok=True)


class TestRefusals:
    SMART = finite_model(load("thermostat_smart"))
    STATE = {"thermostat": "low", "room": "warm"}  # noqa: RUF012 - read only

    def test_n_and_m_are_outside_a(self) -> None:
        for word, n, m in (("nudged", "thermostat", "room"), ("measured", "room", "thermostat")):
            with pytest.raises(QuestionError, match=f"'thermostat' is {word} and in A"):
                average_effect(self.SMART, self.STATE, nudge=n, to="off", target=m, steps=1)

    def test_a_state_is_whole(self) -> None:
        with pytest.raises(QuestionError, match="does not say 'thermostat'"):
            average_effect(
                self.SMART, {"room": "warm"}, nudge="room", to="hot", target="room", steps=1
            )

    def test_a_rule_with_chance_of_its_own(self) -> None:
        rule = Mechanism("x", (0, 1), (Parent("x"),), np.array([[0.9, 0.1], [0.1, 0.9]]))
        start = law_of(Space(("x",), ((0, 1),)), {(0,): 1})
        with pytest.raises(QuestionError, match="make it a noise variable"):
            average_effect(
                DiscreteModel("m", (rule,), start, ()),
                {"x": 0},
                nudge="x",
                to=1,
                target="x",
                steps=1,
            )
