"""`grad` in rules: the derivative of a number by an array, by going back through this step's rules.

It reads the values of this step's nodes, as textbook backpropagation does; a node that is held
enters it with the value it is held at.
"""

from __future__ import annotations

from collections.abc import Mapping

from causalopt.errors import ModelError
from causalopt.tensors import tensor_algebra as algebra
from causalopt.tensors.building import const, expanded
from causalopt.tensors.cotangent import cotangents
from causalopt.tensors.tensor import Shape, Tensor, inputs, postorder, rebuilt


def resolved(rules: Mapping[str, Tensor], shapes: Mapping[str, Shape]) -> dict[str, Tensor]:
    """Return rules with every `grad` written out.

    Args:
        rules: Variable -> its rule.
        shapes: Variable -> its shape.

    Raises:
        ModelError: A derivative is of what does not depend on the array, or needs itself.
    """
    resolver = _Resolver(rules, shapes)
    return {name: resolver.rule(name) for name in rules}


class _Resolver:
    def __init__(self, rules: Mapping[str, Tensor], shapes: Mapping[str, Shape]) -> None:
        self._rules, self._shapes = rules, shapes
        self._done: dict[str, Tensor] = {}
        self._open: list[str] = []

    def rule(self, name: str) -> Tensor:
        """Return one rule, resolved."""
        if name in self._done:
            return self._done[name]
        if name in self._open:
            circle = " -> ".join([*self._open[self._open.index(name) :], name])
            raise ModelError(
                f"a grad needs itself, in a circle: {circle}; read a value of the step before",
                ("variables", name, "rule"),
            )
        self._open.append(name)
        self._done[name] = self._resolve(self._rules[name], name)
        self._open.pop()
        return self._done[name]

    def _resolve(self, root: Tensor, owner: str) -> Tensor:
        places = [tensor for tensor in postorder(root) if tensor.op == "grad"]
        exchange: dict[Tensor, Tensor] = {}
        for place in places:  # an inner grad comes before the one it stands in
            (loss,) = rebuilt([place.args[0]], exchange)
            exchange[place] = self._derivative(loss, place, owner)
        return rebuilt([root], exchange, _made)[0] if exchange else root

    def _derivative(self, loss: Tensor, place: Tensor, owner: str) -> Tensor:
        """Return the derivative of a number by an input, through this step's rules."""
        wanted = place.args[1]
        order = self._needed(loss, wanted)
        found: dict[Tensor, Tensor] = {}

        def collect(of: Tensor, seed: Tensor) -> None:
            below = [x for x in inputs(of) if x is wanted or self._name(x) is not None]
            for leaf, cotangent in cotangents({of: seed}, below).items():
                if cotangent is not None:
                    before = found.get(leaf)
                    found[leaf] = cotangent if before is None else algebra.add(before, cotangent)

        collect(loss, const(1))
        for node in reversed(order):
            seed = found.get(node)
            if seed is not None and node is not wanted:
                collect(self.rule(str(node.payload[1])), expanded(seed, node.shape))
        result = found.get(wanted)
        if result is None:
            raise ModelError(
                f"grad by {_written(wanted)}: the number it is taken of does not depend on "
                f"{_written(wanted)} within this step",
                ("variables", owner, "rule"),
                place.payload,
            )
        return expanded(result, wanted.shape)

    def _name(self, tensor: Tensor) -> str | None:
        """Return the variable that a tensor is this step's node of, if it has a rule."""
        key = tensor.payload
        is_node = tensor.op == "input" and key[0] == "ref" and key[2] == 0
        return key[1] if is_node and key[1] in self._rules else None

    def _needed(self, loss: Tensor, wanted: Tensor) -> list[Tensor]:
        """Return this step's nodes below a number, each after those that it needs."""
        order: list[Tensor] = []
        seen: set[Tensor] = set()

        def visit(root: Tensor) -> None:
            for leaf in inputs(root):
                name = self._name(leaf)
                if name is None or leaf in seen:
                    continue
                seen.add(leaf)
                if leaf is not wanted:
                    visit(self.rule(name))
                order.append(leaf)

        visit(loss)
        return order


def _made(tensor: Tensor, args: tuple[Tensor, ...]) -> Tensor:
    """Return an operation of a derivative; a number goes to the smallest factor of a product."""
    if tensor.op == "mul":
        return algebra.mul(*args)
    return Tensor.of(tensor.op, *args, payload=tensor.payload, shape=tensor.shape)


def _written(node: Tensor) -> str:
    _, name, lag = node.payload
    return f"{name}[t-{lag}]" if lag else f"{name}[t]"
