"""A connection of our own to a Dask scheduler, and calls by it that end."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from causalopt.errors import ArgumentError, FileError, WorkersError
from causalopt.extras import need
from causalopt.work.threads import WaitedThread, check_stop

if TYPE_CHECKING:
    from distributed import Client

Result = TypeVar("Result")
SHORT = 2.0  # seconds for what is done for others' sake when all is over
_LOOK = 0.1  # seconds between two looks of the caller at what it waits for
_LOGS = ("distributed", "tornado")


def connected(scheduler: str | os.PathLike[str] | Client, patience: float) -> Client:
    """Return a connection of our own to a scheduler.

    It is asked first whether it is one: where something else listens Dask waits without end, and a
    client whose connection failed can block another when it is collected.

    Raises:
        ArgumentError: It is nothing that names a scheduler.
        FileError: It is a path, and no scheduler's file is there.
        WorkersError: No scheduler answers.
    """
    need("distributed")
    from distributed import Client, Security

    where, security = _named(scheduler)
    security = security or Security()
    options = {"timeout": patience, "set_as_default": False, "name": "causalopt"}
    try:
        if not where.startswith("inproc:"):
            _begun(lambda: asyncio.run(_greeted(where, security, patience)), patience)
        return _begun(lambda: Client(where, security=security, **options), patience)
    except (ValueError, KeyError, OverflowError) as error:
        raise ArgumentError(
            f"{where!r} is no address of a Dask scheduler, such as tcp://host:8786: {error}"
        ) from error
    except Exception as error:
        raise WorkersError(
            f"no Dask scheduler answers at {where} within {patience:g} s: {_why(error)}; start one "
            "with `dask scheduler`"
        ) from error


def _named(scheduler: Any) -> tuple[str, Any]:
    """Return the address of a scheduler, however it is named, and what secures it, if known."""
    need("distributed")
    from distributed import Client

    if isinstance(scheduler, Client):
        return scheduler.scheduler.address, scheduler.security
    if isinstance(getattr(scheduler, "scheduler_address", None), str):
        return scheduler.scheduler_address, scheduler.security
    if not isinstance(scheduler, str | os.PathLike):
        raise ArgumentError(
            "dask is a scheduler's address such as 'tcp://host:8786', the path of its file, or a "
            f"client, not {scheduler!r}"
        )
    where = os.fspath(scheduler)
    if not where:
        raise ArgumentError(
            "dask names no scheduler: give its address such as tcp://host:8786, or its file"
        )
    return (_address_in(where) if _is_path(where) else where), None


async def _greeted(where: str, security: Any, patience: float) -> None:
    """Connect to a scheduler and go again."""
    need("distributed")
    from distributed.comm import connect

    options = security.get_connection_args("client")
    comm = await asyncio.wait_for(connect(where, timeout=patience, **options), patience + SHORT / 2)
    comm.abort()


def _begun(call: Callable[[], Result], patience: float) -> Result:
    """Return what a call returns, on another thread, so that it can be left.

    Raises:
        TimeoutError: It does not return.
    """
    found: list[Result] = []
    errors: list[Exception] = []

    def work() -> None:
        try:
            found.append(call())
        except Exception as error:
            errors.append(error)

    thread = WaitedThread(work, "causalopt-dask")
    thread.start()
    until = time.monotonic() + patience + SHORT
    while not thread.ended.wait(_LOOK) and time.monotonic() < until:
        check_stop()
    if errors:
        raise errors[0]
    if not found:
        raise TimeoutError
    return found[0]


def _address_in(file: str) -> str:
    """Return the address that a scheduler's file tells.

    Raises:
        FileError: It is no such file.
    """
    try:
        with open(file) as text:
            return str(json.load(text)["address"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = "there is none" if isinstance(error, FileNotFoundError) else "this is none"
        raise FileError(
            f"{file}: expected the file of a Dask scheduler, and {why}; `dask scheduler "
            f"--scheduler-file {file}` writes one, or give its address, as in tcp://host:8786"
        ) from error


def _is_path(where: str) -> bool:
    """Whether a text names a file and not an address such as tcp://host:8786 or host:8786.

    Example:
        >>> _is_path("tcp://host:8786"), _is_path("host:8786"), _is_path("shared/scheduler.json")
        (False, False, True)
    """
    port = where.rpartition(":")[2]
    return "://" not in where and (not port.isdecimal() or os.path.isfile(where))


def _why(error: BaseException) -> str:
    """Return what made a connection fail, without Dask's own names of objects."""
    said = str(error.__cause__ or "") or str(error) or "what listens there is none"
    return " ".join(re.sub("^in <.*?>: ", "", said).split())


def waited(client: Client, call: Any, patience: float) -> Any:
    """Return what a coroutine returns that runs on the client's thread.

    Raises:
        TimeoutError: It does not end within a little more than so many seconds.
    """
    running = asyncio.run_coroutine_threadsafe(call, client.loop.asyncio_loop)
    until = time.monotonic() + patience + SHORT
    try:
        while True:
            with contextlib.suppress(TimeoutError):
                return running.result(_LOOK)
            if running.done() or time.monotonic() > until:
                raise TimeoutError
    finally:
        running.cancel()


@contextlib.contextmanager
def unheard() -> Iterator[None]:
    """Let Dask's own log say nothing: what it would say is in this module's errors and counts."""
    importlib.import_module("distributed")  # which sets its log up
    names = [name for name in logging.root.manager.loggerDict if name.startswith(_LOGS)]
    loggers = [logging.getLogger(name) for name in names]

    def nothing(_: logging.LogRecord) -> bool:
        return False

    handlers = [handler for logger in loggers for handler in logger.handlers]
    for handler in handlers:
        handler.addFilter(nothing)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(nothing)
