"""causalopt: declare a causal model and ask who is optimizing what, and by how much.

A *model* is a causal DAG; a *world* one assignment of values to its nodes. W is the baseline; X has
one node n of B nudged, everything downstream recomputed; Y has the same nudge while the set A keeps
its values from W. Comp(A; n, m) = (x^m - w^m) / (y^m - w^m), Op = -ln |Comp|.

    >>> import causalopt
    >>> thermostat = causalopt.load("thermostat")
    >>> causalopt.run(thermostat, nudge="R[0]", hold="T", target="R", steps=500).op[-1].round(4)
    np.float64(5.0665)

Names load what they need when they are first used: importing the package stays fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from causalopt.worlds import results as _results

if TYPE_CHECKING:
    from causalopt.drawing.graph.pictures import Picture, picture
    from causalopt.effects.matrices import op_from_all, op_matrix, op_to_all
    from causalopt.effects.measures import STATUSES
    from causalopt.effects.optimizers import Candidate, find_optimizers
    from causalopt.effects.rates import Rates, rates
    from causalopt.effects.run import Run, run
    from causalopt.effects.sweep import Sweep, sweep
    from causalopt.errors import (
        CausaloptError,
        ExpressionError,
        FileError,
        GraphError,
        ModelError,
        QuestionError,
        UnknownNameError,
    )
    from causalopt.model.declaration import Fact, Partition, Question, Variable
    from causalopt.model.files import parse_model, read_model, to_text, write_model
    from causalopt.model.graph import from_networkx, paths, template_graph, unrolled_graph
    from causalopt.model.library import load, shipped
    from causalopt.model.model import Model
    from causalopt.model.selectors import Node
    from causalopt.symbolic.derivation import Derivation
    from causalopt.symbolic.derive import derive
    from causalopt.worlds.interventions import Nudge, Replace, Set
    from causalopt.worlds.world import World, world

_HOMES = {
    "model.declaration": ["Fact", "Partition", "Question", "Variable"],
    "drawing.graph.pictures": ["Picture", "picture"],
    "errors": [
        "CausaloptError",
        "ExpressionError",
        "FileError",
        "GraphError",
        "ModelError",
        "QuestionError",
        "UnknownNameError",
    ],
    "model.files": ["parse_model", "read_model", "to_text", "write_model"],
    "model.graph": ["from_networkx", "paths", "template_graph", "unrolled_graph"],
    "effects.rates": ["Rates", "rates"],
    "worlds.interventions": ["Nudge", "Replace", "Set"],
    "model.library": ["load", "shipped"],
    "effects.matrices": ["op_from_all", "op_matrix", "op_to_all"],
    "effects.measures": ["STATUSES"],
    "model.model": ["Model"],
    "effects.optimizers": ["Candidate", "find_optimizers"],
    "effects.run": ["Run", "run"],
    "model.selectors": ["Node"],
    "effects.sweep": ["Sweep", "sweep"],
    "symbolic.derivation": ["Derivation"],
    "symbolic.derive": ["derive"],
    "worlds.world": ["World", "world"],
}
_RESULTS = {
    "descents.escape.answer.Answer": ["drawing.plots.of_answer"],
    "descents.escape.evolution.Evolution": ["drawing.plots.of_escape"],
    "descents.escape.steps_to_escape.EscapeTimes": ["drawing.plots.of_escape"],
    "effects.rates.Rates": ["drawing.plots.of_rates"],
    "effects.run.Run": ["drawing.plots.of_run", "effects.run_dataset"],
    "effects.sweep.Sweep": ["drawing.plots.of_sweep", "effects.sweep_dataset"],
    "entropy.decorrelation.Strength": ["drawing.plots.of_law"],
    "symbolic.derivation.Derivation": ["symbolic.python_source", "symbolic.report"],
    "worlds.world.World": ["drawing.plots.of_world"],
}
_results.offer(
    {
        f"causalopt.{kind}": tuple(f"causalopt.{module}" for module in modules)
        for kind, modules in _RESULTS.items()
    }
)
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "STATUSES",
    "Candidate",
    "CausaloptError",
    "Derivation",
    "ExpressionError",
    "Fact",
    "FileError",
    "GraphError",
    "Model",
    "ModelError",
    "Node",
    "Nudge",
    "Partition",
    "Picture",
    "Question",
    "QuestionError",
    "Rates",
    "Replace",
    "Run",
    "Set",
    "Sweep",
    "UnknownNameError",
    "Variable",
    "World",
    "derive",
    "find_optimizers",
    "from_networkx",
    "load",
    "op_from_all",
    "op_matrix",
    "op_to_all",
    "parse_model",
    "paths",
    "picture",
    "rates",
    "read_model",
    "run",
    "shipped",
    "sweep",
    "template_graph",
    "to_text",
    "unrolled_graph",
    "world",
    "write_model",
]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"causalopt has no '{name}'")
    return getattr(importlib.import_module(f"causalopt.{home}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
