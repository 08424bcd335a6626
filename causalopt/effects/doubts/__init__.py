"""What may make an effect wrong, and what settles it: every status but `ok` rests on these.

`error_bounds` bounds one evaluation. `cancellation` and `signed_errors` are about rounding inside
slopes, `worst_case` about short sums, `drift` and `own_rounding` about W's own; `near_kinks` and
`flat_kinks` about branches, `hidden_nans` about comparisons that read NaN. `zeros` proves zeros by
`exact_slopes`, fractions or `exact_decimals` along W.
"""
