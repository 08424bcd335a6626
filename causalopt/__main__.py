"""python -m causalopt."""

import sys

from causalopt.cli import program

sys.exit(program())
