"""Across a boundary: pairs by the graph, Op by sums over paths, and figures by hand."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import causalopt
from causalopt import Model, Set, across, load, region, run, world
from causalopt.cli import main
from causalopt.errors import QuestionError
from causalopt.optimizers.across import HeldSide
from tests.oracles import declared_graph, path_sums
from tests.strategies import static_models, templates

Place = tuple[str, int]


def beside(graph: nx.DiGraph, held: set[Place]) -> tuple[set[Place], set[Place]]:
    """The nodes outside a set with an edge into it, and those with an edge from it."""
    into = {a for a, b in graph.edges if b in held and a not in held}
    out = {b for a, b in graph.edges if a in held and b not in held}
    return into, out


def crossing(graph: nx.DiGraph, held: set[Place], n: Place, m: Place) -> bool:
    return any(nx.has_path(graph, n, a) and nx.has_path(graph, a, m) for a in held)


def place(model: Model, text: str) -> Place:
    node = model.node(text)
    return node.variable, node.t


@settings(max_examples=40, deadline=None)
@given(st.one_of(templates(), static_models()), st.data())
def test_the_table_is_all_pairs_that_a_path_through_a_joins_with_op_by_path_sums(
    model: Model, data: st.DataObject
) -> None:
    steps = 0 if model.is_static else 4
    graph = declared_graph(model, steps)
    everything = sorted(graph)
    chosen = data.draw(st.lists(st.sampled_from(everything), unique=True, min_size=1, max_size=5))
    if len(chosen) == len(everything):
        return
    texts = [model.node_text(causalopt.Node(*p)) for p in chosen]
    inside = set(chosen)
    outside = set(everything) - inside
    if not [*nx.edge_boundary(graph, inside), *nx.edge_boundary(graph, outside)]:
        return
    found = across(model, texts, steps=None if model.is_static else steps)
    baseline = world(model, steps=None if model.is_static else steps)
    values = {name: np.atleast_1d(np.asarray(baseline[name])) for name in model.variables}
    for side, held in ((found.inside, inside), (found.outside, outside)):
        into, out = beside(graph, held)
        assert {place(model, text) for text in side.sources} == into
        assert {place(model, text) for text in side.targets} == out
        windows = [causalopt.model.selectors.Window(v, t, t) for v, t in held]
        for i, n in enumerate(side.sources):
            for j, m in enumerate(side.targets):
                source, target = place(model, n), place(model, m)
                assert side.crosses[i, j] == crossing(graph, held, source, target)
                if not side.crosses[i, j]:
                    assert side.status[i, j] == "no_influence"
                    assert math.isnan(side.op[i, j])
                    continue
                total, direct, size = path_sums(
                    model, causalopt.Node(*source), target, windows, values
                )
                assert side.total[i, j] == pytest.approx(total, abs=1e-15 * size, rel=1e-6)
                assert side.direct[i, j] == pytest.approx(direct, abs=1e-15 * size, rel=1e-6)
                if side.status[i, j] == "ok":
                    op = -math.log(abs(side.total[i, j] / side.direct[i, j]))
                    assert side.op[i, j] == pytest.approx(op, rel=1e-9, abs=1e-12)


def u(k: float, last: int) -> list[float]:
    """What a disturbance of the room is after t steps, by the room's own recurrence."""
    found = [1.0, 1.0]
    while len(found) <= last:
        found.append(found[-1] - k * found[-2])
    return found


def test_a_thermostat_compresses_every_disturbance_of_its_room_and_the_room_is_its_only_path() -> (
    None
):
    steps, k = 30, 0.05
    found = across(load("thermostat"), "T", steps=steps, parameters={"k": k})
    decay = u(k, steps)
    side = found.inside
    ops = []
    for i, n in enumerate(side.sources):
        for j, m in enumerate(side.targets):
            wait = int(m[2:-1]) - int(n[2:-1])
            assert side.crosses[i, j] == (wait >= 2)
            if wait >= 2:
                ops.append(-math.log(decay[wait]))
                assert side.op[i, j] == pytest.approx(ops[-1], rel=1e-10)
    assert side.pairs == len(ops) == (steps - 1) * steps // 2
    assert side.compressed == 1.0
    assert side.amplified == 0.0
    assert side.median == pytest.approx(float(np.median(ops)), rel=1e-10)
    pooled = -math.log(math.sqrt(sum(math.exp(-2 * op) for op in ops) / len(ops)))
    assert side.pooled == pytest.approx(pooled, rel=1e-10)
    # A disturbance of the thermostat comes back by way of the room alone.
    assert found.outside.statuses == {"only_path": found.outside.pairs}
    assert found.outside.conveyed == 1.0
    assert found.outside.amplified == 0.0
    assert found.outside.median == -math.inf
    assert found.outside.pooled == -math.inf
    assert "100 % compressed; median" in repr(found).splitlines()[1]


def test_a_bystander_that_only_watches_is_no_optimizer() -> None:
    """It has children nowhere: nothing goes through it and out again."""
    model = Model(
        name="watched",
        variables={
            "x": {"rule": "x[t-1]/2", "initial": 1},
            "w": {"rule": "w[t-1] + x[t-1]", "initial": 0},
        },
    )
    found = across(model, "w", steps=9)
    assert found.inside.pairs == found.outside.pairs == 0
    assert math.isnan(found.inside.median)
    assert math.isnan(found.inside.compressed)
    assert "no path leads from such an n through the inside to such an m" in repr(found)
    assert found.to_dict()["inside"]["median"] is None
    assert found.dataset.sizes["pair"] == 0
    assert found.plot().axes


def side_of(
    op: list[float], status: list[str], total: list[float], direct: list[float]
) -> HeldSide:
    count = len(op)
    with np.errstate(divide="ignore"):
        logs = [np.log(np.abs(np.array([v]))) for v in (total, direct)]
    return HeldSide(
        held="inside",
        sources=("n",),
        targets=tuple("m" * count),
        crosses=np.ones((1, count), dtype=bool),
        op=np.array([op]),
        comp=np.array([np.exp(-np.array(op))]),
        total=np.array([total]),
        direct=np.array([direct]),
        log_total=logs[0],
        log_direct=logs[1],
        status=np.array([status]),
    )


def test_figures_count_what_is_decided_and_nothing_else() -> None:
    side = side_of(
        op=[math.inf, 0.0, -math.log(2), math.nan, 5.0],
        status=["perfect", "ok", "ok", "no_influence", "unresolved"],
        total=[0.0, 3.0, 4.0, 0.0, 1.0],
        direct=[1.0, 3.0, 2.0, 0.0, 1.0],
    )
    assert side.decided.tolist() == [[True, True, True, False, False]]
    assert side.compressed == pytest.approx(1 / 3)
    assert side.amplified == pytest.approx(1 / 3)
    assert side.conveyed == 0.0
    assert side.median == 0.0
    assert side.pooled == pytest.approx(math.log(math.sqrt(14) / 5))  # 1, 3, 2 over 0, 3, 4
    assert side.statuses == {"no_influence": 1, "ok": 2, "perfect": 1, "unresolved": 1}
    assert side.summary()["decided"] == 3


def test_rounding_is_neither_compressed_nor_amplified() -> None:
    side = side_of(op=[2e-16, -2e-16, 1.0], status=["ok"] * 3, total=[1.0] * 3, direct=[1.0] * 3)
    assert side.compressed == pytest.approx(1 / 3)
    assert side.amplified == 0.0


def test_pooled_figures_do_not_overflow() -> None:
    model = Model(
        name="grows",
        variables={
            "x": {"rule": "9*x[t-1] - y[t-1]", "initial": 0},
            "y": {"rule": "x[t-1]", "initial": 0},
        },
    )
    found = across(model, "y", steps=800, sources="x[0]", targets="x[t>=799]")
    assert np.isinf(found.inside.total).all()  # 9^800
    # x and y obey s^2 - 9 s + 1 = 0; without y, s = 9
    rate = math.log((9 + math.sqrt(77)) / 2) - math.log(9)
    assert found.inside.pooled / 800 == pytest.approx(-rate, rel=1e-2)


def test_nodes_may_be_taken_from_elsewhere_on_either_side() -> None:
    model = load("lorenz")
    found = across(model, "a", steps=20, sources="[t=0]", targets="[t=20]")
    assert found.inside.sources == ("b[0]", "c[0]")
    assert found.inside.targets == ("b[20]", "c[20]")
    assert found.outside.sources == ("a[0]",)
    assert found.outside.targets == ("a[20]",)
    for i, n in enumerate(found.inside.sources):
        for j, m in enumerate(("b", "c")):
            single = run(model, nudge=n, hold="a", target=m, steps=20)
            assert found.inside.op[i, j] == pytest.approx(single.op[20], rel=1e-9)
    single = run(model, nudge="a[0]", hold="b, c", target="a", steps=20)
    assert found.outside.op[0, 0] == pytest.approx(single.op[20], rel=1e-9)


def test_regions_of_every_form_are_the_same_question() -> None:
    model = load("lorenz")
    text = "(a | b[3<=t<=7]) - a[t<2]"
    asked = [
        across(model, form, steps=9)
        for form in (text, region(model, text, steps=9), list(region(model, text, steps=9)))
    ]
    for other in asked[1:]:
        np.testing.assert_array_equal(other.inside.op, asked[0].inside.op)
        np.testing.assert_array_equal(other.outside.op, asked[0].outside.op)
    named = Model(
        **{**model.model_dump(), "question": {**model.question.model_dump(), "hold": text}}
    )
    np.testing.assert_array_equal(across(named, steps=9).inside.op, asked[0].inside.op)


def test_a_region_of_an_array_is_asked_element_by_element() -> None:
    model = Model(
        name="ring",
        sizes={"cell": 5},
        variables={
            "x": {"shape": ["cell"], "rule": "x[t-1]/2 + roll(x[t-1], 1, cell)/4", "initial": "1"}
        },
    )
    found = across(model, "x[cell=1:3]", steps=4)
    # x[i] reads itself and the cell before: into cells 1 and 2 there is an edge from cell 0 alone,
    # out of them one to cell 3.
    assert {text.partition("[")[0] for text in found.inside.sources} == {"x_0"}
    assert {text.partition("[")[0] for text in found.inside.targets} == {"x_3"}
    assert set(found.inside.status[found.inside.crosses]) == {"only_path"}
    assert found.outside.pairs == 0 or set(found.outside.statuses) == {"only_path"}


def test_a_node_that_the_baseline_sets_lets_nothing_through() -> None:
    model = load("thermostat")
    found = across(model, "T", steps=6, given=[Set("R[3]", 20)], sources="R[0]", targets="R[6]")
    assert found.inside.crosses.all()
    single = run(model, nudge="R[0]", hold="T", target="R", steps=6, given=[Set("R[3]", 20)])
    assert found.inside.status.item() == single.status[6]
    cut = across(
        model, "T", steps=6, given=[Set("T[3]", 1), Set("R[3]", 20)], sources="R[0]", targets="R[6]"
    )
    assert not cut.inside.crosses.any()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"region": "T & R"}, "T & R is empty"),
        ({"region": "T | R"}, "T \\| R is all nodes of the run|T, R is all nodes of the run"),
        ({"region": "T[50]"}, "lie after the last step 9"),
        ({"region": "T | T[50]"}, "lie after the last step 9"),
        ({"region": "T", "sources": "T - T"}, "is empty"),
        ({"region": "T", "sources": "R[5]", "targets": "upstream("}, "expected a set"),
    ],
)
def test_what_cannot_be_asked_is_refused(options: dict[str, str], says: str) -> None:
    with pytest.raises(QuestionError, match=says):
        across(load("thermostat"), steps=9, **options)


def test_too_many_pairs_are_refused_with_what_to_do() -> None:
    with pytest.raises(QuestionError, match=r"more than 4000000 pairs.*targets='\[t=3000\]'"):
        across(load("thermostat"), "T", steps=3000)


def test_an_isolated_region_has_no_boundary() -> None:
    model = Model(
        name="two",
        variables={
            "x": {"rule": "x[t-1]/2", "initial": 1},
            "y": {"rule": "y[t-1]/2", "initial": 1},
        },
    )
    with pytest.raises(QuestionError, match="no edge crosses the boundary of x"):
        across(model, "x", steps=4)


def test_the_dataset_is_one_table_of_all_pairs() -> None:
    found = across(load("lorenz"), "a[t<=3]", steps=6)
    data = found.dataset
    assert data.sizes["pair"] == found.inside.pairs + found.outside.pairs
    assert data.op.attrs["units"] == "nat"
    row = data.isel(pair=int(np.flatnonzero(data.held.values == "inside")[0]))
    i = found.inside.sources.index(str(row.nudge.item()))
    j = found.inside.targets.index(str(row.target.item()))
    assert row.op.item() == found.inside.op[i, j]
    listed = found.to_dict()
    assert len(listed["pairs"]) == data.sizes["pair"]
    assert [row["op"] for row in listed["pairs"]] == data.op.values.tolist()
    assert listed["region"] == "a[t<=3]"


def test_the_picture_has_a_panel_for_each_side() -> None:
    figure = across(load("thermostat"), "T", steps=12).plot()
    titles = [axes.get_title() for axes in figure.axes[:2]]
    assert titles[0].startswith("inside held: 66 pairs, 100 % compressed")
    assert titles[1].startswith("outside held: 66 pairs, 100 % only through A")
    cells = figure.axes[1].images[0].get_array()
    pink = np.array([0xCC, 0x79, 0xA7]) / 255  # only_path
    assert np.allclose(cells[0, -1, :3], pink, atol=0.01)
    assert np.allclose(cells[-1, 0, :3], 1.0)  # no path through A
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["only path (Op -∞)", "no path through A"]


def test_the_command_prints_both_sides(
    capsys: pytest.CaptureFixture[str], tmp_path: causalopt.model.files.Path
) -> None:
    files = ["--out", str(tmp_path / "pairs.nc"), "--plot", str(tmp_path / "pairs.png")]
    words = ["across", "thermostat", "--region", "T - T[t<=3]", "--steps", "8"]
    assert main([*words, *files]) == 0
    text = capsys.readouterr().out
    assert text.startswith("across T[t>=4] in thermostat: 5 nodes, t = 0..8")
    assert "inside held, n and m outside: 10 pairs, 100 % compressed" in text
    assert all((tmp_path / name).stat().st_size > 1000 for name in ("pairs.nc", "pairs.png"))
    assert main([*words, "--targets", "beyond(R)"]) == 2
    assert "unknown function 'beyond'" in capsys.readouterr().err
