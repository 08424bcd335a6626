"""The rich form of every result: heading, sentences, tables, picture, folded details."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from causalopt import extras, results
from causalopt.display.html_blocks import block, folded, pairs, remark
from causalopt.display.summary import Summary, summary_of
from causalopt.display.table import Table
from causalopt.effects.measures import STATUSES
from causalopt.errors import CausaloptError, MissingPackageError
from causalopt.results import Displayed, NotOfferedError, Tabled, picture, rich, summary

T = TypeVar("T")
_MOST_LINES = 14
_LONGEST = 400  # characters of a sentence


@summary.register(Displayed)
def summary_of_result(result: Displayed, **_options: Any) -> Summary:
    """Return a result's short text as its summary."""
    return summary_of(repr(result))


@picture.register(Displayed)
def picture_of_result(result: Displayed) -> str:
    """Return the figure that `plot` makes of a result, for a page."""
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
    remarks: list[str] = []
    tables = told.tables
    if not tables and isinstance(result, Tabled):
        tables = _tried("table", remarks, lambda: (_preview(result),), ())
    drawn = _tried("picture", remarks, lambda: picture(result), "")
    statuses = {name: STATUSES[name] for name in met_statuses(result)}
    nothing: dict[str, str] = {}
    provenance = _tried("provenance", remarks, lambda: _provenance(result), nothing)
    details = list(map(remark, remarks))
    details += [folded("what the statuses mean", pairs(statuses))] if statuses else []
    details += [folded("provenance", pairs(provenance))] if provenance else []
    return block(Summary(heading, tuple(lines), tables), drawn, details)


def _tried(part: str, remarks: list[str], make: Callable[[], T], without: T) -> T:
    """Return a part of a result; where it cannot be had, do without it and remark why."""
    try:
        return make()
    except NotOfferedError:
        return without  # a kind of result that has no such part
    except (CausaloptError, MissingPackageError) as error:
        remarks.append(f"no {part}: {error}")
    except Exception as error:
        remarks.append(f"no {part}: {type(error).__name__}: {error}")
    return without


def _preview(result: Tabled) -> Table:
    from causalopt.showing.frame_table import frame_table

    return frame_table(result.to_pandas())


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


def _provenance(result: Displayed) -> dict[str, str]:
    found = getattr(result, "provenance", None)
    if found is None or callable(found):
        if not isinstance(result, Tabled) or not extras.has("xarray"):
            return {}
        found = result.dataset.attrs
    return {str(name): str(value) for name, value in found.items() if str(value)}


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
