"""Tier gpu: pools of GPU nodes, and what makes their GPUs schedulable and measured."""
