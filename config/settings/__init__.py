"""The sections of a stack's YAML, one file each: types, defaults, descriptions."""
