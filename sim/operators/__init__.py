"""Stand-ins for the operators that a stack expects: they create the same objects.

The real operators would fail, because they connect to programs in the pods, and simulated pods run
none. To everything else their objects are real: the scheduler places the pods, quotas and Pod
Security apply, claims are bound to volumes.
"""
