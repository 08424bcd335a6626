"""In a notebook: one bar below the cell, and a cell that is interrupted stops within a second."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import nbclient
import nbformat

ROOT = Path(__file__).parents[2]
FIRST = """
import time
import causalopt
import numpy as np
from causalopt.work import progress
model = causalopt.load("lorenz")

def short():
    return causalopt.sweep(model, {"rho": np.linspace(0, 30, 50)}, steps=2000).op.tobytes()

before = short()
progress.PATIENCE = 0.2
causalopt.rates(model, steps=3_000_000).steps
"""
LONG = """
try:
    causalopt.sweep(model, {"rho": np.linspace(0, 30, 30_000)}, steps=500_000)
except KeyboardInterrupt:
    print("stopped", time.time())
"""


def test_a_kernel_shows_one_bar_and_its_cells_can_be_interrupted() -> None:
    cells = [nbformat.v4.new_code_cell(text) for text in (FIRST, LONG, "short() == before")]
    client = nbclient.NotebookClient(nbformat.v4.new_notebook(cells=cells), timeout=120)
    sent: list[float] = []

    def interrupt() -> None:
        time.sleep(3.0)
        sent.append(time.time())
        os.kill(client.km.provisioner.pid, 2)

    with client.setup_kernel(env={**os.environ, "PYTHONPATH": str(ROOT)}):
        client.execute_cell(cells[0], 0)
        thread = threading.Thread(target=interrupt)
        thread.start()
        client.execute_cell(cells[1], 1)
        client.execute_cell(cells[2], 2)
        thread.join()
    bars: list[Any] = [out for out in cells[0].outputs if out.output_type == "display_data"]
    assert len(bars) == 1
    assert "following rates" in bars[0].data["text/html"]
    assert "100%" in bars[0].data["text/html"]
    (stopped,) = (out.text for out in cells[1].outputs if out.output_type == "stream")
    assert float(stopped.split()[1]) - sent[0] < 1.5
    assert cells[2].outputs[-1].data["text/plain"] == "True"
