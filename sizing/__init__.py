"""Whether models fit the GPUs they are given: pure functions, no Pulumi, no I/O.

`sizing.memory` answers for one model, `sizing.capacity` for a whole stack, `sizing.startup` says
how long a model takes to load and how much shared memory its pod needs.
"""
