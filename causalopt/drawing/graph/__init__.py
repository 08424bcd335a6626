"""The graph of a model as a picture: SVG, PNG, PDF, HTML, DOT, TikZ and Mermaid.

`layout` places the nodes, `marks` says what the surgery does to each, `scene` makes shapes of both;
`svg`, `figure`, `html`, `tikz`, `dot` and `mermaid` write them, and `pictures` is the door.
"""
