"""causalopt schema: the model format for editors."""

from __future__ import annotations

from causalopt.commands.options import Json, emit


def schema(json: Json = True) -> None:  # noqa: ARG001 - it prints nothing but JSON either way
    """Print the JSON Schema of model files, for editors."""
    from causalopt.model.model import Model

    data = Model.model_json_schema()
    emit({"$schema": "https://json-schema.org/draft/2020-12/schema", **data})
