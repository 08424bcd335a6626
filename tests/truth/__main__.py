"""`python -m tests.truth [--short] [ORACLE ...]`: run oracles, and write their sections."""

from __future__ import annotations

import argparse
import sys
import time

from tests.truth import page
from tests.truth.oracles import Oracle, named
from tests.truth.record import Record


def run(oracle: Oracle, short: bool) -> list[Record]:
    """Return an oracle's records, printed as they come; none at all is an error."""
    oracle.versions()
    began = time.perf_counter()
    found = []
    for record in oracle.module.records(short):
        found.append(record)
        print(
            f"{record.oracle}: {record.compared}: {record.ok:,} ok of {record.cases:,}, "
            f"largest {record.largest:.1e} (tolerance {record.tolerance:.2g} {record.unit}), "
            f"{len(record.disagreements):,} disagreements",
            *record.disagreements,
            sep="\n  ",
            flush=True,
        )
        if record.ok == 0:
            raise SystemExit(f"the oracle '{oracle.name}' compared nothing: {record.compared}")
    if not found:
        raise SystemExit(f"the oracle '{oracle.name}' has no records")
    print(f"  {oracle.name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    return found


def main(arguments: list[str]) -> int:
    """Return 0 when all agree, 1 when some do not."""
    parser = argparse.ArgumentParser(prog="python -m tests.truth")
    parser.add_argument("--short", action="store_true", help="a few cases of each kind; no page")
    parser.add_argument("oracles", nargs="*", help="these alone, and their sections of the page")
    asked = parser.parse_args(arguments)
    found = {}
    for oracle in named(asked.oracles):
        found[oracle] = run(oracle, asked.short)
        if not asked.short:
            before = page.PAGE.read_text(encoding="utf-8") if page.PAGE.exists() else ""
            page.PAGE.write_text(page.written({oracle: found[oracle]}, before), encoding="utf-8")
            print(f"wrote {page.PAGE.relative_to(page.PAGE.parents[1])}", flush=True)
    tables = [page.table(records) for records in found.values()]
    print(page.total("\n".join(tables)), end="")
    return int(any(record.disagreements for own in found.values() for record in own))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
