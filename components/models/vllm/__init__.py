"""vLLM: its arguments, pods, multi-node groups, disaggregated prefill, autoscaling."""
