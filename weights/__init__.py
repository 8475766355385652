"""Model weights: downloaded from their source, and verified before they are served.

Runs in pods, mounted from ConfigMaps, with the standard library only; `pai models` imports it too.
"""
