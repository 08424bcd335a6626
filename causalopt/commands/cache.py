"""causalopt cache: the compiled objects kept on disk."""

from __future__ import annotations

from typing import Annotated

import causalopt
from causalopt.commands.options import Json, emit
from causalopt.commands.told_options import Option
from causalopt.display.echo import echo


def cache(
    clear: Annotated[bool, Option("--clear", help="Remove all of them.")] = False,
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
        echo("no compiled objects are kept: CAUSALOPT_CACHE is empty")
    else:
        echo(f"{folder}: {count} objects, {size / 1024:.0f} KiB, {removed} removed")
