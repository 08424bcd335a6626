"""The model: what a declaration says, read and checked once, and never changed after.

`declaration` holds the records a model file may contain, `model` the whole; `equations` reads rules
into a `template`, `labels` finite domains; `files` and `positions` read and write model files,
`library` knows the shipped ones; `selectors` names nodes, `graph` gives other tools' formats.
"""
