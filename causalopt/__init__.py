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
import types
from typing import TYPE_CHECKING, Any

from causalopt import results as _results
from causalopt.work.interrupts import imports_whole as _imports_whole

if TYPE_CHECKING:
    from causalopt.basins.attraction_basins import AttractionBasins as AttractionBasins
    from causalopt.basins.attraction_basins import attraction_basins as attraction_basins
    from causalopt.basins.basin_contingency import BasinContingency as BasinContingency
    from causalopt.basins.basin_contingency import basin_contingency as basin_contingency
    from causalopt.basins.op_basins import OpBasins as OpBasins
    from causalopt.basins.op_basins import op_basins as op_basins
    from causalopt.basins.op_share import OpShare as OpShare
    from causalopt.basins.op_share import op_share as op_share
    from causalopt.basins.optimization_amount import OptimizationAmount as OptimizationAmount
    from causalopt.basins.optimization_amount import optimization_amount as optimization_amount
    from causalopt.basins.rate_curve import RateCurve as RateCurve
    from causalopt.basins.rate_curve import rate_curve as rate_curve
    from causalopt.basins.recurrence_machine import Counters as Counters
    from causalopt.basins.region_tracks import RegionTracks as RegionTracks
    from causalopt.basins.region_tracks import attraction_along as attraction_along
    from causalopt.basins.region_tracks import basins_along as basins_along
    from causalopt.comparison.comparing import compare_measures as compare_measures
    from causalopt.comparison.comparison import Comparison as Comparison
    from causalopt.comparison.loop_shares import LoopShares as LoopShares
    from causalopt.comparison.loop_shares import loop_shares as loop_shares
    from causalopt.comparison.small_disagreements import (
        smallest_disagreement as smallest_disagreement,
    )
    from causalopt.datasets.collection import fetch_images as fetch_images
    from causalopt.datasets.collection import load_images as load_images
    from causalopt.datasets.image_set import ImageSet as ImageSet
    from causalopt.descents.escape.answer import Answer as Answer
    from causalopt.descents.escape.consecutive import Consecutive as Consecutive
    from causalopt.descents.escape.consecutive import consecutive_steps as consecutive_steps
    from causalopt.descents.escape.curves import EscapeCurve as EscapeCurve
    from causalopt.descents.escape.curves import escape_curve as escape_curve
    from causalopt.descents.escape.members import escape as escape
    from causalopt.descents.noisy_op import NoisyOp as NoisyOp
    from causalopt.descents.noisy_op import noisy_op as noisy_op
    from causalopt.descents.sgd import sgd_model as sgd_model
    from causalopt.descents.transitions.basin_diagram import BasinDiagram as BasinDiagram
    from causalopt.descents.transitions.basin_diagram import basin_diagram as basin_diagram
    from causalopt.descents.transitions.least_action import LeastAction as LeastAction
    from causalopt.descents.transitions.least_action import least_action as least_action
    from causalopt.descents.transitions.transition_paths import Transitions as Transitions
    from causalopt.descents.transitions.transition_paths import transitions as transitions
    from causalopt.drawing.graph.pictures import Picture as Picture
    from causalopt.drawing.graph.pictures import draw as draw
    from causalopt.drawing.plots.of_descent import descent as descent
    from causalopt.effects.attribution import Attribution as Attribution
    from causalopt.effects.attribution import shapley as shapley
    from causalopt.effects.ensembles.rates_ensemble import RatesEnsemble as RatesEnsemble
    from causalopt.effects.ensembles.run_ensemble import RunEnsemble as RunEnsemble
    from causalopt.effects.ensembles.seed_summary import SeedSummary as SeedSummary
    from causalopt.effects.ensembles.sweep_ensemble import SweepEnsemble as SweepEnsemble
    from causalopt.effects.exponents.rates import Rates as Rates
    from causalopt.effects.exponents.rates import rates as rates
    from causalopt.effects.matrices import op_from_all as op_from_all
    from causalopt.effects.matrices import op_to_all as op_to_all
    from causalopt.effects.measures import STATUSES as STATUSES
    from causalopt.effects.op_matrix import OpMatrix as OpMatrix
    from causalopt.effects.op_matrix import op_matrix as op_matrix
    from causalopt.effects.parameter_slopes import ParameterSensitivity as ParameterSensitivity
    from causalopt.effects.parameter_slopes import sensitivity as sensitivity
    from causalopt.effects.run import Run as Run
    from causalopt.effects.running import run as run
    from causalopt.effects.sweeps.sweep import Sweep as Sweep
    from causalopt.entropy.bridge import SideBySide as SideBySide
    from causalopt.entropy.bridge import binned_strength as binned_strength
    from causalopt.entropy.bridge import label_side_by_side as label_side_by_side
    from causalopt.entropy.bridge import side_by_side as side_by_side
    from causalopt.entropy.bridge import strength_from_comp as strength_from_comp
    from causalopt.entropy.declared import strength as strength
    from causalopt.entropy.declared import strengths as strengths
    from causalopt.entropy.decorrelation import Decorrelated as Decorrelated
    from causalopt.entropy.decorrelation import Strength as Strength
    from causalopt.entropy.entropies import Entropies as Entropies
    from causalopt.entropy.epsilon import epsilon_family as epsilon_family
    from causalopt.entropy.epsilon import point_limit as point_limit
    from causalopt.entropy.relatives.causal_strength import causal_strength as causal_strength
    from causalopt.entropy.relatives.compression import attractors as attractors
    from causalopt.entropy.relatives.compression import basin_fraction as basin_fraction
    from causalopt.entropy.relatives.compression import image_sizes as image_sizes
    from causalopt.entropy.relatives.empowerment import empowerment as empowerment
    from causalopt.entropy.relatives.goal_directedness import goal_directedness as goal_directedness
    from causalopt.entropy.relatives.optimization_power import expected_power as expected_power
    from causalopt.entropy.relatives.optimization_power import (
        optimization_power as optimization_power,
    )
    from causalopt.entropy.relatives.requisite_variety import requisite_variety as requisite_variety
    from causalopt.entropy.relatives.touchette_lloyd import entropy_reduction as entropy_reduction
    from causalopt.entropy.relatives.touchette_lloyd import largest_reduction as largest_reduction
    from causalopt.entropy.relatives.transfer_entropy import transfer_entropy as transfer_entropy
    from causalopt.errors import ArgumentError as ArgumentError
    from causalopt.errors import CausaloptError as CausaloptError
    from causalopt.errors import ExpressionError as ExpressionError
    from causalopt.errors import FileError as FileError
    from causalopt.errors import GraphError as GraphError
    from causalopt.errors import ModelError as ModelError
    from causalopt.errors import QuestionError as QuestionError
    from causalopt.errors import SizeError as SizeError
    from causalopt.errors import UnknownNameError as UnknownNameError
    from causalopt.frequencies.frequency_question import frequency as frequency
    from causalopt.frequencies.frequency_response import FrequencyResponse as FrequencyResponse
    from causalopt.importers.network_builder import NetworkError as NetworkError
    from causalopt.importers.onnx_translation import from_onnx as from_onnx
    from causalopt.importers.sklearn_networks import from_sklearn as from_sklearn
    from causalopt.importers.torch_modules import from_torch as from_torch
    from causalopt.influence.array_currents import ArrayCurrents as ArrayCurrents
    from causalopt.influence.influence import Currents as Currents
    from causalopt.influence.influence import currents as currents
    from causalopt.influence.through import Through as Through
    from causalopt.model.array_source import ArraySource as ArraySource
    from causalopt.model.declaration import Fact as Fact
    from causalopt.model.declaration import Partition as Partition
    from causalopt.model.declaration import Question as Question
    from causalopt.model.declaration import Variable as Variable
    from causalopt.model.exchange import from_graphml as from_graphml
    from causalopt.model.exchange import from_networkx as from_networkx
    from causalopt.model.exchange import template_graphml as template_graphml
    from causalopt.model.files import load as load
    from causalopt.model.files import parse_model as parse_model
    from causalopt.model.files import read_model as read_model
    from causalopt.model.files import schema as schema
    from causalopt.model.files import shipped as shipped
    from causalopt.model.files import to_text as to_text
    from causalopt.model.files import write_model as write_model
    from causalopt.model.graph import edge_list as edge_list
    from causalopt.model.graph import paths as paths
    from causalopt.model.graph import template_graph as template_graph
    from causalopt.model.graph import to_adjacency as to_adjacency
    from causalopt.model.graph import to_dagitty as to_dagitty
    from causalopt.model.graph import to_graphml as to_graphml
    from causalopt.model.graph import unrolled_graph as unrolled_graph
    from causalopt.model.model import Model as Model
    from causalopt.model.regions.region import Region as Region
    from causalopt.model.selectors import Node as Node
    from causalopt.object_store import ObjectStore as ObjectStore
    from causalopt.optimizers.across import Across as Across
    from causalopt.optimizers.across import across as across
    from causalopt.optimizers.division_stability import DivisionStability as DivisionStability
    from causalopt.optimizers.division_stability import division_stability as division_stability
    from causalopt.optimizers.false_positives import FalsePositives as FalsePositives
    from causalopt.optimizers.false_positives import false_positive_table as false_positive_table
    from causalopt.optimizers.natural_division import NaturalDivision as NaturalDivision
    from causalopt.optimizers.natural_division import divide as divide
    from causalopt.optimizers.optimizer_matrix import OptimizerMatrix as OptimizerMatrix
    from causalopt.optimizers.optimizer_matrix import optimizer_matrix as optimizer_matrix
    from causalopt.optimizers.optimizers import Candidate as Candidate
    from causalopt.optimizers.optimizers import Optimizers as Optimizers
    from causalopt.optimizers.optimizers import find_optimizers as find_optimizers
    from causalopt.optimizers.optimizers_over_draws import (
        OptimizersOverDraws as OptimizersOverDraws,
    )
    from causalopt.optimizers.optimizers_over_draws import (
        optimizers_over_draws as optimizers_over_draws,
    )
    from causalopt.optimizers.optimizers_over_time import OptimizersOverTime as OptimizersOverTime
    from causalopt.optimizers.verdict import Verdict as Verdict
    from causalopt.optimizers.verdict import detect_optimizer as detect_optimizer
    from causalopt.posts.session import Reproduction as Reproduction
    from causalopt.posts.session import reproduce as reproduce
    from causalopt.refinement.refinement import Refinement as Refinement
    from causalopt.refinement.refining import refine as refine
    from causalopt.studies.landscape_maps import LandscapeMaps as LandscapeMaps
    from causalopt.studies.rate_diagram import RateDiagram as RateDiagram
    from causalopt.studies.study_session import Landscapes as Landscapes
    from causalopt.studies.study_session import landscapes as landscapes
    from causalopt.sweeps.measure_sweep import MeasureSweep as MeasureSweep
    from causalopt.sweeps.point_designs import Design as Design
    from causalopt.sweeps.point_designs import design as design
    from causalopt.sweeps.sweep_store import SweepStore as SweepStore
    from causalopt.sweeps.sweep_store import open_sweep as open_sweep
    from causalopt.sweeps.sweeping import sweep as sweep
    from causalopt.symbolic.derivation import Derivation as Derivation
    from causalopt.symbolic.derive import derive as derive
    from causalopt.symbolic.fixed_points import find_orbits as find_orbits
    from causalopt.symbolic.fixed_points import linearise as linearise
    from causalopt.symbolic.modes import find_modes as find_modes
    from causalopt.training.film import Film as Film
    from causalopt.training.film import watch as watch
    from causalopt.training.training import Training as Training
    from causalopt.training.training import gradient as gradient
    from causalopt.training.training import train as train
    from causalopt.work.progress import Progress as Progress
    from causalopt.work.progress import progress as progress
    from causalopt.worlds.description import Description as Description
    from causalopt.worlds.description import describe as describe
    from causalopt.worlds.expand import expand as expand
    from causalopt.worlds.interventions import Nudge as Nudge
    from causalopt.worlds.interventions import Replace as Replace
    from causalopt.worlds.interventions import Set as Set
    from causalopt.worlds.replacement import replace as replace
    from causalopt.worlds.spacetime_regions import region as region
    from causalopt.worlds.world import World as World
    from causalopt.worlds.world import world as world

# The public names, by home; the imports above tell type checkers the same.
_HOMES = {
    "basins.attraction_basins": "AttractionBasins attraction_basins",
    "basins.basin_contingency": "BasinContingency basin_contingency",
    "basins.op_basins": "OpBasins op_basins",
    "basins.op_share": "OpShare op_share",
    "basins.optimization_amount": "OptimizationAmount optimization_amount",
    "basins.rate_curve": "RateCurve rate_curve",
    "basins.recurrence_machine": "Counters",
    "basins.region_tracks": "RegionTracks attraction_along basins_along",
    "comparison.comparing": "compare_measures",
    "comparison.comparison": "Comparison",
    "comparison.loop_shares": "LoopShares loop_shares",
    "comparison.small_disagreements": "smallest_disagreement",
    "datasets.collection": "fetch_images load_images",
    "datasets.image_set": "ImageSet",
    "descents.escape.answer": "Answer",
    "descents.escape.consecutive": "Consecutive consecutive_steps",
    "descents.escape.curves": "EscapeCurve escape_curve",
    "descents.escape.members": "escape",
    "descents.noisy_op": "NoisyOp noisy_op",
    "descents.sgd": "sgd_model",
    "descents.transitions.basin_diagram": "BasinDiagram basin_diagram",
    "descents.transitions.least_action": "LeastAction least_action",
    "descents.transitions.transition_paths": "Transitions transitions",
    "drawing.graph.pictures": "Picture draw",
    "drawing.plots.of_descent": "descent",
    "effects.attribution": "Attribution shapley",
    "effects.matrices": "op_from_all op_to_all",
    "effects.op_matrix": "OpMatrix op_matrix",
    "effects.parameter_slopes": "ParameterSensitivity sensitivity",
    "effects.measures": "STATUSES",
    "effects.exponents.rates": "Rates rates",
    "effects.ensembles.rates_ensemble": "RatesEnsemble",
    "effects.ensembles.run_ensemble": "RunEnsemble",
    "effects.ensembles.seed_summary": "SeedSummary",
    "effects.ensembles.sweep_ensemble": "SweepEnsemble",
    "effects.run": "Run",
    "effects.running": "run",
    "effects.sweeps.sweep": "Sweep",
    "object_store": "ObjectStore",
    "entropy.bridge": "SideBySide binned_strength label_side_by_side side_by_side "
    "strength_from_comp",
    "entropy.declared": "strength strengths",
    "entropy.decorrelation": "Decorrelated Strength",
    "entropy.entropies": "Entropies",
    "entropy.epsilon": "epsilon_family point_limit",
    "entropy.relatives.causal_strength": "causal_strength",
    "entropy.relatives.compression": "attractors basin_fraction image_sizes",
    "entropy.relatives.empowerment": "empowerment",
    "entropy.relatives.goal_directedness": "goal_directedness",
    "entropy.relatives.optimization_power": "expected_power optimization_power",
    "entropy.relatives.requisite_variety": "requisite_variety",
    "entropy.relatives.touchette_lloyd": "entropy_reduction largest_reduction",
    "entropy.relatives.transfer_entropy": "transfer_entropy",
    "errors": "ArgumentError CausaloptError ExpressionError FileError GraphError ModelError "
    "QuestionError "
    "SizeError UnknownNameError",
    "frequencies.frequency_question": "frequency",
    "frequencies.frequency_response": "FrequencyResponse",
    "influence.array_currents": "ArrayCurrents",
    "influence.influence": "Currents currents",
    "optimizers.optimizer_matrix": "OptimizerMatrix optimizer_matrix",
    "optimizers.optimizers": "Candidate Optimizers find_optimizers",
    "optimizers.optimizers_over_draws": "OptimizersOverDraws optimizers_over_draws",
    "optimizers.optimizers_over_time": "OptimizersOverTime",
    "influence.through": "Through",
    "importers.network_builder": "NetworkError",
    "importers.onnx_translation": "from_onnx",
    "importers.sklearn_networks": "from_sklearn",
    "importers.torch_modules": "from_torch",
    "model.array_source": "ArraySource",
    "model.declaration": "Fact Partition Question Variable",
    "model.exchange": "from_graphml from_networkx template_graphml",
    "model.files": "load parse_model read_model schema shipped to_text write_model",
    "model.graph": "edge_list paths template_graph to_adjacency to_dagitty "
    "to_graphml unrolled_graph",
    "model.model": "Model",
    "model.regions.region": "Region",
    "model.selectors": "Node",
    "optimizers.across": "Across across",
    "optimizers.natural_division": "NaturalDivision divide",
    "optimizers.division_stability": "DivisionStability division_stability",
    "optimizers.false_positives": "FalsePositives false_positive_table",
    "optimizers.verdict": "Verdict detect_optimizer",
    "posts.session": "Reproduction reproduce",
    "refinement.refinement": "Refinement",
    "refinement.refining": "refine",
    "sweeps.measure_sweep": "MeasureSweep",
    "sweeps.point_designs": "Design design",
    "sweeps.sweeping": "sweep",
    "sweeps.sweep_store": "SweepStore open_sweep",
    "studies.landscape_maps": "LandscapeMaps",
    "studies.rate_diagram": "RateDiagram",
    "studies.study_session": "Landscapes landscapes",
    "symbolic.derivation": "Derivation",
    "symbolic.derive": "derive",
    "symbolic.fixed_points": "find_orbits linearise",
    "symbolic.modes": "find_modes",
    "training.film": "Film watch",
    "training.training": "Training gradient train",
    "work.progress": "Progress progress",
    "worlds.description": "Description describe",
    "worlds.expand": "expand",
    "worlds.interventions": "Nudge Replace Set",
    "worlds.replacement": "replace",
    "worlds.spacetime_regions": "region",
    "worlds.world": "World world",
}
# Result -> what it offers, and the module that registers it.
_results.offer(
    {
        "causalopt.worlds.description.Description": {
            "summary": "showing.model_tables",
            "picture": "showing.model_tables",
        },
        "causalopt.model.model.Model": {
            "written": "model.files",
            "summary": "showing.model_tables",
            "picture": "showing.model_tables",
        },
        "causalopt.effects.attribution.Attribution": {
            "labelled": "effects.attribution_dataset",
            "plot": "drawing.plots.of_attribution",
        },
        "causalopt.descents.noisy_op.NoisyOp": {
            "labelled": "descents.noisy_op_dataset",
            "plot": "drawing.plots.of_ensembles",
        },
        "causalopt.influence.through.Through": {"summary": "showing.current_tables"},
        "causalopt.optimizers.optimizers.Candidate": {"summary": "showing.set_tables"},
        "causalopt.entropy.bridge.SideBySide": {
            "labelled": "entropy.entropies_dataset",
            "plot": "drawing.plots.of_side_by_side",
        },
        "causalopt.entropy.entropies.Entropies": {
            "summary": "showing.entropy_tables",
            "labelled": "entropy.entropies_dataset",
            "plot": "drawing.plots.of_entropies",
        },
        "causalopt.results.Displayed": {
            "rich": "showing.rich_result",
            "summary": "showing.rich_result",
            "picture": "showing.rich_result",
        },
        "causalopt.basins.attraction_basins.AttractionBasins": {
            "plot": "drawing.plots.of_basins",
            "labelled": "basins.basin_datasets",
        },
        "causalopt.basins.basin_contingency.BasinContingency": {
            "plot": "drawing.plots.of_basins",
            "labelled": "basins.basin_datasets",
        },
        "causalopt.basins.op_basins.OpBasins": {
            "plot": "drawing.plots.of_basins",
            "labelled": "basins.basin_datasets",
        },
        "causalopt.basins.op_share.OpShare": {
            "plot": "drawing.plots.of_amounts",
            "labelled": "basins.basin_datasets",
        },
        "causalopt.basins.optimization_amount.OptimizationAmount": {
            "plot": "drawing.plots.of_amounts",
            "labelled": "basins.basin_datasets",
        },
        "causalopt.basins.rate_curve.RateCurve": {
            "plot": "drawing.plots.of_basins",
            "labelled": "basins.basin_datasets",
        },
        "causalopt.basins.region_tracks.RegionTracks": {
            "plot": "drawing.plots.of_basins",
            "labelled": "basins.basin_datasets",
        },
        "causalopt.comparison.comparison.Comparison": {
            "summary": "showing.comparison_table",
            "labelled": "comparison.comparison_dataset",
            "plot": "drawing.plots.of_comparison",
        },
        "causalopt.comparison.loop_shares.LoopShares": {
            "summary": "showing.comparison_table",
            "labelled": "comparison.comparison_dataset",
            "plot": "drawing.plots.of_comparison",
        },
        "causalopt.descents.escape.answer.Answer": {
            "summary": "showing.escape_tables",
            "labelled": "descents.escape.escape_dataset",
            "plot": "drawing.plots.of_answer",
        },
        "causalopt.descents.escape.curves.EscapeCurve": {
            "summary": "showing.escape_tables",
            "labelled": "descents.escape.escape_dataset",
            "plot": "drawing.plots.of_escape",
        },
        "causalopt.descents.escape.evolution.Evolution": {
            "labelled": "descents.escape.escape_dataset",
            "plot": "drawing.plots.of_escape",
        },
        "causalopt.descents.escape.steps_to_escape.EscapeTimes": {
            "labelled": "descents.escape.escape_dataset",
            "plot": "drawing.plots.of_escape",
        },
        "causalopt.descents.transitions.basin_diagram.BasinDiagram": {
            "plot": "drawing.plots.of_two_basins",
            "labelled": "descents.transitions.diagram_dataset",
        },
        "causalopt.descents.transitions.least_action.LeastAction": {
            "plot": "drawing.plots.of_action",
            "labelled": "descents.transitions.action_dataset",
        },
        "causalopt.descents.transitions.transition_paths.Transitions": {
            "plot": "drawing.plots.of_transitions",
            "labelled": "descents.transitions.transition_dataset",
        },
        "causalopt.effects.ensembles.rates_ensemble.RatesEnsemble": {
            "plot": "drawing.plots.of_ensembles",
            "labelled": "effects.ensembles.ensemble_dataset",
        },
        "causalopt.effects.ensembles.sweep_ensemble.SweepEnsemble": {
            "summary": "showing.sweep_table",
            "plot": "drawing.plots.of_ensembles",
            "labelled": "effects.ensembles.ensemble_dataset",
        },
        "causalopt.effects.ensembles.run_ensemble.RunEnsemble": {
            "summary": "showing.run_tables",
            "plot": "drawing.plots.of_ensembles",
            "labelled": "effects.ensembles.ensemble_dataset",
        },
        "causalopt.effects.exponents.rates.Rates": {
            "summary": "showing.rate_tables",
            "labelled": "effects.exponents.rates_dataset",
            "plot": "drawing.plots.of_rates",
        },
        "causalopt.effects.arrays.array_run.ArrayRun": {
            "plot": "drawing.plots.of_array_run",
            "labelled": "effects.arrays.array_run_dataset",
        },
        "causalopt.effects.run.Run": {
            "summary": "showing.run_tables",
            "plot": "drawing.plots.of_run",
            "labelled": "effects.run_dataset",
        },
        "causalopt.effects.op_matrix.OpMatrix": {
            "summary": "showing.matrix_tables",
            "plot": "drawing.plots.of_matrix",
        },
        "causalopt.effects.parameter_slopes.ParameterSensitivity": {
            "summary": "showing.matrix_tables",
            "plot": "drawing.plots.of_sensitivity",
            "labelled": "effects.parameter_slopes_dataset",
        },
        "causalopt.sweeps.sweep_store.SweepStore": {
            "summary": "showing.store_table",
            "plot": "drawing.plots.of_store",
            "labelled": "sweeps.store_dataset",
        },
        "causalopt.effects.sweeps.sweep.Sweep": {
            "summary": "showing.sweep_table",
            "picture": "showing.sweep_table",
            "plot": "drawing.plots.of_sweep",
            "labelled": "effects.sweeps.sweep_dataset",
        },
        "causalopt.sweeps.measure_sweep.MeasureSweep": {
            "summary": "showing.measure_sweep_table",
            "labelled": "sweeps.measure_sweep_dataset",
            "plot": "drawing.plots.of_sweep",
        },
        "causalopt.entropy.decorrelation.Strength": {"plot": "drawing.plots.of_law"},
        "causalopt.frequencies.frequency_response.FrequencyResponse": {
            "summary": "showing.frequency_summary",
            "labelled": "frequencies.frequency_dataset",
            "plot": "drawing.plots.of_frequency",
        },
        "causalopt.influence.array_currents.ArrayCurrents": {
            "summary": "showing.current_tables",
            "labelled": "influence.array_currents_dataset",
            "plot": "drawing.plots.of_array_currents",
        },
        "causalopt.influence.influence.Currents": {
            "summary": "showing.current_tables",
            "labelled": "influence.currents_dataset",
            "plot": "drawing.plots.of_currents",
        },
        "causalopt.optimizers.across.Across": {
            "summary": "showing.set_tables",
            "plot": "drawing.plots.of_across",
        },
        "causalopt.optimizers.natural_division.NaturalDivision": {
            "summary": "showing.set_tables",
            "labelled": "optimizers.division_dataset",
            "plot": "drawing.plots.of_division",
        },
        "causalopt.optimizers.division_stability.DivisionStability": {
            "labelled": "optimizers.division_dataset",
            "plot": "drawing.plots.of_division",
        },
        "causalopt.optimizers.false_positives.FalsePositives": {
            "labelled": "optimizers.division_dataset",
            "plot": "drawing.plots.of_verdict",
        },
        "causalopt.optimizers.verdict.Verdict": {
            "labelled": "optimizers.division_dataset",
            "plot": "drawing.plots.of_verdict",
        },
        "causalopt.optimizers.optimizer_matrix.OptimizerMatrix": {
            "summary": "showing.set_tables",
            "labelled": "optimizers.optimizers_dataset",
            "plot": "drawing.plots.of_optimizers",
        },
        "causalopt.optimizers.optimizers.Optimizers": {
            "summary": "showing.set_tables",
            "labelled": "optimizers.optimizers_dataset",
            "plot": "drawing.plots.of_optimizers",
        },
        "causalopt.optimizers.optimizers_over_draws.OptimizersOverDraws": {
            "summary": "showing.set_tables",
            "labelled": "optimizers.optimizers_dataset",
            "plot": "drawing.plots.of_optimizers",
        },
        "causalopt.optimizers.optimizers_over_time.OptimizersOverTime": {
            "summary": "showing.set_tables",
            "labelled": "optimizers.optimizers_dataset",
            "plot": "drawing.plots.of_optimizers",
        },
        "causalopt.model.regions.region.Region": {"plot": "drawing.plots.of_region"},
        "causalopt.refinement.refinement.Refinement": {
            "summary": "showing.refinement_table",
            "labelled": "refinement.refinement_dataset",
            "plot": "drawing.plots.of_refinement",
        },
        "causalopt.studies.landscape_maps.LandscapeMaps": {
            "labelled": "studies.study_datasets",
            "plot": "studies.study_figures",
        },
        "causalopt.studies.rate_diagram.RateDiagram": {
            "labelled": "studies.study_datasets",
            "plot": "studies.study_figures",
        },
        "causalopt.symbolic.derivation.Derivation": {
            "rich": "showing.derivation_form",
            "python": "symbolic.python_source",
            "pretty": "symbolic.terminal_form",
            "report": "symbolic.report",
        },
        "causalopt.training.training.Training": {"plot": "drawing.plots.of_training"},
        "causalopt.training.film.Film": {
            "page": "drawing.film.film_page",
            "plot": "drawing.plots.of_film",
            "labelled": "training.film_dataset",
        },
        "causalopt.worlds.array_world.ArrayWorld": {
            "labelled": "worlds.world_dataset",
            "plot": "drawing.plots.of_array_world",
        },
        "causalopt.worlds.world.World": {
            "summary": "showing.model_tables",
            "labelled": "worlds.world_dataset",
            "plot": "drawing.plots.of_world",
        },
    }
)
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}
_CHECKED: dict[str, Any] = {}
__all__ = sorted([*_HOME, "__version__"])


# Commands whose functions are called otherwise: they are words that results and arguments have too.
_OF_COMMANDS = {
    "action": "least_action",
    "basins": "op_basins",
    "check": "describe",
    "compare": "compare_measures",
    "data": "fetch_images",
    "entropy": "strength",
    "import": "from_onnx",
    "matrix": "op_matrix",
    "models": "shipped",
    "optimizers": "find_optimizers",
    "show": "open_sweep",
}


def _hint(name: str) -> str:
    """Return what else a name may mean."""
    if name.startswith("__"):
        return ""
    if name in _OF_COMMANDS:
        return f": the function of `causalopt {name}` is causalopt.{_OF_COMMANDS[name]}"
    from causalopt.errors import suggestion

    hint = suggestion(name, _HOME)
    return hint if "did you mean" in hint else "; dir(causalopt) lists what it has"


@_imports_whole
def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("causalopt")
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"causalopt has no '{name}'{_hint(name)}")
    module = f"causalopt.{home}"
    try:
        found = getattr(importlib.import_module(module), name)
        if not isinstance(found, types.FunctionType):
            return found
        known = _CHECKED.get(name)
        if known is None or known.__wrapped__ is not found:
            from causalopt.arguments import checked

            known = _CHECKED[name] = checked(found, name)
        return known
    except ModuleNotFoundError as error:
        from causalopt import extras

        raise extras.translated(error) from None


def __dir__() -> list[str]:
    return sorted([*(name for name in globals() if name.startswith("__")), *__all__])
