"""Descent by chance: random maps, gradient descent on declared losses, and what becomes of them.

`sgd` writes ordinary models from a few words and `landscape` derives the gradients' mean and
variance; `chain` makes a model one random map (`maps`), which `walkers`, `transfer` and
`diffusions` carry on, and `escape` asks when it leaves.
"""
