"""Step code as LLVM text, and the machine code made of it.

From the ground: `emitter` writes lines, `widen` repeats them once a register; `elementary` and
`exponential` are the functions, `frame` and `cells` the state; `term_code`, `derivatives`,
`values`, `watch` and `stretch` write one step, `steps` and `rescaling_code` a block of them,
`kernel` the whole, `driver` groups of lanes, `reverse` the adjoint's sweep; `native` compiles,
`causalopt.object_store` keeps what it made; `trajectory` runs one world and `batch` many.
"""
