"""The table: every cell has a status, what is said of it, and what it must be on known models."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

import causalopt
from causalopt import (
    STATUSES,
    Comparison,
    Model,
    causal_strength,
    compare_measures,
    empowerment,
    load,
    run,
    strength,
    transfer_entropy,
)
from causalopt.cli import main
from causalopt.comparison.comparison import COMPARED, NOT_DEFINED
from causalopt.comparison.label_decisions import rule_directedness
from causalopt.comparison.subjects import DOZEN, QUESTIONS, label_question, subject
from causalopt.entropy.declared import finite_model
from causalopt.errors import QuestionError, UnknownNameError

LABELS = [name for name in DOZEN if name in QUESTIONS]
NUMBERS = [name for name in DOZEN if name not in QUESTIONS]
INFORMATION = (
    "strength",
    "empowerment",
    "goal_directedness",
    "causal_strength",
    "transfer_entropy",
)


@pytest.fixture(scope="module")
def table() -> Comparison:
    return compare_measures()


def renamed(model: Model, names: dict[str, str]) -> Model:
    """Return a model of tables whose labels have other names, and stand in another order."""
    data = model.model_dump(exclude={"facts"})

    def change(value: object) -> object:
        if isinstance(value, str):
            return names.get(value, value)
        if isinstance(value, dict):
            return {names.get(k, k): change(v) for k, v in value.items()}
        return type(value)(map(change, value)) if isinstance(value, (list, tuple)) else value

    for key in ("variables", "initial"):
        data[key] = change(data[key])
    for variable in data["variables"].values():
        variable["domain"] = tuple(reversed(variable["domain"]))
    return Model(**data)


class TestEveryCell:
    def test_has_a_status_and_where_it_is_not_ok_a_note(self, table: Comparison) -> None:
        assert table.value.shape == (len(DOZEN), len(COMPARED)) == (16, 8)
        for row in table.rows:
            assert [*row.cells] != []
            for column in COMPARED:
                cell = row.cells[column.key]
                assert cell.status in {*STATUSES, NOT_DEFINED}
                assert cell.note or cell.status == "ok"
                assert math.isnan(cell.value) == (cell.status in {NOT_DEFINED, "no_influence"})
                assert cell.text

    def test_information_is_never_below_zero_but_for_strength(self, table: Comparison) -> None:
        for row in table.rows:
            for key in INFORMATION[1:]:
                assert not row.cells[key].value < 0
            shares = row.cells["loop_share"].value
            assert math.isnan(shares) or 0 <= shares <= 1 + 1e-12

    def test_transfer_entropy_is_at_most_causal_strength(self, table: Comparison) -> None:
        for row in table.rows:
            known = row.cells["transfer_entropy"].value, row.cells["causal_strength"].value
            assert known[0] <= known[1] + 1e-12

    @pytest.mark.parametrize("name", LABELS)
    def test_bounds_by_counts_of_labels(self, name: str, table: Comparison) -> None:
        model = load(name)
        choices = math.log2(math.prod(len(model.finite.domains[a]) for a in model.A))
        for key in ("empowerment", "goal_directedness", "transfer_entropy"):
            assert table[name, key].value <= choices + 1e-9

    def test_op_follows_from_the_current(self, table: Comparison) -> None:
        """Op = ln |1 - s|: below 0 and above 2 is compression."""
        for row in table.rows:
            s, op = row.cells["share"].value, row.cells["op"].value
            if math.isfinite(s):
                expected = math.log(abs(1 - s)) if s != 1 else -math.inf
                assert op == pytest.approx(expected, abs=1e-4, rel=1e-6)
                assert (op > 1e-9) == (s < -1e-9 or s > 2 + 1e-9)

    @pytest.mark.parametrize("name", NUMBERS)
    def test_op_of_numbers_is_the_run_s(self, name: str, table: Comparison) -> None:
        model = load(name)
        found = run(model)
        assert table[name, "op"].value == pytest.approx(found.op[-1], rel=1e-12)
        assert table[name, "op"].status == found.status[-1]

    @pytest.mark.parametrize("name", LABELS)
    def test_information_of_labels_is_each_measure_s_own(
        self, name: str, table: Comparison
    ) -> None:
        model, asked = load(name), QUESTIONS[name]
        found = strength(model, at=asked.at, initial=asked.initial)
        assert table[name, "strength"].value == found.optimizing_strength
        assert table[name, "transfer_entropy"].value == transfer_entropy(model, law=found.P)

    def test_what_stands_on_the_page(self, table: Comparison) -> None:
        """By hand: a leaking gradient, a solver's halving, a map of area 1, log2 3 rooms."""
        expected = {
            ("base_optimizer", "op"): -20 * math.log(0.9),
            ("amplifier", "op"): -20 * math.log(1.1),
            ("solver", "op"): 5 * math.log(2),
            ("solver", "share"): 1 - 2**5,
            ("maze", "op"): -6 * math.log(0.7),
            ("thermostat_smart", "empowerment"): math.log2(3),
            ("thermostat_smart", "goal_directedness"): math.log2(3),
            ("thermostat_smart", "op"): math.inf,
            ("hamming_code", "op"): math.inf,
            ("hamming_code", "transfer_entropy"): 0.0,
            ("pursuit", "transfer_entropy"): 0.0,
            ("amplifier", "loop_share"): 1.0,
            ("thermostat", "empowerment"): math.log2(1 + 0.01**2) / 2,
        }
        for place, value in expected.items():
            assert table[place].value == pytest.approx(value, abs=1e-9)
        chaotic = ["lorenz", "standard_map"]
        for key in ("strength", "causal_strength"):
            rest = [row.cells[key].value for row in table.rows if row.model not in chaotic]
            assert min(table[name, key].value for name in chaotic) > max(rest)
        finite = {r.model: r.cells["op"].value for r in table.rows if r.cells["op"].status == "ok"}
        assert max(finite, key=finite.__getitem__) == "thermostat"
        for key in ("strength", "empowerment", "causal_strength", "transfer_entropy"):
            assert table["thermostat", key].value < 0.01

    def test_who_does_nothing_has_nothing(self, table: Comparison) -> None:
        for name in ("bystander", "free_decay"):
            for column in COMPARED:
                if column.key not in {"strength", "loop_share"}:
                    assert table[name, column.key].value == pytest.approx(0.0, abs=1e-12)


class TestInvariances:
    @pytest.mark.parametrize("name", ["thermostat_smart", "thermostat_dumb"])
    def test_names_and_order_of_labels_are_not_seen_by_information(self, name: str) -> None:
        names = {"hot": "x1", "warm": "x2", "cold": "x3", "high": "y3", "low": "y1", "off": "y2"}
        model, other = load(name), renamed(load(name), names)
        assert other.variables["room"].domain == ("x3", "x2", "x1")
        laws = [strength(m, at=1, initial="uniform") for m in (model, other)]
        assert laws[0].optimizing_strength == pytest.approx(laws[1].optimizing_strength)
        assert laws[0].adjusted == pytest.approx(laws[1].adjusted)
        arrows = [("thermostat", "room")]
        for measure in (
            lambda m, law: transfer_entropy(m, law=law),
            lambda m, law: causal_strength(m, arrows, law=law),
        ):
            one, two = (measure(m, s.P) for m, s in zip((model, other), laws, strict=True))
            assert one == pytest.approx(two, abs=1e-12)
        goals = [
            rule_directedness(finite_model(m), s.P, {"room": label})
            for m, s, label in zip((model, other), laws, ("warm", names["warm"]), strict=True)
        ]
        assert goals[0].value == pytest.approx(goals[1].value, abs=1e-12)
        for state in (("low", "warm"), ("off", "hot")):
            renamed_state = [names[label] for label in state]
            assert empowerment(model, state).value == pytest.approx(
                empowerment(other, renamed_state).value
            )

    @pytest.mark.parametrize("scale", [0.05, 40.0])
    def test_the_unit_of_a_variable_is_not_seen_by_op_currents_and_loops(
        self, scale: float
    ) -> None:
        base = load("pid_controller")
        data = base.model_dump(exclude={"facts"})
        rules = data["variables"]
        rules["y"]["rule"] = f"leak*y[t-1] + u[t-1]/{scale} + d[t-1]"
        rules["u"]["rule"] = f"{scale}*({rules['u']['rule']})"
        one, two = (compare_measures(m) for m in (base, Model(**data)))
        for key in ("op", "share", "loop_share"):
            assert one["pid_controller", key].value == pytest.approx(
                two["pid_controller", key].value, rel=1e-9
            )
        assert two["pid_controller", "transfer_entropy"].value != pytest.approx(
            one["pid_controller", "transfer_entropy"].value, rel=0.1
        )


class TestOtherModels:
    def test_one_without_time_says_so_cell_by_cell(self) -> None:
        found = compare_measures("amortized")
        assert found["amortized", "op"].value == pytest.approx(5 * math.log(2))
        for key in (*INFORMATION, "loop_share"):
            cell = found["amortized", key]
            assert cell.status == NOT_DEFINED
            assert "no time" in cell.note

    def test_one_of_labels_that_is_not_known_is_asked_of_its_first_state(self) -> None:
        model = load("chaser")
        asked = label_question(model)
        assert asked is not None
        assert (asked.nudge, asked.target, asked.steps) == (("px", 1), "px", 3)
        assert asked.state == {"cx": 0, "cy": 0, "px": 0, "py": 0}
        found = compare_measures(model)
        assert found["chaser", "op"].value == 0.0
        assert "no goal is named" in found["chaser", "goal_directedness"].note
        named = compare_measures(model, goal={"px": 2})
        assert named["chaser", "goal_directedness"].value == 0.0

    def test_another_model_by_a_known_name_is_asked_its_own(self) -> None:
        model = Model(
            name="pursuit",
            variables={
                "a": {"domain": "0..1", "rule": "b[t-1]", "initial": 0},
                "b": {"domain": "0..1", "rule": "abs(b[t-1] - a[t-1])", "initial": 1},
            },
            partition={"A": "a"},
        )
        asked = label_question(model)
        assert asked is not None
        assert (asked.nudge, asked.state) == (("b", 0), {"a": 0, "b": 1})

    def test_an_a_of_some_steps_has_no_law(self) -> None:
        data = load("thermostat").model_dump(exclude={"facts"})
        data["question"]["hold"] = "T[t<=10]"
        found = compare_measures(Model(**data))
        assert found["thermostat", "op"].status == "ok"
        assert "name whole variables" in found["thermostat", "transfer_entropy"].note
        assert "name whole variables" in found["thermostat", "loop_share"].note

    def test_rest_is_said_and_not_counted(self) -> None:
        model = load("base_optimizer").replace(initial={"theta": 3})
        cell = compare_measures(model)["base_optimizer", "loop_share"]
        assert cell.status == NOT_DEFINED
        assert "at rest" in cell.note

    def test_a_written_out_array_is_compared_like_numbers(self) -> None:
        """Two base optimizers side by side: the first answers as one alone does."""
        pair = Model(
            name="pair",
            sizes={"side": 2},
            variables={
                "theta": {"shape": ["side"], "rule": "theta[t-1] - 0.1*G[t-1]", "initial": 1},
                "G": {"shape": ["side"], "rule": "theta[t] - 3"},
            },
            partition={"A": ["G"]},
            question={"nudge": "theta[0, side=0]", "target": "theta[side=0]", "steps": 20},
        )
        found, alone = compare_measures(pair), compare_measures("base_optimizer")
        assert found["pair", "op"].value == pytest.approx(alone["base_optimizer", "op"].value)
        # Both answer at once: twice the information, and the two of A share no loop.
        for key in ("strength", "causal_strength", "transfer_entropy"):
            both, one = found["pair", key].value, alone["base_optimizer", key].value
            assert both == pytest.approx(2 * one)
        assert found["pair", "loop_share"].value == pytest.approx(1.0)
        assert "of one decision" in found["pair", "goal_directedness"].note

    def test_an_actuator_that_is_read_within_the_step_alone_has_a_note(self) -> None:
        """What it did is in B already: zeros of one step; Op and causal strength as they are."""
        numbers = Model(
            name="prompt",
            variables={
                "x": {"rule": "0.9*x[t-1] + 0.1*push[t]", "initial": 1},
                "push": {"rule": "-x[t-1]", "initial": 0},
            },
            partition={"A": "push"},
            question={"nudge": "x[0]", "target": "x", "steps": 9},
        )
        labels = Model(
            name="prompt",
            variables={
                "x": {
                    "domain": "0..1",
                    "rule": "abs(abs(x[t-1] - push[t]) - e[t])",
                    "initial": {0: "1/2", 1: "1/2"},
                },
                "push": {"domain": "0..1", "rule": "x[t-1]", "initial": {0: "1/2", 1: "1/2"}},
                "e": {"noise": {0: "3/4", 1: "1/4"}},
            },
            partition={"A": "push"},
        )
        for model in (numbers, labels):
            found = compare_measures(model)
            for key in ("strength", "empowerment", "transfer_entropy"):
                assert found["prompt", key].value == pytest.approx(0.0, abs=1e-12)
                assert "within its own step alone" in found["prompt", key].note
            assert found["prompt", "causal_strength"].value > 0
            assert found["prompt", "op"].value != 0

    def test_a_law_that_chaos_has_flattened_says_so(self) -> None:
        data = load("standard_map").model_dump(exclude={"facts"})
        data["question"]["steps"] = 14
        found = compare_measures(Model(**data))
        for key in ("strength", "causal_strength", "transfer_entropy"):
            assert "ask at an earlier step" in found["standard_map", key].note


class TestWrongInput:
    def test_a_misspelt_model(self) -> None:
        with pytest.raises(UnknownNameError, match="did you mean 'thermostat'"):
            compare_measures(["thermostatt"])

    def test_no_model_no_a_no_question(self) -> None:
        with pytest.raises(QuestionError, match="no model to compare"):
            compare_measures([])
        bit = {"x": {"domain": "0..1", "rule": "x[t-1]", "initial": 0}}
        with pytest.raises(QuestionError, match="names no A"):
            compare_measures(Model(name="m", variables=bit))
        with pytest.raises(QuestionError):
            compare_measures(Model(name="m", variables={"x": {"rule": "x[t-1]", "initial": 0}}))

    def test_a_goal_is_of_labels(self) -> None:
        with pytest.raises(QuestionError, match="'tepid' is no label of 'room'"):
            compare_measures("thermostat_smart", goal={"room": "tepid"})
        with pytest.raises(QuestionError, match="a goal of labels is for models of finite domains"):
            compare_measures("thermostat", goal={"R": 25})
        with pytest.raises(UnknownNameError):
            compare_measures("thermostat_smart", goal={"rom": "warm"})


class TestFaces:
    def test_data(self, table: Comparison) -> None:
        data = table.dataset
        assert data["value"].dims == ("model", "measure")
        cell = data["value"].sel(model="solver", measure="op")
        assert float(cell) == pytest.approx(5 * math.log(2))
        assert str(data["units"].sel(measure="op").item()) == "nat"
        assert data["status"].sel(model="bystander", measure="loop_share").item() == NOT_DEFINED
        assert "solver" in data.attrs["model_hashes"]
        assert np.array_equal(data["value"].values, table.value, equal_nan=True)

    def test_json_is_strict(self, table: Comparison) -> None:
        text = json.dumps(table.to_dict(), allow_nan=False)
        rows = {row["model"]: row["measures"] for row in json.loads(text)["models"]}
        assert rows["yeast_cell_cycle"]["op"]["value"] == "-inf"
        assert rows["bystander"]["loop_share"]["value"] is None

    def test_no_cell_of_a_table_is_blank(self, table: Comparison) -> None:
        body = table.to_markdown().split("\n")[2 : 2 + len(DOZEN)]
        for line in body:
            assert all(cell.strip() for cell in line.strip("|").split("|"))
        page = table.to_html()
        assert "<td></td>" not in page
        assert page.count("<tr>") == 2 * (len(DOZEN) + 1) + len(COMPARED) + 1

    def test_a_page_escapes_what_it_is_told(self) -> None:
        row = dataclasses.replace(compare_measures("solver").rows[0], question="<b>&")
        assert "&lt;b&gt;&amp;" in Comparison((row,)).to_html()

    def test_the_picture_has_every_value_and_hatches_what_is_not_defined(
        self, table: Comparison
    ) -> None:
        axes = table.plot().axes[0]
        assert len(axes.patches) == table.value.size
        hatched = sum(bool(patch.get_hatch()) for patch in axes.patches)
        assert hatched == (table.status == NOT_DEFINED).sum()
        assert len(axes.texts) == table.value.size - hatched


class TestCommand:
    def test_json_and_files(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        files = [tmp_path / name for name in ("t.html", "t.md", "t.svg")]
        assert main(["compare", "solver", "bystander", "--out", str(files[0])]) == 0
        assert "solver" in capsys.readouterr().out
        assert main(["compare", "solver", "--out", str(files[1]), "--plot", str(files[2])]) == 0
        assert all(file.stat().st_size > 500 for file in files)
        capsys.readouterr()
        assert main(["compare", "solver", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["models"][0]["model"] == "solver"

    def test_a_goal_by_its_words(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["compare", "thermostat_smart", "--goal", "room=hot", "--json"]) == 0
        row = json.loads(capsys.readouterr().out)["models"][0]["measures"]
        assert row["goal_directedness"]["value"] < 1.5
        assert main(["compare", "hamming_code", "--goal", "x1=1", "--json"]) == 0

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["nonsense"], "no shipped model is called 'nonsense'"),
            (["solver", "--out", "t.txt"], "must end in .html or .md"),
            (["thermostat_smart", "--goal", "room"], "--goal takes VAR=LABEL"),
            (["thermostat_smart", "--goal", "room=tepid"], "it has hot, warm, cold"),
            (["thermostat_smart", "--goal", "rom=warm"], "did you mean 'room'"),
            (["--goal", "room=warm"], "16 are compared"),
            (["thermostat", "--goal", "R=25"], "finite domain"),
        ],
    )
    def test_wrong_input_is_one_message(
        self, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["compare", *words]) == 2
        captured = capsys.readouterr()
        assert said in captured.err
        assert captured.out == ""


def test_subjects_are_models() -> None:
    assert subject("pursuit").name == "pursuit"
    assert {*LABELS} == QUESTIONS.keys()
    assert causalopt.load("pursuit").A == ("chaser",)


def test_a_model_of_numbers_without_a_question_is_told_what_it_misses() -> None:
    model = Model(name="bare", variables={"x": {"rule": "x[t-1]/2", "initial": 1}})
    with pytest.raises(QuestionError, match="says no nudge, hold, target"):
        compare_measures([model])
