"""causalopt schema: the model format for editors."""

from __future__ import annotations

import causalopt
from causalopt.commands.options import Json, emit


def schema(json: Json = True) -> None:  # noqa: ARG001 - it prints nothing but JSON either way
    """Print the JSON Schema of model files, for editors."""
    emit(causalopt.schema())
