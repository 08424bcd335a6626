"""The two pages that say what is where: the code map of CONTRIBUTING.md, the imports of design.md.

`python -m tools.code_map` writes both anew from the tree and prints the counts of the imports.
"""

from __future__ import annotations

import re

import networkx as nx

from tools.rooms import PACKAGE, ROOMS, ROOT, between_rooms, circles, imports, upward

MAP_PAGE = ROOT / "CONTRIBUTING.md"
IMPORTS_PAGE = ROOT / "docs" / "design.md"
UNTOLD = "(say here what belongs in it)"


def folders() -> dict[str, list[str]]:
    """Return folder -> the stems of its files, rooms in order, inner folders after theirs."""
    found: dict[str, list[str]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        home = file.parent.relative_to(PACKAGE).as_posix()
        found.setdefault("" if home == "." else home, []).append(file.stem)
    rank = {name: index for index, name in enumerate(["", *ROOMS])}
    ordered = sorted(found, key=lambda home: (rank.get(home.split("/")[0], len(rank)), home))
    return {home: found[home] for home in ordered}


def rows(page: str) -> dict[str, tuple[str, list[str]]]:
    """Return folder -> (what belongs there, the stems of its files), as a page has it."""
    found = re.findall(r"^\| `causalopt/([\w/]*?)/?` \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    return {home: (purpose, re.findall(r"`(\w+)`", files)) for home, purpose, files in found}


def code_map(page: str) -> str:
    """Return the map of the tree as it is, with what the page says belongs in each folder."""
    told = rows(page)
    lines = ["| folder | what belongs there | files |", "|---|---|---|"]
    for home, stems in folders().items():
        purpose = told[home][0] if home in told else UNTOLD
        files = " ".join(f"`{stem}`" for stem in stems if home == "" or stem != "__init__")
        lines.append(f"| `causalopt/{home}{'/' if home else ''}` | {purpose} | {files} |")
    return "\n".join(lines)


def drawing() -> str:
    """Return the imports between rooms: a diagram of the arrows that no other path implies."""
    pairs = between_rooms(imports())
    arrows = nx.transitive_reduction(nx.DiGraph(pairs.keys())).edges
    shown = sorted(arrows, key=lambda pair: (-ROOMS.index(pair[0]), -ROOMS.index(pair[1])))
    lines = [f"    {name(above)} --> {name(below)}" for above, below in shown]
    return "\n".join(["```mermaid", "flowchart TB", *lines, "```"])


def name(room: str) -> str:
    """Return a room's name as a diagram takes it."""
    return f'main["{room}"]' if room == "__main__" else room


def table() -> str:
    """Return which room imports which; below the diagonal is downwards."""
    pairs = between_rooms(imports())
    wide = max(map(len, ROOMS))
    lines = []
    for above in ROOMS:
        marks = [
            "=" if below == above else "x" if (above, below) in pairs else "." for below in ROOMS
        ]
        lines.append(f"{above:>{wide}} {' '.join(marks)}")
    return "\n".join(["```text", *lines, "```"])


def zeros() -> str:
    """Return the counts that must stay 0."""
    pairs = imports()
    return f"{len(upward(pairs))} imports upwards, {len(circles(pairs))} circles"


def between(page: str, mark: str, text: str) -> str:
    """Return a page with the text between a mark and its end renewed."""
    start, end = f"<!-- {mark}: written by `make map` -->", f"<!-- end of {mark} -->"
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"the page has no place marked {start}")
    return pattern.sub(lambda _: f"{start}\n{text}\n{end}", page)


def written_map(page: str) -> str:
    """Return CONTRIBUTING.md as it should read."""
    return between(page, "map", code_map(page))


def written_imports(page: str) -> str:
    """Return docs/design.md as it should read."""
    return between(page, "imports", f"{drawing()}\n\n{table()}\n\n{zeros()}.")


def main() -> None:
    """Write both pages."""
    MAP_PAGE.write_text(written_map(MAP_PAGE.read_text()))
    IMPORTS_PAGE.write_text(written_imports(IMPORTS_PAGE.read_text()))
    print(f"{len(set(imports()))} imports between modules, {zeros()}")


if __name__ == "__main__":
    main()
