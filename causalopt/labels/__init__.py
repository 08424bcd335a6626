"""Finite domains in a declaration: tables, noise, and laws at t = 0.

`kinds` tells label variables from others, `noise` reads a noise's text, `records` holds what was
said, and `reader` reads and checks it, once, when a model is made.
"""

from causalopt.labels.kinds import (
    check_given,
    check_kind,
    is_label_variable,
    starts_from_law,
    table_parents,
    takes_whole_numbers,
    uses_labels,
)
from causalopt.labels.noise import noise_parts
from causalopt.labels.reader import read_finite
from causalopt.labels.records import Finite, LabelTable

__all__ = [
    "Finite",
    "LabelTable",
    "check_given",
    "check_kind",
    "is_label_variable",
    "noise_parts",
    "read_finite",
    "starts_from_law",
    "table_parents",
    "takes_whole_numbers",
    "uses_labels",
]
