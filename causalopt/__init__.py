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

if TYPE_CHECKING:
    from causalopt.declaration import Fact, Partition, Question, Variable
    from causalopt.draw.pictures import Picture, picture
    from causalopt.errors import (
        CausaloptError,
        ExpressionError,
        FileError,
        GraphError,
        ModelError,
        QuestionError,
        UnknownNameError,
    )
    from causalopt.files import parse_model, read_model, to_text, write_model
    from causalopt.graph import from_networkx, paths, template_graph, unrolled_graph
    from causalopt.growth import Rates, rates
    from causalopt.interventions import Nudge, Replace, Set
    from causalopt.library import load, shipped
    from causalopt.matrices import op_from_all, op_matrix, op_to_all
    from causalopt.measures import STATUSES
    from causalopt.model import Model
    from causalopt.optimizers import Candidate, find_optimizers
    from causalopt.runs import Run, run
    from causalopt.selectors import Node
    from causalopt.sweeps import Sweep, sweep
    from causalopt.symbolic import Derivation, derive
    from causalopt.worlds import World, world

_HOMES = {
    "declaration": ["Fact", "Partition", "Question", "Variable"],
    "draw.pictures": ["Picture", "picture"],
    "errors": [
        "CausaloptError",
        "ExpressionError",
        "FileError",
        "GraphError",
        "ModelError",
        "QuestionError",
        "UnknownNameError",
    ],
    "files": ["parse_model", "read_model", "to_text", "write_model"],
    "graph": ["from_networkx", "paths", "template_graph", "unrolled_graph"],
    "growth": ["Rates", "rates"],
    "interventions": ["Nudge", "Replace", "Set"],
    "library": ["load", "shipped"],
    "matrices": ["op_from_all", "op_matrix", "op_to_all"],
    "measures": ["STATUSES"],
    "model": ["Model"],
    "optimizers": ["Candidate", "find_optimizers"],
    "runs": ["Run", "run"],
    "selectors": ["Node"],
    "sweeps": ["Sweep", "sweep"],
    "symbolic": ["Derivation", "derive"],
    "worlds": ["World", "world"],
}
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
