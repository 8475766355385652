"""What components ask for, and pure functions; no cluster, seconds."""
