"""The user's cache folder: what is kept there may be removed, and is made again when needed."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def user_cache(kind: str) -> Path | None:
    """Return the folder in which one kind of thing is kept; None where there is no home.

    It is `$XDG_CACHE_HOME/causalopt/KIND`, else under `~/.cache`; on Windows `%LOCALAPPDATA%`.

    Args:
        kind: The folder's name, such as "objects".

    Example:
        >>> user_cache("objects").parts[-2:]
        ('causalopt', 'objects')
    """
    base = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    try:
        root = Path(base) if base else Path.home() / ".cache"
    except RuntimeError:
        return None
    return root / "causalopt" / kind
