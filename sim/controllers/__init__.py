"""The real controllers of the simulation: programs of other projects, run beside the control plane.

Each is started as its own manifests would have it, but as a process on this machine: it reaches the
API server with the administrator's kubeconfig, and the API server reaches it on 127.0.0.1.
"""
