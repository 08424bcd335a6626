"""Families: builders that write ordinary, visible models from a few words.

`sgd` writes gradient descent on declared losses; `landscape` derives what it sees.
"""
