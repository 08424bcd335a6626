"""Extras: packages that some answers need, and what is said where one of them is not installed.

The core runs every question; figures, files of labelled arrays, machine code and the heavier
numerical methods come with an extra, as in `pip install 'causalopt[plots]'`.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from types import ModuleType

from causalopt.errors import MissingPackageError

# Package -> the extra that brings it, and what it is needed for.
EXTRAS = {
    "llvmlite": ("fast", "machine code"),
    "matplotlib": ("plots", "a figure"),
    "h5netcdf": ("files", "a NetCDF file"),
    "h5py": ("files", "a NetCDF file"),
    "pandas": ("files", "a table of pandas"),
    "pyarrow": ("parquet", "a Parquet file"),
    "xarray": ("files", "a dataset with labelled axes"),
    "zarr": ("files", "a Zarr store"),
    "onnx": ("onnx", "an ONNX file"),
    "pint": ("units", "a check of units"),
    "scipy": ("numerics", "this method"),
    "sklearn": ("learn", "this dataset"),
    "jax": ("jax", "the execution 'jax'"),
    "distributed": ("dask", "a Dask cluster"),
    "adaptive": ("refine", "adaptive refinement"),
}
# Package -> what it is called where it is installed from, if that is another name.
DISTRIBUTIONS = {"sklearn": "scikit-learn"}
_said: set[str] = set()


def has(package: str) -> bool:
    """Whether a package is installed; it is not imported."""
    if package in sys.modules:
        return sys.modules[package] is not None
    return importlib.util.find_spec(package) is not None


def need(package: str, purpose: str | None = None) -> None:
    """Make sure that a package is there, before it is imported.

    Args:
        package: A package of an extra.
        purpose: What it is needed for, where the extra's own words are too wide.

    Raises:
        MissingPackageError: It is not installed.

    Example:
        >>> need("matplotlib")
    """
    if not has(package):
        raise missing(package, purpose)


def missing(package: str, purpose: str | None = None) -> MissingPackageError:
    """Return the error that names a package's install line."""
    extra, use = EXTRAS[package]
    return MissingPackageError(
        f"{purpose or use} needs {DISTRIBUTIONS.get(package, package)}, which is not installed: "
        f"{install_line(extra)}"
    )


def install_line(extra: str) -> str:
    """Return what installs an extra.

    Example:
        >>> install_line("plots")
        "pip install 'causalopt[plots]'"
    """
    return f"pip install 'causalopt[{extra}]'"


def load(module: str) -> ModuleType:
    """Import a module of this package that may import packages of an extra.

    Raises:
        MissingPackageError: Such a package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise translated(error) from None


def translated(error: ModuleNotFoundError) -> ImportError:
    """Return the error that names the install line, where an extra's package was not found."""
    package = (error.name or "").partition(".")[0]
    return missing(package) if package in EXTRAS else error


def has_compiler() -> bool:
    """Whether machine code can be made; where it cannot, a warning says so, once a process."""
    if has("llvmlite"):
        return True
    if "llvmlite" not in _said:
        _said.add("llvmlite")
        warnings.warn(
            "llvmlite is not installed: long runs and sweeps are run by Python and numpy, some ten "
            f"to some hundred times slower; to have machine code, {install_line('fast')}",
            RuntimeWarning,
            stacklevel=2,
        )
    return False
