"""The language of rules: safe text to a hash-consed graph of operations, and what is done with it.

`parse` reads a rule, `gradient` differentiates it, `evaluation` computes it, `text` and
`sympy_form` print it; `flows` turns a time derivative into rules. A text is never evaluated and
never reaches a parser other than the whitelist in `parse`.
"""
