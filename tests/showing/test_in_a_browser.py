"""Every result in a page: none longer than a screen, none wider, read on white and on black."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chromium import Page, chromium, executable
from tests.showing.kinds import KINDS
from tests.showing.test_rich_results import found

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(executable() is None, reason="Chromium is not installed"),
]
SCREEN = 900  # points of height that a result takes at most, folded, of a page 1000 wide
SCRIPT = """
window.causalopt = {
  heights: () => Object.fromEntries([...document.querySelectorAll('.cell')].map(
    e => [e.dataset.kind, [e.getBoundingClientRect().height, e.scrollWidth]])),
  // Texts of less contrast with the page than 3 to 1 (WCAG 1.4.11), but for those on areas.
  faint: () => {
    const part = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => .2126 * part(r) + .7152 * part(g) + .0722 * part(b);
    const rgb = text => (text.match(/[\\d.]+/g) || [0, 0, 0]).slice(0, 3).map(Number);
    const ground = light(rgb(getComputedStyle(document.body).backgroundColor));
    return [...document.querySelectorAll('.cell text, .cell td, .cell div, .cell mi')]
      .filter(e => e.textContent.trim() && !e.querySelector('*'))
      // Text on an area of colour keeps its black, or its white.
      .filter(e => !['rgb(0, 0, 0)', 'rgb(254, 254, 254)'].includes(getComputedStyle(e).fill)
        || !e.closest('svg'))
      .filter(e => {
        const style = getComputedStyle(e);
        const ink = light(rgb(e.closest('svg') ? style.fill : style.color));
        return (Math.max(ink, ground) + .05) / (Math.min(ink, ground) + .05) < 3;
      })
      .map(e => e.closest('.cell').dataset.kind + ': ' + e.textContent.trim());
  },
};
"""


@pytest.fixture(scope="module", params=["#ffffff #1a1a1a", "#111111 #dddddd"])
def page(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    """A page of one ground and ink with every kind of result."""
    ground, ink = request.param.split()
    cells = "".join(
        f"<div class=cell data-kind={kind}>{found(kind)._repr_html_()}</div>" for kind in KINDS
    )
    folder: Path = tmp_path_factory.mktemp("results")
    file = folder / "page.html"
    style = f"background:{ground};color:{ink};font:14px system-ui;width:1000px"
    file.write_text(f"<meta charset=utf-8><body style='{style}'>{cells}<script>{SCRIPT}</script>")
    with chromium(folder / "profile") as opened:
        opened.open(file)
        yield opened


def test_none_is_longer_than_a_screen_or_wider_than_its_place(page: Page) -> None:
    heights = page.value("causalopt.heights()")
    assert set(heights) == set(KINDS)
    long = {kind: size for kind, size in heights.items() if size[0] > SCREEN or size[1] > 1000}
    assert long == {}


def test_every_text_can_be_read_on_this_ground(page: Page) -> None:
    assert page.value("causalopt.faint()") == []


def test_the_page_asks_for_nothing_and_nothing_fails_in_it(page: Page) -> None:
    assert [url for url in page.requested if not url.startswith(("file:", "data:"))] == []
    assert page.thrown == []
