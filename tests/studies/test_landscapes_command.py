"""causalopt landscapes: its list, its page, its files and its refusals."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from causalopt import Landscapes, QuestionError, landscapes
from causalopt.cli import main
from causalopt.studies.study_files import shipped_studies
from tests.chromium import chromium, executable
from tests.core import run_core
from tests.posts.test_browser import show
from tests.studies.study_texts import CURVE, PLANE, written

CLAIMS = (
    'claims:\n  - {claim: "it <is> so", share: "op < 1000", value: 1}\n'
    '  - {claim: "it is not", share: "op < 1000", value: 0.5, source: "made up"}\n'
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Landscapes]:
    folder = tmp_path_factory.mktemp("made")
    files = [written(folder, PLANE + CLAIMS), written(folder, CURVE, "curve.yaml")]
    return folder / "out", landscapes(files, out=folder / "out")


def test_the_list_has_every_shipped_study(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["landscapes", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(shipped_studies())
    assert main(["landscapes", "--list", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == list(shipped_studies())


def test_pictures_and_data_stand_beside_the_page(made: tuple[Path, Landscapes]) -> None:
    import xarray

    folder, found = made
    pictures = [f"small-rho{rho}-{m}.png" for rho in (10, 28) for m in ("op", "comp")]
    names = {"index.html", "small.nc", "curve.nc", "curve.png", "curve.svg", *pictures}
    assert {file.name for file in folder.iterdir()} == names
    for name in names:
        content = (folder / name).read_bytes()
        assert content[1:4] == b"PNG" or not name.endswith(".png")
    with xarray.open_dataset(folder / "small.nc", engine="h5netcdf") as table:
        np.testing.assert_array_equal(table.op, found.results["small"].op)


def test_the_page_has_every_picture_and_each_claim_with_its_number(
    made: tuple[Path, Landscapes],
) -> None:
    folder, found = made
    text = (folder / "index.html").read_text()
    assert text.count("data:image/png;base64,") == 5
    assert re.findall(r'(?:src|href)="(?!data:|#)', text) == []
    assert "it &lt;is&gt; so" in text
    assert text.count("1 of 2 hold") == 2  # of the page, and of the study
    assert text.count('class="differs"') == text.count("≠ does not hold") == 1
    assert found.refuted == 1
    assert "≠ it is not" in repr(found)
    again = found.save(folder.parent / "again", theme="dark")
    assert "color-scheme: dark" in again.read_text()
    assert (
        again.parent.joinpath("small-rho10-op.png").read_bytes()
        != (folder / "small-rho10-op.png").read_bytes()
    )


def test_json_is_strict_and_says_what_was_refuted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, PLANE + CLAIMS)
    assert (
        main(["landscapes", str(file), "--out", str(tmp_path / "o"), "--size", "6", "--json"]) == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert (found["claims"], found["refuted"]) == (2, 1)
    assert [claim["holds"] for claim in found["studies"][0]["claims"]] == [True, False]
    assert found["studies"][0]["shape"] == [2, 2, 2, 6, 6]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing"], "no shipped study is called 'nothing'"),
        (["lorenz"], "'lorenz' is a model"),
        (["lorenz_rates", "--size", "3"], "size is from 4 to 2000"),
        (["lorenz_rates", "--theme", "blue"], "light"),
        (["lorenz_equilibria", "--size", "900"], "take 730 or fewer"),
        (["thermostat_power", "--workers", "0"], "workers must be at least 1"),
    ],
)
def test_wrong_input_is_refused_and_writes_nothing(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["landscapes", *words, "--out", str(out), "--json"]) == 2
    assert message in json.loads(capsys.readouterr().out)["error"]["message"]
    assert not out.exists() or list(out.iterdir()) == []


def test_a_mistake_in_a_file_has_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, PLANE.replace("hold: c", "hold: d"))
    assert main(["landscapes", str(file), "--out", str(tmp_path / "o"), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["file"], error["line"]) == (str(file), 13)
    taken = written(tmp_path, "", "taken")
    assert main(["landscapes", "thermostat_power", "--out", str(taken)]) == 2


def test_two_studies_of_one_name_are_refused(tmp_path: Path) -> None:
    files = [written(tmp_path, PLANE), written(tmp_path, PLANE, "other.yaml")]
    with pytest.raises(QuestionError, match="two studies are called 'small'"):
        landscapes(files)
    assert list(landscapes([files[0], files[0]], size=4).results) == ["small"]


@pytest.mark.browser
@pytest.mark.skipif(executable() is None, reason="Chromium is not installed")
def test_the_page_asks_nothing_of_any_network(
    made: tuple[Path, Landscapes], tmp_path: Path
) -> None:
    with chromium(tmp_path) as page:
        show(page, made[0] / "index.html")
        assert page.value("[...document.images].filter((i) => i.naturalWidth > 0).length") == 5
        assert [url for url in page.requested if not url.startswith(("file:", "data:"))] == []
        assert (page.logged, page.thrown) == ([], [])
        page.send(
            "Emulation.setDeviceMetricsOverride",
            width=360, height=800, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        assert page.value("document.documentElement.scrollWidth") <= 360


def test_numbers_alone_need_no_extra_and_the_page_names_what_it_needs(tmp_path: Path) -> None:
    code = "import warnings\nwarnings.simplefilter('ignore')\nimport causalopt as c\n"
    asked = "c.landscapes(['thermostat_power'], size=8{})"
    done = run_core(f"{code}print({asked.format('')})")
    assert "claims: 4 of 4 hold" in done.stdout, done.stderr
    done = run_core(code + asked.format(f", out={str(tmp_path / 'o')!r}"))
    assert "pip install 'causalopt[plots]'" in done.stderr
    assert not (tmp_path / "o").exists()
