"""Ctrl-C stops each long call within a second, and leaves nothing half-done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

import causalopt
from causalopt.work.interrupts import imports_whole, must_end, start_here
from tests.work.long_calls import calls

ROOT = Path(__file__).parents[2]
CALLS = list(calls(Path()))
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's here")


def allowed() -> float:
    """Return a second, or as much more as others leave of the processors."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)) + 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_a_long_call_stops_within_a_second_and_can_be_made_again(name: str, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.work.long_calls", name, str(tmp_path)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    watch = threading.Timer(120, process.kill)  # a call that does not stop fails, and ends
    watch.start()
    try:
        assert process.stdout.readline() == "begun\n"
        time.sleep(1.5)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        word, took = process.stdout.readline(), time.monotonic() - sent
        out, err = process.communicate(timeout=60)
    finally:
        watch.cancel()
        process.kill()
    assert word == "stopped\n", err
    found = json.loads(out)
    assert found == {"threads": [], "processes": 0, "files": [], "same": True}
    print(f"{name}: {took:.2f} s")  # noqa: T201 - seen with -s
    assert took < allowed()


LOST = """
import signal, time
import causalopt
from causalopt.work.interrupts import imports_whole

class Loses:
    def __eq__(self, other):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            pass
        return True

@imports_whole
def work():
    Loses() == 1
    while True:
        time.sleep(0.01)

try:
    work()
except KeyboardInterrupt:
    print("stopped")
"""


def test_what_is_lost_is_heard_again() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOST], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "stopped\n", done.stderr


def test_a_callback_of_a_weak_reference_ends_first() -> None:
    """What it raises is lost, as what a destructor raises."""
    names: dict[str, object] = {"must_end": must_end, "sys": sys}
    text = "def remove():\n    return must_end(sys._getframe())\n"

    def told(file: str) -> bool:
        exec(compile(text, file, "exec"), names)
        return bool(names["remove"]())  # type: ignore[operator]

    start_here(told)
    assert told(weakref.__file__)
    assert not told(__file__)


COMMANDS = {
    "run": ["run", "lorenz", "--steps", "50000000", "--out", "found.nc"],
    "sweep": [
        "sweep", "lorenz", "--grid", "rho=0:30:3000", "--grid", "a[0]=-5:5:500",
        "--steps", "5000", "--out", "found.zarr",
    ],
    "derive": ["derive", "lorenz", "--at", "600"],
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_an_interrupted_command_says_so_in_a_line_and_exits_with_130(
    name: str, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "causalopt", *COMMANDS[name]], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(3.0)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    took = time.monotonic() - sent
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "interrupted"
    assert "Traceback" not in err
    left = [path.name for path in tmp_path.iterdir()]
    assert left == (["found.zarr"] if name == "sweep" else [])
    if left:  # what is done is kept, and nothing that is half written
        store = causalopt.open_sweep(tmp_path / "found.zarr")
        assert not store.driven
        assert {*store.missing()} | {*np.flatnonzero(store.marks)} == set(range(store.task_count))
    assert took < allowed() + 0.5


def test_an_import_of_another_package_is_not_ended_halfway(tmp_path: Path) -> None:
    """A module that is interrupted while it loads can be imported afterwards, whole."""
    (tmp_path / "slow_package").mkdir()
    (tmp_path / "slow_package" / "__init__.py").write_text(
        "import time\nfrom slow_package import part\nfor _ in range(50):\n    time.sleep(0.01)\n"
    )
    (tmp_path / "slow_package" / "part.py").write_text("")
    code = (
        "import _thread, sys, threading\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "from causalopt.work.interrupts import imports_whole\n"
        "@imports_whole\n"
        "def load():\n"
        "    import slow_package\n"
        "    return slow_package.part\n"
        "threading.Timer(0.2, _thread.interrupt_main).start()\n"
        "try:\n"
        "    load(); print('not heard')\n"
        "except KeyboardInterrupt:\n"
        "    print('heard', 'slow_package' in sys.modules, load().__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "heard True slow_package.part\n"


def test_what_a_script_does_while_it_is_imported_itself_can_be_interrupted(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "import _thread, threading, causalopt\n"
        "threading.Timer(0.7, _thread.interrupt_main).start()\n"
        "causalopt.world(causalopt.load('lorenz'), steps=10)\n"
        "while True:\n"
        "    causalopt.world(causalopt.load('lorenz'), steps=100_000)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", "import script"], cwd=tmp_path, capture_output=True, text=True,
        check=False, timeout=60, env={**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}"},
    )  # fmt: skip
    assert done.stderr.splitlines()[-1] == "KeyboardInterrupt"


def test_a_program_s_own_handler_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    heard: list[int] = []

    @imports_whole
    def interrupted() -> None:
        signal.raise_signal(signal.SIGINT)

    try:
        signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
        interrupted()
        assert heard == [signal.SIGINT]
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_on_another_thread_nothing_is_changed() -> None:
    found: list[object] = []

    def work() -> None:
        before = signal.getsignal(signal.SIGINT)
        causalopt.run(causalopt.load("thermostat"), steps=10)
        imports_whole(lambda: found.append(signal.getsignal(signal.SIGINT) is before))()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [True]


def test_a_frame_of_a_destructor_must_end() -> None:
    class Thing:
        def __del__(self) -> None:
            found.append(must_end(sys._getframe()))

    found: list[bool] = []
    thing = Thing()
    del thing
    assert found == [True]
    ends = imports_whole(lambda: must_end(sys._getframe()))
    assert not ends()
