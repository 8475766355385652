"""The stack's parts, one component a file, and the vocabulary that they share."""
