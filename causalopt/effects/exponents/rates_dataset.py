"""Rates as labelled arrays."""

from __future__ import annotations

import numpy as np
import xarray

from causalopt.effects.exponents.rates import Rates
from causalopt.results import labelled


@labelled.register
def rates_dataset(rates: Rates) -> xarray.Dataset:
    """Return exponents as a dataset with the axis `exponent`, largest first.

    Variables: `lyapunov` and `conditional` with their errors [exponent], NaN beyond the last one;
    `op_rate`, `generic_rate`, their errors and `status`.
    """
    count = max(len(rates.lyapunov), len(rates.conditional))
    unit = {"units": rates.unit}
    columns = {
        name: ("exponent", _filled(getattr(rates, name), count), unit)
        for name in ("lyapunov", "lyapunov_error", "conditional", "conditional_error")
    }
    single = {
        name: ((), getattr(rates, name), unit)
        for name in ("op_rate", "error", "generic_rate", "generic_error")
    }
    settings = ("model", "hold", "nudge", "target", "unit", "steps", "transient", "exponents")
    return xarray.Dataset(
        {**columns, **single, "status": ((), rates.status)},
        coords={"exponent": np.arange(1, count + 1)},
        attrs={name: str(getattr(rates, name)) for name in settings},
    )


def _filled(values: tuple[float, ...], count: int) -> list[float]:
    return [*values, *[float("nan")] * (count - len(values))]
