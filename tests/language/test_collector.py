from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from causalopt import Model
from causalopt.errors import ModelError
from causalopt.language.term import collector_paused


@pytest.fixture(autouse=True)
def collector_as_it_was() -> Iterator[None]:
    was_running = gc.isenabled()
    yield
    (gc.enable if was_running else gc.disable)()


@pytest.mark.parametrize("running", [True, False])
def test_a_pause_leaves_the_collector_as_it_was(running: bool) -> None:
    (gc.enable if running else gc.disable)()
    with collector_paused():
        assert not gc.isenabled()
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled() is running


@pytest.mark.parametrize("running", [True, False])
def test_a_pause_ends_with_an_error(running: bool) -> None:
    (gc.enable if running else gc.disable)()
    with pytest.raises(ModelError, match="unknown name"):
        Model(name="m", variables={"x": {"rule": "nothing + 1"}})
    assert gc.isenabled() is running


def test_a_pause_that_overlaps_another_leaves_the_collector_running() -> None:
    gc.enable()
    first, second = collector_paused(), collector_paused()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert gc.isenabled()
