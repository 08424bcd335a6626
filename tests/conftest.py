"""Hypothesis runs the same examples everywhere: a gate must not depend on luck."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "gate",
    derandomize=True,
    deadline=None,  # the machines are noisy, and a slow example is no failure
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("gate")
