"""Influence as a conserved current: through nodes, edges, cuts, paths and sets.

For a question (n, m) the current through a node v is J_v = (dv/dn)(dm/dv), through an edge u -> v
it is (du/dn)(dv/du)(dm/dv). What flows into a node flows out of it, so that a set that every path
from n to m crosses exactly once carries the total effect dm/dn. docs/who.md proves it.
"""
