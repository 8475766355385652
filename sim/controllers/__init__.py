"""The real controllers of the simulation: KEDA and LeaderWorkerSet, run beside the control plane.

Each is configured as in its own manifests, but is a process on this machine: it reaches the API
server with an administrator's kubeconfig, and the API server reaches it on 127.0.0.1.
"""
