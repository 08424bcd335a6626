from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from causalopt.posts.page import page
from causalopt.posts.sheet import Sheet


class Reader(HTMLParser):
    """Collects tags, ids and addresses, and refuses what is left open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "href"):
                self.addresses.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def written() -> str:
    sheet = Sheet("part3/thermostat", "Part 3", "A <thermostat> & more")
    part = sheet.under("Opening")
    part.number("good", "1.6", 1.58)
    part.number("bad", "1.6", 2.58, "a slip, 1 < 2")
    sheet.picture("p", "A picture", "<svg xmlns='x'/>", "of nothing")
    return page([sheet.findings()])


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader


def test_a_page_is_well_formed_and_its_links_lead_somewhere() -> None:
    reader = read(written())
    assert len(reader.ids) == len(set(reader.ids))
    inside = [address[1:] for address in reader.addresses if address.startswith("#")]
    assert inside
    assert set(inside) <= set(reader.ids)


def test_a_page_asks_nothing_of_any_network() -> None:
    text = written()
    reader = read(text)
    assert "script" not in reader.tags
    assert all(address.startswith(("#", "data:")) for address in reader.addresses)
    assert not re.search(r"https?://|@import|url\(", text)


def test_what_is_written_is_escaped_and_verdicts_stand_in_words() -> None:
    text = written()
    assert "A &lt;thermostat&gt; &amp; more" in text
    assert "a slip, 1 &lt; 2" in text
    assert "✓ agrees" in text
    assert "≠ differs" in text
    assert '<meta name="viewport"' in text


def test_a_page_names_no_folder_of_this_machine() -> None:
    assert str(Path.home()) not in written()
