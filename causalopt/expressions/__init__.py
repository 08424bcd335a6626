"""Expressions: safe text to a hash-consed graph of typed operations, and what can be done with it.

`parse` reads a rule, `gradient` differentiates it, `evaluate` computes it, `to_text` and `to_sympy`
print it. A text is never evaluated and never reaches a parser other than the whitelist in `parse`.
"""

from causalopt.expressions.evaluation import evaluate, exact
from causalopt.expressions.gradient import gradient
from causalopt.expressions.kinks import Kink, kinks
from causalopt.expressions.parse import parse
from causalopt.expressions.scope import Function, Scope
from causalopt.expressions.term import Term, leaves, postorder, substitute
from causalopt.expressions.text import to_text

__all__ = [
    "Function",
    "Kink",
    "Scope",
    "Term",
    "evaluate",
    "exact",
    "gradient",
    "kinks",
    "leaves",
    "parse",
    "postorder",
    "substitute",
    "to_text",
]
