"""The simulated cluster: a real control plane over nodes that do not exist."""
