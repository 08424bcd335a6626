"""A model with arrays written out as one of numbers: each element a variable of its own.

`W1[hidden, pixel]` becomes `W1_0_0`, `W1_0_1`, ...; what several rules share becomes variables of
its own, so that a rule's text stays short. Every question of numbers can then be asked of it.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from causalopt.errors import QuestionError, SizeError
from causalopt.language import algebra
from causalopt.language.operations import OPERATIONS
from causalopt.language.term import Term, const, decimal, postorder
from causalopt.language.term import ref as term_ref
from causalopt.language.text import to_text
from causalopt.model.arrays.array_template import ArrayTemplate, ArrayVariable
from causalopt.model.declaration import Variable
from causalopt.tensors.tensor import Tensor
from causalopt.tensors.tensor import postorder as tensors_below

MAX_VARIABLES = 20_000
MAX_TERMS = 400_000
Terms: TypeAlias = Any  # an array of objects, each of them a term
Start = Callable[[ArrayVariable], list[np.ndarray]]


def element_name(variable: str, place: tuple[int, ...]) -> str:
    """Return what an element is called in a model of numbers.

    Example:
        >>> element_name("W1", (3, 0)), element_name("loss", ())
        ('W1_3_0', 'loss')
    """
    return "_".join([variable, *map(str, place)])


def elements_of(template: ArrayTemplate, name: str) -> list[str]:
    """Return the names of a variable's elements, row by row."""
    shape = template.by_name[name].shape
    return [element_name(name, place) for place in np.ndindex(*shape)]


def expanded_variables(
    template: ArrayTemplate, declared: Mapping[str, Variable], start: Start
) -> dict[str, dict[str, Any]]:
    """Return the declaration of every element.

    Args:
        template: The variables.
        declared: The declaration, for flows and their kin.
        start: Gives what a variable starts with, one array a step.

    Raises:
        SizeError: There are too many elements, or their rules are too long.
        QuestionError: Something has no counterpart among numbers.
    """
    own = [template.by_name[name] for name in template.names]
    count = sum(v.size for v in own)
    if count > MAX_VARIABLES:
        raise SizeError(
            f"written out the model has {count:,} variables, the limit is {MAX_VARIABLES:,}: ask "
            "`run`, which knows arrays"
        )
    names = Counter(n for v in own for n in elements_of(template, v.name))
    twice = [name for name, times in names.items() if times > 1]
    if twice:
        raise QuestionError(f"two elements would be called '{twice[0]}': rename a variable")
    writer = _Writer(template)
    found: dict[str, dict[str, Any]] = {}
    for variable in own:
        found |= _declared(variable, template, declared[variable.name], writer, start)
    return {**found, **writer.shared}


def _declared(
    variable: ArrayVariable,
    template: ArrayTemplate,
    declared: Variable,
    writer: _Writer,
    start: Start,
) -> dict[str, dict[str, Any]]:
    if variable.noise is not None:
        raise QuestionError(
            f"'{variable.name}' is drawn afresh each step, and its draws would be others among "
            "numbers: ask `run`, which knows arrays"
        )
    name = variable.name
    key, root = template.motions.get(name, ("rule", variable.rule))
    texts = None if root is None else writer.texts(root, name)
    starts = start(variable)
    if variable.stream is not None:
        starts = list(variable.stream)
    found: dict[str, dict[str, Any]] = {}
    for i, place in enumerate(np.ndindex(*variable.shape)):
        entry: dict[str, Any] = {}
        if texts is not None:
            entry[key] = texts[i]
        values = [float(array[place]) for array in starts]
        if values:
            entry["initial"] = values[0] if len(values) == 1 else tuple(values)
        if declared.kind == "integer":
            entry["kind"] = "integer"
        found[element_name(name, place)] = entry
    return found


class _Writer:
    """Writes tensors as texts of their elements; what is used twice becomes variables."""

    def __init__(self, template: ArrayTemplate) -> None:
        self._template = template
        self.shared: dict[str, dict[str, Any]] = {}
        self._done: dict[Tensor, Terms] = {}
        roots = [v.rule for v in template.variables if v.rule is not None]
        roots = [r for r in roots if r is not None] if not template.motions else roots
        uses: Counter[Tensor] = Counter()
        for tensor in tensors_below(*roots):
            uses.update(arg for arg in tensor.args if arg.args)
        self._uses = uses
        self._size = 0

    def texts(self, root: Tensor, name: str) -> list[str]:
        """Return the text of each element, row by row."""
        static = self._template.is_static or name in self._template.motions
        terms = self._terms(root, name, static=static)
        return [to_text(term, static=static) for term in terms.reshape(-1)]

    def _terms(self, root: Tensor, name: str, *, static: bool) -> Terms:
        for tensor in tensors_below(root):
            if tensor in self._done:
                continue
            terms = element_terms(tensor, [self._done[arg] for arg in tensor.args])
            long = any(_length(t) > 4 for t in terms.reshape(-1)[:1])
            if self._uses[tensor] > 1 and long and tensor is not root and not static:
                terms = self._as_variables(tensor, terms, name)
            self._done[tensor] = terms
            self._size += terms.size
            if self._size > MAX_TERMS:
                raise SizeError(
                    f"written out the rules are longer than {MAX_TERMS:,} operations: ask `run`, "
                    "which knows arrays"
                )
        return self._done[root]

    def _as_variables(self, tensor: Tensor, terms: Terms, name: str) -> Terms:
        if tensor.is_truth:
            return terms
        label = f"{name}_part{len(self.shared)}"
        lag = max(
            (
                leaf.payload[1]
                for t in terms.reshape(-1)
                for leaf in postorder(t)
                if leaf.op == "ref" and isinstance(leaf.payload, tuple)
            ),
            default=0,
        )
        found = np.empty(terms.shape, dtype=object)
        for place in np.ndindex(*terms.shape):
            own = element_name(label, place)
            entry: dict[str, Any] = {"rule": to_text(terms[place])}
            if lag:
                entry["initial"] = 0 if lag == 1 else (0,) * lag
            self.shared[own] = entry
            found[place] = term_ref(own, 0)
        return found


def _length(term: Term) -> int:
    return sum(1 for _ in itertools.islice(postorder(term), 8))


def element_terms(tensor: Tensor, args: list[Terms]) -> Terms:
    """Return the elements of an operation, as terms of numbers.

    Args:
        tensor: The operation, or a leaf.
        args: The elements of its arguments.
    """
    if tensor.is_leaf:
        return _leaf(tensor)
    rule = _STRUCTURAL.get(tensor.op)
    if rule is not None:
        return rule(tensor, *args)
    if tensor.op not in OPERATIONS:
        raise QuestionError(f"'{tensor.op}' has no counterpart among numbers")
    joint: list[Any] = list(np.broadcast_arrays(*args))
    found = np.empty(tensor.shape, dtype=object)
    for place in np.ndindex(*tensor.shape):
        found[place] = Term.of(tensor.op, *(a[place] for a in joint), payload=tensor.payload)
    return found


def _leaf(tensor: Tensor) -> Terms:
    found = np.empty(tensor.shape, dtype=object)
    if tensor.op == "const":
        found[()] = const(tensor.payload)
        return found
    for place in np.ndindex(*tensor.shape):
        if tensor.op == "literal":
            found[place] = decimal(float(tensor.payload.values[place]))
            continue
        kind, *rest = tensor.payload
        if kind == "ref":
            found[place] = term_ref(element_name(rest[0], place), rest[1])
        elif kind == "param":
            found[place] = Term.of("param", payload=rest[0])
        else:
            found[place] = Term.of(kind)
    return found


def _total(terms: list[Term]) -> Term:
    result = algebra.ZERO
    for term in terms:
        result = algebra.add(result, term)
    return result


def _largest(terms: list[Term]) -> Term:
    result = terms[0]
    for term in terms[1:]:
        result = Term.of("max", result, term)
    return result


def _over(tensor: Tensor, x: Terms, fold: Callable[[list[Term]], Term]) -> Terms:
    axes = tensor.payload
    rest = [axis for axis in range(x.ndim) if axis not in axes]
    moved = np.transpose(x, (*rest, *axes)).reshape(*tensor.shape, -1)
    found = np.empty(tensor.shape, dtype=object)
    for place in np.ndindex(*tensor.shape):
        found[place] = fold(list(moved[place]))
    return found


def _einsum(tensor: Tensor, *args: Terms) -> Terms:
    indices, result = tensor.payload
    sizes = {
        i: n
        for axes, a in zip(indices, args, strict=True)
        for i, n in zip(axes, a.shape, strict=True)
    }
    summed = [i for i in sizes if i not in result]
    if math.prod(sizes.values()) > MAX_TERMS:
        raise SizeError("written out a contraction is too long: ask `run`, which knows arrays")
    found = np.empty(tensor.shape, dtype=object)
    for place in np.ndindex(*tensor.shape):
        at = dict(zip(result, place, strict=True))
        parts = []
        for inner in itertools.product(*(range(sizes[i]) for i in summed)):
            at.update(zip(summed, inner, strict=True))
            product: Term = algebra.ONE
            for axes, arg in zip(indices, args, strict=True):
                product = algebra.mul(product, arg[tuple(at[i] for i in axes)])
            parts.append(product)
        found[place] = _total(parts)
    return found


def _first(terms: list[Term]) -> list[Term]:
    """Return for each of some numbers a condition that it is the first largest."""
    peak = _largest(terms)
    conditions = []
    for i, term in enumerate(terms):
        condition = Term.of("le", peak, term)
        for earlier in terms[:i]:
            condition = Term.of("and", condition, Term.of("lt", earlier, peak))
        conditions.append(condition)
    return conditions


def _along(tensor: Tensor, x: Terms, make: Callable[[list[Term]], Any]) -> Terms:
    moved = np.moveaxis(x, tensor.payload, -1)
    lead = moved.shape[:-1]
    width = x.shape[tensor.payload] if tensor.op == "hardmax" else 0
    found = np.empty((*lead, width) if width else lead, dtype=object)
    for place in np.ndindex(*lead):
        made = make(list(moved[place]))
        if width:
            for i, term in enumerate(made):
                found[(*place, i)] = term
        else:
            found[place] = made
    return np.moveaxis(found, -1, tensor.payload) if width else found


def _position(terms: list[Term]) -> Term:
    result: Term = const(len(terms) - 1)
    for i, condition in reversed(list(enumerate(_first(terms)))[:-1]):
        result = Term.of("where", condition, const(i), result)
    return result


def _marks(terms: list[Term]) -> list[Term]:
    return [Term.of("where", c, algebra.ONE, algebra.ZERO) for c in _first(terms)]


def _picked(index: Term, options: list[Term]) -> Term:
    """Return the option at an index, a chain of choices where the index is no constant."""
    value = algebra.constant(index)
    nowhere = Term.of("div", algebra.ZERO, algebra.ZERO)  # not a number
    if value is not None:
        is_place = value.denominator == 1 and 0 <= value < len(options)
        return options[int(value)] if is_place else nowhere
    result = nowhere
    for i, option in reversed(list(enumerate(options))):
        result = Term.of("where", Term.of("eq", index, const(i)), option, result)
    return result


def _take(tensor: Tensor, x: Terms, index: Terms) -> Terms:
    axis = tensor.payload
    found = np.empty(tensor.shape, dtype=object)
    for place in np.ndindex(*tensor.shape):
        before, at = place[:axis], place[axis : axis + index.ndim]
        after = place[axis + index.ndim :]
        options = [x[(*before, k, *after)] for k in range(x.shape[axis])]
        found[place] = _picked(index[at], options)
    return found


def _put(tensor: Tensor, x: Terms, index: Terms) -> Terms:
    axis = tensor.payload
    found: Terms = np.full(tensor.shape, algebra.ZERO, dtype=object)
    for place in np.ndindex(*tensor.shape):
        before, k, after = place[:axis], place[axis], place[axis + 1 :]
        for at in np.ndindex(*index.shape):
            value = algebra.constant(index[at])
            term = x[(*before, *at, *after)]
            if value is None:
                chosen = Term.of("eq", index[at], const(k))
                term = Term.of("where", chosen, term, algebra.ZERO)
            elif value != k:
                continue
            found[place] = algebra.add(found[place], term)
    return found


def _onehot(tensor: Tensor, index: Terms) -> Terms:
    found = np.empty(tensor.shape, dtype=object)
    for place in np.ndindex(*tensor.shape):
        same = Term.of("eq", index[place[:-1]], const(place[-1]))
        found[place] = Term.of("where", same, algebra.ONE, algebra.ZERO)
    return found


def _place(tensor: Tensor, x: Terms) -> Terms:
    found = np.full(tensor.shape, algebra.ZERO, dtype=object)
    found[tuple(slice(*axis) for axis in tensor.payload)] = x
    return found


_STRUCTURAL: dict[str, Callable[..., Terms]] = {
    "sum": lambda u, x: _over(u, x, _total),
    "amax": lambda u, x: _over(u, x, _largest),
    "argmax": lambda u, x: _along(u, x, _position),
    "hardmax": lambda u, x: _along(u, x, _marks),
    "einsum": _einsum,
    "permute": lambda u, x: np.transpose(x, u.payload),
    "still": lambda _, x: x,
    "reshape": lambda u, x: np.reshape(x, u.shape),
    "expand": lambda u, x: np.broadcast_to(x, u.shape),
    "slice": lambda u, x: x[tuple(slice(*axis) for axis in u.payload)],
    "place": _place,
    "concat": lambda u, *parts: np.concatenate(parts, axis=u.payload),
    "take": _take,
    "put": _put,
    "onehot": _onehot,
}
