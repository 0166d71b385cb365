"""A small shop whose worker leaks, and the driver that shows how leakhunt finds it."""
