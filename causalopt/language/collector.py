"""The cycle collector, paused while thousands of objects are built that all live on.

Each time enough new objects have gathered, CPython looks through them for circles, and now and then
through all there are. While a large model is built nothing of it can be freed, and those searches
cost a third of the time.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the cycle collector from running, and leave it as it was found.

    Pauses may nest, and may overlap in several threads: the first to find the collector running
    starts it again, and the others then go on without a pause. What is not in a circle is freed at
    once, paused or not.

    Example:
        >>> import gc
        >>> with collector_paused():
        ...     print(gc.isenabled())
        False
        >>> gc.isenabled()
        True
    """
    was_running = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if was_running:
            gc.enable()
