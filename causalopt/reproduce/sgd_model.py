"""Modelling and Understanding SGD."""

from __future__ import annotations

from causalopt.reproduce.post import Post

POST = Post("sgd1", "Modelling and Understanding SGD", {})
