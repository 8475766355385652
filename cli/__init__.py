"""The commands of `pai`, a group a file."""
