"""The engines that serve a model besides vLLM, each behind the same front."""
