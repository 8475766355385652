"""What the stack is made of, as data with its source beside it: models, GPUs, images.

Each `*.yaml` file here is read once, by a function (`models()`, `gpus()`, `images()`), never at
import.
"""
