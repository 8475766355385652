"""The memory, speed and placement of models on GPUs: pure functions, no Pulumi, no I/O.

`sizing.memory` covers one model, `sizing.capacity` a whole stack, `sizing.startup` the time a model
takes to load and the shared memory that its pod needs.
"""
