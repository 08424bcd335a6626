"""One driver at a time; the lock ends with its process, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from causalopt.errors import FileError
from causalopt.sweeps.store_lock import METADATA, StoreLock, is_driven

HOLDER = """
import sys, time
from pathlib import Path
from causalopt.sweeps.store_lock import StoreLock
lock = StoreLock.take(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""
FORKER = """
import os, sys, time
from pathlib import Path
from causalopt.sweeps.store_lock import StoreLock
lock = StoreLock.take(Path(sys.argv[1]))
child = os.fork()
if child == 0:
    time.sleep(60)
    os._exit(0)
print(child, flush=True)
time.sleep(60)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / METADATA).write_text("{}")
    return tmp_path


def _start(program: str, root: Path) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(root)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_second_lock_is_refused_until_the_first_is_released(root: Path) -> None:
    assert not is_driven(root)
    lock = StoreLock.take(root)
    assert is_driven(root)
    with pytest.raises(FileError, match="being computed by another process"):
        StoreLock.take(root)
    lock.release()
    lock.release()
    assert not is_driven(root)
    StoreLock.take(root).release()
    assert os.listdir(root) == [METADATA]


def test_sigkill_frees_the_lock(root: Path) -> None:
    process, _ = _start(HOLDER, root)
    assert is_driven(root)
    with pytest.raises(FileError, match="being computed"):
        StoreLock.take(root)
    _kill(process)
    StoreLock.take(root).release()


def test_a_forked_child_that_outlives_its_parent_does_not_keep_the_lock(root: Path) -> None:
    process, child = _start(FORKER, root)
    try:
        assert is_driven(root)  # the parent's own, though the child gave its copy up
        process.kill()
        process.wait()
        os.kill(int(child), 0)  # it lives
        StoreLock.take(root).release()
    finally:
        os.kill(int(child), signal.SIGKILL)
        process.communicate()


def test_a_reader_that_looks_for_a_driver_keeps_none_from_starting(root: Path) -> None:
    program = HOLDER.replace("StoreLock.take(Path(sys.argv[1]))", "None").replace(
        'print("held", flush=True)\ntime.sleep(60)',
        "from causalopt.sweeps.store_lock import is_driven\n"
        'print("looks", flush=True)\nwhile True: is_driven(Path(sys.argv[1]))',
    )
    process, _ = _start(program, root)
    try:
        for _ in range(200):
            StoreLock.take(root).release()
    finally:
        _kill(process)


def test_a_disk_without_locks_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import fcntl

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(FileError, match="knows no locks"):
        StoreLock.take(root)
    assert not is_driven(root)


def test_a_refusal_takes_less_than_a_second(root: Path) -> None:
    lock = StoreLock.take(root)
    start = time.perf_counter()
    with pytest.raises(FileError):
        StoreLock.take(root)
    assert time.perf_counter() - start < 2
    lock.release()
