"""The page: every figure and every check on one HTML page that asks nothing of any network."""

from __future__ import annotations

import html
from collections import Counter
from typing import TYPE_CHECKING

from causalopt.posts.series import POSTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from causalopt.posts.check import Check, Value
    from causalopt.posts.sheet import Findings, Plate

STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 62rem; padding: 1rem; color: #1a1a1a; background: #fff;
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { line-height: 1.2; } h2 { margin-top: 3rem; border-bottom: 2px solid #1a1a1a; }
h3 { margin-top: 2rem; }
nav ul { columns: 18rem; padding-left: 1.2rem; }
.figures { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; flex: 1 1 26rem; max-width: 100%; border: 1px solid #ddd; padding: .5rem;
  box-sizing: border-box; }
figure.wide { flex-basis: 100%; }
figure img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
figcaption { font-size: .9rem; color: #444; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .5rem; border-top: 1px solid #ddd; }
thead th { border-top: 0; border-bottom: 2px solid #1a1a1a; }
.id { display: block; font: .78rem/1.3 ui-monospace, monospace; color: #555;
  overflow-wrap: anywhere; }
td:first-child { min-width: 11rem; }
.verdict { white-space: nowrap; font-weight: 600; }
.differs { background: #fdf0e6; }
.differs .verdict { color: #9a3f00; } .agrees .verdict { color: #00664a; }
.value { font-variant-numeric: tabular-nums; }
@media (max-width: 40rem) {
  thead { position: absolute; left: -999rem; }
  table, tbody, tr, td { display: block; } tr { border-top: 2px solid #aaa; padding: .4rem 0; }
  td { border: 0; padding: .1rem .5rem; }
  td[data-name]::before { content: attr(data-name) ": "; color: #555; }
}
"""


def page(findings: Sequence[Findings]) -> str:
    """Return the page.

    Args:
        findings: By piece, in the order of the posts.

    Returns:
        HTML with its style and pictures inside; no script, no address that is not its own.
    """
    checks = [check for found in findings for check in found.checks]
    figures = sum(len(found.plates) for found in findings)
    body = [_summary(checks, figures), _contents(findings)]
    body.append(_differences(checks))
    for post in POSTS.values():
        mine = [found for found in findings if found.piece.partition("/")[0] == post.id]
        if mine:
            body.append(f'<h2 id="{post.id}">{_text(post.title)}</h2>')
            body.append(f"<p>{_text(post.intro)}</p>" if post.intro else "")
            body += [_section(found) for found in mine]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>The posts, reproduced</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(filter(None, body))
        + "\n</body>\n</html>\n"
    )


def _summary(checks: Sequence[Check], figures: int) -> str:
    counts = Counter(check.word for check in checks)
    return (
        "<h1>The posts, reproduced</h1>\n"
        "<p>What the posts on stochastic gradient descent, on knowledge in networks and on "
        "defining optimization claim, beside what causalopt computes, and their figures redrawn. "
        f"<strong>{len(checks)} checks</strong>: ✓ {counts['agrees']} agree, "
        f"≠ {counts['differs']} differ, each with the reason; "
        f"<strong>{figures} figures</strong>. A printed number agrees when ours rounds to it.</p>"
    )


def _contents(findings: Sequence[Findings]) -> str:
    items = []
    for post in POSTS.values():
        mine = [found for found in findings if found.piece.startswith(f"{post.id}/")]
        links = "".join(
            f'<li><a href="#{_anchor(found.piece)}">{_text(found.title)}</a></li>' for found in mine
        )
        if mine:
            items.append(f'<li><a href="#{post.id}">{_text(post.title)}</a><ul>{links}</ul></li>')
    return f"<nav><ul>{''.join(items)}</ul></nav>"


def _differences(checks: Sequence[Check]) -> str:
    """Return the list of what differs, with links to the rows."""
    rows = [
        f'<li><a href="#{_anchor(check.id)}">{_text(check.id)}</a>: {_text(check.note)}</li>'
        for check in checks
        if not check.agrees
    ]
    return f"<h2>≠ What differs</h2>\n<ul>{''.join(rows)}</ul>" if rows else ""


def _section(found: Findings) -> str:
    figures = "".join(map(_figure, found.plates))
    return (
        f'<h3 id="{_anchor(found.piece)}">{_text(found.title)}</h3>\n'
        + (f'<div class="figures">{figures}</div>\n' if figures else "")
        + _table(found.checks)
    )


def _figure(plate: Plate) -> str:
    wide = ' class="wide"' if plate.wide else ""
    return (
        f'<figure id="{_anchor(plate.id)}"{wide}>'
        f'<img src="{plate.address}" alt="{_text(plate.title)}">'
        f"<figcaption><strong>{_text(plate.title)}</strong> {_text(plate.caption)}</figcaption>"
        "</figure>"
    )


def _table(checks: Sequence[Check]) -> str:
    if not checks:
        return ""
    rows = "\n".join(map(_row, checks))
    return (
        "<table><thead><tr><th>claim</th><th>the post</th><th>computed</th><th></th>"
        f"<th>note</th></tr></thead><tbody>\n{rows}\n</tbody></table>"
    )


def _row(check: Check) -> str:
    return (
        f'<tr class="{check.word}" id="{_anchor(check.id)}">'
        f"<td>{_text(check.source.rpartition(': ')[2])}"
        f'<span class="id">{_text(check.id)}</span></td>'
        f'<td class="value" data-name="the post">{_value(check.claimed)}</td>'
        f'<td class="value" data-name="computed">{_value(check.computed)}</td>'
        f'<td class="verdict">{check.symbol} {check.word}</td>'
        f"<td>{_text(check.note)}</td></tr>"
    )


def _value(value: Value) -> str:
    return _text(f"{value:.8g}" if isinstance(value, float) else str(value))


def _text(text: str) -> str:
    return html.escape(text, quote=True)


def _anchor(name: str) -> str:
    return name.replace("/", "-")
