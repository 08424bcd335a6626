"""The same question at every point of a grid, in batches of lanes.

`axes` reads the grid, `lanes` what a batch says, `point_lanes` runs points on threads,
`lane_doubts` says which points are run alone; `sweep` puts them together, `sweep_dataset` hands
the result on.
"""
