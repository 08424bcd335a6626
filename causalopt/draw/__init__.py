"""Drawing: the graph of a model with what a nudge changes, and the plots of results.

Everything here returns text or a figure; nothing is shown unasked and no global setting changes.

    >>> from causalopt import load
    >>> from causalopt.draw import picture
    >>> picture(load("thermostat"), steps=2).mermaid().splitlines()[3]
    'flowchart LR'
"""

from causalopt.draw.pictures import FORMATS, Picture, draw, picture

__all__ = ["FORMATS", "Picture", "draw", "picture"]
