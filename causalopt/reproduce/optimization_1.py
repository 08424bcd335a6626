"""Defining Optimization in a Deeper Way, Part 1."""

from __future__ import annotations

from causalopt.reproduce.post import Post

POST = Post("part1", "Defining Optimization in a Deeper Way, Part 1", {})
