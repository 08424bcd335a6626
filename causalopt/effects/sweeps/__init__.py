"""The same question at every point of a grid, in batches of lanes.

`axes` reads the grid, `lanes` what a batch says, `lane_doubts` which points are run alone; `sweep`
puts them together, `sweep_dataset` and `sweep_store` hand the result on.
"""
