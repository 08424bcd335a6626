"""`make bench`: what users call, timed whole, beside others on the same work in the same run.

Each figure is the least CPU time, of all threads, over several rounds in which the contestants take
turns. The whole run writes the tables of docs/performance.md. No time fails; other numbers do.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks import page
from benchmarks.case import Case, DiffersError
from benchmarks.cases import CALLS, chosen
from benchmarks.measured import OURS, Measured, measure, times
from benchmarks.native import CompilerError
from benchmarks.share import share
from benchmarks.wholes import wholes

ALONE_QUICK = ("run", "derive", "sweep")  # calls that the short form also starts by themselves


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small size of each call")
    parser.add_argument("--only", help="cases whose title holds this text; writes no page")
    parser.add_argument(
        "--profile",
        action="store_true",
        help="for each call the functions that take more than a fifth and are not its work",
    )
    return parser.parse_args(words)


def say(found: Measured) -> None:
    """Print a case's times."""
    print(f"\n{found.case.title}")
    ours = found.ours
    for name, time in found.times.items():
        ratio = "" if name == OURS else f"   ratio {ours.cpu / time.cpu:8.2f}"
        print(f"  {name:36s} {times(time):>22s}{ratio}")
    for name, first in (("first, nothing compiled", found.empty), ("first, compiled", found.full)):
        if first is not None:
            print(f"  {name:36s} {times(first):>22s}")
    if found.share is not None:
        say_share(found)
    for text, met in found.goals:
        print(f"  to reach: {text}: {'reached' if met else 'NOT reached'}")


def say_share(found: Measured) -> None:
    """Print where the time goes."""
    s = found.share
    assert s is not None
    print(
        f"  of which work {100 * s.work:.0f} %, statuses {100 * s.statuses:.0f} %, "
        f"imports {100 * s.imports:.0f} %, other Python {100 * s.other:.0f} %"
    )
    for place, part in s.large.items():
        print(f"    above a fifth: {place} {100 * part:.0f} %")


def profile(cases: Sequence[Case]) -> int:
    """Print the functions outside of the work that take more than a fifth of a later call."""
    above = 0
    for case in cases:
        found = share(case.title)
        above += bool(found.large)
        worst = ", ".join(f"{name} {100 * part:.0f} %" for name, part in found.large.items())
        print(f"{case.title}: work {100 * found.work:.0f} %; {worst or 'nothing above a fifth'}")
    print(f"\n{above} of {len(cases)} have a function above a fifth that is not the work itself")
    return 0


def main(words: Sequence[str]) -> int:
    """Measure what is asked for; return 1 where a contestant computes something else."""
    asked = parsed(words)
    cases = chosen(asked.only, quick=asked.quick)
    if asked.profile:
        return profile(cases)
    print("CPU of all threads / clock; ratio of causalopt's CPU to theirs")
    print(page.machine())
    found, wrong = [], 0
    for case in cases:
        alone = not asked.quick or (case.call in ALONE_QUICK and case is _first(cases, case.call))
        try:
            found.append(measure(case, quick=asked.quick, alone=alone))
        except DiffersError as error:
            wrong += 1
            print(f"\nerror: {error}", file=sys.stderr)
            continue
        say(found[-1])
        sys.stdout.flush()
    missing = {*CALLS} - {m.case.call for m in found}
    if missing and not asked.only:
        print(f"error: nothing was measured of {', '.join(sorted(missing))}", file=sys.stderr)
        return 1
    if not wrong and not asked.only and not asked.quick:
        page.write(found, [])
        page.write(found, wholes())
        print(f"\nwritten into {page.PAGE.relative_to(page.PAGE.parent.parent)}")
    return 1 if wrong else 0


def _first(cases: Sequence[Case], call: str) -> Case:
    return next(case for case in cases if case.call == call)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CompilerError as error:
        sys.exit(f"error: {error}")
    except ModuleNotFoundError as error:
        sys.exit(f"error: {error}: `make bench` makes the environment that has the packages beside")
