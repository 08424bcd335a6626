"""Finite domains in model files: what is read, and where errors point."""

from __future__ import annotations

from fractions import Fraction

import pytest

from causalopt.errors import ModelError
from causalopt.laws.adapter import discrete
from causalopt.model.declaration import Variable, takes_whole_numbers
from causalopt.model.files import parse_model, to_text
from causalopt.model.model import Model

HEAD = "name: m\n"
COIN = """\
name: m
parameters: {p: 1/3}
variables:
  room:
    domain: [hot, cold]
    parents: ["room[t-1]", "door[t]"]
    table:
      - [hot, open, {hot: p, cold: 1 - p}]
      - [hot, shut, hot]
      - [cold, open, cold]
      - [cold, shut, {hot: 0.1, cold: 0.9}]
    initial: {hot: 1/4, cold: 3/4}
  door: {noise: {open: 1/7, shut: 6/7}}
partition: {B: [room, door]}
"""


def broken(old: str, new: str, text: str = COIN) -> ModelError:
    """The error of a text with one place changed."""
    assert text.count(old) == 1
    with pytest.raises(ModelError) as caught:
        parse_model(text.replace(old, new), name="m.yaml")
    return caught.value


def test_numbers_stay_the_fractions_they_are_written_as() -> None:
    finite = parse_model(COIN).finite
    rows = finite.tables["room"].rows
    assert rows["hot", "open"] == {"hot": Fraction(1, 3), "cold": Fraction(2, 3)}
    assert rows["cold", "shut"] == {"hot": Fraction(1, 10), "cold": Fraction(9, 10)}
    assert rows["hot", "shut"] == {"hot": 1}
    assert finite.noises["door"] == {"open": Fraction(1, 7), "shut": Fraction(6, 7)}
    assert finite.marginals["room"] == {"hot": Fraction(1, 4), "cold": Fraction(3, 4)}
    assert finite.tables["room"].parents == (("room", 1), ("door", 0))


@pytest.mark.parametrize("kind", ["yaml", "json", "toml"])
def test_declarations_read_back_the_same(kind: str) -> None:
    model = parse_model(COIN)
    again = parse_model(to_text(model, kind), kind)
    assert again == model
    assert again.finite == model.finite
    assert again.fingerprint == model.fingerprint


def test_rounded_decimals_are_accepted_as_floats() -> None:
    text = COIN.replace("{hot: 0.1, cold: 0.9}", "{hot: 0.3333333333, cold: 0.6666666667}")
    assert parse_model(text).finite.tables["room"].rows["cold", "shut"]["hot"] == Fraction(
        "0.3333333333"
    )
    text = COIN.replace("{hot: 0.1, cold: 0.9}", "{hot: 0.3333333333, cold: 0.6666666666}")
    assert parse_model(text).finite.tables["room"].rows["cold", "shut"]["hot"] == 0.3333333333


def test_irrational_parameters_make_float_laws() -> None:
    text = COIN.replace("p: 1/3", "p: sqrt(2)/2")
    law = parse_model(text).finite.tables["room"].rows["hot", "open"]
    assert law == {"hot": pytest.approx(0.5**0.5), "cold": pytest.approx(1 - 0.5**0.5)}


def test_rows_may_group_their_parents_or_be_keys() -> None:
    nested = COIN.replace("[hot, shut, hot]", "[[hot, shut], hot]")
    assert parse_model(nested).finite == parse_model(COIN).finite
    maps = (
        COIN[: COIN.index("      - [hot")]
        + """\
      hot: {open: {hot: p, cold: 1 - p}, shut: hot}
      cold: {open: cold, shut: {hot: 0.1, cold: 0.9}}
"""
        + COIN[COIN.index("    initial") :]
    )
    assert parse_model(maps).finite == parse_model(COIN).finite
    keyed = parse_model(
        "{name: m, variables: {x: {domain: 0..1, parents: ['x[t-1]'], "
        "table: {0: 1, 1: 0}, initial: 0}}}"
    )
    assert keyed.finite.tables["x"].rows == {(0,): {1: 1}, (1,): {0: 1}}


def test_bernoulli_is_a_finite_noise() -> None:
    finite = parse_model(
        COIN.replace("{open: 1/7, shut: 6/7}", "bernoulli(p/2)")
        .replace("open", "0")
        .replace("shut", "1")
    ).finite
    assert finite.noises["door"] == {0: Fraction(5, 6), 1: Fraction(1, 6)}


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("{hot: p, cold: 1 - p}", "{hot: p, cold: p}", "m.yaml:8:", "sum to 2/3"),
        ("{hot: 0.1, cold: 0.9}", "{hot: 0.1, cold: 0.8}", "m.yaml:11:", "sum to 9/10"),
        ("{hot: 0.1, cold: 0.9}", "{hot: 1.1, cold: -0.1}", "m.yaml:11:", "at least 0"),
        ("{hot: p, cold: 1 - p}", "{hot: p, cold: 1 - q}", "m.yaml:8:", "unknown name 'q'"),
        ("[hot, shut, hot]", "[hot, shutt, hot]", "m.yaml:9:15", "did you mean 'shut'"),
        ("[hot, shut, hot]", "[hot, shut, het]", "m.yaml:9:21", "'het' is no label of 'room'"),
        ("      - [hot, shut, hot]\n", "", "m.yaml:8:7", r"no row for \[hot, shut\]"),
        ("[hot, shut, hot]", "[hot, open, hot]", "m.yaml:9:9", "a second row"),
        ("[hot, shut, hot]", "[hot, shut]", "m.yaml:9:9", "3 entries; this has 2"),
        ("door[t]", "dor[t]", "m.yaml:6:", "did you mean 'door'"),
        ("door[t]", "door[t+1]", "m.yaml:6:", "expected a parent such as"),
        ("domain: [hot, cold]", "domain: [hot, hot]", "m.yaml:5:", "distinct labels"),
        ("domain: [hot, cold]", "domain: [true, cold]", "m.yaml:5:", "write 'true' in quotes"),
        ("domain: [hot, cold]", "domain: 7..0", "m.yaml:5:", "a range 0..7"),
        ("{hot: 1/4, cold: 3/4}", "{hot: 1/4, cold: 1/4}", "m.yaml:12:", "sum to 1/2"),
        ("{hot: 1/4, cold: 3/4}", "warm", "m.yaml:12:", "'warm' is no label"),
        ("{open: 1/7, shut: 6/7}", "{open: 1/7, shut: 5/7}", "m.yaml:13:", "sum to 6/7"),
        ("{open: 1/7, shut: 6/7}", "unifrom", "m.yaml:13:", "did you mean 'uniform'"),
        ("{open: 1/7, shut: 6/7}", "bernoulli", "m.yaml:13:", "takes 1 arguments"),
        ("{open: 1/7, shut: 6/7}", "bernoulli(3)", "m.yaml:13:", "in \\[0, 1\\]"),
        ("    domain: [hot, cold]\n", "", "m.yaml:7:7", "needs the variable's labels"),
        ("door: {", "door: {initial: 1, ", "m.yaml:13:", "has no initial value"),
    ],
)
def test_errors_point_at_their_place(old: str, new: str, place: str, message: str) -> None:
    error = broken(old, new)
    assert str(error.location).startswith(place), str(error)
    with pytest.raises(ModelError, match=message):
        raise error


JOINT = """\
name: m
variables:
  a: {domain: [x, y], parents: ["a[t-1]"], table: [[x, y], [y, x]]}
  b: {domain: 0..2, rule: "b[t-1]"}
initial:
  - {a: x, b: 0, p: 1/3}
  - {a: y, b: 2, p: 2/3}
"""


def test_joint_laws_keep_their_fractions() -> None:
    names, rows = parse_model(JOINT).finite.joint or ((), {})
    assert names == ("a", "b")
    assert rows == {("x", 0): Fraction(1, 3), ("y", 2): Fraction(2, 3)}


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("p: 2/3", "p: 1/3", "m.yaml:6:3", "sum to 2/3"),
        ("p: 2/3", "p: -1/3", "m.yaml:7:", "at least 0"),
        (", p: 2/3", "", "m.yaml:7:", "add p: 1/3"),
        ("b: 2", "b: 3", "m.yaml:7:", "'3' is no label of 'b'"),
        ("{a: y, b: 2,", "{a: y,", "m.yaml:7:", "the same variables: a, b"),
        ("{a: y, b: 2,", "{a: y, c: 2,", "m.yaml:7:", "no variable with a domain"),
        ("{a: y, b: 2,", "{a: x, b: 0,", "m.yaml:7:", "a second row"),
        ("[y, x]]", "[y, x]], initial: x", "m.yaml:3:", "keep one of the two"),
    ],
)
def test_joint_laws_that_contradict_are_refused(
    old: str, new: str, place: str, message: str
) -> None:
    error = broken(old, new, JOINT)
    assert str(error.location).startswith(place), str(error)
    with pytest.raises(ModelError, match=message):
        raise error


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ({"rule": "x[t-1]", "noise": "uniform", "initial": 1}, "rule and noise"),
        ({"domain": ["a", "b"]}, "neither a table nor an initial label"),
        ({"rule": "1", "parents": ["x"], "initial": 1}, "belong to a table"),
        ({"flow": "1", "domain": "0..3", "initial": 1}, "moves real numbers"),
        ({"rule": "x[t-1]", "initial": {"0": 1}}, "needs labels"),
        (
            {"domain": "0..1", "parents": ["x[t-1]", "x[t-1]"], "table": [], "initial": 0},
            "a second time",
        ),
    ],
)
def test_keys_that_contradict_are_refused(variable: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Model(name="m", variables={"x": variable}, dt=1)


def test_tables_read_finite_domains_only() -> None:
    with pytest.raises(ModelError, match="'y' has no finite domain"):
        Model(
            name="m",
            variables={
                "x": {"domain": "0..1", "parents": ["y[t-1]"], "table": [[0, 1]], "initial": 0},
                "y": {"rule": "y[t-1]", "initial": 1},
            },
        )


@pytest.mark.parametrize(
    ("place", "written", "text"),
    [
        ("{hot: 0.1, cold: 0.9}", "{{hot: 0.1, cold: 0.9 {0}}}", COIN),
        ("{hot: 1/4, cold: 3/4}", "{{hot: 1/4, cold: 3/4 {0}}}", COIN),
        ("{open: 1/7, shut: 6/7}", "{{open: 1/7, shut: 6/7 {0}}}", COIN),
        ("{a: y, b: 2, p: 2/3}", "{{a: y, b: 2, p: 2/3 {0}}}", JOINT),
    ],
)
@pytest.mark.parametrize(
    ("off", "total"),
    [
        ("- 5/10000", "1999/2000"),
        ("+ 5/10000", "2001/2000"),
        ("- 1/10**8", "99999999/100000000"),
        ("+ 1/10**8", "100000001/100000000"),
    ],
)
def test_probabilities_a_little_off_one_are_refused_wherever_they_stand(
    place: str, written: str, text: str, off: str, total: str
) -> None:
    error = broken(place, written.format(off), text)
    said = f"the probabilities sum to {total}, and must sum to 1: write fractions, or renormalise"
    assert error.message.startswith(said)


@pytest.mark.parametrize("p", ["-0.0001", "1.0001"])
def test_a_bernoullis_chance_lies_between_0_and_1(p: str) -> None:
    error = broken("{open: 1/7, shut: 6/7}", f"bernoulli({p})")
    assert "probability is in [0, 1]" in error.message


def test_a_normals_standard_deviation_is_not_negative() -> None:
    with pytest.raises(ModelError, match="standard deviation is at least 0, found -1"):
        Model(name="m", variables={"n": {"noise": "normal(0, -1)"}, "x": {"rule": "n[t]"}})


def test_a_plain_number_is_read_as_the_key_it_stands_for() -> None:
    text = "{name: m, variables: {n: {noise: {-1: 1/4, 2: 3/4}}, x: {rule: 'n[t]'}}}"
    assert parse_model(text).finite.noises["n"] == {-1: Fraction(1, 4), 2: Fraction(3, 4)}


def test_a_row_that_is_too_long_is_refused() -> None:
    assert "3 entries; this has 4" in broken("[hot, shut, hot]", "[hot, shut, hot, hot]").message


def test_a_label_stands_once_in_a_law() -> None:
    variables = {
        "x": {
            "domain": [0, 1],
            "initial": {0: "1/2", "0": "1/4", "1": "1/4"},
            "parents": ["x[t-1]"],
            "table": [[0, 1], [1, 0]],
        }
    }
    with pytest.raises(ModelError, match="the label '0' stands here a second time"):
        Model(name="m", variables=variables)


@pytest.mark.parametrize(
    ("noise", "message"),
    [("normal(0, 1, 2)", "takes 2 arguments, found 3"), ("uniform(1)", "takes 0 arguments")],
)
def test_noise_takes_its_own_number_of_arguments(noise: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Model(name="m", variables={"n": {"noise": noise}})


@pytest.mark.parametrize(
    ("declared", "whole"),
    [
        ({"domain": [0, 1]}, True),
        ({"domain": [0, "a"]}, False),
        ({"domain": ["a", "b"]}, False),
        ({"kind": "integer"}, True),
        ({}, False),
    ],
)
def test_whole_numbers_are_declared_by_kind_or_by_every_label(
    declared: dict[str, object], whole: bool
) -> None:
    assert takes_whole_numbers(Variable(**declared)) == whole


THIRDS = "[[a, {a: 0.3333333, b: 0.3333333, c: 0.3333333}], [b, a], [c, b]]"
ROUNDED = (
    "{name: m, renormalise: %s, variables: {x: {domain: [a, b, c], parents: ['x[t-1]'], "
    f"table: {THIRDS}, initial: a" + "}}}"
)


def test_rounded_rows_are_divided_by_their_sum_where_the_model_says_so() -> None:
    rows = parse_model(ROUNDED % "true").finite.tables["x"].rows
    assert rows["a",] == dict.fromkeys("abc", Fraction(1, 3))
    with pytest.raises(ModelError, match=r"sum to 9999999/10000000.* renormalise: true"):
        parse_model(ROUNDED % "false")
    with pytest.raises(ModelError, match=r"sum to 7/10, and must sum to 1, or to 0\.001"):
        parse_model((ROUNDED % "true").replace("a: 0.3333333,", "a: 0.0333334,"))


def test_renormalising_changes_the_fingerprint_of_those_that_ask_for_it_alone() -> None:
    plain = parse_model("{name: m, variables: {x: {initial: 1}}}")
    assert plain.fingerprint == parse_model(to_text(plain)).fingerprint
    asked = parse_model("{name: m, renormalise: true, variables: {x: {initial: 1}}}")
    assert asked.fingerprint != plain.fingerprint
    assert parse_model(to_text(asked)).fingerprint == asked.fingerprint


@pytest.mark.parametrize(
    ("logic", "numbers"),
    [
        ("x[t-1] and not y[t-1]", "x[t-1]*(1 - y[t-1])"),
        ("x[t-1] or y[t-1] or w[t]", "1 - (1 - x[t-1])*(1 - y[t-1])*(1 - w[t])"),
        ("not (x[t-1] > y[t-1])", "where(x[t-1] > y[t-1], 0, 1)"),
        ("where(y[t-1], x[t-1], 1)", "where(y[t-1] == 1, x[t-1], 1)"),
    ],
)
def test_labels_0_and_1_are_truth_values_in_rules(logic: str, numbers: str) -> None:
    text = (
        "{{name: m, variables: {{x: {{domain: 0..1, rule: '{}', initial: 1}}, "
        "y: {{domain: [1, 0], rule: 'x[t-1]', initial: {{0: 1/3, 1: 2/3}}}}, "
        "w: {{noise: bernoulli(1/5)}}}}, partition: {{A: [x]}}}}"
    )
    one, other = (parse_model(text.format(rule)) for rule in (logic, numbers))
    tables = [discrete(model)["x"].table.tolist() for model in (one, other)]
    assert tables[0] == tables[1]


def test_other_numbers_are_no_truth_values() -> None:
    text = "{name: m, variables: {x: {domain: 0..2, rule: 'x[t-1] and x[t-1]', initial: 1}}}"
    with pytest.raises(ModelError, match="expected a condition such as x > 0, found a number"):
        parse_model(text)


def test_beside_a_variable_p_a_joint_laws_probabilities_have_a_longer_name() -> None:
    text = (
        "{name: m, variables: {p: {domain: 0..1, rule: 'p[t-1]'}, "
        "q: {domain: 0..1, rule: 'q[t-1]'}}, "
        "initial: [{p: 0, q: 0, CHANCE}, {p: 1, q: 1, probability: 2/3}]}"
    )
    joint = parse_model(text.replace("CHANCE", "probability: 1/3")).finite.joint
    assert joint == (("p", "q"), {(0, 0): Fraction(1, 3), (1, 1): Fraction(2, 3)})
    with pytest.raises(ModelError, match=r"add probability: 1/3 \('p' is a variable here\)"):
        parse_model(text.replace(", CHANCE", ""))
