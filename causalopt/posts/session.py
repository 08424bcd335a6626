"""Running the pieces: choose them, take what is stored, compute the rest on two processes."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import multiprocessing
import os
import signal
import time
from collections.abc import Generator, Sequence
from pathlib import Path

from causalopt.errors import FileError, UnknownNameError, suggestion
from causalopt.knowledge.one_thread import one_thread_each
from causalopt.model.files import write_whole
from causalopt.posts.cache import cache_folder, key_of, store, stored
from causalopt.posts.check import Check
from causalopt.posts.page import page
from causalopt.posts.series import POSTS
from causalopt.posts.sheet import Findings
from causalopt.results import Displayed
from causalopt.work.progress import Progress, long_work, through


@dataclasses.dataclass(frozen=True, repr=False)
class Reproduction(Displayed):
    """What a run of `reproduce` found.

    Attributes:
        findings: By piece, in the order of the posts.
        computed: How many pieces were computed; the others were stored.
        seconds: How long it took.
    """

    findings: tuple[Findings, ...]
    computed: int
    seconds: float

    @property
    def checks(self) -> tuple[Check, ...]:
        """All checks, in the order of the posts."""
        return tuple(check for found in self.findings for check in found.checks)

    def __repr__(self) -> str:
        agreed = sum(check.agrees for check in self.checks)
        return (
            f"{len(self.checks)} checks, {agreed} agree, {len(self.checks) - agreed} differ; "
            f"{self.figures} figures; {self.computed} of {len(self.findings)} pieces computed in "
            f"{self.seconds:.1f} s"
        )

    @property
    def figures(self) -> int:
        """How many pictures there are."""
        return sum(len(found.plates) for found in self.findings)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the page, `index.html`, into a folder, made if need be, and return its path.

        Raises:
            FileError: The folder is a file, or cannot be made or written.
        """
        file = _make_folder(folder) / "index.html"
        write_whole(file, page(self.findings).encode())
        return file


def all_pieces() -> list[str]:
    """Return every piece as post/piece, in the order of the posts.

    Example:
        >>> "part3/thermostat" in all_pieces()
        True
    """
    return [f"{post.id}/{name}" for post in POSTS.values() for name in post.pieces]


def demo_pieces() -> list[str]:
    """Return the short selection, at least one piece a post."""
    return [f"{post.id}/{name}" for post in POSTS.values() for name in post.demo]


def chosen(only: Sequence[str]) -> list[str]:
    """Return the pieces that hold any of these posts, pieces, checks or figures.

    Args:
        only: Beginnings of ids such as `part3`, `part3/thermostat` or a whole check's id; all
            pieces if there are none.

    Raises:
        UnknownNameError: No piece has that name.

    Example:
        >>> chosen(["part3/thermostat/op-1000"])
        ['part3/thermostat']
    """
    pieces = all_pieces()
    if not only:
        return pieces
    for name in only:
        if not any(_within(piece, name) for piece in pieces):
            known = [*POSTS, *pieces]
            raise UnknownNameError(
                f"nothing to reproduce is called '{name}'{suggestion(name, known)}; name a post "
                f"({', '.join(POSTS)}), a piece such as {pieces[0]}, or a check's whole id"
            )
    return [piece for piece in pieces if any(_within(piece, name) for name in only)]


def _within(piece: str, name: str) -> bool:
    return f"{piece}/".startswith(f"{name}/") or f"{name}/".startswith(f"{piece}/")


def narrowed(findings: Findings, only: Sequence[str]) -> Findings:
    """Return findings with no more than what `only` names: a single check, or all of the piece.

    Raises:
        UnknownNameError: The piece has no check or picture of that name.
    """
    if not only or any(f"{findings.piece}/".startswith(f"{name}/") for name in only):
        return findings
    wanted = [name for name in only if name.startswith(f"{findings.piece}/")]
    ids = [check.id for check in findings.checks] + [plate.id for plate in findings.plates]
    for name in wanted:
        if name not in ids:
            raise UnknownNameError(
                f"'{findings.piece}' has no check or figure '{name}'{suggestion(name, ids)}"
            )
    return dataclasses.replace(
        findings,
        checks=tuple(check for check in findings.checks if check.id in wanted),
        plates=tuple(plate for plate in findings.plates if plate.id in wanted),
    )


def compute(piece: str) -> Findings:
    """Compute one piece, given as post/piece."""
    post, _, name = piece.partition("/")
    return POSTS[post].findings(name)


@long_work("reproducing")
def reproduce(
    only: Sequence[str] = (),
    *,
    out: str | os.PathLike[str] | None = None,
    demo: bool = False,
    cache: Path | None = None,
    fresh: bool = False,
    workers: int = 2,
    progress: Progress | None = None,
) -> Reproduction:
    """Reproduce the posts: every claim beside what is computed.

    Args:
        only: Posts, pieces, checks or figures; everything if empty.
        out: The folder that the page is written to, made if need be; none if None.
        demo: A selection of every post, in under a minute, besides what `only` names.
        cache: Where findings are kept; the user's cache folder if None.
        fresh: Compute also what is stored.
        workers: Processes.
        progress: Called with (done, total, what), in pieces that are not stored.

    Raises:
        UnknownNameError: `only` names something that is not there.
        FileError: `out` is a file, or cannot be made.

    Example:
        >>> reproduce(["part1/dumb"]).checks[0].agrees
        True
    """
    del progress  # long_work tells it
    start = time.monotonic()
    only = [*only, *(demo_pieces() if demo else [])]
    pieces = chosen(only)
    if out is not None:
        _make_folder(out)
    folder = cache or cache_folder()
    keys = {piece: key_of(piece, _sources(piece)) for piece in pieces}
    found = {} if fresh else {piece: stored(folder, keys[piece]) for piece in pieces}
    done = {piece: kept for piece, kept in found.items() if kept is not None}
    missing = [piece for piece in pieces if piece not in done]
    with contextlib.closing(_computed(missing, workers)) as results:
        for piece, result in through(results, len(missing)):
            done[piece] = result
            store(folder, keys[piece], result)
    findings = tuple(narrowed(done[piece], only) for piece in pieces)
    reproduction = Reproduction(findings, len(missing), time.monotonic() - start)
    if out is not None:
        reproduction.save(out)
    return reproduction


def _make_folder(out: str | os.PathLike[str]) -> Path:
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the folder '{out}': {error.strerror or error}") from None
    return folder


def _sources(piece: str) -> list[Path]:
    post, _, name = piece.partition("/")
    return POSTS[post].sources(name)


def _computed(pieces: list[str], workers: int) -> Generator[tuple[str, Findings], None, None]:
    if workers < 2 or len(pieces) < 2:
        yield from ((piece, compute(piece)) for piece in pieces)
        return
    # A fresh interpreter a worker: a fork would copy whatever threads this process has running.
    context = multiprocessing.get_context("spawn")
    before = set(multiprocessing.active_children())
    with (
        one_thread_each(),
        concurrent.futures.ProcessPoolExecutor(
            min(workers, len(pieces)),
            context,
            initializer=signal.signal,  # Ctrl-C reaches all processes: this one ends the others
            initargs=(signal.SIGINT, signal.SIG_IGN),
        ) as pool,
    ):
        waiting = {pool.submit(compute, piece): piece for piece in pieces}
        try:
            for future in concurrent.futures.as_completed(waiting):
                yield waiting[future], future.result()
        except BaseException:
            for future in waiting:
                future.cancel()
            for process in set(multiprocessing.active_children()) - before:
                process.terminate()
            raise
