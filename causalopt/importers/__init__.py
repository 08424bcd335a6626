"""Networks that others made, as models: ONNX files, modules of torch, perceptrons of scikit-learn.

Each importer speaks to a `NetworkBuilder`, which collects variables, rules as text and weights.
What networks are made of has a file each: `products`, `activations`, `sliding_windows`,
`normalizations`, `rearrangements`, `recurrent_cells`. No code that a file holds is run.
"""
