"""Small studies for tests, as files."""

from __future__ import annotations

from pathlib import Path

from causalopt.studies.landscape_study import LandscapeStudy
from causalopt.studies.study_files import read_study

PLANE = """\
name: small
title: A small plane
model: lorenz
method: rk4
each: {rho: [10, 28]}
axes: {s: [-20, 20], "c[0]": [0, 40]}
initial: {a: s, b: s}
at: [20, 50]
size: 6
measures: [op, comp]
questions:
  - {hold: a, nudge: "b[0]", target: b}
  - {hold: c, nudge: "a[0]", target: b}
"""
CURVE = """\
name: curve
title: A small curve
model: lorenz
method: rk4
along:
  parameter: rho
  low: 1.5
  high: 13.5
  maxima: c
  starts:
    near: {a: 1, b: 1, c: 1}
  steps: 3000
  transient: 3000
size: 4
questions:
  - {hold: c, nudge: "a[0]", target: a}
  - {hold: a, nudge: "b[0]", target: b}
"""


def written(folder: Path, text: str, name: str = "study.yaml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def study(folder: Path, text: str, *claims: str) -> LandscapeStudy:
    """Return the study of a text, with claims added."""
    added = "claims:\n" + "".join(f"  - {{claim: it is so, {one}}}\n" for one in claims)
    return read_study(written(folder, text + (added if claims else "")))
