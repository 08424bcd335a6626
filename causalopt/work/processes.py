"""Calls that cannot be cut into pieces, in a process of their own, which can be ended."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from causalopt.work.progress import pulse
from causalopt.work.threads import WAIT, check_stop

_CODE = """import sys
from importlib import import_module
home, name = sys.argv[1:]
sys.stdout.buffer.write(getattr(import_module(home), name)(sys.stdin.buffer.read()))
"""


def answer_of_process(home: str, name: str, given: bytes) -> bytes | None:
    r"""Return what a function of bytes returns in another process; None where none can be started.

    The caller waits where it can be interrupted, and ends the process when it is.

    Args:
        home: The function's module, which is imported there.
        name: The function's name.
        given: Its argument.

    Example:
        >>> answer_of_process("zlib", "compress", b"")
        b'x\x9c\x03\x00\x00\x00\x00\x01'
    """
    if not sys.executable or sys.platform == "emscripten":
        return None
    paths = os.pathsep.join(path for path in sys.path if path)
    try:
        # A file, for a pipe holds little: communicate() drops what it has not sent by its timeout.
        with tempfile.TemporaryFile() as argument:
            argument.write(given)
            argument.seek(0)
            process = subprocess.Popen(
                [sys.executable, "-c", _CODE, home, name],
                stdin=argument,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": paths},
                start_new_session=True,  # a terminal's Ctrl-C is for the caller, who ends it
            )
    except OSError:
        return None
    try:
        while True:
            try:
                answer, _ = process.communicate(timeout=WAIT)
                break
            except subprocess.TimeoutExpired:
                check_stop()
                pulse()
    except BaseException:
        process.kill()
        process.wait()
        raise
    return answer if process.returncode == 0 else None
