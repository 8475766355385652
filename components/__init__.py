"""The components of the stack, one folder per tier (which is a namespace), and `common`."""
