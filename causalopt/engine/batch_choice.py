"""What runs a batch: machine code where it can be made, numpy where it cannot."""

from __future__ import annotations

from causalopt.engine.batch import Batch, BatchResult, BatchRunner
from causalopt.extras import has_compiler
from causalopt.model.template import Structure


def batch_runner(structure: Structure, batch: Batch) -> BatchRunner:
    """Return a batch made ready to run: in machine code where it can be made, else by numpy."""
    if has_compiler():
        from causalopt.engine.machine.batch_code import MachineBatch

        return MachineBatch(structure, batch)
    from causalopt.engine.batch_arrays import ArrayBatch

    return ArrayBatch(structure, batch)


def run_batch(structure: Structure, batch: Batch) -> BatchResult:
    """Return what a batch keeps, all lanes in one call on this thread."""
    return batch_runner(structure, batch).run(slice(0, batch.count))
