"""Defining Optimization in a Deeper Way, Part 2."""

from __future__ import annotations

from causalopt.reproduce.post import Post

POST = Post("part2", "Defining Optimization in a Deeper Way, Part 2", {})
