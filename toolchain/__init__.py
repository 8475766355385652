"""The toolchain: pinned Go modules, and what builds, finds and explains it."""
