"""The page in a real browser: clicks give the right worlds, nothing is logged, nothing is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from causalopt import Model, Node, load, world
from causalopt.drawing.graph.marks import marks_for
from causalopt.drawing.graph.pictures import draw
from tests.chromium import Page, chromium, executable

browser = [
    pytest.mark.browser,
    pytest.mark.skipif(executable() is None, reason="Chromium is not installed"),
]
MESH = Model(
    name="mesh",
    title="A mesh </script><b>",
    variables={
        "rain": {"initial": 1},
        "season": {"initial": 2, "label": "season of the year"},
        "sprinkler": "season + 1",
        "grass": "rain + sprinkler",
        "slip": "grass*rain + season",
    },
    partition={"A": ["sprinkler"]},
    question={"nudge": "season", "hold": "A", "target": "slip"},
)


WEIGHTS = Model(
    name="weights",
    sizes={"pixel": 3, "hidden": 2},
    variables={
        "x": {"shape": ["pixel"], "initial": [1, 2, 3]},
        "h": {"shape": ["hidden"], "rule": "W @ x"},
        "o": {"rule": "sum(h)"},
        "W": {"shape": ["hidden", "pixel"], "initial": [[2, 0, 1], [0, 0, -4]]},
    },
    partition={"A": ["h"]},
    question={"nudge": "x", "hold": "A", "target": "o"},
)


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def show(page, tmp_path):
    """Open a picture's page, and hold it in the end to what every page must keep to."""

    def opened(model: Model, **options) -> Page:
        file = tmp_path / "graph.html"
        draw(model, **options).save(file)
        page.logged.clear()
        page.thrown.clear()
        page.requested.clear()
        page.open(file)
        return page

    yield opened
    page.value("new Promise((done) => setTimeout(done, 50))")
    assert page.thrown == []
    assert page.logged == []
    assert [url for url in page.requested if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in page.requested if url.startswith("file:")]) == 1


def click_node(page: Page, model: Model, variable: str, t: int = 0) -> None:
    v = list(model.variables).index(variable)
    x, y = page.value(
        f"(() => {{ const n = causalopt.cy.nodes('.node').filter("
        f"(e) => e.data('v') === {v} && e.data('t') === {t})[0].renderedPosition();"
        "const b = document.getElementById('graph').getBoundingClientRect();"
        "return [b.x + n.x, b.y + n.y] })()"
    )
    page.click(x, y)


def choose(page: Page, mode: str) -> None:
    page.click_on(f"input[name=mode][value={mode}]")


def colours(page: Page, canvas: str, columns: int, units: list[int]) -> list[list[int]]:
    """Return the colours of cells near their upper left corners, read at one go."""
    return page.value(
        f"(() => {{ const c = document.getElementById('{canvas}'), s = Number(c.dataset.cell);"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        f"return {units}.map((i) => {{ const x = (i % {columns}) * s + 2;"
        f"const at = 4 * ((Math.floor(i / {columns}) * s + 2) * c.width + x);"
        "return Array.from(d.slice(at, at + 3)) }) })()"
    )


def click_unit(page: Page, unit: int) -> None:
    x, y = page.value(
        "(() => { const c = document.getElementById('cells'), s = Number(c.dataset.cell);"
        f"const b = c.getBoundingClientRect(); return [b.x + ({unit} + 0.5) * s, b.y + s / 2] }})()"
    )
    page.click(x, y)


def write(page: Page, field: str, text: str) -> None:
    page.value(
        f"(() => {{ const f = document.getElementById('{field}'); f.value = {json.dumps(text)};"
        "f.dispatchEvent(new Event('change')) })()"
    )


def message(page: Page) -> str:
    return page.value("document.getElementById('message').textContent")


def assert_worlds(page: Page, model: Model, *, steps: int, nudge: str, hold) -> None:
    """Compare every node with Python's marks, drawn or not, and the look of those drawn."""
    marks = marks_for(model, steps=steps, nudge=nudge, hold=hold)
    names = list(model.variables)
    found = page.value(
        f"Array.from({{length: {len(names)}}}, (_, v) => Array.from({{length: {steps + 1}}},"
        "(_, t) => causalopt.markOf(v, t)))"
    )
    looks = {
        (v, t): set(classes)
        for v, t, classes in page.value(
            "causalopt.cy.nodes('.node').map((e) => [e.data('v'), e.data('t'), e.classes()])"
        )
    }
    for v, name in enumerate(names):
        for t in range(steps + 1):
            mark = marks.of(Node(name, t))
            expected = {
                "held": mark.held,
                "partly": mark.partly,
                "x": mark.changed,
                "y": mark.differs,
                "moved": mark.moved,
                "nudged": mark.nudged,
            }
            assert {key: found[v][t][key] for key in expected} == expected, (name, t)
            if (v, t) in looks:
                assert ("green" in looks[v, t]) == mark.moved
                assert ("red" in looks[v, t]) == (mark.changed and not mark.moved)
                assert ("held" in looks[v, t]) == mark.held
                assert ("inA" in looks[v, t]) == mark.held


class TestInChromium:
    pytestmark = browser

    @pytest.mark.parametrize(
        ("model", "options"),
        [
            (load("thermostat"), {"steps": 6, "nudge": "R[0]", "hold": "T"}),
            (load("thermostat"), {"steps": 1000, "nudge": "R[2]", "hold": "T[3<=t<=500]"}),
            (
                load("lorenz").replace(method="rk4"),
                {"steps": 5, "nudge": "b[1]", "hold": "a[t<=3], c[4]"},
            ),
            (MESH, {"nudge": "season", "hold": "sprinkler"}),
        ],
    )
    def test_the_page_opens_with_the_worlds_of_the_question(self, show, model, options):
        page = show(model, **options)
        assert_worlds(page, model, **{"steps": 0, **options})

    def test_a_click_chooses_n(self, show):
        model = load("lorenz")
        page = show(model, steps=6)
        click_node(page, model, "c", 3)
        assert_worlds(page, model, steps=6, nudge="c[3]", hold="a")
        assert page.value("document.getElementById('n-variable').selectedOptions[0].text") == "c"
        assert page.value("document.getElementById('n-step').value") == "3"

    def test_a_click_chooses_a_and_a_second_one_gives_it_back(self, show):
        model = load("lorenz")
        page = show(model, steps=6, nudge="b[0]", hold="a")
        choose(page, "A")
        click_node(page, model, "c", 2)
        assert_worlds(page, model, steps=6, nudge="b[0]", hold="a, c[2]")
        click_node(page, model, "a", 4)
        assert_worlds(page, model, steps=6, nudge="b[0]", hold="a[t<=3], a[t>=5], c[2]")
        assert "c[2], without a[4]" in page.value("document.getElementById('verdict').textContent")
        click_node(page, model, "c", 2)
        click_node(page, model, "a", 4)
        assert_worlds(page, model, steps=6, nudge="b[0]", hold="a")

    def test_a_box_holds_a_variable_at_every_step(self, show):
        model = load("lorenz")
        page = show(model, steps=40, nudge="b[0]", hold="a[t<=9]")
        assert page.value("document.querySelector('input[name=lane]').indeterminate")
        page.click_on("input[name=lane][value='2']")
        assert_worlds(page, model, steps=40, nudge="b[0]", hold="a[t<=9], c")
        page.click_on("input[name=lane][value='0']")
        assert_worlds(page, model, steps=40, nudge="b[0]", hold="a, c")
        page.click_on("input[name=lane][value='2']")
        assert_worlds(page, model, steps=40, nudge="b[0]", hold="a")

    @pytest.mark.parametrize(
        ("target", "hold", "verdict"),
        [
            (("R", 4), "T", "some paths run through A and some avoid it"),
            (("R", 1), "T", "no path runs through A"),
            (("T", 3), "T", "m is in A"),
            (("T", 0), "R[3]", "n has no influence"),
            (("R", 2), "R[1]", "it is the only conduit"),
        ],
    )
    def test_a_click_chooses_m_and_the_page_says_what_it_means(self, show, target, hold, verdict):
        model = load("thermostat")
        page = show(model, steps=6, nudge="R[0]", hold=hold)
        if hold == "R[1]":
            page.click_on("input[name=lane][value='0']")
        choose(page, "m")
        click_node(page, model, *target)
        assert verdict in page.value("document.getElementById('verdict').textContent")
        look = page.value("causalopt.cy.nodes('.measured').map((e) => e.data('text'))")
        assert look == [f"{target[0]}[{target[1]}]"]

    def test_n_cannot_be_chosen_in_a_nor_a_round_n(self, show):
        model = load("thermostat")
        page = show(model, steps=6)
        click_node(page, model, "T", 2)
        assert "the nudge is made in B" in page.value(
            "document.getElementById('message').innerText"
        )
        click_node(page, model, "R", 0)
        assert message(page) == ""
        choose(page, "A")
        click_node(page, model, "R", 0)
        assert "the nudge is made in B" in page.value(
            "document.getElementById('message').innerText"
        )
        assert_worlds(page, model, steps=6, nudge="R[0]", hold="T")

    def test_worlds_go_on_and_off(self, show):
        page = show(load("thermostat"), steps=6)

        def shown(kind: str) -> list[str]:
            return page.value(f"causalopt.cy.nodes('.{kind}').map((e) => e.data('text'))")

        page.click_on("input[name=world][value=Y]")
        assert shown("green") == shown("held") == []
        assert set(shown("red")) == {"R[0]", *(f"{v}[{t}]" for v in "TR" for t in range(1, 7))}
        page.click_on("input[name=world][value=X]")
        assert shown("red") == shown("green") == shown("nudged") == []
        page.click_on("input[name=world][value=Y]")
        assert set(shown("green")) == {f"R[{t}]" for t in range(1, 7)}
        page.click_on("input[name=world][value=X]")
        page.click_on("input[name=world][value=W]")
        assert shown("faded") == ["T[0]"]

    def test_a_node_that_is_not_drawn_is_chosen_by_its_step(self, show):
        model = load("thermostat")
        page = show(model, steps=1000)
        page.value(
            "(() => { const s = document.getElementById('n-step'); s.value = 500;"
            "s.dispatchEvent(new Event('change')) })()"
        )
        assert_worlds(page, model, steps=1000, nudge="R[500]", hold="T")

    def test_a_thousand_nodes_are_drawn_in_time(self, show):
        variables = {
            f"x{i}": {"rule": f"x{i}[t-1] + x{(i + 1) % 10}[t-1]", "initial": 1} for i in range(10)
        }
        model = Model(name="ten", variables=variables, partition={"A": ["x3"]})
        page = show(model, steps=99, nudge="x1[0]", columns=100)
        assert page.value("causalopt.cy.nodes('.node').length") == 1000
        started = page.value("performance.now()")
        click_node(page, model, "x2", 0)
        assert_worlds(page, model, steps=99, nudge="x2[0]", hold="x3")
        assert page.value("performance.now()") - started < 10_000

    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("lorenz96", {"steps": 4, "nudge": "x[0, cell=20]", "hold": "x[cell=21:31]"}),
            ("lorenz96", {"steps": 9, "nudge": "x[2]", "hold": "x[4<=t<=6, cell=1:9], energy[3]"}),
            ("lorenz96", {"steps": 4, "nudge": "x[1]", "hold": "x[2, cell=0:9], x[2, cell=9:40]"}),
            ("oscillators", {"steps": 4, "nudge": "theta[0, unit=0]", "hold": "pull[1<=t<=3]"}),
            ("oscillators", {"steps": 4, "nudge": "theta[0]", "hold": "pull[t>=1, unit=3]"}),
            ("game_of_life", {"steps": 8}),
        ],
    )
    def test_a_page_of_arrays_opens_with_the_worlds_of_the_question(self, show, name, options):
        model = load(name)
        page = show(model, **options)
        asked = model.question
        question = {"nudge": asked.nudge, "hold": asked.hold, **options}
        assert_worlds(page, model, **question)

    def test_a_layer_opens_into_its_units(self, show):
        model = load("lorenz96")
        page = show(model, steps=4)
        choose(page, "open")
        click_node(page, model, "x", 2)
        assert page.value("document.getElementById('units-title').innerText") == "x[2]: cell 40"
        w = world(model, steps=4)["x"][2]
        scale = page.value("document.getElementById('units-scale').textContent")
        assert scale == f"values in W from {w.min():.4g} to {w.max():.4g}"
        marks = page.value("Array.from({length: 40}, (_, i) => causalopt.unitMark(0, 2, i).held)")
        assert marks == [21 <= i < 31 for i in range(40)]
        least, most = int(w.argmin()), int(w.argmax())
        light, middle, dark = map(sum, colours(page, "cells", 40, [least, 0, most]))
        assert light == 3 * 255 > middle > dark
        page.click_on("#close")
        assert page.value("document.getElementById('units').hidden")

    def test_a_unit_is_nudged_measured_and_held_by_a_click(self, show):
        model = load("lorenz96")
        page = show(model, steps=4)
        page.value("causalopt.openLayer(0, 1)")
        click_unit(page, 25)
        assert "made in B" in message(page)
        click_unit(page, 7)
        assert_worlds(page, model, steps=4, nudge="x[1, cell=7]", hold="x[cell=21:31]")
        choose(page, "m")
        click_unit(page, 39)
        choose(page, "A")
        click_unit(page, 7)
        assert "made in B" in message(page)
        click_unit(page, 8)
        verdict = page.value("document.getElementById('verdict').textContent")
        assert verdict.startswith(
            "n = x[1, cell=7], m = x[1, cell=39], A = {x[cell=21:31], x[1, cell=8]}: "
        )
        click_unit(page, 8)
        assert_worlds(page, model, steps=4, nudge="x[1, cell=7]", hold="x[cell=21:31]")

    def test_elements_are_chosen_by_their_text(self, show):
        model = load("reaction_diffusion")
        page = show(model, steps=3)
        write(page, "n-elements", "row=2:4, column=1")
        verdict = page.value("document.getElementById('verdict').textContent")
        assert "n = v[0, row=2:4, column=1]," in verdict
        for text, complaint in (
            ("pixel=3", '"pixel=3": write a dim and a place'),
            ("row=32", '"row=32": row goes from 0 to 31.'),
            ("row=4:4", '"row=4:4": row goes from 0 to 31.'),
        ):
            write(page, "n-elements", text)
            assert complaint in message(page)
        write(page, "n-elements", "")
        assert "n = v[0]," in page.value("document.getElementById('verdict').textContent")

    def test_a_connection_is_a_heat_map_of_its_slopes(self, show):
        page = show(WEIGHTS)
        page.value("causalopt.openLayer(1, 0)")
        options = "Array.from(document.getElementById('connection').options, (o) => o.text)"
        assert page.value(options) == ["x → h", "h → o", "W → h"]
        red, white, blue = colours(page, "weights", 3, [0, 1, 5])
        assert red[0] > max(red[1:])
        assert white == [255, 255, 255]
        assert blue[2] > max(blue[:2])
        assert "slopes from -4 to 2" in page.value(
            "document.getElementById('weights-scale').textContent"
        )

    def test_the_page_cannot_reach_out(self, page, tmp_path):
        file = tmp_path / "graph.html"
        draw(load("thermostat"), steps=2).save(file)
        page.open(file)
        answer = page.value("fetch('https://example.com/').then(() => 'out', () => 'refused')")
        assert answer == "refused"
        assert any("Content Security Policy" in text for text in page.logged)


def test_the_page_names_no_outside_address_but_in_comments():
    text = draw(load("thermostat"), steps=2).html()
    assert re.findall(r"(?:src|href)=[\"'](?!data:)", text) == []
    assert "@import" not in text
    assert text.count("<script") == 3


def test_text_of_a_model_cannot_end_the_script():
    text = draw(MESH).html()
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert json.loads(data[1])["variables"][1]["name"] == "season"
    assert "<h1>A mesh &lt;/script&gt;&lt;b&gt;</h1>" in text
    assert text.count("</script") == 3


def test_the_library_keeps_its_licence():
    text = draw(MESH).html()
    assert "The Cytoscape Consortium" in text
    assert "Permission is hereby granted" in text
