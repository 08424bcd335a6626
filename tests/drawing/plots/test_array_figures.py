from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from causalopt import Model, Nudge, load, run, world
from causalopt.cli import main
from causalopt.drawing.plots.heat_maps import draw_heat, heat_norm
from causalopt.errors import CausaloptError, QuestionError

NET = Model(
    name="net",
    sizes={"pixel": 5, "hidden": 4, "unit": 3},
    variables={
        "x": {"shape": ["pixel"], "initial": [0.3, -1, 0.2, 0.5, 0.1]},
        "W": {"shape": ["hidden", "pixel"], "initial": "normal(0, 1)"},
        "h": {"shape": ["hidden"], "rule": "tanh(W @ x)"},
        "o": {"shape": ["hidden"], "rule": "h + sum(x)"},
    },
    question={"nudge": "x", "hold": "h", "target": "o"},
)


def images(axes) -> np.ndarray:
    (image,) = axes.images
    return np.ma.filled(image.get_array(), np.nan)


def lines(axes) -> dict[str, np.ndarray]:
    return {line.get_label(): np.asarray(line.get_ydata()) for line in axes.lines}


def png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=40)
    return stream.getvalue()


def by_label(figure: Figure, label: str):
    (found,) = [axes for axes in figure.axes if axes.get_ylabel().split("\n")[0] == label]
    return found


def test_one_element_is_drawn_as_a_number_is():
    found = run(load("lorenz96"), steps=30, delta=0.1)
    figure = found.plot()
    drawn = lines(by_label(figure, "x[cell=20]"))
    np.testing.assert_array_equal(drawn["W: baseline"], found.W["x"][:, 20])
    np.testing.assert_array_equal(drawn["X: x[0, cell=20] nudged"], found.X["x"][:, 20])
    np.testing.assert_array_equal(drawn["Y: and A from W"], found.Y["x"][:, 20])
    np.testing.assert_array_equal(by_label(figure, "Op [nats]").lines[0].get_ydata(), found.op)
    np.testing.assert_array_equal(by_label(figure, "Comp").lines[0].get_ydata(), found.comp)
    assert png(figure) == png(found.plot())


def test_many_elements_are_a_heat_map_over_time():
    found = run(load("lorenz96"), target="x[cell=3:19]", steps=30, delta=0.1)
    figure = found.plot()
    np.testing.assert_array_equal(images(by_label(figure, "x[cell=3:19]")), found.W["x"][:, 3:19].T)
    for name, other in (("X", found.X), ("Y", found.Y)):
        difference = (other["x"] - found.W["x"])[:, 3:19].T
        np.testing.assert_array_equal(images(by_label(figure, f"{name} - W")), difference)
    sizes = lines(by_label(figure, "norm of difference/δ"))
    expected = np.linalg.norm((found.X["x"] - found.W["x"])[:, 3:19], axis=1) / 0.1
    np.testing.assert_allclose(sizes["all paths (x - w)"], expected, rtol=1e-12)
    assert by_label(figure, "alignment").get_ylim() == (-1.05, 1.05)


def test_a_plane_is_a_film():
    model = load("reaction_diffusion")
    found = run(model, steps=25)
    films = [axes for axes in found.plot().axes if len(axes.images) > 1]
    assert [axes.get_ylabel() for axes in films] == ["W", "x - w", "y - w"]
    assert [text.get_text() for text in films[0].texts] == [f"t = {t}" for t in range(0, 26, 5)]
    for image, text, t in zip(films[0].images, films[0].texts, range(0, 26, 5), strict=True):
        np.testing.assert_array_equal(np.ma.getdata(image.get_array()), found.W["v"][t])
        left, right, bottom, top = image.get_extent()
        assert (right - left, bottom - top) == pytest.approx(found.W["v"][t].shape[::-1])
        assert left < text.xy[0] < right
    for film, values in zip(films[1:], (found.total, found.direct), strict=True):
        np.testing.assert_array_equal(np.ma.getdata(film.images[5].get_array()), values[25, ..., 0])
        for image in film.images:
            assert image.norm.vmin == -image.norm.vmax


def test_probes_are_drawn_with_their_error():
    found = run(load("reaction_diffusion"), nudge="v[0]", steps=12)
    (band,) = by_label(found.plot(), "Op [nats]").collections
    top = band.get_paths()[0].vertices[:, 1].max()
    assert top == pytest.approx(np.max(found.op + found.op_error))
    with pytest.raises(QuestionError, match="32 random directions"):
        found.plot(t=3)


def test_a_step_shows_the_jacobians():
    found = run(NET)
    total, direct = (axes for axes in found.plot(t=0).axes if axes.images and axes.get_title())
    np.testing.assert_array_equal(images(direct), np.ones((4, 5)))
    W, x = found.W["W"][0], found.W["x"][0]
    expected = W / np.cosh(W @ x)[:, None] ** 2 + 1
    np.testing.assert_allclose(images(total), expected, rtol=1e-12)
    with pytest.raises(QuestionError, match="between 0 and the last step 0"):
        found.plot(t=1)


def test_a_step_shows_one_direction_as_fields():
    found = run(load("reaction_diffusion"), steps=9)
    w, total, direct = (axes for axes in found.plot(t=7).axes if axes.get_title())
    np.testing.assert_array_equal(images(w), found.W["v"][7])
    np.testing.assert_array_equal(images(total), found.total[7, :, :, 0])
    np.testing.assert_array_equal(images(direct), found.direct[7, :, :, 0])
    assert (w.get_xlabel(), w.get_ylabel()) == ("column", "row")
    bottom, top = w.get_ylim()
    assert bottom > top  # row 0 is above, as a matrix is written
    assert w.images[0].origin == "upper"


def test_a_model_without_time_is_drawn():
    assert png(run(NET).plot())
    assert png(world(NET).plot())


def test_worlds_are_drawn_over_time_and_at_a_step():
    model = load("reaction_diffusion")
    w = world(model, steps=10)
    x = world(model, Nudge("v[0, row=3]", 0.1), steps=10, name="X")
    figure = w.plot(x, variable="v", t=4)
    first, second = (axes for axes in figure.axes if axes.images and axes.get_title())
    np.testing.assert_array_equal(images(first), w["v"][4])
    np.testing.assert_array_equal(images(second), x["v"][4])
    assert first.images[0].norm.vmax == second.images[0].norm.vmax
    everything = w.plot(x)
    assert [len(axes.images) for axes in everything.axes if axes.images] == [6] * 4
    (mass,) = [axes for axes in everything.axes if not axes.images]
    np.testing.assert_array_equal(lines(mass)["X"], x["mass"])
    ring = world(load("lorenz96"), steps=10)
    np.testing.assert_array_equal(images(ring.plot(variable="x").axes[0]), ring["x"].T)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"t": 3}, "which variable is drawn at that step"),
        ({"variable": "v", "t": 11}, "lies after the last step 10"),
        ({"variable": "w"}, "unknown variable 'w'"),
    ],
)
def test_a_picture_that_cannot_be_drawn_says_why(options, match):
    with pytest.raises(CausaloptError, match=match):
        world(load("reaction_diffusion"), steps=10).plot(**options)


def test_worlds_of_two_models_are_not_drawn_together():
    other = world(load("lorenz96"), steps=3)
    with pytest.raises(QuestionError, match="several models"):
        world(load("oscillators"), steps=3).plot(other)


def test_what_is_not_finite_is_left_out_and_large_arrays_are_thinned():
    axes = Figure().subplots()
    values = np.arange(6.0).reshape(2, 3)
    values[1, 1] = np.inf
    draw_heat(axes, values)
    assert np.isnan(images(axes)[1, 1])
    axes = Figure().subplots()
    draw_heat(axes, np.zeros((5000, 10)))
    assert images(axes).shape == (1000, 10)
    assert axes.get_title("right") == "every 5 by 1 cells"
    assert heat_norm(np.array([np.nan])).vmax > heat_norm(np.array([np.nan])).vmin


def test_the_command_line_draws_and_writes_a_lattice(tmp_path, capsys):
    import xarray

    out, picture = tmp_path / "x.nc", tmp_path / "y.png"
    words = ["run", "lorenz96", "--steps", "20", "--out", str(out), "--plot", str(picture)]
    assert main([*words, "--target", "x[cell=5:9]"]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    found = run(load("lorenz96"), steps=20, target="x[cell=5:9]")
    with xarray.open_dataset(out) as written:
        np.testing.assert_array_equal(written["value_x"].sel(world="W"), found.W["x"])
        np.testing.assert_array_equal(written["op"], found.op)
        np.testing.assert_array_equal(written["total"][..., 0], found.total[..., 0])
        np.testing.assert_array_equal(written["m_cell"], [5, 6, 7, 8])
        assert written["value_x"].dims == ("world", "t", "cell")
        assert written.attrs["hold"] == "x[cell=21:31]"
    capsys.readouterr()


def test_a_dataset_names_dims_that_repeat_or_have_no_name():
    model = Model(
        name="m",
        sizes={"unit": 3},
        variables={
            "W": {"shape": ["unit", "unit"], "initial": "identity(unit)", "rule": "W[t-1]/2"},
            "h": {"shape": ["unit", 2], "initial": 1, "rule": "W[t-1] @ h[t-1]"},
        },
        question={"nudge": "h[0, unit=1]", "hold": "W", "target": "h", "steps": 4},
    )
    found = run(model, delta=0.5).dataset
    assert found["value_W"].dims == ("world", "t", "unit", "unit_1")
    assert found["value_h"].dims == ("world", "t", "unit", "h_dim1")
    assert found["total"].dims == ("t", "m_unit", "m_dim1", "direction")
    assert found["directions"].dims == ("direction", "n_unit", "n_dim1")
    assert found["world"].values.tolist() == ["W", "X", "Y"]
