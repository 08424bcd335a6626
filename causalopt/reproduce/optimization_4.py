"""Defining Optimization in a Deeper Way, Part 4."""

from __future__ import annotations

from causalopt.reproduce.post import Post

POST = Post("part4", "Defining Optimization in a Deeper Way, Part 4", {})
