"""Comp and Op over frequencies: control's sensitivity function, its margins and its integral."""
