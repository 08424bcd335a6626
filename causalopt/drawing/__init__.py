"""Drawing: `graph` draws a model with what a nudge changes, `plots` the results of questions.

Everything here returns text or a figure; nothing is shown unasked and no global setting changes.

    >>> from causalopt import draw, load
    >>> draw(load("thermostat"), steps=2).mermaid().splitlines()[3]
    'flowchart LR'
"""
