"""Which function stands behind a command, and what its options are called there."""

from __future__ import annotations

# What other measures than Op are told, which a sweep takes as one argument.
OF_MEASURES = (
    "over", "start", "beyond", "within", "passage", "walkers", "targets", "horizon", "lasting",
    "fresh", "unit", "transient", "exponents",
)  # fmt: skip
# Command -> its function, and what its options are called there where that is another word.
COMMANDS_CALL: dict[str, tuple[str, dict[str, str | None]]] = {
    "models": ("shipped", {}),
    "check": ("describe", {"strict": None}),
    "run": ("run", {"out": "Run.save", "plot": "Run.plot", "theme": "Run.plot"}),
    "derive": (
        "derive",
        {
            "latex": "Derivation.latex",
            "plain": "Derivation.pretty",
            "report": "Derivation.report",
            "python": "Derivation.python",
        },
    ),
    "sweep": (
        "sweep",
        {
            "plot": "Sweep.plot",
            "show": "Sweep.plot",
            "theme": "Sweep.plot",
            "design": "design",
            **dict.fromkeys(OF_MEASURES, "measure"),
        },
    ),
    "show": (
        "open_sweep",
        {
            "store": "path",
            "watch": None,
            "drawn": "SweepStore.plot",
            "plot": "SweepStore.plot",
            "theme": "SweepStore.plot",
        },
    ),
    "refine": (
        "refine",
        {
            "out": "Refinement.save",
            "grid": "over",
            "plot": "Refinement.plot",
            "theme": "Refinement.plot",
        },
    ),
    "basins": (
        "op_basins",
        {
            "out": "OpBasins.save",
            "grid": "over",
            "attractors": "attraction_basins",
            "within": "attraction_basins",
            "along": "basins_along",
            "plot": "OpBasins.plot",
            "theme": "OpBasins.plot",
        },
    ),
    "entropy": (
        "strength",
        {"out": "Entropies.save", "plot": "Entropies.plot", "theme": "Entropies.plot"},
    ),
    "escape": (
        "escape",
        {
            "dt": "Model.replace",
            "out": "Answer.save",
            "grid": "escape_curve",
            "plot": "EscapeCurve.plot",
            "theme": "EscapeCurve.plot",
        },
    ),
    "transitions": (
        "transitions",
        {"out": "Transitions.save", "plot": "Transitions.plot", "theme": "Transitions.plot"},
    ),
    "action": (
        "least_action",
        {"out": "LeastAction.save", "plot": "LeastAction.plot", "theme": "LeastAction.plot"},
    ),
    "descent": ("descent", {"plot": None}),
    "rates": ("rates", {"out": "Rates.save", "plot": "Rates.plot", "theme": "Rates.plot"}),
    "frequency": (
        "frequency",
        {
            "theme": "FrequencyResponse.plot",
            "out": "FrequencyResponse.save",
            "plot": "FrequencyResponse.plot",
            "kind": "FrequencyResponse.plot",
        },
    ),
    "across": ("across", {"out": "Across.save", "plot": "Across.plot", "theme": "Across.plot"}),
    "divide": (
        "divide",
        {
            "out": "NaturalDivision.save",
            "starts": "division_stability",
            "within": "detect_optimizer",
            "plot": "NaturalDivision.plot",
            "theme": "NaturalDivision.plot",
        },
    ),
    "currents": (
        "currents",
        {
            "columns": "draw",
            "around": "draw",
            "out": "Currents.save",
            "plot": "Currents.plot",
            "theme": "Currents.plot",
            "draw": "draw",
            "folded": "draw",
            "paths": "Currents.paths",
        },
    ),
    "compare": (
        "compare_measures",
        {
            "sets": "Model.replace",
            "initial": "Model.replace",
            "out": "Comparison.to_html",
            "plot": "Comparison.plot",
            "theme": "Comparison.plot",
        },
    ),
    "draw": ("draw", {"sets": "Model.replace", "initial": "Model.replace", "out": "Picture.save"}),
    "optimizers": (
        "find_optimizers",
        {
            "out": "Optimizers.save",
            "over_time": "Optimizers.over_time",
            "plot": "Optimizers.plot",
            "seeds": "optimizers_over_draws",
            "theme": "Optimizers.plot",
        },
    ),
    "matrix": (
        "op_matrix",
        {
            "nudge": "sources",
            "target": "targets",
            "out": "OpMatrix.save",
            "plot": "OpMatrix.plot",
            "theme": "OpMatrix.plot",
        },
    ),
    "sensitivity": (
        "sensitivity",
        {
            "out": "ParameterSensitivity.save",
            "plot": "ParameterSensitivity.plot",
            "theme": "ParameterSensitivity.plot",
        },
    ),
    "watch": ("watch", {"out": "Film.save", "plot": "Film.plot", "theme": "Film.plot"}),
    "import": ("from_onnx", {"file": "path", "size": "sizes", "out": "write_model", "force": None}),
    "data": (
        "fetch_images",
        {
            "labels": "ImageSet.of",
            "seed": "ImageSet.shuffled",
            "steps": "ImageSet.shuffled",
            "out": "ImageSet.to_npz",
        },
    ),
    "landscapes": ("landscapes", {"listed": None}),
    "reproduce": ("reproduce", {}),
    "schema": ("schema", {}),
    "cache": ("ObjectStore", {"clear": "ObjectStore.clear"}),
}
CHANGES = {
    "sets": "parameters",
    "dt": "Model.replace",
    "method": "Model.replace",
    "csv": "Run.to_pandas",
}
