"""What this checkout changes in stacks that another commit has deployed."""
