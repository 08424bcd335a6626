"""Who runs tasks: local processes, an executor or a Dask cluster, each by the same small protocol.

`crew` is the protocol, `shared_work` is how the work reaches a process once and how what it raises
comes back; `executor_crew`, `process_crew` and `dask_crew` do not know each other.
"""
