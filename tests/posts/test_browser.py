"""The page in a real browser: nothing is logged, nothing asked for, and a phone can show it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from causalopt.cli import main
from tests.chromium import PATIENCE, Page, chromium, executable

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(executable() is None, reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("page")
    assert main(["reproduce", "--out", str(folder), "--only", "part1", "--only", "part3"]) == 0
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        show(page, folder / "index.html")
        yield page


def show(page: Page, file: Path) -> None:
    page.send("Page.navigate", url=file.as_uri())
    end = time.monotonic() + PATIENCE
    while not page.value("document.readyState === 'complete' && document.images.length > 0"):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_every_picture_loads_from_the_page_itself(opened: Page) -> None:
    count = opened.value("document.images.length")
    assert count > 10
    assert opened.value("[...document.images].filter((i) => i.naturalWidth > 0).length") == count
    outside = [url for url in opened.requested if not url.startswith(("file:", "data:"))]
    assert outside == []
    assert opened.logged == []
    assert opened.thrown == []


@pytest.mark.parametrize("width", [360, 800, 1400])
def test_nothing_runs_over_the_edge(opened: Page, width: int) -> None:
    opened.send(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=800,
        deviceScaleFactor=1,
        mobile=False,
    )
    assert opened.value("document.documentElement.scrollWidth") <= width


def test_a_verdict_is_drawn_in_its_own_colour(opened: Page) -> None:
    def colours(word: str) -> list[str]:
        found = f"[...document.querySelectorAll('tr.{word} .verdict')]"
        return opened.value(f"{found}.map((cell) => getComputedStyle(cell).color)")

    assert set(colours("differs")) == {"rgb(154, 63, 0)"}
    assert set(colours("agrees")) == {"rgb(0, 102, 74)"}
