"""Model weights: brought from where they are published, and verified before they are served.

Runs in the cluster from a ConfigMap, as the package `weights`, with nothing but the standard
library; `pai models` imports it from here.
"""
