"""The toolchain: pinned Go modules, and the code that builds, locates and checks them."""
