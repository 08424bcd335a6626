"""Studies: landscapes of Op and Comp and rates along a parameter, declared in files, with words."""
