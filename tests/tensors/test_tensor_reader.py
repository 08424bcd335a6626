from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from causalopt.errors import ExpressionError
from causalopt.tensors import building
from causalopt.tensors.folding import evaluate
from causalopt.tensors.named import Named
from causalopt.tensors.tensor import postorder
from causalopt.tensors.tensor_reader import read_tensor
from causalopt.tensors.tensor_scope import MacroFunction, TensorScope

SIZES = {
    "hidden": 3,
    "pixel": 4,
    "digit": 2,
    "unit": 3,
    "tap": 2,
    "pair": 2,
    "both": 7,
    "out": 3,
    "one": 1,
}
DIMS: dict[str, tuple[str | None, ...]] = {
    "W": ("hidden", "pixel"),
    "V": ("digit", "hidden"),
    "b": ("hidden",),
    "x": ("pixel",),
    "o": ("digit",),
    "M": ("unit", "unit"),
    "z": (None,),
    "k": ("tap",),
    "T": ("digit", "hidden", "pixel"),
    "S": ("digit", "pixel", "hidden"),
    "loss": (),
}


def shape(dims: tuple[str | None, ...]) -> tuple[int, ...]:
    return tuple(5 if name is None else SIZES[name] for name in dims)


def number(name: str) -> Named:
    return Named(building.given("param", name), ())


def scope(**other: Any) -> TensorScope:
    return TensorScope(
        dims=DIMS,
        shapes={name: shape(dims) for name, dims in DIMS.items()},
        sizes=SIZES,
        names={"lr": number("lr"), "t": Named(building.given("t"), ())},
        **other,
    )


TEMPLATE, STATIC = scope(), scope(bare=True)
_random = np.random.default_rng(7)
VALUES: dict[str, Any] = {name: _random.normal(size=shape(dims)) for name, dims in DIMS.items()}
W, V, b, x, o, M, z, k, T, S = (VALUES[name] for name in "WVbxoMzkTS")


def leaf(key: tuple[Any, ...]) -> Any:
    if key[0] == "ref":
        return VALUES[key[1]] + key[2]  # a lag is seen in the value
    return {"lr": 0.25, "t": 2.0}[str(key[-1])]


def value(text: str, where: TensorScope = STATIC) -> tuple[Any, tuple[str | None, ...]]:
    found = read_tensor(text, where)
    (array,) = evaluate([found.tensor], leaf)
    assert np.shape(array) == found.tensor.shape
    assert len(found.dims) == len(found.tensor.shape)
    for name, size in zip(found.dims, found.tensor.shape, strict=True):
        assert name is None or SIZES[name] == size
    return array, found.dims


def softmax(a: Any, axis: int) -> Any:
    return np.exp(a) / np.exp(a).sum(axis, keepdims=True)


H, P, D, U = "hidden", "pixel", "digit", "unit"
CASES: list[tuple[str, Any, tuple[str | None, ...]]] = [
    ("W @ x + b", W @ x + b, (H,)),
    ("b @ W", b @ W, (P,)),
    ("b @ b", b @ b, ()),
    ("V @ W", V @ W, (D, P)),
    ("V @ W @ x - o", V @ W @ x - o, (D,)),
    ("T @ S", T @ S, (D, H, H)),
    ("W @ S", W @ S, (D, H, H)),
    ("T @ x", T @ x, (D, H)),
    ("x @ S", x @ S, (D, H)),
    ("2*W @ x", (2 * W) @ x, (H,)),
    ("W*x - lr", W * x - 0.25, (H, P)),
    ("T/W**2", T / W**2, (D, H, P)),
    ("sqrt(2/pixel)*b", np.sqrt(0.5) * b, (H,)),
    ("tanh(b)", np.tanh(b), (H,)),
    ("-b + +b", np.zeros(3), (H,)),
    ("where(W > 0 and not (W >= 1), W, 0)", np.where((W > 0) & ~(W >= 1), W, 0), (H, P)),
    ("where(x < 0, W, b[0])", np.where(x < 0, W, b[0]), (H, P)),
    ("clip(W, -0.5, x)", np.clip(W, -0.5, np.maximum(x, -99)), (H, P)),
    ("sum(W)", W.sum(), ()),
    ("sum(W, hidden)", W.sum(0), (P,)),
    ("sum(T, pixel, digit)", T.sum((0, 2)), (H,)),
    ("sum(M, dim1)", M.sum(1), (U,)),
    ("sum(lr)", 0.25, ()),
    ("mean(T)", T.mean(), ()),
    ("mean(T, hidden)", T.mean(1), (D, P)),
    ("max(W)", W.max(), ()),
    ("max(W, pixel)", W.max(1), (H,)),
    ("max(T, pixel, hidden)", T.max((1, 2)), (D,)),
    ("min(T, digit)", T.min(0), (H, P)),
    ("min(W)", W.min(), ()),
    ("max(W, x, 0)", np.maximum(np.maximum(W, x), 0), (H, P)),
    ("max(lr, hidden)", 3.0, ()),
    ("min(W, b[1])", np.minimum(W, b[1]), (H, P)),
    ("logsumexp(W)", scipy.special.logsumexp(W, 1), (H,)),
    ("logsumexp(W, hidden)", scipy.special.logsumexp(W, 0), (P,)),
    ("logsumexp(1000*x)", scipy.special.logsumexp(1000 * x), ()),
    ("softmax(T)", softmax(T, 2), (D, H, P)),
    ("softmax(T, hidden)", softmax(T, 1), (D, H, P)),
    ("softmax(1000*x)", scipy.special.softmax(1000 * x), (P,)),
    ("argmax(T)", T.argmax(2), (D, H)),
    ("argmax(T, hidden)", T.argmax(1), (D, P)),
    ("argmax(0*x)", 0, ()),
    ("onehot(2, pixel)", np.eye(4)[2], (P,)),
    ("onehot(argmax(W), pixel)", np.eye(4)[W.argmax(1)], (H, P)),
    ("take(W, 1, hidden)", W[1], (P,)),
    ("take(T, argmax(V), hidden)", T[:, V.argmax(1)], (D, D, P)),
    ("take(M, 2, dim1)", M[:, 2], (U,)),
    ("einsum('hp,p->h', W, x)", W @ x, (H,)),
    ('einsum("hp, p", W, x)', W @ x, (H,)),
    ("einsum('ba', W)", W.T, (P, H)),
    ("einsum('uu->u', M)", np.diag(M), (U,)),
    ("einsum('uu', M)", np.trace(M), ()),
    ("einsum('dhp,h,d->pd', T, b, o)", np.einsum("dhp,h,d->pd", T, b, o), (P, D)),
    ("einsum('if,f->i', W, x)", W @ x, (H,)),
    ("transpose(T)", T.T, (P, H, D)),
    ("transpose(T, hidden, pixel, digit)", T.transpose(1, 2, 0), (H, P, D)),
    ("transpose(M, dim1, dim0)", M.T, (U, U)),
    ("reshape(W, pixel, hidden)", W.reshape(4, 3), (P, H)),
    ("reshape(W, 2, 2*hidden)", W.reshape(2, 6), (None, None)),
    ("reshape(sum(x), 1)", [x.sum()], (None,)),
    ("concat(b, x, both)", np.concatenate([b, x]), ("both",)),
    ("concat(W, 2*W, hidden)", np.concatenate([W, 2 * W]), (None, P)),
    ("concat(x[:2], x[2:], pixel)", x, (P,)),
    ("concat(z, b, z[:1], dim0)", np.concatenate([z, b, z[:1]]), (None,)),
    ("stack(x, 2*x, pair)", np.stack([x, 2 * x]), ("pair", P)),
    ("stack(lr, 1, 2, 3)", [0.25, 1, 2], (None,)),
    ("shift(x, 1, pixel)", [0, *x[:3]], (P,)),
    ("shift(x, -2, pixel)", [*x[2:], 0, 0], (P,)),
    ("shift(W, 9, pixel)", np.zeros((3, 4)), (H, P)),
    ("roll(W, 1, hidden)", np.roll(W, 1, 0), (H, P)),
    ("roll(x, -7, pixel)", np.roll(x, -7), (P,)),
    ("convolve(x, k, pixel)", np.convolve(x, k, mode="same"), (P,)),
    ("convolve(z, b, dim0)", np.convolve(z, b, mode="same"), (None,)),
    ("convolve(W, k, hidden)", np.array([np.convolve(c, k, "same") for c in W.T]).T, (H, P)),
    ("windows(x, pixel, tap)", np.lib.stride_tricks.sliding_window_view(x, 2), (None, "tap")),
    ("windows(W, pixel, tap, out)", np.lib.stride_tricks.sliding_window_view(W, 2, 1),
     (H, "out", "tap")),
    ("windows(W, hidden, tap) @ k", W[:-1] * k[0] + W[1:] * k[1], (None, P)),
    ("index(pixel)", np.arange(4), (P,)),
    ("index(pixel)**2/pixel", np.arange(4) ** 2 / 4, (P,)),
    ("identity(unit) @ M", M, (U, U)),
    ("ones(hidden, 2)", np.ones((3, 2)), (H, None)),
    ("zeros(pixel) + x", x, (P,)),
    ("x[2]", x[2], ()),
    ("x[-1]", x[3], ()),
    ("W[1, :]", W[1], (P,)),
    ("W[1]", W[1], (P,)),
    ("W[:, 1:3]", W[:, 1:3], (H, None)),
    ("W[:, 0:pixel]", W, (H, P)),
    ("T[-1, ::2, 1]", T[-1, ::2, 1], (None,)),
    ("x[-3:-1]", x[-3:-1], (None,)),
    ("x[1::2]", x[1::2], (None,)),
    ("x[-2:]", x[-2:], (None,)),
    ("x[:-1]", x[:-1], (None,)),
    ("einsum('h,h,h->h', z[0:3], b, z[1:4])", z[:3] * b * z[1:4], (H,)),
    ("concat(ones(3, 1), W, dim1)", np.hstack([np.ones((3, 1)), W]), (H, None)),
    ("stack(ones(4), x, pair)", np.stack([np.ones(4), x]), ("pair", P)),
    ("shadow(x, 2*x)", np.maximum(x, 2 * x), (P,)),
    ("softmax(x)[hidden - 1]", softmax(x, 0)[2], ()),
    ("(W @ x)[0:2]", (W @ x)[:2], (None,)),
    ("z[0:3] + b", z[:3] + b, (H,)),
    ("b + z[0:3]", z[:3] + b, (H,)),
    ("ones(one) * z", z, (None,)),
    ("z * ones(one)", z, (None,)),
    ("reshape(b, hidden, 1) * x", b[:, None] * x, (H, P)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected", "dims"), CASES, ids=[case[0] for case in CASES])
def test_a_function_is_numpys_and_its_dims_are_named(
    text: str, expected: Any, dims: tuple[str | None, ...]
) -> None:
    shadow = MacroFunction("shadow", ("v", "pixel"), "max(v, pixel)")
    found, names = value(text, scope(bare=True, functions={"shadow": shadow}))
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)
    assert names == dims


def test_the_first_bracket_is_the_step_and_the_second_the_elements() -> None:
    assert read_tensor("x[t-2]", TEMPLATE).tensor is building.ref("x", 2, (4,))
    found, _ = value("W[t][0, 1] - W[t-1][0, 1]", TEMPLATE)
    assert found == pytest.approx(-1)
    assert value("x[t-1][1:3]", TEMPLATE)[0] == pytest.approx(x[1:3] + 1)


def test_a_lag_is_in_steps_or_with_time_in_units_of_time() -> None:
    where = scope()
    half = Named(building.const(Fraction(1, 2)), ())
    timed = dataclasses.replace(where, names={**where.names, "dt": half})
    for text, lag in [
        ("x[time - 3/2]", 3),
        ("x[t - 3]", 3),
        ("x[t - hidden]", 3),
        ("x[time-2]", 4),
    ]:
        assert read_tensor(text, timed).tensor is building.ref("x", lag, (4,))
    with pytest.raises(ExpressionError, match="choose a dt that divides it") as caught:
        read_tensor("1 + x[time - 0.7]", timed)
    assert caught.value.offset == 6
    for text in ("x[time - 2]", "x[t - lr]"):
        with pytest.raises(ExpressionError, match="a lag is fixed before the run"):
            read_tensor(text, where)


def test_constants_are_exact_and_powers_are_those_of_the_reader_of_numbers() -> None:
    assert read_tensor("0.1", TEMPLATE).tensor is building.const(Fraction(1, 10))
    square, root = (read_tensor(f"x[t]**{power}", TEMPLATE).tensor for power in ("2", "(1/2)"))
    assert (square.op, square.payload) == ("ipow", 2)
    assert root.op == "pow"
    assert read_tensor("x[t]**0.5", TEMPLATE).tensor.op == "sqrt"


def test_grad_is_a_place_for_the_derivative() -> None:
    found = read_tensor("W[t-1] - lr*grad(loss[t], W[t-1])", TEMPLATE)
    (place,) = [u for u in postorder(found.tensor) if u.op == "grad"]
    assert place.args == (building.ref("loss", 0), building.ref("W", 1, (3, 4)))
    assert (place.shape, found.dims) == ((3, 4), ("hidden", "pixel"))
    assert read_tensor("grad(sum(b[t]**2), b[t])", TEMPLATE).dims == ("hidden",)


FUNCTIONS = {
    "centred": MacroFunction("centred", ("v", "d"), "v - mean(v, d)"),
    "norm": MacroFunction("norm", ("v",), "centred(v, hidden)/sqrt(mean(v**2) + 1e-5)"),
    "both": MacroFunction("both", ("v",), "v + missing"),
    "outer": MacroFunction("outer", ("v",), "2*both(v)"),
    "leaks": MacroFunction("leaks", ("v",), "inner(2*v)"),
    "inner": MacroFunction("inner", ("w",), "w + v"),
    "last": MacroFunction("last", ("v",), "v[-1] - v[0]"),
    "loop": MacroFunction("loop", ("v",), "1 + loop(v)"),
}


def test_a_declared_function_takes_arrays_of_any_shape_and_dims() -> None:
    where = scope(bare=True, functions=FUNCTIONS)
    found, dims = value("norm(b)", where)
    np.testing.assert_allclose(found, (b - b.mean()) / np.sqrt((b**2).mean() + 1e-5))
    assert dims == ("hidden",)
    found, dims = value("centred(W, hidden)", where)
    np.testing.assert_allclose(found, W - W.mean(0))
    assert dims == ("hidden", "pixel")
    assert value("last(x)", where)[0] == x[3] - x[0]
    with pytest.raises(ExpressionError, match=r"in centred = v - mean.*hidden is not digit"):
        read_tensor("centred(T, hidden)", where)


def test_diff_is_the_derivative_of_a_declared_function_on_each_element() -> None:
    functions = {
        "bump": MacroFunction("bump", ("u", "w"), "w*exp(-u**2) + where(u > 0, u, 0)*lr"),
        "flat": MacroFunction("flat", ("u",), "3"),
        "total": MacroFunction("total", ("u",), "u*sum(u)"),
        "wider": MacroFunction("wider", ("u",), "u*ones(3)"),
    }
    where = scope(bare=True, functions=functions)
    found, dims = value("diff(bump, x, W)", where)
    np.testing.assert_allclose(found, -2 * x * W * np.exp(-(x**2)) + 0.25 * (x > 0))
    assert dims == ("hidden", "pixel")
    assert value("diff(bump, 2, lr)", where)[0] == pytest.approx(-np.exp(-4) + 0.25)
    np.testing.assert_array_equal(value("diff(flat, W)", where)[0], np.zeros((3, 4)))
    for text, message in [
        ("diff(total, x)", "'total' does not"),
        ("diff(wider, lr)", "'wider' does not"),
        ("diff(flta, x)", "did you mean 'flat'"),
        ("diff(bump, x, b)", "pixel is not hidden"),
        ("diff(bump, x)", "diff takes 3 arguments, found 2"),
    ]:
        with pytest.raises(ExpressionError, match=message):
            read_tensor(text, where)


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("softplus", lambda a: np.logaddexp(0, a)),
        ("relu", lambda a: np.maximum(a, 0)),
        ("sigmoid", scipy.special.expit),
        ("gelu", lambda a: a * scipy.special.ndtr(a)),
        ("erf", scipy.special.erf),
        ("log1p", scipy.special.log1p),
        ("expm1", scipy.special.expm1),
    ],
)
def test_an_operation_of_the_language_acts_on_each_element(
    name: str, oracle: Callable[[Any], Any]
) -> None:
    found, dims = value(f"{name}(W**2 - 0.5)")
    np.testing.assert_allclose(found, oracle(W**2 - 0.5), rtol=1e-13, atol=1e-15)
    assert dims == ("hidden", "pixel")


@pytest.mark.parametrize(
    ("text", "message", "offset"),
    [
        (
            "W[t-1] @ b[t-1]",
            r"^W\[t-1\] @ b\[t-1\]: pixel is not hidden; .* \[hidden, pixel\] and \[hidden\]$",
            9,
        ),
        ("b[t] + o[t]", r"^b\[t\] \+ o\[t\]: hidden is not digit$", 7),
        ("1 + b[t]*M[t]", r"^b\[t\]\*M\[t\]: hidden is not unit; the shapes", 9),
        ("b[t] + ones(one)", "hidden is not one", 7),
        ("b[t] + z[t]", r"hidden \(3\) is not 5", 7),
        ("b[t] @ 2", r"b\[t\] @ 2: '@' multiplies arrays: write \* for a number", 7),
        ("max(b[t], x[t])", r"max\(b\[t\], x\[t\]\): hidden is not pixel", 0),
        ("where(b[t] > 0, x[t], 1)", "hidden is not pixel", 0),
        ("b[t] < o[t]", "hidden is not digit", 0),
        ("x[t].T", r"write transpose\(x\[t\]\)", 0),
        ("x[t].sum()", r"write sum\(x\[t\]\)", 0),
        ("W[t].shape", "attributes are not part", 0),
        ("'x' + 1", "expected a number, found 'x'", 0),
        ("b + 1", r"write b\[t-1\] or b\[t\]", 0),
        ("x[0]", r"the first bracket is the step.* write x\[t\]\[0\]", 0),
        ("W[t+1]", "future", 2),
        ("W[t][3, 0]", r"no element 3 of hidden \(3\)", 5),
        ("W[t][0, 0, 0]", r"3 places in brackets, but W\[t\] is an array \[hidden, pixel\]", 0),
        ("x[t][1:9]", r"no element 9 of pixel \(4\)", 7),
        ("x[t][2:2]", "no elements from 2 up to 2", 5),
        ("x[t][::-1]", "elements are taken forwards", 7),
        ("x[t][t]", r"whole number.*write take\(x, k, dim\)", 5),
        ("x[t][0.5]", "expected a whole number", 5),
        ("lr[0]", "not a variable", 0),
        ("W[t-1] + q", "unknown name 'q'", 9),
        ("sum(W[t], pixl)", "did you mean 'pixel'", 10),
        ("sum(W[t], digit)", r"W\[t\] has no dim digit: it is an array \[hidden, pixel\]", 10),
        ("sum(W[t], pixel, pixel)", "stands here twice", 17),
        ("sum(M[t], unit)", "more than one dim unit: write dim0 or dim1", 10),
        ("sum(M[t], dim2)", r"no dim2: it is an array \[unit, unit\]", 10),
        ("sum(W[t], 1)", "expected a dim of", 10),
        ("sum()", r"write sum\(x\)", 0),
        ("sum(b[t] > 0)", "found a condition", 4),
        ("softmax(lr)", "softmax takes an array, lr is a number", 8),
        ("onehot(4, pixel)", r"no element 4 of pixel \(4\)", 7),
        ("take(x[t], 1/2, pixel)", "no element 1/2", 11),
        ("onehot(1, pixxel)", "not declared in 'sizes:'; did you mean 'pixel'", 10),
        ("einsum(W[t], x[t])", "in quotes", 7),
        ("einsum('hp,q->h', W[t])", "indices for 2 arrays, found 1", 0),
        ("einsum('hp,h->h', W[t], x[t])", r"index h of x\[t\]: hidden is not pixel", 24),
        ("einsum('h->h', W[t])", r"indices 'h' for W\[t\], an array \[hidden, pixel\]", 15),
        ("einsum('hp->hh', W[t])", "stands twice", 7),
        ("einsum('hp->q', W[t])", "index q of the result", 7),
        ("einsum('h...->h', W[t])", "indices are letters", 7),
        ("transpose(T[t], digit)", "name all dims", 0),
        ("reshape(W[t], 5)", r"has 12 elements, the new shape \[5\] has 5", 0),
        ("reshape(W[t], -1)", "at least one element, found -1", 14),
        ("concat(b[t], x[t], digit)", r"digit \(2\) is no dim of", 19),
        ("concat(W[t], b[t], hidden)", "as many dims", 13),
        ("concat(W[t], transpose(W[t]), hidden)", "not the same dim of all", 30),
        ("concat(ones(3, 3), ones(4, 4), both)", "along one dim alone", 31),
        ("windows(zeros(30000), dim0, 20000)", "200,020,000 elements", 0),
        ("1 + leaks(b[t])", r"in inner = w . v, column 5: unknown name 'v'", 4),
        ("stack(b[t], o[t], pair)", "hidden is not digit", 12),
        ("stack(b[t], b[t], 3)", "3 elements for 2 parts", 18),
        ("shift(x[t], lr, pixel)", "expected a whole number", 12),
        ("convolve(x[t], z[t], pixel)", r"kernel has 5 elements, more than pixel \(4\)", 15),
        ("convolve(x[t], W[t], pixel)", "a kernel has one dim", 15),
        ("windows(b[t], hidden, pixel)", r"pixel \(4\) is wider than hidden \(3\)", 22),
        ("windows(x[t], pixel, tap, tap)", "there are 3 windows", 26),
        ("grad(W[t], W[t-1])", r"write grad\(sum\(...\), w\)", 5),
        ("grad(loss[t], W[t-1][0])", "grad is along a variable", 14),
        ("grad(loss[t], lr)", "grad is along a variable", 14),
        ("identity(20000)", "400,000,000 elements", 0),
        ("onehot(1, 100000001)", "larger than 100,000,000", 10),
        ("zeros(10000, 10000, 2)", "200,000,000 elements", 0),
        ("zeros(100000, 1) + zeros(100000)", "10,000,000,000 elements", 0),
        ("[1, 2]", r"written stack\(a, b, dim\)", 0),
        ("sum", r"'sum' is a function: write sum\(...\)", 0),
        ("summ(x[t])", "did you mean 'sum'", 0),
        ("x[t] > 0", "found a condition", 0),
        ("both(b[t])", r"^in both = v \+ missing, column 5: unknown name 'missing'", 0),
        ("1 + outer(b[t])", r"^in both = v \+ missing, column 5: unknown name 'missing'", 4),
        ("2*loop(1)", "'loop' calls itself", 2),
    ],
)
def test_an_error_says_where_and_what_to_do(text: str, message: str, offset: int) -> None:
    with pytest.raises(ExpressionError, match=message) as caught:
        read_tensor(text, scope(functions=FUNCTIONS))
    assert caught.value.offset == offset, caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "-" * 6000 + "lr",
        "+".join(["x[t]"] * 30_000),
        "(" * 3000 + "lr" + ")" * 3000,
        "sum(" * 101 + "x[t]" + ")" * 101,
        "concat(" * 101 + "x[t]" + ", z[t], dim0)" * 101,
        "x[t]**" * 400 + "lr",
        "x[t]" + "[0:4]" * 400,
        "9" * 5000,
        "2**100000",
        "x[t].__class__",
        "__import__('os')",
        "(lambda: 1)()",
        "[x for x in lr]",
        "f'{lr}'",
        "einsum(f'hp->h', W[t])",
        "einsum('h' 'p->h', W[t])",
        "einsum('hp->h' if lr else 'hp->p', W[t])",
        "x[t][...]",
        "x[t][None]",
        "W[t][:, *lr]",
        "sum(*x[t])",
        "sum(x[t], axis=0)",
        "(x := lr)",
        "x[t] @ 'p'",
        "identity(100000)",
        "windows(zeros(36000), dim0, 35000)",
        "+".join(["sum(windows(zeros(30001), dim0, 30000))"] * 2).replace("1)", "2)", 1),
        "stack(" * 17 + "lr" + ", 1)" * 17,
        "roll(x[t], 10**400, pixel)",
    ],
)
def test_hostile_text_is_refused_quickly(text: str) -> None:
    start = time.process_time()
    with pytest.raises(ExpressionError):
        read_tensor(text, TEMPLATE)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("opened", "closed"),
    [("sum(", ")"), ("concat(z, ", ", dim0)"), ("max(0, ", ")"), ("-(1 + ", ")")],
)
def test_a_deep_nest_is_read_where_the_caller_is_deep_too(opened: str, closed: str) -> None:
    def below(frames: int) -> Named:
        text = opened * 40 + "z" + closed * 40
        return below(frames - 1) if frames else read_tensor(text, STATIC)

    assert below(400).tensor.size in (1, 5, 205)


def test_functions_of_functions_are_read_once_for_equal_arguments() -> None:
    functions = {"f0": MacroFunction("f0", ("v",), "tanh(v)")}
    for level in range(1, 45):
        body = f"f{level - 1}(v) + f{level - 1}(v)"
        functions[f"f{level}"] = MacroFunction(f"f{level}", ("v",), body)
    found, _ = value("f40(x)", scope(bare=True, functions=functions))
    np.testing.assert_allclose(found, np.tanh(x) * 2.0**40)


def test_what_is_written_out_by_functions_has_a_limit() -> None:
    functions = {"f0": MacroFunction("f0", ("v",), "tanh(v)")}
    for level in range(1, 30):
        body = f"f{level - 1}(v + 1) + f{level - 1}(1 + v)"
        functions[f"f{level}"] = MacroFunction(f"f{level}", ("v",), body)
    start = time.process_time()
    with pytest.raises(ExpressionError, match="written out"):
        read_tensor("f29(x)", scope(bare=True, functions=functions))
    assert time.process_time() - start < 10


@given(st.text(max_size=40) | st.text("xWt[]()-+*@,:0123'. ", max_size=20))
def test_any_text_is_an_expression_or_an_expression_error(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        assert isinstance(read_tensor(text, TEMPLATE), Named)


_names = st.sampled_from([None, "a", "b", "c", "d"])
_SIZE = {"a": 2, "b": 3, "c": 3, "d": 1}


@st.composite
def arrays(draw: st.DrawFn) -> list[tuple[str | None, int]]:
    """An array's dims; those without a name have size 1, 2 or 3."""
    dims: list[tuple[str | None, int]] = []
    for name in draw(st.lists(_names, max_size=3)):
        size = _SIZE[name] if name is not None else draw(st.integers(1, 3))
        dims.append((name, size))
    return dims


@given(arrays(), arrays())
def test_arrays_join_as_numpys_where_the_names_agree(
    left: list[tuple[str | None, int]], right: list[tuple[str | None, int]]
) -> None:
    shapes = {"l": tuple(n for _, n in left), "r": tuple(n for _, n in right)}
    dims = {"l": tuple(a for a, _ in left), "r": tuple(a for a, _ in right)}
    where = TensorScope(dims=dims, shapes=shapes, sizes=_SIZE, bare=True)
    aligned = list(zip(reversed(left), reversed(right), strict=False))
    clash = any(a and b and a != b for (a, _), (b, _) in aligned)
    values = {name: np.arange(1.0, 1 + np.prod(s)).reshape(s) for name, s in shapes.items()}
    try:
        expected = values["l"] - values["r"]
    except ValueError:
        clash = True
    if clash:
        with pytest.raises(ExpressionError, match=" is not ") as caught:
            read_tensor("l - r", where)
        assert caught.value.offset == 4
        return
    found = read_tensor("l - r", where)
    (array,) = evaluate([found.tensor], lambda key: values[str(key[1])])
    np.testing.assert_array_equal(array, expected)
    for place, (name, size) in enumerate(
        zip(reversed(found.dims), reversed(found.tensor.shape), strict=True)
    ):
        there = {side[-1 - place][0] for side in (left, right) if len(side) > place} - {None}
        kept = {other for other in there if _SIZE[str(other)] == size}
        assert name == (kept.pop() if kept else None)


def test_keywords_may_be_names_and_offsets_are_those_of_the_text() -> None:
    where = TensorScope(
        dims={"in": ("for",), "é": ("if",)},
        shapes={"in": (2,), "é": (3,)},
        sizes={"for": 2, "if": 3},
        bare=True,
    )
    assert read_tensor("sum(in, for)", where).dims == ()
    with pytest.raises(ExpressionError, match=r"^in \+ é: for is not if$") as caught:
        read_tensor("  in + é", where)
    assert caught.value.offset == 7
