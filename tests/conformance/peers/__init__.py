"""The real programs that take what the components generate, one module a program."""
