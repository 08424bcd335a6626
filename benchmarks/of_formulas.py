"""Cases of formulas: `derive`, beside sympy asked for the same by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import causalopt
from benchmarks.case import Case, Contestant

AT = 12  # the step at which formulas are compared, as numbers


def sympy_powers(closed: Sequence[Sequence[str]], opened: Sequence[Sequence[str]]) -> Any:
    """Prepare the powers of two matrices of parameters, in the last component, by sympy."""

    def prepare() -> Callable[[], Any]:
        import sympy

        t = sympy.Symbol("t", integer=True, nonnegative=True)
        both = [
            sympy.Matrix([[sympy.sympify(x) for x in row] for row in m]) for m in (closed, opened)
        ]
        # What is kept from one call to the next is no second derivation.
        from sympy.core.cache import clear_cache

        def call() -> Any:
            clear_cache()
            return [sympy.simplify((matrix**t)[-1, -1]) for matrix in both]

        return call

    return prepare


def numbers_at(values: dict[str, float]) -> Callable[[Any], Any]:
    """Return what formulas of t are compared by: total and direct at one step."""

    def numbers(formulas: Any) -> Any:
        import sympy

        found = []
        for formula in formulas:
            names = {str(symbol): symbol for symbol in formula.free_symbols}
            put = {symbol: {"t": AT, **values}[name] for name, symbol in names.items()}
            found.append(complex(sympy.N(formula.subs(put), 30)).real)
        return found

    return numbers


def formula_case(
    name: str, size: str, values: dict[str, float], closed: Any, opened: Any, *, quick: bool = False
) -> Case:
    """Return `derive` of a shipped model, its question's formulas at every step."""

    def prepare() -> Callable[[], Any]:
        model = causalopt.load(name)
        return lambda: causalopt.derive(model)

    def ours(found: Any) -> Any:
        import sympy

        return numbers_at(values)([sympy.sympify(found.total), sympy.sympify(found.direct)])

    return Case(
        "derive",
        f"{name}, at every step",
        size,
        prepare,
        ours,
        [
            Contestant(
                "sympy, powers of matrices", sympy_powers(closed, opened), numbers_at(values), 1e-12
            )
        ],
        work=("symbolic/", "language/"),
        quick=quick,
    )


def nonlinear_case(at: int) -> Case:
    """Return `derive` of Lorenz's system by Euler's method at a step, beside sympy's diff."""
    values = {"sigma": 10.0, "rho": 28.0, "beta": 8 / 3}

    def prepare() -> Callable[[], Any]:
        model = causalopt.load("lorenz")
        return lambda: causalopt.derive(model, nudge="b[0]", hold="a", target="b", at=at)

    def substituted() -> Callable[[], Any]:
        import sympy
        from sympy.core.cache import clear_cache

        n = sympy.Symbol("n")
        sigma, rho, beta = sympy.symbols("sigma rho beta")
        h = sympy.Rational(1, 100)

        def step(a: Any, b: Any, c: Any) -> Any:
            return (
                a + h * sigma * (b - a),
                b + h * (a * (rho - c) - b),
                c + h * (a * b - beta * c),
            )

        def call() -> Any:
            clear_cache()
            one = sympy.Integer(1)
            w, x, y = (one, one, one), (one, n, one), (one, n, one)
            for _ in range(at):
                w, x, y = step(*w), step(*x), step(*y)
                y = (w[0], *y[1:])
            return [sympy.diff(state[1], n).subs(n, 1) for state in (x, y)]

        return call

    return Case(
        "derive",
        "Lorenz, Euler, one step",
        f"step {at}",
        prepare,
        lambda found: numbers_at(values)(_parsed(found)),
        [
            Contestant(
                "sympy, substituted and differentiated", substituted, numbers_at(values), 1e-10
            )
        ],
        work=("symbolic/", "language/"),
    )


def _parsed(found: Any) -> Any:
    import sympy

    names = {name: sympy.Symbol(name) for name in ("sigma", "rho", "beta", "t")}
    return [sympy.sympify(str(text), locals=names) for text in (found.total, found.direct)]


def cases() -> list[Case]:
    """Return them all."""
    return [
        formula_case(
            "thermostat", "2 variables", {"k": 0.01}, [["0", "1"], ["-k", "1"]], [["1"]], quick=True
        ),
        formula_case(
            "solver",
            "3 variables",
            {"alpha": 0.5, "b": 1.0},
            # e = d + b*a, with d constant: the error's own recurrence.
            [["1 - alpha*b"]],
            [["1"]],
        ),
        *(nonlinear_case(at) for at in (2, 3, 4)),
    ]
