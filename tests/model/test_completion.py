"""What a model and a world complete to: their own names."""

from __future__ import annotations

import pydantic
import pytest

import causalopt
from causalopt import Model, load, read_model, run, world

PYDANTIC = {name for name in dir(pydantic.BaseModel) if not name.startswith("__")}


def test_a_model_completes_to_its_own_names_and_to_none_of_pydantics() -> None:
    model = load("thermostat")
    shown = {name for name in dir(model) if not name.startswith("_")}
    assert set(Model.model_fields) <= shown
    assert {"A", "B", "replace", "node", "save", "fingerprint", "is_static"} <= shown
    assert not shown & PYDANTIC
    assert not [name for name in dir(Model) if "pydantic" in name]
    assert set(dir(Model)) == set(dir(model))
    assert all(hasattr(model, name) for name in shown)


def test_what_is_not_shown_is_there_still() -> None:
    model = load("thermostat")
    assert model.model_dump()["name"] == "thermostat"
    assert Model.model_json_schema()["properties"]
    assert model.model_copy() == model
    within = {"array_source", "held_set", "named_shapes", "spacetime"}
    assert not within & set(dir(model))
    assert all(hasattr(model, name) for name in within)


def test_a_model_is_saved_as_write_model_does(tmp_path) -> None:
    model = load("lorenz")
    model.save(tmp_path / "m.yaml")
    causalopt.write_model(model, tmp_path / "other.yaml")
    assert (tmp_path / "m.yaml").read_bytes() == (tmp_path / "other.yaml").read_bytes()
    assert read_model(tmp_path / "m.yaml") == model
    with pytest.raises(causalopt.FileError, match=r"\.yaml"):
        model.save(tmp_path / "m.txt")


@pytest.mark.parametrize("jedi", [True, False])
def test_a_notebook_completes_models_results_and_worlds(jedi: bool) -> None:
    from IPython.core.completer import provisionalcompleter
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    model = load("thermostat")
    shell.user_ns |= {"m": model, "w": world(model, steps=3), "r": run(model, steps=3)}
    shell.Completer.use_jedi = jedi

    def completed(text: str) -> set[str]:
        with provisionalcompleter():
            return {
                found.text.lstrip(".") for found in shell.Completer.completions(text, len(text))
            }

    assert {"parameters", "replace", "save", "variables"} <= completed("m.")
    assert not completed("m.") & PYDANTIC
    assert completed("w['") == {"R", "T"}
    assert {"op", "plot", "save", "to_pandas"} <= completed("r.")
