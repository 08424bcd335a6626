"""What a store of a sweep holds, in sentences and tables: its question, its axes, what is done."""

from __future__ import annotations

from typing import Any

from causalopt.display.summary import Summary
from causalopt.display.table import Table
from causalopt.results import summary
from causalopt.sweeps.store_identity import entries
from causalopt.sweeps.sweep_store import SweepStore

_WORDS = 6  # entries of an axis of words that are named


@summary.register(SweepStore)
def store_summary(store: SweepStore, **_options: Any) -> Summary:
    """Return what a store holds: model, question, tasks, statuses, and its axes and ranges."""
    identity, total = store.identity, store.total
    measure, model = identity.get("measure", {}), identity.get("model", {})
    tables = [axes_table(store)]
    if store.done:
        tables.append(ranges_table(store))
    return Summary(
        f"{measure.get('name', store.layout.drawn)} in {model.get('name', 'a model')}, "
        + " x ".join(f"{axis['name']}: {axis['count']:,}" for axis in identity.get("axes", [])),
        (
            f"store {store.path}, model {model.get('hash', 'unknown')}",
            question_text(measure),
            tasks_text(store),
            *(f"{word}: {n:,} points" for word, n in store.statuses.items()),
            *([f"{store.failed:,} points have no finite numbers"] if store.failed else []),
            *([] if sum(total.counts) else ["no point is done yet"]),
            versions_text(identity),
        ),
        tuple(tables),
    )


def tasks_text(store: SweepStore) -> str:
    """Return how many tasks are done and missing, and whether they are being computed."""
    missing = store.task_count - store.done
    if not missing:
        return f"complete: all {store.task_count:,} tasks are done"
    at_work = "being computed" if store.driven else "not being computed; go on by --resume"
    return f"{store.done:,} of {store.task_count:,} tasks are done, {missing:,} missing: {at_work}"


def question_text(measure: dict[str, Any]) -> str:
    """Return a measure's settings on one line; what has none is left out."""
    said = [
        f"{'.'.join(path)} {value}"
        for path, value in entries({k: v for k, v in measure.items() if k != "name"})
        if value not in (None, [], {})
    ]
    return ", ".join(said) or "the model's own question"


def versions_text(identity: dict[str, Any]) -> str:
    """Return the versions that made the numbers."""
    return "made by " + ", ".join(f"{k} {v}" for k, v in identity.get("versions", {}).items())


def axes_table(store: SweepStore) -> Table:
    """Return a row for each quantity that is swept: how many values, the first and the last."""
    rows = []
    for axis in store.identity.get("axes", []):
        for name, values in axis["values"].items():
            if isinstance(values, dict):
                row = [f"{values['first']:.6g}", f"{values['last']:.6g}"]
            else:
                row = ["; ".join(values[:_WORDS]) + "; ..." * (len(values) > _WORDS), ""]
            rows.append([name, f"{axis['count']:,}", *row])
    return Table(["axis", "values", "from", "to"], rows)


def ranges_table(store: SweepStore) -> Table:
    """Return the range of each array, over the points that are done and resolved."""
    rows = [[name, f"{low:.6g}", f"{high:.6g}"] for name, (low, high) in store.ranges.items()]
    return Table(["of what is done", "least", "greatest"], rows)
