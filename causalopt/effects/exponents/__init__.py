"""Growth of tangents in the long run: Lyapunov exponents and Op per unit of time.

`carried_maps` are the steps, `growth` follows a frame through them and `followed` one tangent;
`directions` says what n excites and m observes; `world_growth` puts them together for one world,
`rates` for a question.
"""
