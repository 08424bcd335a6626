"""The engine: a template and a plan in, arrays out.

`plan` is what a run is given and `contract` what it returns; `python`, `levels` and `machine` are
the three executions that keep the contract, and `executions` chooses among them by the work.
"""
