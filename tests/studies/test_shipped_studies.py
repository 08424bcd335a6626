"""The shipped studies: every claim holds at their own size, and the docs' pictures are theirs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from causalopt.studies.landscape_maps import landscape_maps
from causalopt.studies.rate_diagram import rate_diagram
from causalopt.studies.study_claims import checked_claims
from causalopt.studies.study_files import load_study, shipped_studies
from tools.landscape_images import FOLDER, PICTURES, described

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "landscapes.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped_studies())
def test_every_claim_of_a_shipped_study_holds(name: str) -> None:
    study = load_study(name)
    assert study.words
    assert study.source
    if study.along is None:
        claims = checked_claims(landscape_maps(study, size=study.size, workers=2))
    else:
        claims = checked_claims(rate_diagram(study, size=study.size))
    assert len(claims) >= 4
    assert [claim for claim in claims if not claim.holds] == []


def test_lorenz_is_asked_below_between_and_above_its_transitions_by_every_set() -> None:
    for name in ("lorenz_equilibria", "lorenz_poincare"):
        study = load_study(name)
        bounds = [-np.inf, 1, 13.926, 24.06, 470 / 19, np.inf]
        counts, _ = np.histogram(study.each["rho"], bounds)
        assert counts.min() == 1
        asked = {(q.hold.replace(" ", ""), q.nudge[0], q.target) for q in study.questions}
        whole = {
            (A, n, m)
            for A in ("a", "b", "c", "a,b", "a,c", "b,c")
            for n in "abc"
            for m in "abc"
            if n not in A and m not in A
        }
        assert asked == whole
        assert study.measures == ("op", "comp")


def test_the_words_on_euler_s_steps_are_true() -> None:
    """|1 + dt l| = 1 for the equilibria's pair of eigenvalues, at the rho that the words name."""

    def growth(rho: float) -> float:
        a = np.sqrt(8 / 3 * (rho - 1))
        jacobian = np.array([[-10, 10, 0], [1, -1, -a], [a, a, -8 / 3]])
        return float(np.abs(1 + 0.01 * np.linalg.eigvals(jacobian)).max())

    (said,) = re.findall(
        r"stability\s+at rho = ([\d.]+)\.", load_study("lorenz_equilibria").words[0]
    )
    assert growth(float(said) - 0.01) < 1 < growth(float(said) + 0.01)


def test_jury_s_lines_are_those_of_the_words() -> None:
    """Inside ki > 0, ki < 0.1 + kp, ki > 2 (kp - 1.9) both poles lie in the unit circle."""
    words = " ".join(load_study("pid_gains").words)
    assert "ki > 0, ki < 0.1 + kp and ki > 2 (kp - 1.9)" in words
    for kp in np.linspace(-0.45, 2.45, 30):
        for ki in np.linspace(0.013, 1.987, 30):
            poles = np.linalg.eigvals([[0.9 - kp, -ki], [1, 1]])
            inside = 0 < ki < 0.1 + kp and ki > 2 * (kp - 1.9)
            if abs(np.abs(poles).max() - 1) > 1e-9:
                assert (np.abs(poles).max() < 1) == inside


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_of_the_docs_are_of_the_studies_as_they_are(name: str) -> None:
    study = load_study(name)
    files = sorted(FOLDER.glob(f"landscapes-{name}*.png"))
    assert len(files) == len(PICTURES[name])
    for file in files:
        assert described(file.read_bytes()) == (
            f"{file.stem.removeprefix('landscapes-')} {study.fingerprint}, size {study.size}"
        ), "stale: python -m tools.landscape_images"
        assert f"(images/{file.name})" in PAGE


def test_the_page_names_every_shipped_study() -> None:
    for name in shipped_studies():
        assert f"`{name}`" in PAGE
