"""HTML of a result's parts; every text is escaped, and every colour is the page's own.

Lines and bands are a grey that is half transparent, so that they show on light and dark pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from causalopt.display.summary import Summary
from causalopt.display.table import Table, is_number

_RULE = "1px solid rgba(128,128,128,.4)"
_CELL = "padding:.1em .6em;border:none"
_WIDEST = 80  # characters of a cell
_MOST_COLUMNS = 12


def block(summary: Summary, picture: str, details: Iterable[str]) -> str:
    """Return a result as HTML: heading, lines, tables beside the picture, folded details."""
    tables = "".join(map(table_html, summary.tables))
    lines = "".join(f"<div>{_text(line)}</div>" for line in summary.lines)
    left = f'<div style="flex:0 1 auto;overflow-x:auto">{tables}</div>' if tables else ""
    right = (
        f'<div style="flex:1 1 28em;min-width:min(100%,24em)">{picture}</div>' if picture else ""
    )
    side = (
        '<div style="display:flex;flex-wrap:wrap;gap:1.2em;align-items:flex-start;'
        f'margin:.5em 0">{left}{right}</div>'
        if left or right
        else ""
    )
    return (
        '<div class="causalopt tex2jax_ignore mathjax_ignore" '
        'style="color:inherit;background:transparent;max-width:72em">'
        f'<div style="font-weight:600;margin-bottom:.3em">{_text(summary.heading)}</div>'
        f"{lines}{side}{''.join(details)}</div>"
    )


def table_html(table: Table) -> str:
    """Return a table as HTML, columns of numbers to the right."""
    shown = range(min(len(table.header), _MOST_COLUMNS))
    right = [all(is_number(row[k]) for row in table.rows) for k in shown]
    head = "".join(_cell("th", table.header[k], is_right=right[k]) for k in shown)
    body = "".join(
        "<tr>" + "".join(_cell("td", row[k], is_right=right[k]) for k in shown) + "</tr>"
        for row in table.rows
    )
    left = len(table.header) - len(shown)
    more = [*([table.more] if table.more else []), *([f"and {left} more columns"] if left else [])]
    title = f'<div style="margin:.3em 0">{_text(table.title)}</div>' if table.title else ""
    return (
        f'{title}<table style="border-collapse:collapse;font-size:90%;background:transparent">'
        f'<thead><tr style="border-bottom:{_RULE}">{head}</tr></thead><tbody>{body}</tbody></table>'
        + "".join(f'<div style="opacity:.75">{_text(text)}</div>' for text in more)
    )


def folded(title: str, body: str) -> str:
    """Return what is read when it is opened."""
    return (
        f'<details><summary style="cursor:pointer">{_text(title)}</summary>'
        f'<div style="max-height:20em;overflow:auto;padding-left:1em">{body}</div></details>'
    )


def pairs(rows: Mapping[str, str]) -> str:
    """Return names with their values, as a table of two columns."""
    body = "".join(
        f'<tr><th style="{_CELL};text-align:left;font-weight:500">{_text(name)}</th>'
        f'<td style="{_CELL};text-align:left">{_text(value)}</td></tr>'
        for name, value in rows.items()
    )
    return f'<table style="border-collapse:collapse;font-size:90%"><tbody>{body}</tbody></table>'


def fixed(text: str) -> str:
    """Return a text in letters of one width, as it is."""
    return f'<pre style="background:transparent;color:inherit;margin:0">{escape(text)}</pre>'


def remark(text: str) -> str:
    """Return a sentence that stands back."""
    return f'<div style="opacity:.75;font-style:italic">{_text(text)}</div>'


def _cell(kind: str, text: str, *, is_right: bool) -> str:
    shown = text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
    align = "right;white-space:nowrap" if is_right else "left"  # 1e-11 is one word
    return f'<{kind} style="{_CELL};text-align:{align}">{_text(shown)}</{kind}>'


def _text(text: str) -> str:
    """Return a text that is no markup."""
    return escape(text)


def wide(body: str) -> str:
    """Return what may be wider than the page, and is then moved in its place."""
    return f'<div style="overflow-x:auto;margin:.4em 0">{body}</div>'
