"""A template of array variables and a plan in, arrays out: values, tangents and adjoints.

`array_plan` says what is done to which node, `array_step` compiles one step, `array_course` runs
values, `array_forward` tangents and `array_backward` adjoints.
"""
