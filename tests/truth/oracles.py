"""The oracles by name: the packages that each needs, and where it can run."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

INSTALL = "make .venv-truth/.done, and run it by .venv-truth/bin/python -m tests.truth"


@dataclass(frozen=True)
class Oracle:
    """An oracle is a module of this folder, of the same name.

    Its docstring stands on the page; `records(short)` yields a Record for each thing compared, of a
    few cases when `short`. `development` says that the packages of requirements.lock are enough:
    the short form is then a test of its own.
    """

    name: str
    packages: tuple[str, ...]
    development: bool = False

    @property
    def module(self) -> ModuleType:
        """The module; imported when asked for."""
        return import_module(f"tests.truth.{self.name}")

    def versions(self) -> dict[str, str]:
        """Return package -> installed version; a missing one is an error with what to do."""
        found = {}
        for package in self.packages:
            try:
                found[package] = version(package)
            except PackageNotFoundError:
                raise SystemExit(
                    f"the oracle '{self.name}' needs {package}, which is not installed: {INSTALL}"
                ) from None
        return found


ORACLES: tuple[Oracle, ...] = (
    Oracle("flows", ("dysts", "scipy")),
    Oracle("published", (), development=True),
    Oracle("system_dynamics", ("pysd",)),
    Oracle("spectra", ("pynamicalsys", "numba")),
    Oracle("autoregressions", ("statsmodels",)),
    Oracle("mediation", ("tigramite",)),
    Oracle("feedback_loops", ("control",)),
    Oracle("information", ("dit",), development=True),
    Oracle("bayesian_networks", ("pyAgrum",), development=True),
    Oracle("random_models", ("mpmath",), development=True),
    Oracle("random_labels", (), development=True),
    Oracle("cancelling_dags", (), development=True),
)


def named(names: list[str]) -> tuple[Oracle, ...]:
    """Return the oracles of these names, all when there are none."""
    known = {oracle.name: oracle for oracle in ORACLES}
    for name in names:
        if name not in known:
            raise SystemExit(f"no oracle is named '{name}'; there are {', '.join(known)}")
    return tuple(known[name] for name in names) or ORACLES
