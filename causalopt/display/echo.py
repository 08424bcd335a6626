"""Lines on stdout and stderr, written whole and at once."""

from __future__ import annotations

import sys


def echo(text: object, *, err: bool = False) -> None:
    """Write a line.

    Args:
        text: The line, or several.
        err: To stderr rather than stdout.
    """
    stream = sys.stderr if err else sys.stdout
    if stream is None:  # a program without a console
        return
    try:
        stream.write(f"{text}\n")
    except UnicodeEncodeError:  # a terminal of few characters: nothing of the line was written
        known = str(getattr(stream, "encoding", None) or "ascii")
        stream.write(f"{text}\n".encode(known, "replace").decode(known))
    stream.flush()
