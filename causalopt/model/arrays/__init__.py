"""Models with array variables: sizes and shapes, files of numbers, derivatives inside rules.

`array_template` is what a declaration comes to, `array_reading` makes it, `backpropagation`
resolves `grad`, `array_flows` integrates, `array_files` loads numbers, and `expansion` writes a
small model out as one of numbers.
"""
