"""What to write in place of what other languages, and other notations, would have: for messages.

People bring what they know: numpy's functions, C's `&&`, TeX's `x_{t-1}`, a decimal comma, signs
that a word processor put in. Each such spelling has a line here that says what is written instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import TypeAlias

Advice: TypeAlias = tuple[str, int]  # the message, and the place in the text

_MODULES = {"np", "numpy", "math", "cmath", "jnp", "jax", "torch", "sp", "sympy", "scipy", "tf"}
_DRAWS = {
    "normal": "normal(0, 1)",
    "gauss": "normal(0, 1)",
    "gaussian": "normal(0, 1)",
    "randn": "normal(0, 1)",
    "rnorm": "normal(0, 1)",
    "noise": "normal(0, 1)",
    "uniform": "uniform",
    "rand": "uniform",
    "random": "uniform",
    "runif": "uniform",
    "bernoulli": "bernoulli(1/2)",
    "binomial": "bernoulli(1/2)",
}
# A function of other languages -> what it is here.
_FUNCTIONS = {
    "ln": "the natural logarithm is written log(x)",
    "log10": "log is the natural logarithm: write log(x)/log(10)",
    "lg": "log is the natural logarithm: write log(x)/log(10)",
    "log2": "log is the natural logarithm: write log(x)/log(2)",
    "ld": "log is the natural logarithm: write log(x)/log(2)",
    "pow": "a power is written x**y",
    "power": "a power is written x**y",
    "square": "a power is written x**2",
    "cbrt": "a power is written x**(1/3)",
    "mod": "write a - b*floor(a/b)",
    "fmod": "write a - b*floor(a/b)",
    "round": "write floor(x + 0.5)",
    "rint": "write floor(x + 0.5)",
    "int": "write floor(x)",
    "trunc": "write sign(x)*floor(abs(x))",
    "fabs": "write abs(x)",
    "sgn": "write sign(x)",
    "sum": "write the terms with +, as in a + b",
    "mean": "write the terms with +, as in (a + b)/2",
    "avg": "write the terms with +, as in (a + b)/2",
    "prod": "write the factors with *, as in a*b",
    "heaviside": "write where(x > 0, 1, 0)",
    "step": "write where(x > 0, 1, 0)",
    "theta": "write where(x > 0, 1, 0)",
    "if": "a choice is written where(condition, a, b)",
    "ifelse": "a choice is written where(condition, a, b)",
    "iif": "a choice is written where(condition, a, b)",
    "piecewise": "a choice is written where(condition, a, b)",
    "maximum": "write max(a, b)",
    "minimum": "write min(a, b)",
    "arcsin": "write asin(x)",
    "arccos": "write acos(x)",
    "arctan": "write atan(x)",
    "arctan2": "write atan(y/x), for x > 0",
    "atan2": "write atan(y/x), for x > 0",
    "arcsinh": "write asinh(x)",
    "arccosh": "write acosh(x)",
    "arctanh": "write atanh(x)",
    "tg": "write tan(x)",
    "ctg": "write 1/tan(x)",
    "cot": "write 1/tan(x)",
    "sec": "write 1/cos(x)",
    "csc": "write 1/sin(x)",
    "logistic": "write sigmoid(x)",
    "expit": "write sigmoid(x)",
    "saturate": "write clip(x, lo, hi)",
    "sat": "write clip(x, lo, hi)",
    "delay": "the value one step ago is written x[t-1]",
    "lag": "the value one step ago is written x[t-1]",
    "prev": "the value one step ago is written x[t-1]",
    "integral": 'a running sum is a variable of its own: s: {rule: "s[t-1] + x[t]", initial: 0}',
    "cumsum": 'a running sum is a variable of its own: s: {rule: "s[t-1] + x[t]", initial: 0}',
    "der": 'a derivative is declared: x: {flow: "...", initial: 0}, with dt and method',
}
_GREEK_NAMES = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau
upsilon phi chi psi omega
"""
_GREEK = dict(zip("αβγδεζηθικλμνξοπρστυφχψω", _GREEK_NAMES.split(), strict=True))
_SPACES = "\xa0\u2002\u2003\u2007\u2009\u200a\u202f\u3000"
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\xad"
# Characters that are no part of the language -> what stands for them.
_CHARACTERS = {
    **dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\u2014\ufe63\uff0d", "-"),
    **dict.fromkeys("×·⋅∙∗•", "*"),
    **dict.fromkeys("÷∕⁄", "/"),
    **dict.fromkeys("“”„‟‘’‚«»", ""),
    **dict.fromkeys(_SPACES, " "),
    **dict.fromkeys(_INVISIBLE, ""),
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "²": "**2",
    "³": "**3",
    "√": "sqrt",
    "∧": " and ",
    "∨": " or ",
    "¬": "not ",
}
_ODD = re.compile(f"[{re.escape(''.join(_CHARACTERS))}]")
_NAME = r"[^\W\d]\w*"
_MOST = 60
_LONGEST = 2_000  # characters of a text that is looked at: some patterns take their square


def function_advice(name: str) -> str:
    """Return what is written in place of another language's function, "" where that is not known.

    Example:
        >>> function_advice("ln")
        'the natural logarithm is written log(x)'
    """
    if name in _DRAWS:
        return (
            f'a rule draws nothing: noise is a variable of its own, e: {{noise: "{_DRAWS[name]}"}} '
            "under 'variables:', and the rule reads e[t]"
        )
    return _FUNCTIONS.get(name, _FUNCTIONS.get(name.lower(), ""))


def module_advice(module: str, name: str, known: Collection[str]) -> str:
    """Return what is written in place of `np.exp`, "" where `module` is no module of Python's.

    Args:
        module: What stands before the dot.
        name: What stands after it.
        known: The functions of the language.
    """
    if module not in _MODULES:
        return ""
    said = f"'{module}.{name}': functions stand alone, without '{module}.'"
    if name == "e":
        return f"{said}; write exp(1)"
    if name in known or name == "pi":
        return f"{said}: write {name}{'(...)' * (name != 'pi')}"
    advice = function_advice(name)
    return f"{said}; {advice}" if advice else f"{said}, and the language has no {name}"


def name_advice(name: str, variables: Collection[str], names: Collection[str]) -> str:
    """Return what an undeclared name may have meant, "" where nothing is known of it.

    Args:
        name: The name, in no list of what is declared.
        variables: The variables.
        names: Parameters and other names.
    """
    declared = {*variables, *names}
    if name in {"e", "exp1"}:
        return "for Euler's number write exp(1), and exp(x) for e**x"
    if name in {"Pi", "PI", "π"} and "pi" in declared:
        return "write pi"
    if name in {"inf", "Inf", "infinity", "oo", "nan", "NaN", "None", "null"}:
        return "a rule is made of finite numbers"
    if name.lower() in {"true", "false", "yes", "no", "on", "off"}:
        number = 1 if name.lower() in {"true", "yes", "on"} else 0
        return f"write {number}, or a comparison such as x > 0"
    spelt = {**_GREEK, **{v: k for k, v in _GREEK.items()}}.get(name)
    if spelt in declared:
        return f"did you mean '{spelt}'?"
    base, _, index = name.rpartition("_")
    if base in variables and re.fullmatch(r"t|t?\d+|tm\d+|prev|old|last|lag\d*", index):
        back = re.sub(r"\D", "", index) if index[:1] == "l" or "m" in index else ""
        step = "t" if index == "t" else f"t-{back or 1}"
        return f"a variable takes its step in brackets: write {base}[{step}]"
    if name[:1] == "d" and (name[1:] in variables or name in {"dx", "dy"}):
        return (
            f"a derivative is no part of a rule: a variable {name[1:]} that is declared with "
            "'flow:' in place of 'rule:' follows it"
        )
    return ""


def comma_advice(text: str) -> str:
    """Return what is written for a comma between digits, "" where there is none.

    Example:
        >>> comma_advice("0,5*x"), comma_advice("1,000*x")
        ('a decimal has a point: write 0.5', 'a number has no commas: write 1000')
    """
    match = re.search(r"(?<![\w.])(\d+),(\d+)(?![\w.])", text)
    if match is None:
        return ""
    if len(match[2]) == 3 and match[1] != "0":
        return f"a number has no commas: write {match[1]}{match[2]}"
    return f"a decimal has a point: write {match[1]}.{match[2]}"


def spelling_advice(
    text: str, variables: Collection[str], names: Collection[str], functions: Collection[str]
) -> Advice | None:
    """Return what is wrong with a text that is no expression, and where; None if nothing is known.

    Args:
        text: The text.
        variables: The variables it may name.
        names: Parameters and other names.
        functions: The functions it may call.
    """
    if len(text) > _LONGEST:
        return None
    odd = _ODD.search(text) or re.search("[ₜ₀-₉₊₋]", text)
    if odd:
        return _character(text, odd), odd.start()
    declared = {*variables, *names}
    for pattern, say in _NOTATIONS:
        for match in re.finditer(pattern, text):
            message = say(match, _Known(declared, set(variables), set(functions)))
            if message:
                return message, match.start("at") if "at" in match.groupdict() else match.start()
    return None


def _character(text: str, odd: re.Match[str]) -> str:
    """Return what stands for a character that rules do not know."""
    sign = odd.group()
    code = f"(U+{ord(sign):04X})"
    if sign not in _CHARACTERS:
        return f"'{sign}' {code} is no step: write x[t-1], the step in brackets"
    mended = " ".join(_ODD.sub(lambda m: _CHARACTERS[m.group()], text).split())
    write = f": write {mended}" if len(mended) <= _MOST and "\n" not in text else ""
    if sign in "“”„‟‘’‚«»":
        return f"'{sign}' {code} is a typographic quotation mark: a rule needs none{write}"
    if sign in _SPACES + _INVISIBLE:
        return f"an invisible character {code} stands here: write a plain space or nothing"
    if sign == "√":
        return f"'√' {code} is no sign of the language: write sqrt(x)"
    good = _CHARACTERS[sign].strip()
    return f"'{sign}' {code} is no sign of the language, '{good}' is{write}"


class _Known:
    """The names that a text may use."""

    def __init__(self, declared: set[str], variables: set[str], functions: set[str]) -> None:
        self.declared, self.variables, self.functions = declared, variables, functions


def _choice(match: re.Match[str], _: _Known) -> str:
    condition, yes, no = (match[i].strip() for i in ("c", "a", "b"))
    written = f"where({condition}, {yes}, {no})"
    return f"a choice is written {written if len(written) <= _MOST else 'where(condition, a, b)'}"


def _braces(match: re.Match[str], known: _Known) -> str:
    name = match["name"].rstrip("_")
    return (
        f"a variable takes its step in brackets: write {name}[{match['inner']}]"
        if name in known.declared
        else "braces are not part of the language: write (...) to group, x[t-1] for a step"
    )


def _prime(match: re.Match[str], known: _Known) -> str:
    name = match["name"]
    return (
        f'a derivative is declared, {name}: {{flow: "...", initial: 0}}, and no part of a rule'
        if name in known.variables
        else ""
    )


def _beside(match: re.Match[str], known: _Known) -> str:
    """A number and a word beside each other: a product without its sign, or a unit."""
    number, gap, word, rest = match["number"], match["gap"], match["word"], match["rest"]
    name = word.rstrip("_")
    if name in {"and", "or", "not", "if", "else", "then", "in", "is"}:
        return ""
    if name in known.declared or name in known.functions or (not gap and rest in {"(", "["}):
        more = {"(": "(...)", "[": "[...]"}.get(rest, "")
        return f"a product needs its sign: write {number}*{word}{more}"
    return (
        f"a rule's numbers have no units: write {number}, and 'unit: {word}' beside the rule or "
        f"the parameter; for a product write {number}*{word}"
    )


def _two_words(match: re.Match[str], known: _Known) -> str:
    first, second = match["first"], match["second"]
    words = {"and", "or", "not", "if", "else", "then", "elif"}
    if first in words or second in words:
        return ""
    if first in known.functions and first not in known.declared:
        return f"a function takes its argument in parentheses: write {first}({second}...)"
    return f"an operator is missing between '{first}' and '{second}': write {first}*{second}"


def _closed(match: re.Match[str], _: _Known) -> str:
    if match["word"] in {"and", "or", "if", "else", "then", "not"}:
        return ""
    return f"an operator is missing before '{match['word']}': a product is written with *"


def _said(message: str) -> Callable[[re.Match[str], _Known], str]:
    return lambda *_: message


_NOTATIONS: tuple[tuple[str, Callable[[re.Match[str], _Known], str]], ...] = (
    (r"\\", _said("TeX is not read here: write a/b for \\frac{a}{b}, sqrt(x), x[t-1], alpha")),
    (r"\$", _said("'$' is not part of the language: write the names alone")),
    (r"&&", _said("'&&' is not part of the language: write and")),
    (r"\|\|", _said("'||' is not part of the language: write or")),
    (r"<>", _said("'<>' is not part of the language: write !=")),
    (r"=<", _said("'=<' is not part of the language: write <=")),
    (r"=>", _said("'=>' is not part of the language: write >=")),
    (r"!(?!=)(?=\s*[\w(])", _said("'!' is not part of the language: write not")),
    (r"(?<=[\w)\]])!(?!=)", _said("a factorial is not part of the language")),
    (r"^\s*if\b(?P<c>.+?)\bthen\b(?P<a>.+?)\belse\b(?P<b>.+)$", _choice),
    (r"^(?P<a>.+?)\bif\b(?P<c>.+?)\belse\b(?P<b>.+)$", _choice),
    (r"^(?P<c>[^?]+)(?P<at>\?)(?P<a>[^:]+):(?P<b>.+)$", _choice),
    (r"(?P<at>\b)(?:if|else|then)\b", _said("a choice is written where(condition, a, b)")),
    (
        r"^\s*(?P<word>lambda|def|return|import|from|for|while|print|let|var)\s",
        lambda match, known: (
            ""
            if match["word"] in known.declared
            else "a rule is one expression, no statement: functions are declared under 'functions:'"
        ),
    ),
    (
        r"(?<![\w.])(?P<number>\d++(?:\.\d*+)?)\s*+(?P<at>%)\s*$",
        lambda match, _: f"a percentage is a fraction: write {match['number']}/100",
    ),
    (r":(?!=)", _said("':' is not part of the language")),
    (r"(?P<at>(?<![\w.])\d+,0\d+)", lambda match, _: comma_advice(match["at"])),
    (r"\?", _said("a choice is written where(condition, a, b)")),
    (rf"(?P<name>{_NAME})\{{(?P<inner>[^{{}}]*)\}}", _braces),
    (rf"(?P<name>{_NAME}?)(?P<at>')", _prime),
    (r"\+\+|(?<![\w)\]\s])--$", _said("'++' is not part of the language: write x[t-1] + 1")),
    (r"[-+*/]=", _said("a rule is the new value itself: write x[t-1] + 1 for x += 1")),
    (
        r"(?<![=<>!:])(?P<at>:?=)(?!=)",
        _said(
            "'=' assigns nothing here: a rule is the right side alone, and equal is compared "
            "with =="
        ),
    ),
    (r";", _said("a rule is one expression: give each further one a variable of its own")),
    (r"\|", _said("'|' is not part of the language: write abs(x) for |x|, and 'or' for either")),
    (
        rf"(?<![\w.])(?P<number>\d++(?:\.\d*+)?(?:[eE][-+]?\d++)?)(?P<gap>\s*+)(?P<word>{_NAME})"
        r"(?P<rest>[(\[]?)",
        _beside,
    ),
    (r"(?<![\w.])\d+(?P<at>\s)\d", _said("a number is written without spaces: 1000000 or 1e6")),
    (r"\d\.\d+(?P<at>\.)\d", _said("a number has one decimal point")),
    (rf"(?P<first>\b{_NAME})\s+(?P<at>)(?P<second>\b{_NAME}|\d[\d.]*)", _two_words),
    (rf"[)\]]\s*(?P<at>)(?P<word>{_NAME}|\d[\d.]*)", _closed),
    (r"\[(?P<at>)\s*\]", _said("the step is missing: write x[t-1]")),
    (
        r"(?:[-+*/<>]|\b(?:and|or|not))(?P<at>)\s*$",
        _said("the text ends too early: something must follow the last sign"),
    ),
    (
        r"^\s*(?P<at>[*/<>])",
        _said("the text begins too late: something must stand before the sign"),
    ),
    (r"(?P<at>[-+*/]\s*\))", _said("something must follow the sign before the parenthesis closes")),
    (r",\s*(?P<at>,)", _said("something is missing between the two commas")),
    (r"['\"]", _said("a quotation mark is not part of a rule: drop it")),
)


def case_advice(name: str, known: Mapping[str, object] | Collection[str]) -> str | None:
    """Return the known name that is spelt alike but for capital letters.

    Example:
        >>> case_advice("Max", ["max", "min"])
        'max'
    """
    alike = [other for other in known if other.lower() == name.lower() and other != name]
    return alike[0] if len(alike) == 1 else None
