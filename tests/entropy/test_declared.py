from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest

import causalopt
from causalopt.cli import main
from causalopt.entropy.declared import finite_model, strength, strengths
from causalopt.entropy.relatives.compression import attractors, image_sizes
from causalopt.errors import CausaloptError, QuestionError
from causalopt.laws.affine import affine
from causalopt.model.files import parse_model

LN2 = math.log(2.0)
FINITE = ["thermostat_dumb", "thermostat_smart", "yeast_cell_cycle", "chaser", "hamming_code"]


@pytest.mark.parametrize("k", [0.1, 0.3, 0.7, 1.0])
def test_the_uniform_thermostat_has_its_closed_form(k: float) -> None:
    model = causalopt.load("thermostat_uniform").replace(parameters={"k": k})
    found = strength(model, at=1)
    expected = (k / 2 - math.log(k)) / LN2
    assert found.optimizing_strength == pytest.approx(expected, rel=1e-12)
    assert found.mutual_information == pytest.approx(expected, rel=1e-12)
    assert found.adjusted == pytest.approx(0.0, abs=1e-12)
    assert pytest.approx(math.log(0.1**2 * k) / LN2, rel=1e-13) == found.S


def test_the_uniform_thermostat_starts_uncorrelated() -> None:
    found = strength(causalopt.load("thermostat_uniform"))
    assert (found.mutual_information, found.adjusted) == pytest.approx((0.0, 0.0), abs=1e-13)


GAUSS = """
name: g
parameters: {k: 0.3}
variables:
  R: {rule: "R[t-1] - k*T[t-1]", initial: 10, spread: normal(0.1)}
  T: {rule: "R[t-1]", initial: 10, spread: normal(0.1)}
partition: {A: [T]}
"""


@pytest.mark.parametrize("k", [0.3, 0.9, 2.0])
def test_the_gaussian_thermostat_has_its_closed_form(k: float) -> None:
    model = parse_model(GAUSS).replace(parameters={"k": k})
    found = strength(model, at=1, unit="nat")
    expected = 0.5 * math.log((1 + k * k) / (k * k))
    assert found.optimizing_strength == pytest.approx(expected, rel=1e-12)
    assert found.adjusted == pytest.approx(0.0, abs=1e-13)


def test_affine_declarations_solve_reads_within_the_step_and_noise() -> None:
    text = GAUSS.replace('"R[t-1]"', '"2*R[t] + 1 + w[t]"').replace(
        "partition", '  w: {noise: "normal(3, k)"}\npartition'
    )
    found = affine(parse_model(text))
    np.testing.assert_allclose(found.matrix, [[1.0, -0.3], [2.0, -0.6]], atol=1e-15)
    np.testing.assert_allclose(found.shift, [0.0, 4.0])
    np.testing.assert_allclose(found.noise, [[0.0, 0.0], [0.0, 0.09]])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"R[t-1]"', '"R[t-1]**2"', "not affine in R"),
        ('"R[t-1]"', '"where(R[t-1] > 0, R[t-1], 0)"', "not affine in R"),
        ('"R[t-1]"', '"R[t-1] + t"', "reads the clock"),
        ("initial: 10, spread: normal(0.1)}\n  T", "initial: 10}\n  T", "every variable"),
        ("spread: normal(0.1)}\n  T", "spread: normal(-1)}\n  T", "wider than 0"),
        ("spread: normal(0.1)}\n  T", "spread: uniform(1)}\n  T", "all spreads are normal"),
        ("spread: normal(0.1)}\n  T", "spread: cauchy(1)}\n  T", "expected spread"),
    ],
)
def test_laws_that_do_not_move_exactly_are_refused(old: str, new: str, message: str) -> None:
    assert GAUSS.count(old) == 1
    with pytest.raises(CausaloptError, match=message):
        strength(parse_model(GAUSS.replace(old, new)), at=1)


def test_options_of_finite_domains_are_refused_for_continuous_laws() -> None:
    with pytest.raises(QuestionError, match="belong to finite domains"):
        strength(causalopt.load("thermostat_uniform"), targets=["R"])
    with pytest.raises(QuestionError, match="no uniform law on the whole line"):
        strength(parse_model(GAUSS), initial="uniform")


def test_models_without_laws_say_what_to_declare() -> None:
    with pytest.raises(QuestionError, match="give it a finite domain"):
        strength(causalopt.load("thermostat"))


@pytest.mark.parametrize("name", FINITE)
def test_shipped_models_keep_the_bounds_of_a_correlation(name: str) -> None:
    for found in strengths(causalopt.load(name), at=range(3)):
        assert found.mutual_information > -1e-12
        assert found.S_decoupled >= found.S - 1e-12


def test_the_cell_cycle_has_the_published_basins() -> None:
    """Li et al. 2004, table 1: seven fixed points, the largest basin of 1764 states."""
    found = attractors(finite_model(causalopt.load("yeast_cell_cycle")))
    assert [a.basin for a in found] == [1764, 151, 109, 9, 7, 7, 1]
    assert all(len(a.states) == 1 for a in found)
    names = list(causalopt.load("yeast_cell_cycle").variables)
    resting = dict(zip(names, found[0].states[0], strict=True))
    assert [name for name, on in resting.items() if on] == ["Cdh1", "Sic1"]


MAMMALIAN = """
name: mammalian_cell_cycle
source: "A. Faure, A. Naldi, C. Chaouiya, D. Thieffry, Bioinformatics 22, e124 (2006)"
variables:
  CycD: "CycD[t-1]"
  Rb: "not (CycD[t-1] or CycE[t-1] or CycA[t-1] or CycB[t-1]) or (p27[t-1] and not (CycD[t-1] or CycB[t-1]))"
  E2F: "not (Rb[t-1] or CycA[t-1] or CycB[t-1]) or (p27[t-1] and not (Rb[t-1] or CycB[t-1]))"
  CycE: "E2F[t-1] and not Rb[t-1]"
  CycA: "(E2F[t-1] or CycA[t-1]) and not (Rb[t-1] or Cdc20[t-1] or (Cdh1[t-1] and UbcH10[t-1]))"
  p27: "not (CycD[t-1] or CycE[t-1] or CycA[t-1] or CycB[t-1]) or (p27[t-1] and not (CycE[t-1] and CycA[t-1]) and not (CycB[t-1] or CycD[t-1]))"
  Cdc20: "CycB[t-1]"
  Cdh1: "not (CycA[t-1] or CycB[t-1]) or Cdc20[t-1] or (p27[t-1] and not CycB[t-1])"
  UbcH10: "not Cdh1[t-1] or (UbcH10[t-1] and (Cdc20[t-1] or CycA[t-1] or CycB[t-1]))"
  CycB: "not (Cdc20[t-1] or Cdh1[t-1])"
partition: {A: [CycD]}
"""  # noqa: E501


def test_logic_in_rules_gives_the_mammalian_cell_cycle_its_published_attractors() -> None:
    """Half of the 1024 states rest, with CycD off; the other half run round a cycle of seven."""
    rules = re.sub(r'(  \w+): (".*")', r"\1: {domain: 0..1, rule: \2, initial: 0}", MAMMALIAN)
    found = attractors(parse_model(rules))
    assert sorted((len(a.states), a.basin) for a in found) == [(1, 512), (7, 512)]


def test_the_code_keeps_its_message_for_ever() -> None:
    """S = 4 bits of message and the entropy of the last error, at every step after the first."""
    q = 1 / 20
    error = -(1 - 7 * q) * math.log2(1 - 7 * q) - 7 * q * math.log2(q)
    for found in strengths(causalopt.load("hamming_code"), at=[1, 2, 5]):
        assert pytest.approx(4 + error, abs=1e-12) == found.S
        assert found.mutual_information == pytest.approx(error, abs=1e-12)
        law = [1 - 7 * q] + [q] * 7  # over unit vectors of the group of syndromes
        thrice = np.zeros(128)
        units = [0] + [1 << i for i in range(7)]
        for i, a in enumerate(units):
            for j, b in enumerate(units):
                for m, c in enumerate(units):
                    thrice[a ^ b ^ c] += law[i] * law[j] * law[m]
        assert found.S_next_decoupled == pytest.approx(_coset_entropy(thrice), abs=1e-12)


def _coset_entropy(errors: np.ndarray) -> float:
    """Entropy of (codeword + error) for uniform codewords: errors add over each coset."""
    columns = range(1, 8)
    syndrome = np.zeros(128, dtype=int)
    for word in range(128):
        for i in columns:
            if word >> (i - 1) & 1:
                syndrome[word] ^= i
    words = [w for w in range(128) if syndrome[w] == 0]
    p = np.array([sum(errors[w ^ word] for w in words) / 16 for word in range(128)])
    return float(-(p[p > 0] * np.log2(p[p > 0])).sum())


def test_the_smart_thermostat_compresses_nine_states_to_one() -> None:
    smart = finite_model(causalopt.load("thermostat_smart"))
    assert image_sizes(smart) == (9, 5, 3, 1)
    (rest,) = attractors(smart)
    assert rest.states == (("low", "warm"),)
    assert rest.basin == 9


KEYS = [
    "unit",
    "S",
    "S_decoupled",
    "S_next",
    "S_next_decoupled",
    "mutual_information",
    "optimizing_strength",
    "adjusted",
]


def test_the_command_prints_the_contracts_json(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["entropy", "thermostat_smart", "--at", "1", "--initial", "uniform", "--json"]
    assert main(words) == 0
    out = capsys.readouterr()
    found = json.loads(out.out)
    assert list(found) == KEYS
    assert out.err == ""
    assert found["unit"] == "bit"
    assert found["optimizing_strength"] == pytest.approx(1.1080054, abs=5e-8)


def test_the_command_starts_at_zero_from_the_models_own_law(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["entropy", "thermostat_dumb", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["adjusted"] == pytest.approx(-4 / 9)
    assert main(["entropy", "thermostat_dumb"]) == 0
    assert "optimizing strength   1.1405181" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["thermostat_smart", "--initial", "flat"], "'model' or 'uniform'"),
        (["thermostat_smart", "--at", "-1"], "count from 0"),
        (["thermostat"], "finite domain"),
        (["thermostat_smrt"], "did you mean 'thermostat_smart'"),
    ],
)
def test_the_command_complains_in_one_message(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["entropy", *words]) == 2
    assert message in capsys.readouterr().err
    assert main(["entropy", *words, "--json"]) == 2
    assert message in json.loads(capsys.readouterr().out)["error"]["message"]


def test_the_set_that_is_replaced_is_said_as_everywhere() -> None:
    smart = causalopt.load("thermostat_smart")
    own = strength(smart, at=1, initial="uniform").to_dict()
    for hold in ("A", "thermostat", ["thermostat"]):
        assert strength(smart, at=1, initial="uniform", hold=hold).to_dict() == own
    assert (
        strength(finite_model(smart), at=1, initial="uniform", hold="thermostat").to_dict() == own
    )
    other = strength(smart, at=1, initial="uniform", hold="room")
    assert other.mutual_information == pytest.approx(own["mutual_information"])
    assert other.A == ("room",)


def test_a_set_held_for_some_steps_and_changes_of_a_table_are_refused() -> None:
    smart = causalopt.load("thermostat_smart")
    with pytest.raises(QuestionError, match="name whole variables, such as thermostat"):
        strength(smart, hold="thermostat[t<=2]")
    with pytest.raises(QuestionError, match="tables have no parameters"):
        strength(finite_model(smart), parameters={"k": 1})


def test_initial_values_and_parameters_reach_a_strength() -> None:
    coin = parse_model(
        "{name: coin, partition: {A: [b]}, variables: {"
        "a: {domain: 0..1, rule: 'a[t-1]', initial: {0: 1/2, 1: 1/2}},"
        "b: {domain: 0..1, rule: 'a[t-1]', initial: 0}}}"
    )
    assert strength(coin, at=1).mutual_information == pytest.approx(1)
    assert strength(coin, at=1, initial={"a": 1}).mutual_information == 0
    model = parse_model(GAUSS)
    changed = strength(model, at=1, parameters={"k": 0.2}).to_dict()
    assert changed == strength(model.replace(parameters={"k": 0.2}), at=1).to_dict()
