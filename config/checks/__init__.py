"""What is checked between the fields of a stack's YAML, a file a subject."""
