"""causalopt cache: the compiled objects kept on disk."""

from __future__ import annotations

from typing import Annotated

import typer

import causalopt
from causalopt.commands.options import Json, emit


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove all of them.")] = False,
    json: Json = False,
) -> None:
    """Say where compiled objects are kept and how large they are; --clear removes them.

    The environment variable CAUSALOPT_CACHE names the folder; empty, it keeps nothing.
    """
    store = causalopt.ObjectStore.default()
    removed = store.clear() if clear else 0
    count, size = store.size()
    folder = None if store.folder is None else str(store.folder)
    if json:
        emit({"folder": folder, "objects": count, "bytes": size, "removed": removed})
    elif folder is None:
        typer.echo("no compiled objects are kept: CAUSALOPT_CACHE is empty")
    else:
        typer.echo(f"{folder}: {count} objects, {size / 1024:.0f} KiB, {removed} removed")
