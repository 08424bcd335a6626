"""Drawing: the graph of a model with what a nudge changes, and the plots of results.

Everything here returns text or a figure; nothing is shown unasked and no global setting changes.
"""
