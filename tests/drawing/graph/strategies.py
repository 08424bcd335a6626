"""Models and the questions asked of them, for the pictures."""

from __future__ import annotations

from hypothesis import strategies as st

from causalopt import Model
from tests.strategies import static_models, templates

models = st.one_of(static_models(), templates())


@st.composite
def asked(draw: st.DrawFn) -> tuple[Model, int, str, str]:
    """A model, how far it is unrolled, a nudged node and a held set without it."""
    model = draw(models)
    names = list(model.variables)
    n = draw(st.sampled_from(names))
    others = [name for name in names if name != n]
    held = draw(st.lists(st.sampled_from(others), unique=True, max_size=2))
    if model.is_static:
        return model, 0, n, ", ".join(held)
    steps = draw(st.integers(2, 7))
    windows = [
        draw(st.sampled_from([name, f"{name}[t<=2]", f"{name}[t>=3]", f"{name}[2]"]))
        for name in held
    ]
    return model, steps, f"{n}[{draw(st.integers(0, steps))}]", ", ".join(windows)
