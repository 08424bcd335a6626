"""One small result of every kind that users get, as the last line of a notebook's cell."""

from __future__ import annotations

SETUP = """\
import tempfile
import causalopt as c
t, s, p = c.load("thermostat"), c.load("thermostat_saturating"), c.load("sgd_pit")
a = c.Model(
    name="vectors",
    sizes={"cell": 3},
    variables={
        "x": {"shape": ["cell"], "rule": "x[t-1] - h[t-1]/4", "initial": 1},
        "h": {"shape": ["cell"], "rule": "x[t-1]/2", "initial": 0},
    },
    partition={"A": ["h"]},
)
asked = {"nudge": "x[0]", "hold": "h", "target": "x", "steps": 6}
"""

# Kind -> the cell whose last line is one of it.
KINDS = {
    "Answer": "c.escape(p, start=1.0036974, beyond=1.1959565, within=[5, 50], method='ensemble',"
    " walkers=2000)",
    "Across": "c.across(t, 'T', steps=5)",
    "ArrayCurrents": "c.currents(a, **asked)",
    "ArrayRun": "c.run(a, **asked)",
    "ArrayWorld": "c.world(a, steps=6)",
    "AttractionBasins": "c.attraction_basins(c.load('lorenz'), {'a[0]': (-5, 5)},"
    " parameters={'rho': 10}, depth=2)",
    "Attribution": "c.shapley(c.load('lorenz'), nudge='b[0]', hold='a, c', target='b', at=100)",
    "BasinContingency": "over = {'R[0]': (0, 50)}\n"
    "c.basin_contingency(c.op_basins(t, over), c.attraction_basins(t, over))",
    "BasinDiagram": "c.basin_diagram(c.load('sgd_basins'), {'width_left': [0.8, 1.2]}, barrier=0)",
    "Candidate": "c.find_optimizers(t, steps=9)[0]",
    "Comparison": "c.compare_measures(['base_optimizer', 'thermostat_smart'])",
    "Consecutive": "c.consecutive_steps(p.replace(parameters={'T': 0.05}), 0, start=1.0036974,"
    " beyond=1.1959565)",
    "Currents": "c.currents(t, steps=20)",
    "Derivation": "c.derive(t)",
    "Description": "c.describe(t)",
    "Disagreement": "c.smallest_disagreement('uninformed')",
    "DivisionStability": "c.division_stability(t, steps=9, starts=3)",
    "Entropies": "c.strength(c.load('thermostat_uniform'))",
    "EscapeCurve": "c.escape_curve(c.load('sgd_well'), {'T': [0.1, 1.0]}, start=0.0, beyond=0.1,"
    " within=5)",
    "FalsePositives": "c.false_positive_table(draws=1)",
    "Film": "c.watch(c.load('cart_pole'), seeds=2, updates=4, frames=3, permutations=0)",
    "FrequencyResponse": "c.frequency(t)",
    "ImageSet": "c.fetch_images('digits')",
    "LandscapeMaps": "c.landscapes(['thermostat_power'], size=8).results['thermostat_power']",
    "Landscapes": "c.landscapes(['thermostat_power'], size=8)",
    "LeastAction": "c.least_action(p, end={'W': 1.195956}, limit='rate')",
    "LoopShares": "c.loop_shares(c.load('base_optimizer'))",
    "MeasureSweep": "c.sweep(t, {'hold': ['T', 'T[t<=1]'], 'k': [0.1, 0.2, 0.4]}, steps=4)",
    "ModeSolution": "c.find_modes(s)[0]",
    "Model": "t",
    "NaturalDivision": "c.divide(c.load('lorenz'), nudge='b[0]', target='c', steps=40)",
    "NoisyOp": "c.noisy_op(p, starts=[0.0, 0.1], steps=5)",
    "OpBasins": "c.op_basins(s, {'R[0]': (5, 45)}, level=5.0)",
    "OpMatrix": "c.op_matrix(c.load('lorenz'), hold='c', steps=100)",
    "OpShare": "c.op_share(s, {'R[0]': (5, 45)}, level=5.0)",
    "OptimizationAmount": "c.optimization_amount(s, {'R[0]': (5, 45)})",
    "OptimizerMatrix": "c.optimizer_matrix(t, sources=['R[0]'], targets=['R[5]', 'R[9]'])",
    "Optimizers": "c.find_optimizers(t, steps=9)",
    "OptimizersOverDraws": "c.optimizers_over_draws(t, steps=9, draws=3, spread={'R': 1.0})",
    "OptimizersOverTime": "c.find_optimizers(t, steps=9).over_time()",
    "Orbit": "c.find_orbits(t)[0]",
    "ParameterSensitivity": "c.sensitivity(t, at=5)",
    "RateCurve": "c.rate_curve(t, {'k': [0.01, 0.02]}, steps=400)",
    "Rates": "c.rates(c.load('lorenz'), hold='a', nudge='b[0]', target='b', steps=500)",
    "RatesEnsemble": "c.rates(c.load('sgd_pit'), seeds=3, steps=100)",
    "RateDiagram": "c.landscapes(['lorenz_rates'], size=5).results['lorenz_rates']",
    "Refinement": "c.refine(s, {'R[0]': (5.03, 45.07)}, points=200)",
    "Region": "c.region(t, 'R[t>=1]', steps=9)",
    "RegionTracks": "c.basins_along(s, {'p': [0.5, 1, 2]}, {'R[0]': (4, 45)}, level=5.0)",
    "Reproduction": "c.reproduce(['part1/dumb'], workers=1)",
    "Run": "c.run(t)",
    "RunEnsemble": "c.run(c.load('sgd_spread'), seeds=20, steps=30)",
    "SeedSummary": "c.run(c.load('sgd_spread'), seeds=20, steps=30).spread",
    "SideBySide": "c.side_by_side(t, steps=9)",
    "Strength": "c.strength(c.load('thermostat_smart'), at=1, initial='uniform')",
    "Sweep": "c.sweep(s, {'R[0]': [5 + i / 2 for i in range(81)]})",
    "SweepEnsemble": "c.sweep(c.load('sgd_spread'), {'T': [0.1, 0.2, 0.3]}, seeds=5, steps=9)",
    "SweepStore": "c.sweep(t, {'k': [0.1, 0.2, 0.4]}, steps=4, out=tempfile.mkdtemp() + '/x.zarr')",
    "Through": "c.currents(t, steps=20).through()",
    "Training": "c.train(c.load('cart_pole'), seeds=2, updates=3)",
    "Transitions": "c.transitions(p, origin='W < 1.05', destination='W > 1.196', restart=True)",
    "Verdict": "c.detect_optimizer(t, steps=400, starts=2)",
    "World": "c.world(t, steps=20)",
}
