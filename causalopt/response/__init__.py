"""The response of m to n: total effect over all paths, direct effect over those that avoid A."""

from causalopt.response.effect import Effect
from causalopt.response.finite import finite_effect
from causalopt.response.reach import reachable
from causalopt.response.tangent import tangent_effect

__all__ = ["Effect", "finite_effect", "reachable", "tangent_effect"]
