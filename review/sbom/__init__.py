"""The bill of materials of a stack: what it runs, and what deploys it, as CycloneDX."""
