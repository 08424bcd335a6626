"""Over starting values: where A optimizes, and what is attracted where.

`start_box` is the box of starting values, `point_classes` what a point of it is. `cell_refinement`
cuts the box into cells, `linked_cells` finds what hangs together, `cell_shares` how much of a cell
lies above the level; `op_basins` puts them together. `shifted_lattices` and `op_share` do without
cells, `optimization_amount` integrates. `orbit_lanes`, `recurrence_machine` and `attraction_basins`
find attractors and who goes there; `contingency` crosses both. `region_tracks` and `rate_curve`
follow a parameter.
"""
