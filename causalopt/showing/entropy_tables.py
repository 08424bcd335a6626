"""The table of the entropies of one decorrelation."""

from __future__ import annotations

from typing import Any

from causalopt.display.summary import Summary
from causalopt.display.table import Table
from causalopt.entropy.decorrelation import Decorrelated
from causalopt.entropy.entropies import Entropies
from causalopt.results import summary


@summary.register(Entropies)
def entropies_summary(found: Entropies, **_options: Any) -> Summary:
    """Return the four entropies and the three numbers made of them."""
    rows = [[name, f"{value:.7f}"] for name, value in found.entries.items()]
    lines: tuple[str, ...] = ()
    if isinstance(found, Decorrelated):
        lines = (f"engine {found.choice.engine}: {found.choice.reason}",)
    return Summary(found.heading, lines, (Table(["", found.unit], rows),))
