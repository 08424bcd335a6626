"""The rich form of every result: heading, sentences, tables, picture, folded details."""

from __future__ import annotations

from typing import Any

import numpy as np

from causalopt import results
from causalopt.display.html_blocks import block, folded, pairs, remark
from causalopt.display.summary import Summary, summary_of
from causalopt.effects.measures import STATUSES
from causalopt.errors import MissingPackageError
from causalopt.results import Displayed, NotOfferedError, Tabled, picture, rich, summary

_MOST_LINES = 14
_LONGEST = 400  # characters of a sentence


@summary.register(Displayed)
def summary_of_result(result: Displayed, **_options: Any) -> Summary:
    """Return a result's short text as its summary."""
    return summary_of(repr(result))


@picture.register(Displayed)
def picture_of_result(result: Displayed) -> str:
    """Return the figure that `plot` makes of a result, for a page."""
    from causalopt import extras

    own = getattr(result, "plot", None)
    figure = results.plot(result) if own is None else own()
    return str(extras.load("causalopt.showing.inline_figure").inline_figure(figure))


@rich.register(Displayed)
def html_of_result(result: Displayed) -> str:
    """Return a result as HTML; what cannot be drawn or tabled is said in its place."""
    told = summary(result)
    heading, lines = told.heading, [_short(line) for line in told.lines]
    if len(lines) > _MOST_LINES:
        left = len(lines) - _MOST_LINES
        lines = [*lines[:_MOST_LINES], f"... and {left} more lines: print it"]
    tables = told.tables
    details = []
    if not tables and isinstance(result, Tabled):
        try:
            from causalopt.showing.frame_table import frame_table

            tables = (frame_table(result.to_pandas()),)
        except Exception as error:
            details.append(remark(f"no table: {_said(error)}"))
    drawn = _drawn(result)
    statuses = {name: STATUSES[name] for name in met_statuses(result)}
    if statuses:
        details.append(folded("what the statuses mean", pairs(statuses)))
    provenance = _provenance(result)
    if provenance:
        details.append(folded("provenance", pairs(provenance)))
    return block(Summary(heading, tuple(lines), tables), drawn, details)


def _drawn(result: Displayed) -> str:
    try:
        return picture(result)
    except NotOfferedError:
        return ""  # a kind of result that has no picture
    except Exception as error:
        return remark(f"no picture: {_said(error)}")


def _said(error: Exception) -> str:
    from causalopt.errors import CausaloptError

    if isinstance(error, CausaloptError | MissingPackageError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def met_statuses(result: Any) -> list[str]:
    """Return the statuses that a result has, in the order in which they are explained."""
    found = getattr(result, "status", None)
    if found is None or callable(found):
        found = getattr(result, "statuses", None)
        if found is None or callable(found):
            return []
    if isinstance(found, dict) and not all(isinstance(v, int | str) for v in found.values()):
        found = [np.unique(np.asarray(v).astype(str)) for v in found.values()]
        met = {str(name) for each in found for name in each}
    elif isinstance(found, dict):
        met = set(map(str, found))
    else:
        met = {str(name) for name in np.unique(np.asarray(found).astype(str))}
    return [name for name in STATUSES if name in met]


def _provenance(result: Any) -> dict[str, str]:
    found = getattr(result, "provenance", None)
    if found is None or callable(found):
        return {}
    return {str(name): str(value) for name, value in found.items() if str(value)}


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
