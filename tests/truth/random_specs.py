"""Random models from a seed: static, with lags, with flows; bends and ties in all."""

from __future__ import annotations

import random
from fractions import Fraction

from tests.truth.expressions import COMPARISONS, Tree
from tests.truth.specs import Spec, VariableSpec

PARAMETERS = {"k": Fraction(1, 10), "g": Fraction(-3, 4), "w": Fraction(1, 3)}
_ZERO = Tree("const", payload=Fraction(0))
_ONE = Tree("const", payload=Fraction(1))


class _Drawer:
    """Draws expressions over the references that a rule may read."""

    def __init__(self, rng: random.Random, references: list[Tree], known: list[Fraction]) -> None:
        self._rng, self._references, self._known = rng, references, known

    def rule(self) -> Tree:
        """A sum of one to three terms, or a single operation."""
        tree = self.tree(2)
        for _ in range(self._rng.choice([0, 0, 1, 1, 2])):
            tree = Tree(self._rng.choice("++-"), (tree, self.tree(2)))
        return tree

    def constant(self) -> Tree:
        """A number of a small grid, so that ties and cancellations happen; or one that is met."""
        rng = self._rng
        if self._known and rng.random() < 0.3:
            return Tree("const", payload=rng.choice(self._known))
        return Tree("const", payload=small_number(rng))

    def leaf(self) -> Tree:
        place = self._rng.random()
        if place < 0.75:
            return self._rng.choice(self._references)
        if place < 0.85:
            return Tree("name", payload=self._rng.choice(list(PARAMETERS)))
        return self.constant()

    def tree(self, depth: int) -> Tree:
        if depth == 0 or self._rng.random() < 0.15:
            return self.leaf()
        shape = self._rng.choices(
            [self._arithmetic, self._smooth, self._bent, self._branched, self._raw],
            [50, 20, 20, 7, 3],
        )[0]
        return shape(depth - 1)

    def _arithmetic(self, depth: int) -> Tree:
        rng = self._rng
        op = rng.choice(["+", "-", "scale", "scale", "scale", "*", "over", "neg", "power"])
        a = self.tree(depth)
        if op == "scale":
            return Tree("*", (self.constant(), a))
        if op == "over":
            return Tree(
                "/", (a, Tree("+", (_ONE, Tree("power", (self.tree(depth),), Fraction(2)))))
            )
        if op == "neg":
            return Tree("neg", (a,))
        if op == "power":
            return Tree("power", (a,), Fraction(rng.choice([2, 2, 3])))
        return Tree(op, (a, self.tree(depth)))

    def _smooth(self, depth: int) -> Tree:
        rng = self._rng
        name = rng.choice(["sin", "cos", "tanh", "atan", "exp", "gauss", "log", "sqrt", "tanh"])
        a = self.tree(depth)
        square = Tree("power", (a,), Fraction(2))
        if name == "gauss":
            return Tree("exp", (Tree("neg", (square,)),))
        if name in {"log", "sqrt"}:
            return Tree(name, (Tree("+", (_ONE, square)),))
        return Tree(name, (a,))

    def _bent(self, depth: int) -> Tree:
        rng = self._rng
        op = rng.choice(["max", "min", "abs", "abs", "clip", "max", "min"])
        if op == "abs":
            inner = self.tree(depth)
            return Tree(
                "abs", (Tree("-", (inner, self.constant())) if rng.random() < 0.5 else inner,)
            )
        if op == "clip":
            low, high = sorted(small_number(rng) for _ in range(2))
            if low == high:
                high += 1
            bounds = tuple(Tree("const", payload=bound) for bound in (low, high))
            return Tree("clip", (self.tree(depth), *bounds))
        pair = [self.tree(depth), rng.choice([self.constant, self.leaf, lambda: _ZERO])()]
        rng.shuffle(pair)
        return Tree(op, tuple(pair))

    def _branched(self, depth: int) -> Tree:
        rng = self._rng
        if rng.random() < 0.25:
            return Tree(rng.choice(["sign", "floor", "ceil"]), (self.tree(depth),))
        condition = self._condition()
        if rng.random() < 0.25:
            condition = Tree(rng.choice(["and", "or"]), (condition, self._condition()))
        if rng.random() < 0.1:
            condition = Tree("not", (condition,))
        return Tree("where", (condition, self.tree(depth), self.tree(depth)))

    def _condition(self) -> Tree:
        op = self._rng.choice([*COMPARISONS[:4], *COMPARISONS])
        left = self._rng.choice(self._references)
        right = self.constant() if self._rng.random() < 0.7 else self.leaf()
        return Tree(op, (left, right if right != left else self.constant()))

    def _raw(self, depth: int) -> Tree:
        """Operations that do not have a value everywhere."""
        name = self._rng.choice(["/", "log", "sqrt", "asin", "inverse", "tan", "sinh", "cosh"])
        a = self.tree(depth)
        if name == "/":
            return Tree("/", (self.leaf(), a))
        return Tree("power", (a,), Fraction(-1)) if name == "inverse" else Tree(name, (a,))


def small_number(rng: random.Random) -> Fraction:
    """A number of a grid: quarters mostly, tenths and thirds."""
    bottom = rng.choice([1, 2, 4, 4, 10, 3])
    return Fraction(rng.randint(-2 * bottom, 2 * bottom), bottom)


def random_spec(seed: int) -> Spec:
    """Return the model of a seed."""
    rng = random.Random(f"model {seed}")
    make = rng.choices([_static, _template, _flows], [35, 45, 20])[0]
    spec: Spec = make(rng)
    if (
        rng.random() < 0.97
    ):  # few models in which n has no path to m, or no path past A or through it
        while not _is_interesting(spec):
            spec = make(rng)
    return spec


def _is_interesting(spec: Spec) -> bool:
    """Whether the names alone leave n a path to m through A, or most often one past it."""
    parents = {v.name: _names_in(v.expression) for v in spec.variables}
    name, _ = spec.nudge
    through = any(
        _reaches(parents, name, a, ()) and _reaches(parents, a, spec.target, ()) for a in spec.hold
    )
    return through and _reaches(parents, name, spec.target, tuple(spec.hold))


def _names_in(tree: Tree | None) -> set[str]:
    if tree is None:
        return set()
    if tree.op == "ref":
        assert isinstance(tree.payload, tuple)
        return {tree.payload[0]}
    return set().union(*(_names_in(arg) for arg in tree.args))


def _reaches(
    parents: dict[str, set[str]], source: str, target: str, avoided: tuple[str, ...]
) -> bool:
    seen, stack = {target}, [target]
    while stack:
        for parent in parents[stack.pop()] - seen - set(avoided):
            seen.add(parent)
            stack.append(parent)
    return source in seen and target not in avoided


def _reference(name: str, lag: int = 0) -> Tree:
    return Tree("ref", payload=(name, lag))


def _names(rng: random.Random, low: int, high: int) -> list[str]:
    return ["p", "q", "r", "s", "u", "v"][: rng.randint(low, high)]


def _held(rng: random.Random, among: list[str]) -> list[str]:
    return rng.sample(among, min(len(among), rng.choice([1, 1, 1, 2])))


def _static(rng: random.Random) -> Spec:
    names = _names(rng, 3, 6)
    start = small_number(rng)
    variables = [VariableSpec(names[0], "data", None, (start,))]
    known = [start]
    if rng.random() < 0.3 and len(names) > 3:
        known.append(small_number(rng))
        variables.append(VariableSpec(names[1], "data", None, (known[-1],)))
    for i in range(len(variables), len(names)):
        drawer = _Drawer(rng, [_reference(name) for name in names[:i]], known)
        variables.append(VariableSpec(names[i], "rule", drawer.rule()))
    return Spec(
        tuple(variables),
        PARAMETERS,
        nudge=(names[0], 0),
        hold=dict.fromkeys(_held(rng, names[1:-1])),
        target=names[-1],
        steps=0,
        is_static=True,
    )


def _template(rng: random.Random) -> Spec:
    names = _names(rng, 2, 4)
    steps = rng.randint(2, 6)
    lags = rng.choice([1, 1, 2, 3])
    variables, known = [], list[Fraction]()
    given = []
    if rng.random() < 0.3:
        known += [small_number(rng) for _ in range(2)]
        series = tuple(rng.choice([*known, small_number(rng)]) for _ in range(steps + 1))
        given.append(VariableSpec("d", "data", None, series))
    if rng.random() < 0.25:
        given.append(VariableSpec("e", "noise", None))
    for i, name in enumerate(names):
        drawer = _Drawer(rng, _lagged(rng, names, i, lags, given), known)
        starts = tuple(small_number(rng) for _ in range(lags))
        known += starts
        variables.append(VariableSpec(name, "rule", drawer.rule(), starts))
    nudge = rng.choice(names)
    held = _held(rng, [name for name in names if name != nudge])
    hold = {name: rng.randint(0, steps) if rng.random() < 0.2 else None for name in held}
    others = [name for name in names if name not in hold] if rng.random() < 0.85 else names
    nudged_at = rng.randint(0, min(2, steps))
    return Spec(
        (*given, *variables), PARAMETERS, (nudge, nudged_at), hold, rng.choice(others), steps
    )


def _lagged(
    rng: random.Random, names: list[str], place: int, lags: int, given: list[VariableSpec]
) -> list[Tree]:
    found = [_reference(other, lag) for other in names for lag in range(1, lags + 1)]
    found += [_reference(other) for other in names[:place] for _ in range(2)]
    found += [_reference(v.name, rng.choice([0, 1]) if lags else 0) for v in given]
    if rng.random() < 0.1:
        found.append(Tree("clock", payload="t"))
    return found


def _flows(rng: random.Random) -> Spec:
    """One to three flows, one or two algebraics, and at times a sampled rule that a flow reads."""
    flows = ["x", "y", "z"][: rng.randint(1, 3)]
    instants = ["a", "b"][: rng.randint(1, 2)]
    sampled = ["c"] if rng.random() < 0.3 else []
    method = rng.choice(["euler", "rk4", "rk4"])
    starts = {name: small_number(rng) for name in [*flows, *sampled]}
    known = list(starts.values())
    references = [_reference(name) for name in [*flows, *instants, *instants, *sampled]]
    if rng.random() < 0.2:
        references.append(Tree("clock", payload="time"))
    variables = [
        VariableSpec(v, "flow", _Drawer(rng, references, known).rule(), (starts[v],)) for v in flows
    ]
    for i, name in enumerate(instants):
        read = [_reference(other) for other in [*flows, *instants[:i]]]
        variables.append(VariableSpec(name, "algebraic", _Drawer(rng, read, known).rule()))
    for name in sampled:
        read = [_reference(other, rng.choice([0, 1])) for other in [*flows, *instants]]
        rule = _Drawer(rng, read, known).rule()
        variables.append(VariableSpec(name, "rule", rule, (starts[name],), sampled=True))
    everything = [v.name for v in variables]
    nudge = rng.choice(flows if rng.random() < 0.8 else everything)
    hold = _held(rng, [name for name in [*instants, *sampled, *flows[1:]] if name != nudge])
    others = [name for name in everything if name not in hold]
    return Spec(
        tuple(variables),
        PARAMETERS,
        (nudge, rng.choice([0, 0, 1])),
        dict.fromkeys(hold),
        rng.choice(others),
        steps=rng.randint(1, 3),
        dt=rng.choice([Fraction(1, 10), Fraction(1, 4), Fraction(1, 2)]),
        method=method,
    )
