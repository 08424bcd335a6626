"""A run that was stopped and goes on has the digits of one that was not."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import causalopt
from causalopt import FileError, Model, Nudge, QuestionError
from causalopt.extras import has

STEPS = 500
QUESTION: dict[str, Any] = {"nudge": "W[3, n=0]", "hold": "h[n=1:3]", "target": "g", "steps": STEPS}
EXECUTIONS = ["numpy", pytest.param("jax", marks=pytest.mark.skipif(not has("jax"), reason="jax"))]


def model(rate: float = 0.01) -> Model:
    return Model(
        name="learner",
        sizes={"n": 4},
        parameters={"rate": rate},
        variables={
            "x": {"shape": ["n"], "noise": "normal(0, 1)"},
            "y": {"shape": ["n"]},
            "h": {
                "shape": ["n"],
                "rule": "tanh(W[t-1]*x[t] + h[t-2]/2)",
                "initial": [["0.5"] * 4, ["0.25"] * 4],
            },
            "W": {
                "shape": ["n"],
                "rule": "W[t-1] - rate*(h[t] - y[t])*x[t]",
                "initial": "normal(0, 1)",
            },
            "g": {"shape": ["n"], "rule": "2.5*g[t-1] + h[t]", "initial": 0},
        },
    )


def data(scale: float = 1.0) -> dict[str, Any]:
    return {"y": scale * np.random.default_rng(1).normal(size=(STEPS + 1, 4))}


class Stopped(Exception):  # noqa: N818 - it is no error
    pass


def stop_at(limit: int) -> Any:
    def progress(done: float, _total: float, _what: str) -> None:
        if done >= limit:
            raise Stopped

    return progress


@pytest.mark.parametrize("execution", EXECUTIONS)
@pytest.mark.parametrize("limit", [60, 120, 360, 500])
def test_a_stopped_run_goes_on_bit_for_bit(tmp_path: Path, execution: str, limit: int) -> None:
    file = tmp_path / "run.npz"
    plain = causalopt.run(model(), data=data(), execution=execution, **QUESTION)
    more: dict[str, Any] = {"checkpoint": file, "checkpoint_every": 60, "execution": execution}
    with pytest.raises(Stopped):
        causalopt.run(model(), data=data(), progress=stop_at(limit), **more, **QUESTION)
    done: list[float] = []
    resumed = causalopt.run(
        model(), data=data(), progress=lambda at, *_: done.append(at), **more, **QUESTION
    )
    assert all(step > limit - 60 for step in done)
    assert np.isfinite(plain.op[5:]).all()
    assert plain.tangents.exponents[-1].any()
    for name in ("total", "direct", "exponents"):
        assert np.array_equal(getattr(resumed.tangents, name), getattr(plain.tangents, name))
    for name in ("h", "W", "g"):
        assert np.array_equal(resumed.W[name], plain.W[name])
    assert resumed.status.tolist() == plain.status.tolist()


def test_a_killed_process_leaves_a_checkpoint_from_which_another_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "world.npz"
    code = (
        "import os, sys, causalopt\n"
        "from tests.effects.arrays.test_checkpoints import data, model\n"
        "def progress(done, total, what):\n"
        "    if done >= 350: os._exit(9)\n"
        f"causalopt.world(model(), steps={STEPS}, data=data(), checkpoint=sys.argv[1],\n"
        "    checkpoint_every=100, progress=progress)\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code, str(file)], cwd=root, check=False)
    assert done.returncode == 9
    assert [path.name for path in tmp_path.iterdir()] == ["world.npz"]
    seen: list[float] = []
    resumed = causalopt.world(
        model(), steps=STEPS, data=data(), checkpoint=file, checkpoint_every=100,
        progress=lambda at, *_: seen.append(at),
    )  # fmt: skip
    assert min(seen) > 300
    plain = causalopt.world(model(), steps=STEPS, data=data())
    for name in ("h", "W", "g"):
        assert np.array_equal(resumed[name], plain[name])


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is of POSIX")
def test_what_a_process_killed_while_it_writes_leaves_is_removed(tmp_path: Path) -> None:
    file = tmp_path / "run.npz"
    code = (
        "import os, signal, sys, causalopt, numpy\n"
        "from tests.effects.arrays.test_checkpoints import data, model\n"
        "def killed(part, **arrays):\n"
        "    part.write_bytes(b'half of it')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "numpy.savez = killed\n"
        f"causalopt.world(model(), steps={STEPS}, data=data(), checkpoint=sys.argv[1])\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code, str(file)], cwd=root, check=False)
    assert done.returncode == -9
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".run.npz.")
    dead = left.name.split(".")[-2]
    running = tmp_path / left.name.replace(f".{dead}.", f".{os.getpid()}.")
    others = [
        running,
        tmp_path / left.name.replace(".run.npz.", ".run2.npz."),
        tmp_path / left.name.replace(".run.npz.", ".run.npz.elsewhere-"),
        tmp_path / ".run.npz.mine",
    ]
    for other in others:
        other.mkdir()
        (other / "part.npz").write_bytes(b"of another")
    mine = tmp_path / (left.name + "s")
    mine.mkdir()
    (mine / "notes.txt").write_text("kept")
    causalopt.world(model(), steps=STEPS, data=data(), checkpoint=file)
    assert not left.exists()
    assert {path.name for path in tmp_path.iterdir()} == {
        "run.npz",
        mine.name,
        *(other.name for other in others),
    }
    assert all((other / "part.npz").exists() for other in others)
    assert (mine / "notes.txt").exists()


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"model": model(0.02)}, "the model, the parameters"),
        ({"data": data(1.5)}, "the data"),
        ({"seed": 7}, "initial values, the seed"),
        ({"steps": STEPS - 1}, "the number of steps"),
        ({"hold": "h[n=1:2]"}, "the held set"),
        ({"target": "h"}, "the question"),
        ({"nudge": "W[4, n=0]"}, "the question"),
        ({"given": [Nudge("h[5]", 0.1)]}, "the interventions"),
        ({"initial": {"W": np.ones(4)}}, "initial values"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(
    tmp_path: Path, changed: dict[str, Any], what: str
) -> None:
    file = tmp_path / "run.npz"
    own = {"model": model(), "data": data(), **QUESTION}
    causalopt.run(**own, checkpoint=file)
    before = file.read_bytes()
    with pytest.raises(
        FileError,
        match=f"^[^(]*is a checkpoint of another run: what differs is {what}\\. Remove it",
    ):
        causalopt.run(**{**own, **changed}, checkpoint=file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("damage", ["cut", "text", "pickle", "parts"])
def test_a_damaged_checkpoint_is_refused_with_a_next_step(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "run.npz"
    causalopt.run(model(), data=data(), checkpoint=file, **QUESTION)
    if damage == "cut":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    elif damage == "text":
        file.write_text("no file of numpy's")
    elif damage == "pickle":
        np.savez(file, head=np.array([{}], dtype=object))
    else:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("head.npy", b"")
    with pytest.raises(FileError, match=r"is no checkpoint that can be read .*: remove it"):
        causalopt.run(model(), data=data(), checkpoint=file, **QUESTION)


def test_where_a_checkpoint_cannot_be_is_said_before_the_run(tmp_path: Path) -> None:
    seen: list[float] = []

    def run(path: Path, every: int | None = None) -> None:
        causalopt.world(
            model(), steps=STEPS, data=data(), checkpoint=path, checkpoint_every=every,
            progress=lambda at, *_: seen.append(at),
        )  # fmt: skip

    with pytest.raises(FileError, match=r"a checkpoint is a file \.npz"):
        run(tmp_path / "run.nc")
    with pytest.raises(FileError, match="its folder does not exist"):
        run(tmp_path / "nowhere" / "run.npz")
    with pytest.raises(QuestionError, match="after 1 or more steps, not 0"):
        run(tmp_path / "run.npz", 0)
    with pytest.raises(QuestionError, match="a finite nudge has no checkpoint"):
        causalopt.run(model(), data=data(), delta=0.1, checkpoint=tmp_path / "r.npz", **QUESTION)
    assert not seen
    assert not list(tmp_path.iterdir())
