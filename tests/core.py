"""The core alone: processes in which no package of an extra can be imported."""

from __future__ import annotations

import subprocess
import sys

from causalopt.extras import EXTRAS

BLOCKED = (
    "import sys\n"
    f"for name in {sorted([*EXTRAS, 'pandas'])}:\n"
    "    sys.modules[name] = None  # importing it raises ModuleNotFoundError\n"
)


def run_core(code: str) -> subprocess.CompletedProcess[str]:
    """Run code where the extras are missing; warnings are printed, not raised."""
    return subprocess.run(
        [sys.executable, "-c", BLOCKED + code], capture_output=True, text=True, check=False
    )
