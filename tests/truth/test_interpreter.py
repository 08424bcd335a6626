"""The oracle itself: closed forms, its two definitions against each other, and lies it must see."""

from __future__ import annotations

from fractions import Fraction

import pytest

from causalopt import parse_model
from tests.truth.cancelling_dags import drawn
from tests.truth.exact_numbers import Number, RangeError, UndefinedError, real, sub
from tests.truth.expressions import Slope, Tree
from tests.truth.interpreter import Effects, finite_effects, true_effects
from tests.truth.random_specs import random_spec
from tests.truth.specs import Spec, VariableSpec, model_text
from tests.truth.verdicts import Answer, Tally

X = Tree("ref", payload=("x", 0))


def number(value: str) -> Tree:
    return Tree("const", payload=Fraction(value))


def static(rules: dict[str, Tree], start: str, held: str) -> Effects | UndefinedError:
    variables = [VariableSpec("x", "data", None, (Fraction(start),))]
    variables += [VariableSpec(name, "rule", rule) for name, rule in rules.items()]
    spec = Spec(tuple(variables), {}, ("x", 0), {held: None}, variables[-1].name, 0, is_static=True)
    return true_effects(spec, {})[0]


class TestTheOracle:
    def test_gives_the_thermostat_of_part_3(self) -> None:
        # u_t = u_{t-1} - k u_{t-2} at k = 1/4 is (t + 1)/2^t; held, the nudge stays whole.
        room, gain = Tree("ref", payload=("room", 1)), Tree("name", payload="k")
        push = Tree("*", (gain, Tree("ref", payload=("heat", 1))))
        variables = (
            VariableSpec("heat", "rule", Tree("-", (room, number("25"))), (Fraction(10),)),
            VariableSpec("room", "rule", Tree("-", (room, push)), (Fraction(35),)),
        )
        spec = Spec(variables, {"k": Fraction(1, 4)}, ("room", 0), {"heat": None}, "room", steps=12)
        found = true_effects(spec, {})
        assert [e.up for e in found if isinstance(e, Effects)] == [
            (Fraction(t + 1, 2**t), Fraction(1)) for t in range(13)
        ]

    def test_takes_a_runge_kutta_step(self) -> None:
        # dx = -x: one step of h multiplies by the exponential's series up to h^4.
        flow = VariableSpec("x", "flow", Tree("neg", (X,)), (Fraction(1),))
        bystander = VariableSpec("a", "algebraic", number("1"))
        spec = Spec(
            (flow, bystander),
            {},
            ("x", 0),
            {"a": None},
            "x",
            steps=1,
            dt=Fraction(1, 2),
            method="rk4",
        )
        (_, last) = true_effects(spec, {})
        assert isinstance(last, Effects)
        assert (
            last.up[0]
            == last.value
            == 1 - Fraction(1, 2) + Fraction(1, 8) - Fraction(1, 48) + Fraction(1, 384)
        )

    def test_has_one_derivative_for_each_side_of_a_bend(self) -> None:
        # 10 clip(x, -1, 0) + 25 clip(x, 0, 1) + x at 0: 26 upwards, 11 downwards.
        clips = [
            Tree("clip", (X, number(low), number(high))) for low, high in (("-1", "0"), ("0", "1"))
        ]
        parts = [Tree("*", (number(c), clip)) for c, clip in zip(("10", "25"), clips, strict=True)]
        rules = {
            "a": Tree("+", (parts[0], parts[1])),
            "y": Tree("+", (X, Tree("ref", payload=("a", 0)))),
        }
        found = static(rules, "0", "a")
        assert isinstance(found, Effects)
        assert (found.up, found.down) == ((26, 1), (11, 1))
        assert not found.is_smooth

    def test_has_none_at_a_jump_and_no_value_outside_of_a_domain(self) -> None:
        jump = static({"a": X, "y": Tree("sign", (X,))}, "0", "a")
        assert isinstance(jump, Effects)
        assert jump.up == (None, None)
        outside = static({"a": X, "y": Tree("log", (X,))}, "-1", "a")
        assert isinstance(outside, UndefinedError)
        assert not isinstance(outside, RangeError)

    def test_leaves_infinities_out_and_has_no_infinite_slope(self) -> None:
        infinite = static({"a": X, "y": Tree("exp", (Tree("log", (X,)),))}, "0", "a")
        assert isinstance(infinite, RangeError)
        steep = static({"a": X, "y": Tree("sqrt", (X,))}, "0", "a")
        assert isinstance(steep, Effects)
        assert steep.up == (None, None)

    def test_a_branch_not_taken_is_not_read(self) -> None:
        condition = Tree(">", (X, number("0")))
        rules = {"a": X, "y": Tree("where", (condition, Tree("log", (X,)), X))}
        found = static(rules, "-1", "a")
        assert isinstance(found, Effects)
        assert found.up == (1, 1)

    @pytest.mark.parametrize("seed", range(150))
    def test_its_tangents_are_its_worlds_under_a_tiny_nudge(self, seed: int) -> None:
        spec = random_spec(seed)
        noise = {
            v.name: [Fraction(t % 5 - 2, 3) for t in range(spec.steps + 1)]
            for v in spec.variables
            if v.kind == "noise"
        }
        size = Fraction(1, 2**110)
        for sign in (1, -1):
            worlds = finite_effects(spec, noise, sign * size)
            for effects, quotients in zip(true_effects(spec, noise), worlds, strict=True):
                if isinstance(effects, RangeError) or isinstance(quotients, UndefinedError):
                    continue
                assert isinstance(effects, Effects)
                slopes = effects.up if sign == 1 else effects.down
                for slope, quotient in zip(slopes, quotients, strict=True):
                    assert is_near(slope, quotient)


def is_near(slope: Slope, quotient: Number) -> bool:
    if slope is None:
        return True  # a jump, of which a quotient says what it likes
    off = abs(real(sub(slope, quotient)))
    return bool(off <= 1e-15 * (1 + abs(real(slope))))


class TestVerdicts:
    SMOOTH = Effects(Fraction(1), (Fraction(3), Fraction(2)), (Fraction(3), Fraction(2)))
    BENT = Effects(Fraction(1), (Fraction(3), Fraction(2)), (Fraction(1), Fraction(2)))
    ZERO = Effects(Fraction(1), (Fraction(0), Fraction(2)), (Fraction(0), Fraction(2)))

    @pytest.mark.parametrize(
        ("answer", "truth"),
        [
            (Answer(3.0, 2.0, "ok"), SMOOTH),
            (Answer(3.3, 2.0, "ok"), SMOOTH),
            (Answer(0.0, 2.0, "perfect"), ZERO),
            (Answer(3.0, 2.0, "kink"), BENT),
            (Answer(1e9, 0.0, "unresolved"), SMOOTH),
            (Answer(float("nan"), 1.0, "nonfinite"), UndefinedError("log of -1")),
            (Answer(9.0, 9.0, "ok"), RangeError("far away")),
        ],
    )
    def test_what_keeps_its_promise_passes(
        self, answer: Answer, truth: Effects | UndefinedError
    ) -> None:
        tally = Tally()
        tally.judge("case", answer, truth)
        assert tally.wrong == []

    @pytest.mark.parametrize(
        ("answer", "truth", "said"),
        [
            (Answer(3.5, 2.0, "ok"), SMOOTH, "'ok' with 3.5, 2, truth 3, 2"),
            (Answer(3.0, float("nan"), "ok"), SMOOTH, "'ok' with 3, nan"),
            (Answer(3.0, 2.0, "ok"), BENT, "'ok' on a kink: 3, 2 up, 1, 2 down"),
            (Answer(1e-17, 2.0, "ok"), ZERO, "'ok' with"),
            (Answer(0.0, 2.0, "perfect"), SMOOTH, "'perfect' where the effects are 3, 2"),
            (Answer(0.0, 0.0, "no_influence"), ZERO, "'no_influence' where"),
            (Answer(0.0, 0.0, "only_path"), ZERO, "'only_path' where"),
            (Answer(1.0, 2.0, "kink"), BENT, "'kink' with 1, 2, truth 3, 2"),
            (Answer(1.0, 2.0, "ok"), UndefinedError("log of -1"), "does not exist: log of -1"),
        ],
    )
    def test_what_breaks_it_is_seen(
        self, answer: Answer, truth: Effects | UndefinedError, said: str
    ) -> None:
        tally = Tally()
        tally.judge("case", answer, truth)
        (found,) = tally.wrong
        assert said in found

    def test_a_false_alarm_is_counted(self) -> None:
        tally = Tally()
        tally.judge("case", Answer(float("nan"), 1.0, "nonfinite"), self.SMOOTH)
        assert (tally.alarms, tally.wrong) == (1, [])
        assert "1 not finite without need" in tally.summary()


def test_what_is_drawn_is_what_is_declared() -> None:
    for seed in range(40):
        spec = random_spec(seed)
        model = parse_model(model_text(spec))
        assert list(model.variables) == [v.name for v in spec.variables]
        assert model.question.steps == (None if spec.is_static else spec.steps)


def test_some_graphs_cancel_exactly_and_some_all_but() -> None:
    totals = [abs(drawn(seed).effects()[0]) for seed in range(200)]
    assert sum(total == 0 for total in totals) > 20
    assert sum(0 < total < Fraction(1, 10**11) for total in totals) > 60
