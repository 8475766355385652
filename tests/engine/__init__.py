"""The real engine and control plane; minutes."""
