"""The simulated cluster: a real control plane over simulated nodes."""
