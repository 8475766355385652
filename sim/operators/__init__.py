"""Stand-ins for the operators that a stack expects: they create the objects the real ones would.

The real ones would find nobody to talk to: they call their programs inside the pods, and in
simulated pods none runs. What these create is real to everything else: the scheduler places the
pods, quotas and Pod Security judge them, claims get their volumes.
"""
