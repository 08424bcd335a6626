"""Work of tasks that processes of the tests can import."""

from __future__ import annotations

import dataclasses
import time

import numpy as np


@dataclasses.dataclass(frozen=True)
class Draws:
    """Numbers that depend on the task alone, after some time."""

    size: int = 1000
    seconds: float = 0.0

    def __call__(self, task: int) -> np.ndarray:
        time.sleep(self.seconds)
        return np.random.default_rng(task).normal(size=self.size)
