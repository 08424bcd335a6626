"""A dataset as one table: which axes are rows, which are columns, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest
import xarray

from causalopt import UnknownNameError, currents, load, run, strength, sweep, world
from causalopt.saving.data_frame import data_frame


def test_a_run_is_a_row_a_step() -> None:
    found = run(load("thermostat"), steps=9, delta=2.0)
    table = found.to_pandas()
    assert table.index.name == "t"
    assert table.index.tolist() == list(range(10))
    worlds = [f"{world} {name}" for world in "WXY" for name in ("T", "R")]
    numbers = ["total", "direct", "log_total", "log_direct", "comp", "op"]
    assert table.columns.tolist() == ["time", *worlds, *numbers, "status"]
    assert table["X R"].tolist() == found.X["R"].tolist()
    assert table["op"].tolist() == found.op.tolist()
    assert table["status"].tolist() == found.status.tolist()
    assert table.attrs["nudge"] == "R[0]"
    assert "left_out" not in table.attrs


def test_a_sweep_is_a_row_a_point() -> None:
    found = sweep(load("thermostat"), {"k": [0.1, 0.2, 0.3], "R[0]": [1.0, 2.0]}, steps=9)
    table = found.to_pandas()
    assert table.index.names == ["k", "R_0"]
    assert table.loc[(0.2, 2.0), "op"] == found.op[1, 1]
    assert table["comp"].tolist() == found.comp.ravel().tolist()


def test_edges_of_currents_are_another_table() -> None:
    found = currents(load("thermostat"), steps=5)
    nodes, edges = found.to_pandas(), found.to_pandas("edge_share")
    assert nodes.index.names == ["t", "variable"]
    assert nodes.loc[(1, "T"), "share"] == found.share[1, found.variables.index("T")]
    assert "edge_share" in nodes.attrs["left_out"]
    assert edges.index.names == ["t", "edge"]
    assert edges["edge_share"].to_numpy().tobytes() == found.edge_share.ravel().tobytes()
    assert edges["child"].tolist()[:3] == [child for _, child, _ in found.edges.edges]


def test_numbers_without_axes_are_one_row() -> None:
    found = strength(load("thermostat_smart"), at=1, initial="uniform")
    (row,) = found.to_pandas().to_dict("records")
    # Defining Optimization, Part 2: the smart thermostat from the uniform law, in bits.
    assert row["optimizing_strength"] == pytest.approx(1.1080054, abs=1e-7)
    assert row["adjusted"] == pytest.approx(0.2846822, abs=1e-7)


def test_a_world_is_its_variables_over_time() -> None:
    table = world(load("thermostat"), steps=2).to_pandas()
    # T' = R - 25, R' = R - T/100, from 10 and 35.
    assert table["T"].tolist() == pytest.approx([10, 10, 9.9])
    assert table["R"].tolist() == pytest.approx([35, 34.9, 34.8])


def test_further_axes_are_columns_where_they_are_texts_or_few() -> None:
    dataset = xarray.Dataset(
        {
            "x": ("t", [1.0, 2.0]),
            "value": (("t", "name"), [[1.0, 2.0], [3.0, 4.0]]),
            "few": (("t", "k"), np.arange(32.0).reshape(2, 16)),
            "many": (("t", "j"), np.arange(34.0).reshape(2, 17)),
            "constant": ((), 7.0),
            "elsewhere": ("u", [1.0]),
        },
        coords={"name": ["a", "b"], "k": np.arange(16) + 1},
    )
    table = data_frame(dataset)
    few = [f"few {k}" for k in range(1, 17)]
    assert table.columns.tolist() == ["x", "a", "b", *few, "constant"]
    assert table["b"].tolist() == [2, 4]
    assert table["few 16"].tolist() == [15, 31]
    assert table["constant"].tolist() == [7, 7]
    assert table.attrs["left_out"] == "many, elsewhere"
    assert len(data_frame(dataset, "many")) == 34


def test_an_unknown_variable_gets_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="the result has no 'opp'; did you mean 'op'"):
        run(load("thermostat"), steps=3).to_pandas("opp")
