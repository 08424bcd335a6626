"""Machine code beside JAX in one process: what its large reservations of memory must not break."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import mmap
import causalopt as c

def machine(k):
    rule = f"x[t-1]*{0.5 + k/1000} - y[t-1]/10"
    model = c.Model(
        name="m",
        variables={"x": {"rule": rule, "initial": 1}, "y": {"rule": "tanh(x[t])", "initial": 0}},
        question={"nudge": "x[0]", "hold": "y", "target": "x", "steps": 200_000},
    )
    return c.run(model).effect.execution

# Reservations of 1 GB each, without access or memory, that leave no room within 2 GB of another.
held = [mmap.mmap(-1, 1 << 30, prot=0, flags=mmap.MAP_PRIVATE | 0x4000) for _ in range(400)]
assert {machine(k) for k in range(6)} == {"llvm"}
print("linked")
"""


def test_code_is_linked_however_little_room_is_near() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.stdout == "linked\n", done.stderr[-500:]
