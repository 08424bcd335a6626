"""Where a network keeps what it learns: training runs that part, and who moves which parameter.

`forks` runs worlds that share their past, `digit_network` declares the network of the posts and
`digit_phases` the images it sees; `localization` asks the second post's question, `locality`,
`data_influence`, `unit_matching` and `start_influence` test the hypotheses of the first.
"""
