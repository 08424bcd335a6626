"""The network of the posts: the shipped model with another activation, loss, size or rate."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

from causalopt.errors import UnknownNameError, suggestion
from causalopt.model.files import load
from causalopt.model.model import Model

NAME = "knowledge_localization"
ACTIVATIONS = ("softplus", "relu", "sigmoid", "tanh")
COSTS = {"squared": "sum((o - y)**2)/2", "cross-entropy": "logsumexp(o) - sum(o*y)"}
LAYERS = ("W1", "b1", "W2", "b2")


@dataclasses.dataclass(frozen=True)
class NetworkSetting:
    """What the post leaves open, or varies.

    Under squared error the output layer has the hidden layer's activation, for the post speaks of
    one; a relu's outputs would be 0 for all images after an unlucky start, for ever, and are linear
    instead. Under cross-entropy they are linear: the softmax is the loss's.

    Attributes:
        activation: softplus (the post's), relu, sigmoid or tanh.
        cost: squared or cross-entropy.
        rate: The learning rate.
        hidden: How many hidden units.

    Raises:
        UnknownNameError: There is no such activation or cost.
    """

    activation: str = "softplus"
    cost: str = "squared"
    rate: float = 0.03
    hidden: int = 100

    def __post_init__(self) -> None:
        for name, known in ((self.activation, ACTIVATIONS), (self.cost, COSTS)):
            if name not in known:
                raise UnknownNameError(f"unknown '{name}'{suggestion(name, known)}")

    @property
    def output(self) -> str:
        """The output layer's activation as a rule of z."""
        linear = self.cost == "cross-entropy" or self.activation == "relu"
        return "z" if linear else f"{self.activation}(z)"


@functools.lru_cache(maxsize=64)
def digit_network(setting: NetworkSetting, pixels: int = 784, counted: int = 980) -> Model:
    """Return the model of a training run.

    Args:
        setting: Activation, loss, rate and size.
        pixels: How many pixels an image has.
        counted: The step from which on updates are summed.

    Example:
        >>> digit_network(NetworkSetting("relu", "cross-entropy"), pixels=64).functions["output(z)"]
        'z'
    """
    data: dict[str, Any] = load(NAME).model_dump()
    data["sizes"] |= {"pixel": pixels, "hidden": setting.hidden}
    data["parameters"] |= {"rate": setting.rate, "counted": counted}
    data["functions"] = {
        "activation(z)": f"{setting.activation}(z)",
        "output(z)": setting.output,
        "cost(o, y)": COSTS[setting.cost],
    }
    return Model(**data)
