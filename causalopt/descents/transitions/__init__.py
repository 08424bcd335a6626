"""From one set of states to another: committors, reactive current, rates, and the least action.

`state_sets` says which states are meant, `divided_operator` lays the grid so that no cell mixes
them, `committors` and `reactive_flow` are linear algebra on any Markov matrix, and
`transition_paths` asks the question of a model. `step_costs` has the cost of an unlikely step,
`least_action` the cheapest path, and `basin_diagram` which of two minima wins.
"""
