"""causalopt models: what is shipped."""

from __future__ import annotations

import causalopt
from causalopt.commands.options import Json, emit, table
from causalopt.display.echo import echo


def models(json: Json = False) -> None:
    """List the shipped models, one line each."""
    found = [causalopt.load(name) for name in causalopt.shipped()]
    if json:
        emit([{"name": m.name, "title": m.title, "source": m.source} for m in found])
        return
    echo(table([[m.name, m.title, m.source] for m in found], ["NAME", "TITLE", "SOURCE"]))
