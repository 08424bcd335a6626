"""A real Dask scheduler and workers as processes on loopback, which end with the test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Ended by the kernel with the tests' process, however that ends (prctl's PR_SET_PDEATHSIG).
_WITH_PARENT = "import ctypes; ctypes.CDLL(None).prctl(1, 9); "
_SCHEDULER = "from distributed.cli.dask_scheduler import main; main()"
_WORKER = "from distributed.cli.dask_worker import main; main()"
_START = 60.0


class Cluster:
    """A scheduler and workers with one thread each, without nannies and dashboards."""

    def __init__(self, folder: Path, workers: int = 2, path: str = str(ROOT)) -> None:
        self._folder, self._path = folder, path
        self.file = folder / "scheduler.json"
        self.port = 0
        self.scheduler = self.start_scheduler()
        self.workers = [self.start_worker() for _ in range(workers)]

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        self.file.unlink(missing_ok=True)
        where = [
            "--port",
            str(self.port),
            "--host",
            "127.0.0.1",
            "--scheduler-file",
            str(self.file),
        ]
        process = self._started(
            _SCHEDULER, "--no-dashboard", "--dashboard-address", "127.0.0.1:0", *where
        )
        until = time.monotonic() + _START
        while time.monotonic() < until and process.poll() is None:
            try:
                self.address = json.loads(self.file.read_text())["address"]
                self.port = int(self.address.rpartition(":")[2])
                return process
            except (OSError, ValueError):
                time.sleep(0.02)
        process.kill()
        raise AssertionError(self.log())

    def start_worker(self, path: str | None = None) -> subprocess.Popen[bytes]:
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
        return self._started(_WORKER, self.address, *options, path=path)

    def _started(
        self, code: str, *options: str, path: str | None = None
    ) -> subprocess.Popen[bytes]:
        with (self._folder / "log.txt").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", _WITH_PARENT + code, *options],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env={
                    **os.environ,
                    "PYTHONPATH": self._path if path is None else path,
                    "DASK_TEMPORARY_DIRECTORY": str(self._folder),
                },
                start_new_session=True,
            )

    def log(self) -> str:
        return (self._folder / "log.txt").read_text()

    def wait_for_workers(self, count: int) -> None:
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=_START)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()
