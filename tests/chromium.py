"""A real Chromium, driven over the DevTools protocol by a pipe: no driver and no open port."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 30.0


def executable() -> str | None:
    """Return where Chromium is, if it is installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One page: commands, clicks, and all that it logged, threw or asked for."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader, self._writer = reader, writer
        self._buffer = b""
        self._count = 0
        self._session: str | None = None
        self.logged: list[str] = []
        self.thrown: list[str] = []
        self.requested: list[str] = []
        os.set_blocking(reader, False)

    def attach(self) -> None:
        """Open a page and listen to all it does."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        answer = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = answer["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its answer; what comes before it is kept."""
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._writer, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return answer["result"]
            self._note(answer)

    def _receive(self) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._buffer:
            assert time.monotonic() < end, "Chromium does not answer"
            try:
                self._buffer += os.read(self._reader, 1 << 20)
            except BlockingIOError:
                time.sleep(0.002)
        text, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(text)

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        match event.get("method"):
            case "Runtime.consoleAPICalled":
                self.logged.append(str([a.get("value") for a in params["args"]]))
            case "Log.entryAdded":
                self.logged.append(params["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.thrown.append(str(params["exceptionDetails"]))
            case "Network.requestWillBeSent":
                self.requested.append(params["request"]["url"])

    def open(self, file: Path) -> None:
        """Open a file and wait until it is ready."""
        self.send("Page.navigate", url=file.as_uri())
        end = time.monotonic() + PATIENCE
        while not self.value("document.readyState === 'complete' && 'causalopt' in window"):
            assert time.monotonic() < end, f"the page is not ready: {self.thrown}"
            time.sleep(0.02)

    def value(self, expression: str) -> Any:
        """Return what an expression gives in the page; a promise is waited for."""
        answer = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def click(self, x: float, y: float) -> None:
        """Click with the mouse."""
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def click_on(self, selector: str) -> None:
        """Click in the middle of an element."""
        box = self.value(
            f"(() => {{ const b = document.querySelector({json.dumps(selector)})"
            ".getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2] })()"
        )
        self.click(*box)


@contextlib.contextmanager
def chromium(profile: Path) -> Iterator[Page]:
    """Start Chromium with an empty profile and yield a page; the browser ends with the block."""
    program = executable()
    assert program is not None, "Chromium is not installed: apt-get install chromium"
    read_commands, write_commands = os.pipe()
    read_answers, write_answers = os.pipe()
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-extensions",
        "--disable-background-networking",
        "--disable-dev-shm-usage",
        "--window-size=1400,800",
        "--remote-debugging-pipe",
        f"--user-data-dir={profile}",
    ]
    # Chromium reads commands from descriptor 3 and writes answers to descriptor 4.
    script = f'exec "$@" 3<&{read_commands} 4>&{write_answers}'
    with subprocess.Popen(
        ["bash", "-c", script, "bash", program, *options],
        pass_fds=(read_commands, write_answers),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(read_commands)
        os.close(write_answers)
        try:
            page = Page(read_answers, write_commands)
            page.attach()
            yield page
        finally:
            process.terminate()
            process.wait(PATIENCE)
            os.close(read_answers)
            os.close(write_commands)
