"""The page of studies: every picture, the words on it, and each claim beside what was computed."""

from __future__ import annotations

import base64
import dataclasses
import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from causalopt.posts.page import STYLE
from causalopt.studies.study_claims import CheckedClaim, claim_counts

if TYPE_CHECKING:
    from causalopt.studies.landscape_study import LandscapeStudy

DARK = """
:root { color-scheme: dark; }
body { color: #ececec; background: #16191d; } a { color: #58b4f0; }
h2, thead th { border-color: #ececec; } figure, th, td { border-color: #3a4048; }
figcaption, .id { color: #a6adb5; } .differs { background: #3a2a1c; }
.differs .verdict { color: #ff8f45; } .agrees .verdict { color: #1fa67c; }
"""
OWN = """
figure { flex-basis: 100%; } .value { overflow-wrap: anywhere; }
nav ul { columns: 22rem; column-gap: 2rem; }
"""


@dataclasses.dataclass(frozen=True)
class StudyPicture:
    """One picture of a study, finished.

    Attributes:
        file: What it is called beside the page.
        caption: What it shows.
        content: PNG.
    """

    file: str
    caption: str
    content: bytes

    @property
    def address(self) -> str:
        """The picture as a data address, which needs no request."""
        return f"data:image/png;base64,{base64.b64encode(self.content).decode()}"


def study_page(
    studies: Sequence[tuple[LandscapeStudy, Sequence[StudyPicture], Sequence[CheckedClaim]]],
    *,
    theme: str,
) -> str:
    """Return the page.

    Args:
        studies: Each with its pictures and its claims.
        theme: "light" or "dark".

    Returns:
        HTML with its style and pictures inside; no script, no address that is not its own.
    """
    claims = [claim for _, _, found in studies for claim in found]
    pictures = sum(len(shown) for _, shown, _ in studies)
    links = "".join(
        f'<li><a href="#{study.name}">{_text(study.title)}</a></li>' for study, _, _ in studies
    )
    body = [
        "<h1>Landscapes</h1>",
        f"<p>Op and Comp over planes of starts and parameters, and rates along a parameter. "
        f"<strong>{pictures} pictures</strong>; <strong>{len(claims)} claims</strong> on what is "
        f"seen, each with the number that holds or refutes it: {claim_counts(claims)}. Violet: A "
        "compresses what n brings to m (Op &gt; 0); orange: it amplifies it. In pictures of Comp "
        "blue is what arrives turned round (Comp &lt; 0), and strong colours are what is "
        "amplified.</p>",
        f"<nav><ul>{links}</ul></nav>",
        *(_section(*one) for one in studies),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>Landscapes of Op and Comp</title>\n<style>{STYLE}{OWN}"
        f"{DARK if theme == 'dark' else ''}</style>\n</head>\n<body>\n"
        + "\n".join(filter(None, body))
        + "\n</body>\n</html>\n"
    )


def _section(
    study: LandscapeStudy, pictures: Sequence[StudyPicture], claims: Sequence[CheckedClaim]
) -> str:
    words = "\n".join(f"<p>{_text(part)}</p>" for part in study.words)
    figures = "".join(map(_figure, pictures))
    source = f'<p class="id">{_text(study.source)}</p>' if study.source else ""
    link = (
        f'<p><a href="#{study.name}-claims">{len(claims)} claims</a>: {claim_counts(claims)}.</p>'
    )
    return (
        f'<h2 id="{study.name}">{_text(study.title)}</h2>\n{source}{words}\n'
        + (link if claims else "")
        + f'<div class="figures">{figures}</div>\n'
        + (f'<div id="{study.name}-claims">{_table(claims)}</div>' if claims else "")
    )


def _figure(picture: StudyPicture) -> str:
    return (
        f'<figure><img src="{picture.address}" alt="{_text(picture.caption)}">'
        f"<figcaption>{_text(picture.caption)} "
        f'<span class="id">{_text(picture.file)}</span></figcaption></figure>'
    )


def _table(claims: Sequence[CheckedClaim]) -> str:
    rows = "\n".join(map(_row, claims))
    return (
        "<table><thead><tr><th>claim</th><th>expected</th><th>computed</th><th></th></tr></thead>"
        f"<tbody>\n{rows}\n</tbody></table>"
    )


def _row(claim: CheckedClaim) -> str:
    kind = {True: "agrees", False: "differs", None: "unasked"}[claim.holds]
    source = f'<span class="id">{_text(claim.source)}</span>' if claim.source else ""
    return (
        f'<tr class="{kind}"><td>{_text(claim.claim)}{source}</td>'
        f'<td class="value" data-name="expected">{_text(claim.expected)}</td>'
        f'<td class="value" data-name="computed">{_text(claim.computed)}</td>'
        f'<td class="verdict">{claim.symbol} {claim.word}</td></tr>'
    )


def _text(text: str) -> str:
    return html.escape(text, quote=True)
