"""A template of array variables and a plan in, arrays out: values, tangents and adjoints.

`array_plan` says what is done to which node, `array_loop` makes a loop over steps of the rules,
`array_stretches` runs a world by such loops, `array_forward` adds tangents; `array_step` compiles
one step, `array_course` runs one step after the other, and `array_backward` adjoints.
"""
