"""python -m causalopt."""

import sys

from causalopt.cli import main

sys.exit(main())
