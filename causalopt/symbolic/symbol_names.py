"""Names of parameters and nodes as mathematics writes them: Greek letters, subscripts.

sympy reads the end of a name as an accent (`what` as w with a hat, `radical` as a calligraphic
radi) and spells subscripts in italics. Here a name is its head, digits at its end and what follows
an underscore as subscripts, and nothing else.
"""

from __future__ import annotations

import re
import unicodedata

from sympy.printing.pretty.pretty_symbology import greek_unicode

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_PARTS = re.compile(r"(?P<name>.*?)(?:_\{(?P<braced>[^{}]*)\}|\[(?P<place>[^\[\]]*)\])?")
_SPECIAL = {"_": r"\_", "#": r"\#", "$": r"\$", "%": r"\%", "&": r"\&", "{": r"\{", "}": r"\}"}


def latex_name(name: str) -> str:
    r"""Return a name in LaTeX.

    Example:
        >>> for name in ("tau_max", "x_1_2", "R[t-1]", "radical", "k2"):
        ...     print(latex_name(name))
        \tau_{\mathrm{max}}
        x_{1,2}
        R_{t-1}
        \mathrm{radical}
        k_{2}
    """
    head, subscripts, place = _split(name)
    below = ",".join([_latex_word(part) for part in subscripts] + [place] * bool(place))
    return f"{_latex_word(head)}_{{{below}}}" if below else _latex_word(head)


def unicode_name(name: str) -> str:
    """Return a name in Unicode, for a terminal.

    Example:
        >>> unicode_name("tau_max"), unicode_name("x_1"), unicode_name("k2"), unicode_name("R[t-1]")
        ('τ_max', 'x₁', 'k₂', 'R[t-1]')
    """
    head, subscripts, _ = _split(name)
    text: str = greek_unicode.get(head, head)
    for part in subscripts:
        is_last_number = part.isdecimal() and part.isascii() and len(subscripts) == 1
        text += (
            part.translate(_SUBSCRIPTS) if is_last_number else f"_{greek_unicode.get(part, part)}"
        )
    return text + name[name.index("[") :] if "[" in name else text


def _split(name: str) -> tuple[str, list[str], str]:
    """Return head, subscripts and the place in time of a name."""
    found = _PARTS.fullmatch(name)
    if found is None:
        return name, [], ""
    place = found["braced"] or found["place"] or ""
    lead = len(found["name"]) - len(found["name"].lstrip("_"))
    first, *rest = found["name"][lead:].split("_")
    digits = re.fullmatch(r"([^\W\d_]+)([0-9]+)", first)
    if digits is not None:
        first, rest = digits[1], [digits[2], *rest]
    if not first or "" in rest:
        return found["name"], [], place
    return found["name"][:lead] + first, rest, place


def _latex_word(word: str) -> str:
    if len(word) == 1:
        letter = _greek_letter(word)
        return _SPECIAL.get(word, word) if letter is None else letter
    if word in greek_unicode:
        return _greek_latex(word)
    if word.isdecimal():
        return word
    return rf"\mathrm{{{''.join(_SPECIAL.get(c, c) for c in word)}}}"


def _greek_letter(letter: str) -> str | None:
    """Return a Greek letter in LaTeX, None for any other."""
    words = unicodedata.name(letter, "").split()
    if len(words) != 4 or words[0] != "GREEK" or words[2] != "LETTER":
        return None
    spoken = words[3].lower().replace("lamda", "lambda")
    return _greek_latex(spoken.capitalize() if words[1] == "CAPITAL" else spoken)


# Those that LaTeX has no letter for look like Latin ones.
_LATIN = {
    "Alpha": "A",
    "Beta": "B",
    "Epsilon": "E",
    "Zeta": "Z",
    "Eta": "H",
    "Iota": "I",
    "Kappa": "K",
    "Mu": "M",
    "Nu": "N",
    "Omicron": "O",
    "Rho": "P",
    "Tau": "T",
    "Chi": "X",
    "omicron": "o",
}


def _greek_latex(word: str) -> str:
    word = {"lamda": "lambda", "Lamda": "Lambda"}.get(word, word)
    return rf"\mathrm{{{_LATIN[word]}}}" if word in _LATIN else rf"\{word}"
