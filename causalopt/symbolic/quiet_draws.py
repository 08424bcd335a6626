"""Models whose effects are the same whatever their noise draws: the draws left out.

Where every rule is affine in the nodes it reads, and its branches are decided by the step alone, no
effect depends on a value.
"""

from __future__ import annotations

from causalopt.language.gradient import gradient, kinks
from causalopt.language.term import REFERENCES, Term, leaves
from causalopt.model.model import Model


def without_draws(model: Model) -> Model:
    """Return a model with 0 in place of its noise where effects do not depend on draws.

    Where they do, or there is no noise, it is the model itself.

    Example:
        >>> rule = {"rule": "x[t-1]/2 + e[t]", "initial": 1}
        >>> model = Model(name="m", variables={"e": {"noise": "normal(0,1)"}, "x": rule})
        >>> without_draws(model).variables["e"].rule
        '0'
    """
    noise = [name for name, variable in model.variables.items() if variable.noise is not None]
    others = [e for e in model.template.equations if e.law is not None and e.name not in noise]
    if not noise or others or model.is_static:
        return model
    if not all(_is_affine(e.rule) for e in model.template.equations if e.rule is not None):
        return model
    data = model.model_dump()
    for name in noise:
        data["variables"][name] |= {"noise": None, "rule": "0"}
    return type(model)(model.array_source, **data)


def _is_affine(rule: Term) -> bool:
    """Whether a rule is affine in what it reads, its branches decided by the step alone."""
    if kinks(rule):
        return False
    read = [leaf for leaf in leaves(rule) if isinstance(leaf.payload, tuple)]
    slopes = gradient(rule, read)
    return not any(slope.holds & REFERENCES for slope in slopes.values())
