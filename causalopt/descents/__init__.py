"""Descent by chance: random maps, gradient descent on declared losses, and what becomes of them.

`sgd` writes ordinary models from a few words and `landscape` derives what a descent sees; `chain`
and `step_map` make a model one `random_map`, which `operator`, `ensemble` and `fokker_planck`
carry on, and `escape` asks when it leaves.
"""
