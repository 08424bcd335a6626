from __future__ import annotations

import io
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from causalopt import Model, load, shipped
from causalopt.cli import main
from causalopt.drawing.graph.edge_looks import STATES, state_stroke
from causalopt.drawing.graph.marks import Mark, edge_state
from causalopt.drawing.graph.pictures import draw
from causalopt.drawing.graph.rendering import FORMATS
from causalopt.drawing.graph.scene import node_shapes
from causalopt.drawing.graph.shapes import Caption, Group, Outline, Scene
from causalopt.drawing.graph.svg import svg_text
from causalopt.drawing.palette import GREEN, RED
from causalopt.errors import FileError, QuestionError
from tests.drawing.graph.strategies import asked

SVG = "{http://www.w3.org/2000/svg}"


def groups(svg: str, kind: str) -> list[ET.Element]:
    return [g for g in ET.fromstring(svg).iter(f"{SVG}g") if g.get("class", "").split()[0] == kind]


def test_a_picture_is_the_same_to_the_byte_in_another_process():
    code = (
        "import hashlib; from causalopt import load;"
        "from causalopt.drawing.graph.pictures import draw;"
        "from causalopt.drawing.graph.rendering import FORMATS;"
        "drawn = draw(load('lorenz'), steps=3);"
        "print(*[hashlib.sha256(drawn.render(kind)).hexdigest() for kind in FORMATS])"
    )
    first, second = (
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout.split()
        for seed in ("1", "2")
    )
    assert first == second
    assert len(set(first)) == len(FORMATS)


@given(asked())
@settings(max_examples=25)
def test_svg_draws_each_node_once_and_says_what_it_is(question):
    model, steps, nudge, hold = question
    drawn = draw(model, steps=steps, nudge=nudge, hold=hold)
    nodes = groups(drawn.svg(), "node")
    assert {g.get("data-name") for g in nodes} == {p.text for p in drawn.layout.places.values()}
    assert len(nodes) == len(drawn.layout.places)
    words = {g.get("data-name"): g.find(f"{SVG}title").text for g in nodes}
    for node, place in drawn.layout.places.items():
        assert words[place.text].endswith(drawn.marks.of(node).words)


def test_svg_draws_an_edge_for_every_link():
    drawn = draw(load("lorenz"), steps=4)
    assert len(groups(drawn.svg(), "edge")) == len(drawn.layout.links)


def test_svg_of_part_3_is_red_where_x_differs_and_green_where_y_moves_it_back():
    svg = draw(load("thermostat"), steps=3).svg()
    colours = {
        g.get("data-name"): {path.get("stroke") for path in g.iter(f"{SVG}path")}
        for g in groups(svg, "node")
    }
    red = {name for name, strokes in colours.items() if RED in strokes}
    green = {name for name, strokes in colours.items() if GREEN in strokes}
    assert red == {"R[0]", "R[1]"}
    assert green == {"T[1]", "T[2]", "T[3]", "R[2]", "R[3]"}


def test_svg_labels_are_escaped_and_refer_to_nothing_outside():
    label = "<script>alert('x')</script> & \"quoted\" \x07"
    model = Model(name="m", title=label, variables={"a": {"initial": 1, "label": label}, "b": "a"})
    svg = draw(model).svg()
    assert "<script" not in svg
    assert "alert('x')" in "".join(ET.fromstring(svg).itertext())
    assert re.findall(r"(?:href|src|url)\W", svg) == []


def test_every_text_stays_inside_the_picture_and_off_every_other():
    for drawn in (
        draw(load("thermostat")),
        draw(load("thermostat"), steps=1),
        draw(load("lorenz"), steps=3, hold="a[t<=2]"),
        draw(Model(name="m" * 90, variables={"long" * 30: {"initial": 1}})),
    ):
        texts = [s for group in drawn.scene.groups for s in group.shapes if isinstance(s, Caption)]
        boxes = [(text.text, *extent(text)) for text in texts if text.text]
        for _, left, right, top, bottom in boxes:
            assert left >= 0
            assert right <= drawn.scene.width
            assert top >= 0
            assert bottom <= drawn.scene.height
        for (a, l1, r1, t1, b1), (b, l2, r2, t2, b2) in itertools.combinations(boxes, 2):
            apart = r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1
            assert apart, f"{a!r} runs into {b!r}"


def extent(text: Caption) -> tuple[float, float, float, float]:
    """Left, right, top and bottom of a text as FreeType measures it."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    weight = "bold" if text.bold else "normal"
    font = FontProperties(family="DejaVu Sans", weight=weight)
    box = TextPath((0, 0), text.text, size=text.size, prop=font).get_extents()
    left = text.x - {"start": 0, "middle": box.width / 2, "end": box.width}[text.anchor]
    return left, left + box.width, text.y - text.size * 0.4, text.y + text.size * 0.4


def uncoloured(shapes: list) -> str:
    """The shapes as SVG with every colour taken out, only filled or hollow kept."""
    svg = svg_text(Scene(1, 1, "", (Group("g", tuple(shapes)),)))
    svg = re.sub(r'fill="#ffffff"', 'fill="hollow"', svg)
    return re.sub(r"#[0-9a-f]{6}", "colour", svg)


def test_marks_are_told_apart_without_colour():
    kinds = {
        "B": Mark(),
        "A": Mark(in_a=True),
        "nudged": Mark(nudged=True, changed=True, differs=True),
        "changed": Mark(changed=True, differs=True),
        "moved": Mark(changed=True, moved=True, differs=True),
        "restored": Mark(changed=True, moved=True),
        "held": Mark(in_a=True, held=True),
        "held and restored": Mark(in_a=True, held=True, changed=True, moved=True),
        "changed in A": Mark(in_a=True, changed=True, differs=True),
    }
    drawn = {name: uncoloured(node_shapes(0, 0, 60, 30, mark)) for name, mark in kinds.items()}
    assert len(set(drawn.values())) == len(kinds)


def test_edges_that_the_worlds_change_are_told_apart_without_colour():
    looks = {(stroke.dash, stroke.width) for stroke in map(state_stroke, STATES)}
    assert len(looks) == len(STATES)


@pytest.mark.parametrize(
    ("source", "target", "state"),
    [
        (Mark(), Mark(), "plain"),
        (Mark(changed=True), Mark(changed=True), "changed"),
        (Mark(changed=True, moved=True), Mark(changed=True, moved=True), "moved"),
        (Mark(changed=True), Mark(held=True, changed=True, moved=True), "cut-changed"),
        (Mark(), Mark(held=True), "cut"),
    ],
)
def test_an_edge_shows_what_it_carries(source, target, state):
    assert edge_state(source, target) == state


# Linear RGB as a dichromat sees it (Vienot, Brettel and Mollon 1999).
DICHROMATS = {
    "protan": [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]],
    "deutan": [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]],
}


@pytest.mark.parametrize("kind", DICHROMATS)
def test_red_and_green_differ_to_the_colour_blind(kind):
    def seen(colour: str) -> np.ndarray:
        srgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
        return np.clip(np.array(DICHROMATS[kind]) @ linear, 0, 1) ** (1 / 2.2)

    plain = np.abs(seen("#ff0000") - seen("#808000")).max()
    assert np.abs(seen(RED) - seen(GREEN)).max() > max(0.25, 0.5 * plain)


def test_png_shows_the_same_picture_as_its_shapes():
    from PIL import Image

    drawn = draw(load("thermostat"), steps=3)
    image = np.asarray(Image.open(io.BytesIO(drawn.render("png"))).convert("RGB")).astype(int)
    assert abs(image.shape[1] / image.shape[0] - drawn.scene.width / drawn.scene.height) < 0.02
    node = next(g for g in drawn.scene.groups if g.name == "T[2]")
    fill = next(s for s in node.shapes if isinstance(s, Outline) and s.fill)
    xs = [c[1] for c in fill.commands if len(c) == 3]
    ys = [c[2] for c in fill.commands if len(c) == 3]
    scale = image.shape[1] / drawn.scene.width
    row = round((min(ys) + 2) * scale)
    column = round((min(xs) + max(xs)) / 2 * scale)
    wanted = [int(fill.fill[i : i + 2], 16) for i in (1, 3, 5)]
    assert np.abs(image[row : row + 4, column - 8 : column + 8] - wanted).sum(axis=2).min() < 12


def test_pdf_is_one_page_without_a_date():
    data = draw(load("thermostat"), steps=3).render("pdf")
    assert data.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", data)) == 1
    assert b"CreationDate" not in data


def dot_edges(text: str) -> list[tuple[str, str]]:
    return re.findall(r'^  "([^"]+)" -> "([^"]+)"', text, re.MULTILINE)


def test_dot_and_mermaid_have_the_edges_of_the_layout():
    drawn = draw(load("lorenz"), steps=3)
    text = {node: place.text for node, place in drawn.layout.places.items()}
    expected = sorted((text[link.source], text[link.target]) for link in drawn.layout.links)
    assert sorted(dot_edges(drawn.dot())) == expected
    mermaid = drawn.mermaid()
    names = {f"n{i}": place.text for i, place in enumerate(drawn.layout.places.values())}
    found = re.findall(r"^  (\w+) (?:-->|==>|-\.->) (\w+)$", mermaid, re.MULTILINE)
    assert sorted((names[a], names[b]) for a, b in found) == expected
    styled = [
        int(i) for line in re.findall(r"linkStyle ([\d,]+)", mermaid) for i in line.split(",")
    ]
    assert sorted(styled) == list(range(len(found)))


def test_dot_of_a_cut_picture_runs_through_the_gap():
    edges = dot_edges(draw(load("thermostat"), columns=12).dot())
    assert ("R[5]", "gap 0") in edges
    assert ("gap 0", "R[995]") in edges


@pytest.mark.skipif(shutil.which("neato") is None, reason="Graphviz is not installed")
def test_dot_is_read_by_graphviz_which_keeps_the_places():
    drawn = draw(load("thermostat"), steps=3)
    done = subprocess.run(
        ["neato", "-Tjson"], input=drawn.dot().encode(), capture_output=True, check=True
    )
    found = {
        item["name"]: [float(value) for value in item["pos"].split(",")]
        for item in json.loads(done.stdout)["objects"]
        if "pos" in item
    }
    places = {p.text: p for p in drawn.layout.places.values()}
    assert set(found) == set(places)
    for a, b in itertools.combinations(places, 2):
        right, up = places[b].x - places[a].x, places[a].y - places[b].y
        assert found[b][0] - found[a][0] == pytest.approx(0.75 * right, abs=0.1)
        assert found[b][1] - found[a][1] == pytest.approx(0.75 * up, abs=0.1)


def test_tikz_names_each_node_once_and_balances_its_braces():
    model = Model(name="m", title="50% & more_", variables={"e_D": {"initial": 1}, "u": "2*e_D"})
    drawn = draw(model)
    text = drawn.tikz()
    assert re.findall(r"\\node\[in .*\] \((n\d+)\)", text) == ["n0", "n1"]
    assert r"{e\_D}" in text
    assert r"50\% \& more\_" in text
    bare = re.sub(r"\\[{}]", "", text)
    assert bare.count("{") == bare.count("}")
    assert text.count(r"\draw[edge") == len(drawn.layout.links)


@pytest.mark.skipif(
    shutil.which("pdflatex") is None
    or shutil.which("kpsewhich") is None
    or subprocess.run(["kpsewhich", "tikz.sty"], capture_output=True, check=False).returncode != 0,
    reason="LaTeX with TikZ is not installed",
)
def test_tikz_is_compiled_by_latex(tmp_path):
    # The plain article class, which every LaTeX has, in place of standalone.
    text = draw(load("lorenz"), steps=3).tikz().replace("[border=6pt]{standalone}", "{article}")
    (tmp_path / "graph.tex").write_text(text)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "graph.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_shipped_model_is_drawn_in_every_text(name):
    drawn = draw(load(name))
    ET.fromstring(drawn.svg())
    assert all(drawn.render(kind) for kind in ("html", "dot", "tex", "mmd"))


def test_a_model_without_a_question_is_drawn_plain():
    model = Model(name="m", variables={"x": {"rule": "x[t-1]/2", "initial": 1}})
    drawn = draw(model)
    assert drawn.marks.nudge is None
    assert drawn.title == "m"
    assert len(drawn.layout.places) == 5


def test_plain_leaves_the_worlds_out():
    drawn = draw(load("thermostat"), steps=3, plain=True)
    assert not drawn.marks.changed.any()
    assert RED not in drawn.svg()


def test_plain_with_a_nudge_is_refused():
    with pytest.raises(QuestionError, match="a plain picture has no nudge"):
        draw(load("thermostat"), nudge="R[0]", plain=True)


def test_an_unknown_ending_is_refused(tmp_path):
    with pytest.raises(QuestionError, match="end the file in"):
        draw(load("thermostat")).save(tmp_path / "graph.gif")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(FileError, match="cannot write"):
        draw(load("thermostat"), steps=2).save(tmp_path / "absent" / "graph.svg")


def test_draw_writes_what_render_gives(tmp_path):
    for kind in FORMATS:
        file = tmp_path / f"graph.{kind}"
        drawn = draw(load("thermostat"), steps=2)
        drawn.save(file)
        assert file.read_bytes() == drawn.render(kind)


def test_the_command_draws(tmp_path, capsys):
    file = tmp_path / "graph.svg"
    words = ["draw", "thermostat", "--steps", "40", "--hold", "T[t<=9]", "--out", str(file)]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["title"] == "Continuous thermostat: n = R[0], m = R[40], A = {T[t<=9]}"
    assert found["nodes"] == len(groups(file.read_text(), "node")) == 14
    assert found["hidden"] == [[2, 7], [11, 38]]


def test_the_command_refuses_a_nudge_in_a(tmp_path, capsys):
    words = ["draw", "thermostat", "--nudge", "T[1]", "--out", str(tmp_path / "graph.svg")]
    assert main(words) == 2
    assert "the nudged node T[1] is in the held set" in capsys.readouterr().err


def test_a_notebook_shows_the_svg():
    drawn = draw(load("thermostat"), steps=2)
    assert drawn._repr_svg_() == drawn.svg()


def test_the_documentation_shows_the_picture_that_is_drawn():
    file = Path(__file__).parents[3] / "docs" / "images" / "thermostat.svg"
    assert file.read_text(encoding="utf-8") == draw(load("thermostat"), steps=6).svg()


def test_columns_have_a_limit_that_is_named(capsys, tmp_path) -> None:
    words = ["draw", "thermostat", "--steps", "100000", "--out", str(tmp_path / "b.svg")]
    assert main([*words, "--columns", "100000", "--json"]) == 2
    assert "--columns is at most 400" in json.loads(capsys.readouterr().out)["error"]["message"]
    assert not (tmp_path / "b.svg").exists()


def test_the_legend_has_every_sign_of_the_picture():
    svg = draw(load("thermostat"), steps=5).svg()
    words = " ".join(
        text.text or "" for g in groups(svg, "legend") for text in g.iter(f"{SVG}text")
    )
    for sign in ("back at W", "carries the nudge", "carries what Y moves again", "cut in Y"):
        assert sign in words


@pytest.mark.parametrize("name", ["maze", "hamming_code", "lorenz"])
def test_a_picture_of_few_steps_fits_on_a_screen_unless_more_are_asked_for(name: str):
    usual, whole = draw(load(name), steps=7), draw(load(name), steps=7, columns=8)
    width = float(ET.fromstring(usual.svg()).get("width"))
    assert width < 2400
    assert not whole.layout.gaps


def test_a_picture_s_text_is_its_title() -> None:
    assert repr(draw(load("thermostat"))) == (
        "Picture('Continuous thermostat: n = R[0], m = R[1000], A = {T}')"
    )
