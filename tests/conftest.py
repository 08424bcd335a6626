"""Hypothesis runs the same examples everywhere: a gate must not depend on luck."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from causalopt.errors import MissingPackageError
from causalopt.extras import translated

settings.register_profile(
    "gate",
    derandomize=True,
    deadline=None,  # the machines are noisy, and a slow example is no failure
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("gate")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Leave out tests of extras that are not installed; the gate has all, and allows no skips."""
    try:
        return (yield)
    except MissingPackageError as error:
        pytest.skip(str(error))
    except ModuleNotFoundError as error:
        found = translated(error)
        if found is error:
            raise
        pytest.skip(str(found))
