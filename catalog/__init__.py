"""The catalog: models, GPUs, container images, machines and prices as data, with their sources.

Each `*.yaml` file here is read once, by a function (`models()`, `gpus()`, `images()`), never at
import.
"""
