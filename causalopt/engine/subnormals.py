"""Whether this process still has subnormal numbers: a library built with -ffast-math may take them.

Loading one can switch the processor to flush-to-zero for the whole process. Tangents that contract
then die early, and an effect reads 0 that is not.
"""

from __future__ import annotations

import sys
import warnings


def are_flushed() -> bool:
    """Whether numbers below 2**-1022 are taken for 0.

    Example:
        >>> are_flushed()
        False
    """
    return sys.float_info.min * 0.5 == 0.0


def warn_if_flushed() -> None:
    """Warn when subnormal numbers are lost."""
    if are_flushed():
        warnings.warn(
            "this process flushes subnormal numbers to zero, so that very small effects read 0: a "
            "library built with -ffast-math was loaded; load it after the run, or not at all",
            RuntimeWarning,
            stacklevel=3,
        )
