"""Currents on a graph: widths, colours and numbers read back from the pictures."""

from __future__ import annotations

import itertools
import json
import math
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from causalopt import Model, Node, currents, draw, load
from causalopt.drawing.graph.rendering import FORMATS
from causalopt.drawing.graph.shapes import Caption
from causalopt.drawing.influence.diagram import THINNEST
from causalopt.drawing.influence.folded_diagram import WIDEST as WIDEST_FOLDED
from causalopt.drawing.influence.unrolled_diagram import WIDEST
from causalopt.drawing.palette import BLUE, FAINT, RED
from causalopt.errors import QuestionError
from tests.drawing.graph.test_pictures import SVG, extent, groups
from tests.influence.test_currents import LAGGED, path_sums

LORENZ = {"nudge": "b[0]", "target": "c"}


def lines(svg: str, kind: str = "edge") -> dict[str, list[ET.Element]]:
    """Return each edge's lines by its name, its arrow's head left out."""
    return {
        g.get("data-name"): [p for p in g.iter(f"{SVG}path") if p.get("stroke")]
        for g in groups(svg, kind)
    }


def width(line: ET.Element) -> float:
    return float(line.get("stroke-width"))


def edge_shares(found, model, steps):
    """Return "u[t] -> v[s]" -> its current over the total effect, by a sum over all paths."""
    sums = path_sums(found, model, steps)
    total = sums[found.target, steps]
    text = lambda place: model.node_text(Node(*place))  # noqa: E731
    return {
        f"{text(edge[0])} -> {text(edge[1])}": size / total
        for edge, size in sums.items()
        if isinstance(edge[0], tuple)
    }


@pytest.mark.parametrize(
    ("model", "question", "steps"),
    [
        (load("lorenz"), LORENZ, 5),
        (load("maze"), {}, 6),
        (LAGGED, {"nudge": "u[0]", "target": "w"}, 6),
    ],
    ids=["lorenz", "maze", "lagged"],
)
def test_edges_are_as_wide_as_their_currents_and_coloured_by_their_signs(model, question, steps):
    found = currents(model, steps=steps, **question)
    expected = edge_shares(found, model, steps)
    largest = max(abs(share) for share in expected.values())
    drawn = lines(draw(found, columns=steps + 1).svg())
    seen = set()
    for name, strokes in drawn.items():
        share = expected.get(name, 0.0)
        (line,) = strokes
        if abs(share) < 1e-12 * largest:
            assert line.get("stroke") == FAINT
            continue
        seen.add(name)
        assert line.get("stroke") == (RED if share > 0 else BLUE)
        assert width(line) == pytest.approx(max(WIDEST * abs(share) / largest, THINNEST), abs=0.006)
    assert seen == {name for name, share in expected.items() if abs(share) > 1e-12 * largest}


def test_a_sign_is_told_without_colour():
    drawn = lines(draw(currents(load("maze")), columns=8).svg())
    (against,), (along,) = drawn["pos[4] -> pos[5]"], drawn["D[4] -> D[5]"]
    assert against.get("stroke-dasharray")
    assert along.get("stroke-dasharray") is None


def test_the_legend_has_the_scale_of_widths():
    found = currents(load("lorenz"), **LORENZ, steps=5)
    expected = edge_shares(found, load("lorenz"), 5)
    scale = WIDEST / max(map(abs, expected.values()))
    told = {}
    for group in groups(draw(found).svg(), "legend"):
        words = "".join(text.text or "" for text in group.iter(f"{SVG}text"))
        if re.match(r"[\d.e-]+( ×.*)?$", words):
            (line,) = [p for p in group.iter(f"{SVG}path") if p.get("stroke")]
            told[float(words.split()[0])] = width(line)
    assert len(told) == 3
    for size, wide in told.items():
        assert wide == pytest.approx(scale * size, abs=0.006)


def test_nodes_say_their_shares_and_n_and_m_are_marked():
    found = currents(load("maze"))
    texts = {
        g.get("data-name"): [t.text for t in g.iter(f"{SVG}text")]
        for g in groups(draw(found, columns=8).svg(), "node")
    }
    assert texts["pos[4]"] == ["pos[4]", "-3.16"]
    assert texts["D[0]"] == ["D[0]", "1", "n"]
    assert texts["e_D[6]"] == ["e_D[6]", "1", "m"]
    assert texts["e_D[2]"] == ["e_D[2]"]


def test_a_gap_carries_what_lies_in_it():
    found = currents(load("thermostat"), steps=1000)
    picture = draw(found, columns=12)
    into = [e for e in picture.diagram.edges if e.target is None and e.source == "R[5]"]
    k = found.variables.index("R")
    assert sum(e.positive + e.negative for e in into) == pytest.approx(found.share[5, k])


def test_long_lags_into_one_place_of_a_gap_are_summed():
    model = Model(
        name="m",
        variables={"x": {"rule": "0.9*x[t-1] + 0.3*x[t-2] - 0.2*x[t-3]", "initial": [1, 1, 1]}},
    )
    found = currents(model, nudge="x[2]", target="x", steps=60)
    share = {e: found.edge_share[:, i] for i, (_, _, e) in enumerate(found.edges.edges)}
    picture = draw(found)
    last = picture.diagram.layout.gaps[0].first - 1
    (into,) = [e for e in picture.diagram.edges if e.source == f"x[{last}]" and e.target is None]
    sizes = [share[lag][last + lag] for lag in (1, 2, 3)]
    assert into.positive == pytest.approx(sum(s for s in sizes if s > 0))
    assert into.negative == pytest.approx(sum(s for s in sizes if s < 0))
    assert into.positive > 0 > into.negative
    assert [s.value for s in picture.diagram.strands(into)] == [into.positive, into.negative]


class TestFolded:
    def test_strands_are_the_means_over_time_of_either_sign(self):
        model = load("lorenz")
        found = currents(model, **LORENZ, steps=7)
        by_edge: dict[str, list[float]] = {}
        for name, share in edge_shares(found, model, 7).items():
            ends = re.sub(r"\[\d+\]", "", name)
            by_edge.setdefault(ends, []).append(share)
        parts = {
            name: (sum(s for s in v if s > 0) / 7, -sum(s for s in v if s < 0) / 7)
            for name, v in by_edge.items()
        }
        largest = max(sum(pair) for pair in parts.values())
        drawn = lines(draw(found, folded=True).svg())
        assert set(drawn) == set(parts)
        for name, (gain, loss) in parts.items():
            expected = [(RED, gain), (BLUE, loss)]
            expected = [(colour, size) for colour, size in expected if size > 1e-15]
            assert [line.get("stroke") for line in drawn[name]] == [c for c, _ in expected]
            for line, (_, size) in zip(drawn[name], expected, strict=True):
                wide = WIDEST_FOLDED * size / largest
                assert width(line) == pytest.approx(max(wide, THINNEST), abs=0.006)

    def test_opposite_signs_lie_side_by_side(self):
        found = currents(load("lorenz"), **LORENZ, steps=300)
        diagram = draw(found, folded=True).diagram
        for edge in diagram.edges:
            strands = diagram.strands(edge)
            if len(strands) == 2:
                apart = math.dist(strands[0].curve[0], strands[1].curve[0])
                assert apart == pytest.approx(diagram.scale.width(edge.size) / 2)

    def test_words_have_the_sums(self):
        picture = draw(currents(load("thermostat"), steps=3), folded=True)
        words = {
            g.get("data-name"): g.find(f"{SVG}title").text for g in groups(picture.svg(), "edge")
        }
        # By hand: (3 - 0.02)/0.98 and -0.02/0.98.
        assert "summed over 3 steps 3.04 and 0," in words["R -> R"]
        assert "summed over 3 steps 0 and -0.0204," in words["R -> T"]

    def test_nodes_stand_apart_and_none_is_left_out(self):
        for name, question in (("maze", {}), ("lorenz", LORENZ), ("optimal_transport_1d", {})):
            found = currents(load(name), steps=6, **question)
            diagram = draw(found, folded=True).diagram
            assert {n.name for n in diagram.nodes} == set(found.nodes.names)
            for a, b in itertools.combinations(diagram.nodes, 2):
                wide = abs(a.x - b.x) >= diagram.node_width
                assert wide or abs(a.y - b.y) >= diagram.node_height

    def test_columns_have_no_meaning(self):
        with pytest.raises(QuestionError, match="no columns"):
            draw(currents(load("thermostat"), steps=3), folded=True, columns=5)


def pictures():
    maze, lorenz = currents(load("maze")), currents(load("lorenz"), **LORENZ, steps=6)
    thermostat = currents(load("thermostat"), steps=1000)
    static = currents(load("hamming_code")) if load("hamming_code").is_static else lorenz
    for found, folded in itertools.product((maze, lorenz, thermostat, static), (False, True)):
        yield draw(found, folded=folded)


def test_every_text_stays_inside_the_picture_and_off_every_other():
    for drawn in pictures():
        texts = [s for group in drawn.scene.groups for s in group.shapes if isinstance(s, Caption)]
        boxes = [(text.text, *extent(text)) for text in texts if text.text]
        for text, left, right, top, bottom in boxes:
            assert left >= 0, (drawn.title, text)
            assert right <= drawn.scene.width, (drawn.title, text)
            assert top >= 0
            assert bottom <= drawn.scene.height, (drawn.title, text)
        for (a, l1, r1, t1, b1), (b, l2, r2, t2, b2) in itertools.combinations(boxes, 2):
            apart = r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1
            assert apart, f"{drawn.title}: {a!r} runs into {b!r}"


@pytest.mark.parametrize("folded", [False, True])
def test_every_format_is_written(tmp_path, folded):
    drawn = draw(currents(load("lorenz"), **LORENZ, steps=4), folded=folded)
    for kind in FORMATS:
        file = tmp_path / f"flow.{kind}"
        drawn.save(file)
        assert file.read_bytes() == drawn.render(kind)
    ET.fromstring(drawn.svg())
    assert drawn._repr_svg_() == drawn.svg()


def numbers_of(diagram) -> list[tuple[str, float]]:
    """Return the colour and width of every line, in the order of the edges."""
    return [
        (strand.stroke.colour, strand.stroke.width)
        for edge in diagram.edges
        for strand in diagram.strands(edge)
    ]


def largest_text(drawn) -> str:
    largest = max(edge.positive - edge.negative for edge in drawn.diagram.edges)
    return f"{largest:.3g}"


@pytest.mark.parametrize("folded", [False, True])
def test_dot_tikz_and_mermaid_have_the_same_widths_and_colours(folded):
    drawn = draw(currents(load("lorenz"), **LORENZ, steps=6), folded=folded)
    expected = numbers_of(drawn.diagram)
    dot = re.findall(r'-> .*\[color="(#\w+)", penwidth=([\d.]+)', drawn.dot())
    assert [(c, float(w) / 0.75) for c, w in dot] == [
        (c, pytest.approx(w, abs=0.01)) for c, w in expected
    ]
    names = {"coRed": RED, "coBlue": BLUE, "coFaint": FAINT}
    tikz = re.findall(r"\\draw\[-.*draw=(\w+), line width=([\d.]+)bp", drawn.tikz())
    assert [(names[c], float(w) / 0.75) for c, w in tikz] == [
        (c, pytest.approx(w, abs=0.01)) for c, w in expected
    ]
    mermaid = re.findall(r"linkStyle \d+ stroke:(#\w+),stroke-width:([\d.]+)px", drawn.mermaid())
    assert [(c, float(w)) for c, w in mermaid] == [
        (c, pytest.approx(w, abs=0.006)) for c, w in expected
    ]
    key = f"the widest line is {largest_text(drawn)} × the total effect"
    assert key in drawn.dot()
    assert key in drawn.mermaid()
    assert key.replace("×", r"$\times$") in drawn.tikz()
    arrows = re.findall(r"^  (\w+) -->(?:\|.*\|)? (\w+)$", drawn.mermaid(), re.MULTILINE)
    assert len(arrows) == len(expected)


def test_the_page_has_numbers_and_paths_and_asks_nobody():
    html = draw(currents(load("maze"))).html()
    assert "default-src &#x27;none&#x27;" in html
    assert "<td>D[5] -&gt; D[6]</td>" in html
    assert '<td>D[0..6] -&gt; e_D[6]</td><td class="number">1</td>' in html
    assert re.findall(r"(?:src|url)\s*[=(]", html) == []


@pytest.mark.skipif(shutil.which("neato") is None, reason="Graphviz is not installed")
def test_dot_is_read_by_graphviz():
    for drawn in pictures():
        done = subprocess.run(
            ["neato", "-Tjson"], input=drawn.dot().encode(), capture_output=True, check=True
        )
        names = {item["name"] for item in json.loads(done.stdout)["objects"]}
        assert {node.name for node in drawn.diagram.nodes} <= names


@pytest.mark.skipif(
    shutil.which("pdflatex") is None
    or shutil.which("kpsewhich") is None
    or subprocess.run(["kpsewhich", "tikz.sty"], capture_output=True, check=False).returncode != 0,
    reason="LaTeX with TikZ is not installed",
)
@pytest.mark.parametrize("folded", [False, True])
def test_tikz_is_compiled_by_latex(tmp_path, folded):
    drawn = draw(currents(load("lorenz"), **LORENZ, steps=4), folded=folded)
    text = drawn.tikz().replace("[border=6pt]{standalone}", "{article}")
    (tmp_path / "graph.tex").write_text(text)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "graph.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_what_is_in_doubt_is_dotted_and_hatched():
    model = load("thermostat_saturating")
    found = currents(model, steps=500)
    picture = draw(found, columns=12)
    doubted = [node for node in picture.diagram.nodes if node.doubted]
    shown = {node.name for node in picture.diagram.nodes}
    kinks = {
        f"{found.variables[k]}[{t}]"
        for t, k in np.argwhere(np.isin(found.status, ["kink", "unresolved"]))
    }
    assert {node.name for node in doubted} == kinks & shown
    folded = draw(found, folded=True).diagram
    weights = np.abs(found.edge_share)
    for e, edge in enumerate(folded.edges):
        part = weights[np.isin(found.edge_status[:, e], ["kink", "unresolved"]), e].sum()
        assert edge.doubted == (part > 0.01 * weights[:, e].sum())


def test_where_nothing_arrives_the_picture_says_so():
    model = Model(name="m", variables={"n": {"initial": 1}, "k": "2*n", "m": {"initial": 2}})
    svg = draw(currents(model, nudge="n", target="m")).svg()
    assert {line.get("stroke") for strokes in lines(svg).values() for line in strokes} == {FAINT}
    assert "total effect 0" in svg


def test_currents_through_arrays_are_drawn():
    ring = currents(load("lorenz96"), nudge="x[0, cell=20]", target="x[cell=24]", steps=4, hold=[])
    drawn = lines(draw(ring).svg())
    (line,) = drawn["x[1] -> x[2]"]
    assert (line.get("stroke"), width(line)) == (RED, pytest.approx(WIDEST, abs=0.006))
    (away,) = drawn["x[1] -> energy[1]"]
    assert away.get("stroke") == FAINT
    assert "mean of 4 steps" in draw(ring, folded=True).svg()


def test_questions_of_currents_are_asked_of_currents():
    found = currents(load("thermostat"), steps=3)
    for given in ({"steps": 3}, {"nudge": "R[0]"}, {"hold": "T"}, {"plain": True}):
        with pytest.raises(QuestionError, match="give nudge, hold, target and steps to `currents`"):
            draw(found, **given)
    with pytest.raises(QuestionError, match="what is folded are currents"):
        draw(load("thermostat"), folded=True)


def test_the_documentation_shows_the_pictures_that_are_drawn():
    images = Path(__file__).parents[3] / "docs" / "images"
    solver = draw(currents(load("solver"))).svg()
    assert (images / "currents-solver.svg").read_text(encoding="utf-8") == solver
    folded = draw(currents(load("thermostat"), steps=300), folded=True).svg()
    assert (images / "currents-thermostat.svg").read_text(encoding="utf-8") == folded
