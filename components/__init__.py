"""The stack's parts: a folder a tier, which is a namespace; `common` is the shared vocabulary."""
