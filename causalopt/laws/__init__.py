"""Laws and how they move: exact, polygonal, Gaussian or sampled.

A discrete model's law is carried by one of three engines that agree wherever they overlap: `dense`
(an array), `sparse` (the states that have mass, and the proof engine with Fractions) and
`factorised` (a few target variables, the joint never formed); `twin` is a world and its replica.
"""
