"""SGD Understood through Probability Current."""

from __future__ import annotations

from causalopt.reproduce.post import Post

POST = Post("sgd2", "SGD Understood through Probability Current", {})
