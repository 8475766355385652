"""Tier gpu: pools of GPU nodes, device plugins, GPU metrics."""
